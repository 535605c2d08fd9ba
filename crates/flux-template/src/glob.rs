//! Globs as gobwas/glob reads them, with `/` as the separator.

/// A compiled pattern.
pub(crate) struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(char),
    /// `?`
    Single,
    /// `*`: not over a separator.
    Any,
    /// `**`
    Super,
    /// `[abc]`, `[!abc]`
    Set {
        characters: Vec<char>,
        not: bool,
    },
    /// `[a-z]`, `[!a-z]`
    Range {
        low: char,
        high: char,
        not: bool,
    },
    /// `{a,b}`
    Alternatives(Vec<Vec<Self>>),
}

const SEPARATOR: char = '/';
/// Alternatives within alternatives.
const MAX_DEPTH: usize = 32;
/// Tries of one match.
const MAX_TRIES: usize = 1_000_000;

impl Glob {
    /// `None` for a pattern that does not compile.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let characters: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let parts = parse(&characters, &mut at, 0)?;
        (at == characters.len()).then_some(Self { parts })
    }

    /// `**`
    pub(crate) fn everything() -> Self {
        Self { parts: vec![Part::Super] }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let parts: Vec<&Part> = self.parts.iter().collect();
        let mut tries = 0;
        matches(&parts, &text, &mut tries)
    }
}

fn parse(pattern: &[char], at: &mut usize, depth: usize) -> Option<Vec<Part>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut parts = Vec::new();
    while let Some(&character) = pattern.get(*at) {
        match character {
            ',' | '}' if depth > 0 => break,
            '\\' => {
                let escaped = *pattern.get(*at + 1)?;
                parts.push(Part::Literal(escaped));
                *at += 2;
                continue;
            }
            '*' => {
                if pattern.get(*at + 1) == Some(&'*') {
                    *at += 1;
                    parts.push(Part::Super);
                } else {
                    parts.push(Part::Any);
                }
            }
            '?' => parts.push(Part::Single),
            '[' => {
                let length = pattern[*at + 1..].iter().position(|character| *character == ']')?;
                parts.push(class(&pattern[*at + 1..*at + 1 + length])?);
                *at += length + 1;
            }
            '{' => {
                let mut alternatives = Vec::new();
                loop {
                    *at += 1;
                    alternatives.push(parse(pattern, at, depth + 1)?);
                    match pattern.get(*at) {
                        Some(',') => {}
                        Some('}') => break,
                        _ => return None,
                    }
                }
                parts.push(Part::Alternatives(alternatives));
            }
            other => parts.push(Part::Literal(other)),
        }
        *at += 1;
    }
    Some(parts)
}

fn class(inside: &[char]) -> Option<Part> {
    let (not, inside) = match inside {
        ['!', rest @ ..] => (true, rest),
        all => (false, all),
    };
    match inside {
        [] => None,
        [low, '-', high] => (low <= high).then_some(Part::Range { low: *low, high: *high, not }),
        _ if inside.contains(&'-') && inside.len() > 3 => None,
        _ => Some(Part::Set { characters: inside.to_vec(), not }),
    }
}

fn matches(parts: &[&Part], text: &[char], tries: &mut usize) -> bool {
    *tries += 1;
    if *tries > MAX_TRIES {
        return false;
    }
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    let one = |good: bool, tries: &mut usize| good && matches(rest, &text[1..], tries);
    match part {
        Part::Literal(character) => one(text.first() == Some(character), tries),
        Part::Single => one(text.first().is_some_and(|character| *character != SEPARATOR), tries),
        Part::Set { characters, not } => {
            one(text.first().is_some_and(|character| characters.contains(character) != *not), tries)
        }
        Part::Range { low, high, not } => {
            one(text.first().is_some_and(|character| (low..=high).contains(&character) != *not), tries)
        }
        Part::Any | Part::Super => {
            let over = matches!(part, Part::Super);
            let most = text.iter().take_while(|character| over || **character != SEPARATOR).count();
            (0..=most).any(|count| matches(rest, &text[count..], tries))
        }
        Part::Alternatives(alternatives) => alternatives.iter().any(|alternative| {
            let joined: Vec<&Part> = alternative.iter().chain(rest.iter().copied()).collect();
            matches(&joined, text, tries)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        assert_eq!(Glob::new(pattern).unwrap().matches(text), expect, "{pattern} {text}");
    }

    #[test]
    fn patterns() {
        check("config/*.conf", "config/a.conf", true);
        check("config/*", "config/sub/c.json", false);
        check("config/**", "config/sub/c.json", true);
        check("**.conf", "config/a.conf", true);
        check("{a,b}/[c-e]?", "b/dx", true);
        check("[!a]b", "ab", false);
        check("a\\*", "a*", true);
        assert!(Glob::new("[").is_none());
        assert!(Glob::new("{a").is_none());
    }

    #[test]
    fn hostile_patterns_end() {
        let glob = Glob::new(&"*a".repeat(40)).unwrap();
        assert!(!glob.matches(&"a".repeat(100).replace("aa", "ab")));
    }
}
