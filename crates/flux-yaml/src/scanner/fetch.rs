//! One more token: what stands next decides.

use super::{Place, Scan, Scanner, Seen, Token, TokenKind};
use crate::input::is_blank_or_end;

impl<'a> Scanner<'a> {
    pub(super) fn fetch_next(&mut self) -> Scan {
        if !self.started {
            self.started = true;
            self.push(TokenKind::StreamStart, self.mark);
            return Ok(());
        }
        let scan = self.mark;
        self.scan_to_next_token()?;
        self.unroll_indent(self.mark.column, scan);
        if self.at_end() {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 {
            if self.byte(0) == b'%' {
                return self.fetch_directive();
            }
            if self.at_document_indicator() {
                return self.fetch_document_indicator();
            }
        }
        if !self.keep_comments {
            return self.fetch_content();
        }
        // A comment after `:` or `,` belongs to what stands before it.
        let after = match self.byte(0) {
            b':' if self.flow_level == 0 => true,
            b',' if self.flow_level > 0 => true,
            _ => false,
        };
        let owner = if after { self.newest(0).map_or(self.mark, |(start, _)| start) } else { self.mark };
        self.fetch_content()?;
        // What follows a lone `-` heads the entry's content.
        if self.newest(0).is_none_or(|(_, seen)| seen != Seen::BlockEntry) {
            self.scan_line_comment(owner);
        }
        Ok(())
    }

    fn fetch_content(&mut self) -> Scan {
        let next_blank = is_blank_or_end(self.rest_from(1));
        let flow = self.flow_level > 0;
        match self.byte(0) {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.indicator(TokenKind::FlowEntry);
                Ok(())
            }
            b'-' if next_blank => self.fetch_block_entry(),
            b'?' if flow || next_blank => self.fetch_key(),
            b':' if flow || next_blank => self.fetch_value(),
            b'*' => self.fetch_anchor(true),
            b'&' => self.fetch_anchor(false),
            b'!' => self.fetch_tag(),
            b'|' if !flow => self.fetch_block_scalar(true),
            b'>' if !flow => self.fetch_block_scalar(false),
            b'\'' => self.fetch_quoted(true),
            b'"' => self.fetch_quoted(false),
            b'-' if !matches!(self.byte(1), b' ' | b'\t') => self.fetch_plain(),
            b'?' | b':' if !flow && !next_blank => self.fetch_plain(),
            b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => self.no_token(),
            _ if is_blank_or_end(self.rest()) => self.no_token(),
            _ => self.fetch_plain(),
        }
    }

    fn no_token(&self) -> Scan {
        Err(self.fault("found character that cannot start any token"))
    }

    /// Passes over blanks, comments and line breaks. Tabs separate tokens, but do not indent.
    fn scan_to_next_token(&mut self) -> Scan {
        let scan = self.mark;
        loop {
            // A second byte order mark at the start of the text; elsewhere it is content.
            if self.at == 0 && self.rest().starts_with("\u{FEFF}".as_bytes()) {
                self.take(3);
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.byte(0) == b' ' || tabs && self.byte(0) == b'\t' {
                self.skip_blank();
            }
            if self.keep_comments {
                self.line_comment_to_head();
                if self.byte(0) == b'#' {
                    self.scan_comments(scan);
                }
            } else if self.byte(0) == b'#' {
                self.skip_comments();
            }
            if !self.at_break() {
                return Ok(());
            }
            self.take_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    pub(super) fn push(&mut self, kind: TokenKind<'a>, start: Place) {
        self.tokens.push_back(Token { kind, start, end: self.mark });
    }

    fn indicator(&mut self, kind: TokenKind<'a>) {
        let start = self.mark;
        self.skip_ascii(1);
        self.push(kind, start);
    }

    fn fetch_stream_end(&mut self) -> Scan {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_directive()
    }

    fn fetch_document_indicator(&mut self) -> Scan {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let kind = if self.byte(0) == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        let start = self.mark;
        self.skip_ascii(3);
        self.push(kind, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Scan {
        self.save_simple_key()?;
        self.increase_flow_level()?;
        self.simple_key_allowed = true;
        self.indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Scan {
        self.remove_simple_key()?;
        self.decrease_flow_level();
        self.simple_key_allowed = false;
        self.indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan {
        // In a flow collection the parser reports it, as it knows the context.
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scan {
        let level = self.simple_keys.len() - 1;
        if self.key_still_valid(level)? {
            let key = self.simple_keys[level];
            let token = Token { kind: TokenKind::Key, start: key.mark, end: key.mark };
            self.insert(key.token_number, token);
            let number = Some(key.token_number);
            self.roll_indent(key.mark.column, number, TokenKind::BlockMappingStart, key.mark)?;
            self.simple_keys[level].possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context"));
                }
                self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.indicator(TokenKind::Value);
        Ok(())
    }
}
