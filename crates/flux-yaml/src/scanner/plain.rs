//! Scalars without quotes.

use std::borrow::Cow;

use super::{Scan, Scanner, TokenKind};
use crate::input::{break_width, is_blank_or_end};
use crate::node::ScalarStyle;

/// Bytes at which a plain scalar may end; all others belong to it without a closer look.
const STOPS: [bool; 256] = {
    let mut table = [false; 256];
    let stops = b" \t\r\n:,?[]{}\xC2\xE2";
    let mut at = 0;
    while at < stops.len() {
        table[stops[at] as usize] = true;
        at += 1;
    }
    table
};

impl<'a> Scanner<'a> {
    pub(super) fn fetch_plain(&mut self) -> Scan {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_plain()
    }

    /// Length of the run of characters, none blank, that belong to the scalar.
    fn plain_run(&self) -> usize {
        let rest = self.rest();
        let flow = self.flow_level > 0;
        let mut length = 0;
        loop {
            length += rest[length..].iter().position(|byte| STOPS[usize::from(*byte)]).unwrap_or(rest.len() - length);
            let ends = match rest.get(length) {
                None | Some(b' ' | b'\t' | b'\n' | b'\r') => true,
                Some(b':') => is_blank_or_end(&rest[length + 1..]),
                Some(0xC2 | 0xE2) => break_width(&rest[length..]) > 0,
                Some(_) => flow,
            };
            if ends {
                return length;
            }
            length += 1;
        }
    }

    fn scan_plain(&mut self) -> Scan {
        let start = self.mark;
        let mut end = start;
        let indent = self.indent + 1;
        // The scalar so far: a slice of the text until a line break is folded into it.
        let (mut from, mut to) = (self.at, self.at);
        let mut folded: Option<String> = None;
        let mut broke = false;
        let mut fold = Fold::default();
        loop {
            if self.at_document_indicator() || self.byte(0) == b'#' {
                break;
            }
            let run = self.plain_run();
            if run > 0 {
                if broke {
                    let text = folded.get_or_insert_with(String::new);
                    text.push_str(&self.text[from..to]);
                    fold.join(text);
                    from = self.at;
                    broke = false;
                }
                self.take(run);
                to = self.at;
                end = self.mark;
            }
            if !(self.at_blank() || self.at_break()) {
                break;
            }
            while self.at_blank() || self.at_break() {
                if self.at_blank() {
                    if broke && self.mark.column < indent && self.byte(0) == b'\t' {
                        return Err(self.fault_in(start, "found a tab character that violates indentation"));
                    }
                    self.skip_blank();
                } else {
                    let meaning = self.take_break();
                    fold.add(meaning, broke);
                    broke = true;
                }
            }
            if self.flow_level == 0 && self.mark.column < indent {
                break;
            }
        }
        let last = &self.text[from..to];
        let text = match folded {
            Some(mut text) => {
                text.push_str(last);
                Cow::Owned(text)
            }
            None => Cow::Borrowed(last),
        };
        self.tokens.push_back(super::Token { kind: TokenKind::Scalar { text, style: ScalarStyle::Plain }, start, end });
        if broke {
            self.simple_key_allowed = true;
        }
        Ok(())
    }
}

/// The line breaks between two lines of a scalar that is not a block.
#[derive(Default)]
pub(super) struct Fold {
    first: &'static str,
    more: String,
}

impl Fold {
    pub(super) fn add(&mut self, meaning: &'static str, again: bool) {
        if again {
            self.more.push_str(meaning);
        } else {
            self.first = meaning;
        }
    }

    /// One line feed becomes a space, more lose one; other breaks stay.
    pub(super) fn join(&mut self, text: &mut String) {
        if self.first == "\n" {
            text.push_str(if self.more.is_empty() { " " } else { &self.more });
        } else {
            text.push_str(self.first);
            text.push_str(&self.more);
        }
        self.first = "";
        self.more.clear();
    }
}
