//! Regular expressions of schemas: Go's syntax on Rust's engine.

use regex::Regex;

/// Compiles a pattern; the error is what is wrong with it.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translate(pattern)).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("error parsing regexp: {last}: `{pattern}`")
    })
}

/// Go's `\d`, `\w`, `\s` and `\b` know ASCII only, its classes hold no classes, and a dash that makes no range is
/// a character.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(next @ ('b' | 'B')) => out.extend(["(?-u:\\", next.encode_utf8(&mut [0; 4]), ")"]),
                Some(next) => escaped(next, &mut out),
                None => out.push('\\'),
            },
            '[' => class(&mut chars, &mut out),
            c => out.push(c),
        }
    }
    out
}

fn escaped(c: char, out: &mut String) {
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        c => out.extend(['\\', c]),
    }
}

/// A class after its `[`.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A bracket that comes first is one of the characters.
    let mut low = chars.next_if_eq(&']').is_some();
    if low {
        out.push_str("\\]");
    }
    let mut high = false;
    while let Some(c) = chars.next() {
        let single = match c {
            ']' => {
                out.push(']');
                return;
            }
            '-' if low && chars.peek() != Some(&']') => {
                out.push('-');
                (low, high) = (false, true);
                continue;
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                out.extend(chars.by_ref().take_while(|c| *c != ']'));
                out.push(']');
                false
            }
            '\\' => {
                let next = chars.next().unwrap_or('\\');
                escaped(next, out);
                !matches!(next, 'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P')
            }
            '[' | '&' | '~' | '-' => {
                out.extend(['\\', c]);
                true
            }
            c => {
                out.push(c);
                true
            }
        };
        low = single && !high;
        high = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_gos() {
        let check = |pattern: &str, text: &str| assert!(compile(pattern).unwrap().is_match(text), "{pattern} {text}");
        check(r"^[a-z-_.]+$", "a-_.");
        check(r"^[\w-.]+$", "a-.");
        check(r"^[[a&&b]+$", "[&b");
        check(r"^[[:alpha:]-]+$", "a-");
        check(r"^\d+\b", "12");
        assert!(!compile(r"^\d$").unwrap().is_match("٣"));
        assert!(compile("(").is_err());
    }
}
