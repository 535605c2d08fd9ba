//! Moving over the text while lines, columns and characters are counted.

use super::Scanner;
use crate::input::{break_width, is_break_or_end};

impl<'a> Scanner<'a> {
    /// The byte `ahead` of the next one; 0 past the end (the text itself holds no NUL).
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn rest_from(&self, ahead: usize) -> &'a [u8] {
        self.bytes.get(self.at + ahead..).unwrap_or(&[])
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn at_blank(&self) -> bool {
        matches!(self.byte(0), b' ' | b'\t')
    }

    pub(super) fn at_break(&self) -> bool {
        break_width(self.rest()) > 0
    }

    /// Passes over `count` ASCII characters of one line.
    pub(super) fn skip_ascii(&mut self, count: usize) {
        self.at += count;
        self.mark.index += count as i32;
        self.mark.column += count as i32;
        self.newlines = 0;
    }

    /// Passes over one blank, which does not end a run of empty lines.
    pub(super) fn skip_blank(&mut self) {
        self.at += 1;
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Passes over `count` bytes of one line and answers them.
    pub(super) fn take(&mut self, count: usize) -> &'a str {
        let taken = &self.text[self.at..self.at + count];
        let characters = if taken.is_ascii() { count } else { taken.chars().count() } as i32;
        self.at += count;
        self.mark.index += characters;
        self.mark.column += characters;
        if self.keep_comments && taken.bytes().any(|byte| !matches!(byte, b' ' | b'\t')) {
            self.newlines = 0;
        }
        taken
    }

    /// The rest of the line, without its break.
    pub(super) fn take_line(&mut self) -> &'a str {
        let rest = self.rest();
        let mut length = 0;
        loop {
            length += rest[length..]
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2))
                .unwrap_or(rest.len() - length);
            if is_break_or_end(&rest[length..]) {
                return self.take(length);
            }
            length += 1;
        }
    }

    /// Passes over a line break; answers what it stands for in a scalar: `\n`, or itself for U+2028 and U+2029.
    pub(super) fn take_break(&mut self) -> &'static str {
        let rest = self.rest();
        let (width, characters, meaning) = match rest {
            [b'\r', b'\n', ..] => (2, 2, "\n"),
            [b'\r' | b'\n', ..] => (1, 1, "\n"),
            [0xC2, 0x85, ..] => (2, 1, "\n"),
            [0xE2, 0x80, 0xA8, ..] => (3, 1, "\u{2028}"),
            [0xE2, 0x80, 0xA9, ..] => (3, 1, "\u{2029}"),
            _ => return "",
        };
        self.at += width;
        self.mark.index += characters;
        self.mark.column = 0;
        self.mark.line += 1;
        self.newlines += 1;
        meaning
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.at_blank() {
            self.skip_blank();
        }
    }

    /// True at `---` or `...` at the start of a line, followed by a blank or the end.
    pub(super) fn at_document_indicator(&self) -> bool {
        self.mark.column == 0
            && matches!(self.rest(), [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..])
            && crate::input::is_blank_or_end(self.rest_from(3))
    }
}
