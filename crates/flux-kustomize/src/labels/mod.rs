//! Kubernetes label selectors.

mod names;
mod parse;

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

/// Parses a selector unless that was done.
pub(crate) fn lazy<'a>(known: &'a mut Option<Requirements>, text: &str) -> Result<&'a Requirements, Error> {
    if known.is_none() {
        *known = Some(parse(text)?);
    }
    known.as_ref().ok_or_else(|| Error::internal("the selector was just read"))
}

/// Parses `a=b,c!=d,e in (f,g),h,!i,j>1`.
///
/// # Errors
/// As Kubernetes' parser words them.
pub(crate) fn parse(text: &str) -> Result<Requirements, Error> {
    parse::parse(text).map(Requirements).map_err(|reason| Error::Selector { reason })
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
