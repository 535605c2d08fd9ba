//! Literal and folded scalars.

use std::borrow::Cow;

use super::{Place, Scan, Scanner, Token, TokenKind};
use crate::input::is_break_or_end;
use crate::node::ScalarStyle;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Clip,
    Strip,
    Keep,
}

impl<'a> Scanner<'a> {
    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Scan {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        self.skip_ascii(1);
        let (chomp, increment) = self.block_header(start)?;
        let mut end = self.mark;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = String::new();
        let mut breaks = String::new();
        let mut leading_break = "";
        let mut after_blank = false;
        self.block_breaks(&mut indent, &mut breaks, start, &mut end)?;
        while self.mark.column == indent && !self.at_end() {
            let blank = self.at_blank();
            if !literal && !after_blank && !blank && leading_break == "\n" {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(leading_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            after_blank = blank;
            let line = self.take_line();
            text.push_str(line);
            leading_break = self.take_break();
            self.block_breaks(&mut indent, &mut breaks, start, &mut end)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(leading_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
        }
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        self.tokens.push_back(Token { kind: TokenKind::Scalar { text: Cow::Owned(text), style }, start, end });
        Ok(())
    }

    /// The rest of the line after `|` or `>`: chomping and indentation in either order, then a comment.
    fn block_header(&mut self, start: Place) -> Scan<(Chomp, i32)> {
        let mut chomp = self.chomping();
        let mut increment = 0;
        if self.byte(0).is_ascii_digit() {
            if self.byte(0) == b'0' {
                return Err(self.fault_in(start, "found an indentation indicator equal to 0"));
            }
            increment = i32::from(self.byte(0) - b'0');
            self.skip_ascii(1);
            if chomp.is_none() {
                chomp = self.chomping();
            }
        }
        self.skip_blanks();
        if self.byte(0) == b'#' {
            if self.keep_comments {
                self.scan_line_comment(start);
            }
            self.take_line();
        }
        if !is_break_or_end(self.rest()) {
            return Err(self.fault_in(start, "did not find expected comment or line break"));
        }
        self.take_break();
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    fn chomping(&mut self) -> Option<Chomp> {
        let chomp = match self.byte(0) {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.skip_ascii(1);
        Some(chomp)
    }

    /// Passes over indentation and empty lines; finds the indentation when it is not known yet (0).
    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut String, start: Place, end: &mut Place) -> Scan {
        *end = self.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b' ' {
                self.skip_blank();
            }
            deepest = deepest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(self.fault_in(start, problem));
            }
            if !self.at_break() {
                break;
            }
            breaks.push_str(self.take_break());
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
