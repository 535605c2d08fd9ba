//! Shell patterns for one path segment, as Go's `filepath.Match` reads them.
//!
//! `*` is any run of characters but `/`, `?` one of them, `[a-z]` and `[^a-z]` classes, `\` takes the next
//! character as it is. A malformed pattern matches nothing, whatever the name.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    /// No special character: plain comparison.
    Literal(String),
    Parts(Vec<Part>),
    Malformed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Char(char),
    Any,
    Star,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub fn new(pattern: &str) -> Self {
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Self::Literal(pattern.to_owned());
        }
        parse(pattern).map_or(Self::Malformed, Self::Parts)
    }

    pub fn is_malformed(&self) -> bool {
        *self == Self::Malformed
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Parts(parts) => matches(parts, name),
            Self::Malformed => false,
        }
    }
}

fn parse(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Star,
            '?' => Part::Any,
            '\\' => Part::Char(chars.next()?),
            '[' => class(&mut chars)?,
            c => Part::Char(c),
        });
    }
    Some(parts)
}

/// The rest of a class after `[`; `None` when it is not closed, empty, or begins a bound with `-` or `]`.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Part> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(Part::Class { negated, ranges });
        }
        let low = bound(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { bound(chars)? } else { low };
        // A class must be closed: a bound is never the last character.
        chars.peek()?;
        ranges.push((low, high));
    }
}

fn bound(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Linear matching with one point to return to: the last star.
fn matches(parts: &[Part], name: &str) -> bool {
    let (mut part, mut rest) = (0, name);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let head = rest.chars().next();
        match (parts.get(part), head) {
            (Some(Part::Star), _) => {
                part += 1;
                retry = Some((part, rest));
                continue;
            }
            (None, None) => return true,
            (Some(expected), Some(c)) if one(expected, c) => {
                part += 1;
                rest = &rest[c.len_utf8()..];
                continue;
            }
            _ => {}
        }
        // The last star takes one character more.
        let Some((after, from)) = retry else { return false };
        match from.chars().next() {
            Some(c) if c != '/' => {
                rest = &from[c.len_utf8()..];
                part = after;
                retry = Some((after, rest));
            }
            _ => return false,
        }
    }
}

fn one(part: &Part, c: char) -> bool {
    match part {
        Part::Char(expected) => *expected == c,
        Part::Any => c != '/',
        Part::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        Part::Star => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} against {name}");
    }

    #[test]
    fn stars_classes_and_escapes() {
        check("*.txt", "a.txt", true);
        check("*.txt", "d/a.txt", false);
        check("a*b*c", "axxbyyc", true);
        check("a*b*c", "axxbyy", false);
        check("?", "é", true);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[^a-c]x", "dx", true);
        check(r"\*", "*", true);
        check(r"\*", "a", false);
        check("*", "", true);
        check("a*", "a", true);
        check("", "", true);
    }

    #[test]
    fn malformed_patterns_match_nothing() {
        for pattern in ["[", "[]", "[]a]", "[-]", "[x-]", "[-x]", "a[", "a\\", "[a", "[^]", "[a-", "*["] {
            assert!(Glob::new(pattern).is_malformed(), "{pattern}");
            check(pattern, "a", false);
        }
    }

    #[test]
    fn many_stars_stay_linear_enough() {
        let pattern = "a*".repeat(200) + "b";
        check(&pattern, &"a".repeat(5_000), false);
    }
}
