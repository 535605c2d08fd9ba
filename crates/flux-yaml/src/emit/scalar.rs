//! Writing a scalar in a style.

use super::analysis::{Analysis, is_break, is_printable};
use super::writer::Writer;
use crate::node::ScalarStyle;

/// The style a scalar gets when it was to have `style`.
pub(crate) fn select_style(
    value: &str,
    analysis: &Analysis,
    style: ScalarStyle,
    in_flow: bool,
    simple_key: bool,
) -> ScalarStyle {
    let mut style = style;
    if simple_key && analysis.multiline {
        style = ScalarStyle::DoubleQuoted;
    }
    if style == ScalarStyle::Plain {
        let allowed = if in_flow { analysis.flow_plain } else { analysis.block_plain };
        if !allowed || value.is_empty() && (in_flow || simple_key) {
            style = ScalarStyle::SingleQuoted;
        }
    }
    if style == ScalarStyle::SingleQuoted && !analysis.single_quoted {
        style = ScalarStyle::DoubleQuoted;
    }
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    if block && (!analysis.block || in_flow || simple_key) {
        style = ScalarStyle::DoubleQuoted;
    }
    style
}

impl Writer {
    /// Writes the scalar with its continuation lines one level deeper. `breaks`: long lines may be folded.
    /// Block scalars call `header` for the rest of their first line.
    pub(crate) fn scalar(&mut self, value: &str, style: ScalarStyle, breaks: bool) {
        match style {
            ScalarStyle::Plain => self.plain(value, breaks),
            ScalarStyle::SingleQuoted => self.single_quoted(value, breaks),
            ScalarStyle::DoubleQuoted => self.double_quoted(value, breaks),
            ScalarStyle::Literal => self.literal(value),
            ScalarStyle::Folded => self.folded(value),
        }
    }

    /// True when no line of the text can pass the width.
    fn fits(&self, value: &str) -> bool {
        i64::from(self.column) + value.len() as i64 <= i64::from(self.best_width)
    }

    fn plain(&mut self, value: &str, breaks: bool) {
        if !value.is_empty() && !self.whitespace {
            self.put(' ');
        }
        if !breaks || self.fits(value) {
            self.text(value);
        } else {
            self.words(value, false);
        }
        if !value.is_empty() {
            self.whitespace = false;
        }
        self.indention = false;
    }

    /// Writes one line of text and folds it at single spaces past the width. `inner`: never at its ends.
    fn words(&mut self, value: &str, inner: bool) {
        let mut rest = value;
        let mut after_space = false;
        while let Some(space) = rest.find(' ') {
            if space > 0 {
                self.text(&rest[..space]);
                self.indention = false;
                after_space = false;
            }
            let tail = &rest[space + 1..];
            let at_end = rest.len() == value.len() && space == 0 || tail.is_empty();
            let past = self.column > self.best_width;
            let single = !after_space && !tail.starts_with(' ');
            if past && single && (!inner || !at_end) {
                self.write_indent();
            } else {
                self.put(' ');
            }
            after_space = true;
            rest = tail;
        }
        if !rest.is_empty() {
            self.text(rest);
            self.indention = false;
        }
    }

    fn single_quoted(&mut self, value: &str, breaks: bool) {
        self.indicator("'", true, false, false);
        let simple = !value.contains(['\'', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        if simple && (!breaks || self.fits(value)) {
            self.text(value);
        } else if simple {
            self.words(value, true);
        } else {
            self.single_quoted_slow(value, breaks);
        }
        self.indicator("'", false, false, false);
    }

    fn single_quoted_slow(&mut self, value: &str, breaks: bool) {
        let (mut after_space, mut after_break) = (false, false);
        for (at, character) in value.char_indices() {
            if character == ' ' {
                let inner = at > 0 && at + 1 < value.len();
                let past = self.column > self.best_width;
                if breaks && !after_space && past && inner && !value[at + 1..].starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else if is_break(character) {
                if !after_break && character == '\n' {
                    self.put_break();
                }
                self.scalar_break(character);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if character == '\'' {
                    self.put('\'');
                }
                self.character(character);
                self.indention = false;
                (after_space, after_break) = (false, false);
            }
        }
    }

    fn double_quoted(&mut self, value: &str, breaks: bool) {
        self.indicator("\"", true, false, false);
        // Upstream looks for a byte order mark at the start of the text instead of at the character.
        let escape_all = value.starts_with('\u{FEFF}');
        let mut after_space = false;
        for (at, character) in value.char_indices() {
            let special = !is_printable(character) || is_break(character) || matches!(character, '"' | '\\');
            if special || escape_all {
                self.escaped(character);
                after_space = false;
            } else if character == ' ' {
                let inner = at > 0 && at + 1 < value.len();
                if breaks && !after_space && self.column > self.best_width && inner {
                    self.write_indent();
                    if value[at + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.character(character);
                after_space = false;
            }
        }
        self.indicator("\"", false, false, false);
    }

    fn escaped(&mut self, character: char) {
        let short = match character {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(character);
                let escape = match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.text(&escape);
            }
        };
        self.put('\\');
        self.put(short);
    }

    /// What follows `|` or `>`: the indentation when the text starts with a space, and what to do with its end.
    pub(crate) fn block_hints(&mut self, value: &str) {
        let first = value.chars().next();
        if first.is_some_and(|first| first == ' ' || is_break(first)) {
            let indent = self.best_indent.to_string();
            self.indicator(&indent, false, false, false);
        }
        let mut ends = value.chars().rev();
        let chomp = match (ends.next().is_some_and(is_break), ends.next()) {
            (false, _) => "-",
            (true, None) => "+",
            (true, Some(before)) if is_break(before) => "+",
            _ => return,
        };
        self.indicator(chomp, false, false, false);
    }

    fn literal(&mut self, value: &str) {
        self.whitespace = true;
        let mut at_start = true;
        let mut rest = value;
        while let Some(character) = rest.chars().next() {
            if is_break(character) {
                self.scalar_break(character);
                at_start = true;
                rest = &rest[character.len_utf8()..];
                continue;
            }
            if at_start {
                self.write_indent();
            }
            let line = rest.find(is_break).unwrap_or(rest.len());
            self.text(&rest[..line]);
            self.indention = false;
            at_start = false;
            rest = &rest[line..];
        }
    }

    fn folded(&mut self, value: &str) {
        self.whitespace = true;
        let (mut after_break, mut leading_spaces) = (true, true);
        // Upstream looks at the breaks the text starts with, not at those at hand.
        let first_content = value.trim_start_matches(is_break).chars().next();
        let blank_first = first_content.is_none_or(|first| matches!(first, ' ' | '\t' | '\0'));
        for (at, character) in value.char_indices() {
            if is_break(character) {
                if !after_break && !leading_spaces && character == '\n' && !blank_first {
                    self.put_break();
                }
                self.scalar_break(character);
                after_break = true;
                continue;
            }
            if after_break {
                self.write_indent();
                leading_spaces = matches!(character, ' ' | '\t');
            }
            let single = character == ' ' && !value[at + 1..].starts_with(' ');
            if !after_break && single && self.column > self.best_width {
                self.write_indent();
            } else {
                self.character(character);
            }
            self.indention = false;
            after_break = false;
        }
    }
}
