//! Which styles a scalar may be written in.

/// What a scalar's text allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    pub multiline: bool,
    pub flow_plain: bool,
    pub block_plain: bool,
    pub single_quoted: bool,
    pub block: bool,
}

/// Bytes without a meaning of their own anywhere inside a plain scalar.
const HARMLESS: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-./+=()$;~<^\\ ";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Printable without an escape; libyaml counts only the basic plane.
pub(crate) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{FFFD}') && character != '\u{FEFF}'
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// `tabs_special`: v2 takes a tab for a special character, so that no block scalar can hold one.
pub(crate) fn analyze(value: &str, tabs_special: bool) -> Analysis {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Analysis { multiline: false, flow_plain: false, block_plain: true, single_quoted: true, block: false };
    };
    let plain_start = first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'$');
    if plain_start && *last != b' ' && bytes.iter().all(|byte| HARMLESS[usize::from(*byte)]) {
        return Analysis { multiline: false, flow_plain: true, block_plain: true, single_quoted: true, block: true };
    }
    Marks::of(value).judge(tabs_special)
}

#[derive(Default)]
struct Marks {
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    leading: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Marks {
    fn of(value: &str) -> Self {
        let mut marks = Self::default();
        if value.starts_with("---") || value.starts_with("...") {
            marks.block_indicators = true;
            marks.flow_indicators = true;
        }
        let mut preceded = true;
        let (mut previous_space, mut previous_break) = (false, false);
        let mut characters = value.chars().peekable();
        let mut first = true;
        while let Some(character) = characters.next() {
            let next = characters.peek().copied();
            marks.indicator(character, first, preceded, next.is_none_or(is_blank));
            if character == '\t' {
                marks.tabs = true;
            } else if !is_printable(character) {
                marks.special = true;
            }
            if character == ' ' {
                marks.leading |= first;
                marks.trailing_space |= next.is_none();
                marks.break_space |= previous_break;
                (previous_space, previous_break) = (true, false);
            } else if is_break(character) {
                marks.line_breaks = true;
                marks.leading |= first;
                marks.trailing_break |= next.is_none();
                marks.space_break |= previous_space;
                (previous_space, previous_break) = (false, true);
            } else {
                (previous_space, previous_break) = (false, false);
            }
            preceded = is_blank(character) || is_break(character) || character == '\0';
            first = false;
        }
        marks
    }

    fn indicator(&mut self, character: char, first: bool, preceded: bool, followed: bool) {
        let (flow, block) = match character {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' if first => {
                (true, true)
            }
            '?' if first => (true, followed),
            '-' if first => (followed, followed),
            ':' => (true, followed),
            ',' | '?' | '[' | ']' | '{' | '}' => (true, false),
            '#' => (preceded, preceded),
            _ => return,
        };
        self.flow_indicators |= flow;
        self.block_indicators |= block;
    }

    fn judge(&self, tabs_special: bool) -> Analysis {
        let special = self.special || self.tabs && tabs_special;
        let unquotable = self.space_break || self.tabs || special;
        let plain = !(self.leading
            || self.trailing_space
            || self.trailing_break
            || self.break_space
            || unquotable
            || self.line_breaks);
        Analysis {
            multiline: self.line_breaks,
            flow_plain: plain && !self.flow_indicators,
            block_plain: plain && !self.block_indicators,
            single_quoted: !(self.break_space || unquotable),
            block: !(self.trailing_space || self.space_break || special),
        }
    }
}
