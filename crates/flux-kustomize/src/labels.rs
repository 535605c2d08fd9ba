//! Kubernetes label selectors.

use flux_yaml::Mapping;

use crate::error::Error;
use crate::node::raw;

/// A parsed selector; every requirement must hold.
#[derive(Debug, Default)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Greater(String, i64),
    Less(String, i64),
}

impl Requirements {
    pub(crate) fn matches(&self, map: Option<&Mapping>) -> bool {
        let get = |key: &str| map.and_then(|map| map.get(key)).map(raw);
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => get(key).is_some(),
            Requirement::Absent(key) => get(key).is_none(),
            Requirement::In(key, values) => get(key).is_some_and(|found| values.iter().any(|value| value == found)),
            Requirement::NotIn(key, values) => get(key).is_none_or(|found| values.iter().all(|value| value != found)),
            Requirement::Greater(key, bound) => number(get(key)).is_some_and(|found| found > *bound),
            Requirement::Less(key, bound) => number(get(key)).is_some_and(|found| found < *bound),
        })
    }
}

fn number(text: Option<&str>) -> Option<i64> {
    text?.parse().ok()
}

/// Parses `a=b,c!=d,e in (f,g),h,!i,j>1`.
pub(crate) fn parse(text: &str) -> Result<Requirements, Error> {
    let mut requirements = Vec::new();
    for part in parts(text) {
        let part = part.trim();
        if !part.is_empty() {
            requirements.push(requirement(part).ok_or_else(|| Error::Selector {
                reason: format!("unable to parse requirement: found '{part}', expected: selector"),
            })?);
        } else if !text.trim().is_empty() {
            return Err(Error::Selector { reason: "found '', expected: identifier after ','".into() });
        }
    }
    Ok(Requirements(requirements))
}

/// Splits at commas outside parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return Some(Requirement::Absent(word(key)?));
    }
    if let Some(at) = part.find(['=', '!', '>', '<']) {
        let (key, rest) = (word(&part[..at])?, &part[at..]);
        let one = |text: &str| {
            let text = text.trim();
            (!text.contains(['=', '!', '<', '>', '(', ')', ' '])).then(|| vec![text.to_owned()])
        };
        if let Some(value) = rest.strip_prefix("!=") {
            return Some(Requirement::NotIn(key, one(value)?));
        }
        if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
            return Some(Requirement::In(key, one(value)?));
        }
        if let Some(value) = rest.strip_prefix('>') {
            return Some(Requirement::Greater(key, value.trim().parse().ok()?));
        }
        return Some(Requirement::Less(key, rest.strip_prefix('<')?.trim().parse().ok()?));
    }
    let Some(open) = part.find('(') else { return Some(Requirement::Exists(word(part)?)) };
    let list = part[open + 1..].strip_suffix(')')?;
    let values = list.split(',').map(|value| value.trim().to_owned()).collect();
    let head = part[..open].trim();
    match head.strip_suffix("notin") {
        Some(key) => Some(Requirement::NotIn(word(key)?, values)),
        None => Some(Requirement::In(word(head.strip_suffix("in")?)?, values)),
    }
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let fine = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    fine.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use flux_yaml::Node;

    use super::*;

    fn check(selector: &str, expected: bool) {
        let mut map = Mapping::default();
        map.insert("app", Node::string("web"));
        map.insert("tier", Node::string("2"));
        assert_eq!(parse(selector).unwrap().matches(Some(&map)), expected, "{selector}");
    }

    #[test]
    fn selectors() {
        for selector in
            ["", "app", "app=web", "app==web,tier!=3", "app in (x, web)", "tier notin (3),!none", "tier>1", "tier<3"]
        {
            check(selector, true);
        }
        for selector in ["none", "app=x", "app in (x)", "tier notin (2)", "!app", "tier>2", "none=web"] {
            check(selector, false);
        }
        check("none!=x", true);
    }

    #[test]
    fn faults() {
        for selector in ["a=b=c", "a in b", "=x", "a,,b", "tier>x"] {
            assert!(parse(selector).is_err(), "{selector}");
        }
    }
}
