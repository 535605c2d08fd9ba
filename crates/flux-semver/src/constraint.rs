//! Ranges of versions.

use std::fmt;
use std::str::FromStr;

use crate::version::Version;

/// Longer texts are no ranges.
const MAX_LENGTH: usize = 4096;

/// A range: alternatives of comparisons that must all hold.
#[derive(Clone, Debug)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
    original: String,
}

/// Why a text is no range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("improper constraint: {text}")]
pub struct ConstraintError {
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Minor, or patch, is missing or a wildcard.
    any_minor: bool,
    any_patch: bool,
    /// Any part is.
    wild: bool,
}

impl Constraint {
    /// Whether the version is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let prereleases = all.iter().any(|comparison| comparison.version.is_prerelease());
            (prereleases || !version.is_prerelease()) && all.iter().all(|comparison| comparison.matches(version))
        })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let improper = || ConstraintError { text: text.chars().take(200).collect() };
        if text.len() > MAX_LENGTH {
            return Err(improper());
        }
        let alternatives: Option<Vec<_>> = text.split("||").map(alternative).collect();
        Ok(Self { alternatives: alternatives.ok_or_else(improper)?, original: text.to_owned() })
    }
}

/// Comparisons separated by commas or spaces, or one range `a - b`.
fn alternative(text: &str) -> Option<Vec<Comparison>> {
    let mut rest = text.trim_start();
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (comparison, after) = comparison(rest)?;
        let trimmed = after.trim_start();
        // A hyphen between spaces joins two plain versions.
        if comparison.operator == Operator::Equal && after.len() > trimmed.len() && trimmed.starts_with("- ") {
            let (upper, after) = self::comparison(trimmed[1..].trim_start())?;
            all.push(Comparison { operator: Operator::GreaterEqual, ..comparison });
            all.push(Comparison { operator: Operator::LessEqual, ..upper });
            rest = after.trim_start();
        } else {
            all.push(comparison);
            rest = trimmed;
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    (!all.is_empty()).then_some(all)
}

/// One operator and version at the beginning of the text, and what follows.
fn comparison(text: &str) -> Option<(Comparison, &str)> {
    const OPERATORS: &[(&str, Operator)] = &[
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterEqual),
        ("=>", Operator::GreaterEqual),
        ("<=", Operator::LessEqual),
        ("=<", Operator::LessEqual),
        ("~>", Operator::Tilde),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    let found = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
    let (operator, rest) = found.unwrap_or((Operator::Equal, text));
    let rest = rest.trim_start();
    let end = rest.find([' ', '\t', ',', '|', '<', '>', '=', '!', '~', '^']).unwrap_or(rest.len());
    let (version, after) = rest.split_at(end);
    Some((read_version(operator, version)?, after))
}

fn read_version(operator: Operator, text: &str) -> Option<Comparison> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, suffix) = text.split_at(end);
    let mut parts = core.split('.');
    let mut part = || parts.next().filter(|part| !matches!(*part, "x" | "X" | "*"));
    let (major, minor, patch) = (part(), part(), part());
    if core.is_empty() || core.split('.').count() > 3 || core.split('.').any(|part| !is_part(part)) {
        return None;
    }
    let (full, any_minor, any_patch, wild) = match (major, minor, patch) {
        (None, ..) => (format!("0.0.0{suffix}"), false, false, true),
        (Some(major), None, _) => (format!("{major}.0.0{suffix}"), true, false, true),
        (Some(major), Some(minor), None) => (format!("{major}.{minor}.0{suffix}"), false, true, true),
        (Some(major), Some(minor), Some(patch)) => (format!("{major}.{minor}.{patch}{suffix}"), false, false, false),
    };
    let version = Version::parse(&full).ok()?;
    Some(Comparison { operator, version, any_minor, any_patch, wild })
}

fn is_part(text: &str) -> bool {
    matches!(text, "x" | "X" | "*") || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Comparison {
    fn matches(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.operator {
            Operator::Equal if self.wild => self.tilde(version),
            Operator::Equal => version == bound,
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => version < bound,
            Operator::GreaterEqual => version >= bound,
            Operator::LessEqual => self.less_equal(version),
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let bound = &self.version;
        if !self.wild {
            return version != bound;
        }
        version.major != bound.major || (!self.any_minor && version.minor != bound.minor)
    }

    fn greater(&self, version: &Version) -> bool {
        let bound = &self.version;
        if !self.wild || (!self.any_minor && !self.any_patch) {
            return version > bound;
        }
        match version.major.cmp(&bound.major) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => !self.any_minor && version.minor > bound.minor,
        }
    }

    fn less_equal(&self, version: &Version) -> bool {
        let bound = &self.version;
        if !self.wild {
            return version <= bound;
        }
        version.major < bound.major
            || (version.major == bound.major && (self.any_minor || version.minor <= bound.minor))
    }

    /// The same minor, or the same major when only that is given; `~0.0.0` takes everything.
    fn tilde(&self, version: &Version) -> bool {
        let bound = &self.version;
        if version < bound {
            return false;
        }
        let zero = (bound.major, bound.minor, bound.patch) == (0, 0, 0);
        if zero && !self.any_minor && !self.any_patch {
            return true;
        }
        version.major == bound.major && (self.any_minor || version.minor == bound.minor)
    }

    /// Nothing left of the first number that is not zero changes.
    fn caret(&self, version: &Version) -> bool {
        let bound = &self.version;
        if version < bound {
            return false;
        }
        if bound.major > 0 || self.any_minor {
            return version.major == bound.major;
        }
        if version.major > 0 {
            return false;
        }
        if bound.minor > 0 || self.any_patch {
            return version.minor == bound.minor;
        }
        version.minor == 0 && version.patch == bound.patch
    }
}
