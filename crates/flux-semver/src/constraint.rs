//! Ranges of versions.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use regex::Regex;

use crate::version::Version;

/// Longer texts are no ranges.
const MAX_LENGTH: usize = 512;
/// Alternatives of one range.
const MAX_ALTERNATIVES: usize = 32;

/// A range: alternatives of comparisons that must all hold.
#[derive(Clone, Debug)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
}

/// Why a text is no range; the texts are those of the original.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("improper constraint: {text:?}")]
    Improper { text: String },
    #[error("constraint parser error")]
    Version,
    #[error("constraint string is too long (max 512 bytes)")]
    TooLong,
    #[error("too many constraint groups (max 32)")]
    TooManyAlternatives,
}

/// Why a version is not in a range, in the words of the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub reason: Reason,
    pub version: String,
    /// The bound as the range has it.
    pub bound: String,
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The range names no prerelease.
    Prerelease,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Major,
    MajorMinor,
    MinorOfZero,
    Minor,
    Patch,
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, bound, .. } = self;
        match self.reason {
            Reason::Prerelease => {
                write!(f, "{version:?} is a prerelease version and the constraint is only looking for release versions")
            }
            Reason::Equal => write!(f, "{version:?} is equal to {bound:?}"),
            Reason::NotEqual => write!(f, "{version:?} is not equal to {bound:?}"),
            Reason::Less => write!(f, "{version:?} is less than {bound:?}"),
            Reason::LessOrEqual => write!(f, "{version:?} is less than or equal to {bound:?}"),
            Reason::Greater => write!(f, "{version:?} is greater than {bound:?}"),
            Reason::GreaterOrEqual => write!(f, "{version:?} is greater than or equal to {bound:?}"),
            Reason::Major => write!(f, "{version:?} does not have same major version as {bound:?}"),
            Reason::MajorMinor => write!(f, "{version:?} does not have same major and minor version as {bound:?}"),
            Reason::MinorOfZero => write!(
                f,
                "{version:?} does not have same minor version as {bound:?}. Expected minor versions to match when \
                 constraint major version is 0"
            ),
            Reason::Minor => write!(f, "{version:?} does not have same minor version as {bound:?}"),
            Reason::Patch => write!(
                f,
                "{version:?} does not equal {bound:?}. Expect version and constraint to equal when major and minor \
                 versions are 0"
            ),
        }
    }
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
    /// As written.
    sign: String,
    written: String,
    operator: Operator,
    version: Version,
    /// Minor, or patch, is missing or a wildcard.
    any_minor: bool,
    any_patch: bool,
    /// Any part is.
    wild: bool,
}

const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const VERSION: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";

/// The original's patterns: what a range may look like is what they match.
struct Patterns {
    one: Regex,
    hyphen: Regex,
    each: Regex,
    valid: Regex,
}

fn patterns() -> &'static Patterns {
    static PATTERNS: OnceLock<Patterns> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        const SPACE: &str = r"[\t\n\f\r ]";
        let build = |pattern: String| Regex::new(&pattern).expect("a fixed pattern");
        let compared = format!(r"({OPERATORS}){SPACE}*({VERSION}){SPACE}*");
        Patterns {
            one: build(format!(r"^{SPACE}*({OPERATORS}){SPACE}*({VERSION}){SPACE}*$")),
            hyphen: build(format!(r"{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")),
            each: build(format!(r"({OPERATORS}){SPACE}*({VERSION})")),
            valid: build(format!(r"^({SPACE}*{compared})((?:{SPACE}+|,{SPACE}*){compared})*$")),
        }
    })
}

impl Constraint {
    /// Whether the version is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let prereleases = names_prerelease(all);
            all.iter().all(|comparison| comparison.check(version, prereleases).is_ok())
        })
    }

    /// As [`Self::matches`], with the reasons when it is not.
    ///
    /// # Errors
    /// One reason for each comparison that does not hold, alternative by alternative.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<Mismatch>> {
        let mut reasons = Vec::new();
        let mut told = false;
        for all in &self.alternatives {
            let prereleases = names_prerelease(all);
            let before = reasons.len();
            let mut good = true;
            for comparison in all {
                if !prereleases && version.is_prerelease() {
                    good = false;
                    if !std::mem::replace(&mut told, true) {
                        reasons.push(comparison.mismatch(Reason::Prerelease, version));
                    }
                } else if let Err(reason) = comparison.check(version, prereleases) {
                    reasons.push(comparison.mismatch(reason, version));
                }
            }
            if good && reasons.len() == before {
                return Ok(());
            }
        }
        Err(reasons)
    }
}

fn names_prerelease(all: &[Comparison]) -> bool {
    all.iter().any(|comparison| comparison.version.is_prerelease())
}

/// The comparisons in the original's normal form.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, all) in self.alternatives.iter().enumerate() {
            if index > 0 {
                f.write_str(" || ")?;
            }
            for (index, comparison) in all.iter().enumerate() {
                let space = if index > 0 { " " } else { "" };
                write!(f, "{space}{}{}", comparison.sign, comparison.written)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::TooLong);
        }
        let text = without_hyphens(text);
        let alternatives: Vec<&str> = text.split("||").collect();
        if alternatives.len() > MAX_ALTERNATIVES {
            return Err(ConstraintError::TooManyAlternatives);
        }
        let alternatives = alternatives.into_iter().map(alternative).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }
}

/// `a - b` becomes `>= a, <= b `.
fn without_hyphens(text: &str) -> String {
    let mut out = text.to_owned();
    for found in patterns().hyphen.captures_iter(text) {
        let rewritten = format!(">= {}, <= {} ", &found[1], &found[11]);
        out = out.replacen(&found[0], &rewritten, 1);
    }
    out
}

fn alternative(text: &str) -> Result<Vec<Comparison>, ConstraintError> {
    let patterns = patterns();
    if !patterns.valid.is_match(text) {
        return Err(ConstraintError::Improper { text: text.to_owned() });
    }
    patterns.each.find_iter(text).map(|found| comparison(found.as_str())).collect()
}

fn comparison(text: &str) -> Result<Comparison, ConstraintError> {
    let improper = || ConstraintError::Improper { text: text.to_owned() };
    let found = patterns().one.captures(text).ok_or_else(improper)?;
    let part = |index: usize| found.get(index).map_or("", |found| found.as_str());
    let any = |text: &str| matches!(text.trim_start_matches('.'), "" | "x" | "X" | "*");
    let (major, minor, patch, suffix) = (part(3), part(4), part(5), part(6));
    let (mut any_minor, mut any_patch, mut wild) = (false, false, true);
    let full = if any(major) {
        format!("0.0.0{suffix}")
    } else if any(minor) {
        any_minor = true;
        format!("{major}.0.0{suffix}")
    } else if any(patch) {
        any_patch = true;
        format!("{major}{minor}.0{suffix}")
    } else {
        wild = false;
        part(2).to_owned()
    };
    let version = Version::parse(&full).map_err(|_| ConstraintError::Version)?;
    let operator = match part(1) {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterEqual,
        "<=" | "=<" => Operator::LessEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    Ok(Comparison {
        sign: part(1).to_owned(),
        written: part(2).to_owned(),
        operator,
        version,
        any_minor,
        any_patch,
        wild,
    })
}

impl Comparison {
    fn mismatch(&self, reason: Reason, version: &Version) -> Mismatch {
        Mismatch { reason, version: version.to_string(), bound: self.written.clone() }
    }

    fn check(&self, version: &Version, prereleases: bool) -> Result<(), Reason> {
        if version.is_prerelease() && !prereleases {
            return Err(Reason::Prerelease);
        }
        let bound = &self.version;
        let (good, reason) = match self.operator {
            Operator::Equal if self.wild => return self.tilde(version),
            Operator::Equal => (version == bound, Reason::NotEqual),
            Operator::NotEqual => (self.differs(version), Reason::Equal),
            Operator::Greater => (self.greater(version), Reason::LessOrEqual),
            Operator::Less => (version < bound, Reason::GreaterOrEqual),
            Operator::GreaterEqual => (version >= bound, Reason::Less),
            Operator::LessEqual => (self.less_equal(version), Reason::Greater),
            Operator::Tilde => return self.tilde(version),
            Operator::Caret => return self.caret(version),
        };
        if good { Ok(()) } else { Err(reason) }
    }

    fn differs(&self, version: &Version) -> bool {
        let bound = &self.version;
        if !self.wild {
            return version != bound;
        }
        if version.major != bound.major || (version.minor != bound.minor && !self.any_minor) {
            return true;
        }
        if self.any_minor {
            return false;
        }
        if version.patch != bound.patch && !self.any_patch {
            return true;
        }
        if self.any_patch {
            return version.compare_prerelease(bound).is_ne();
        }
        version != bound
    }

    fn greater(&self, version: &Version) -> bool {
        let bound = &self.version;
        if !self.wild {
            return version > bound;
        }
        match version.major.cmp(&bound.major) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal if self.any_minor => false,
            std::cmp::Ordering::Equal if self.any_patch => version.minor > bound.minor,
            std::cmp::Ordering::Equal => version > bound,
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
    fn tilde(&self, version: &Version) -> Result<(), Reason> {
        let bound = &self.version;
        if version < bound {
            return Err(Reason::Less);
        }
        let zero = (bound.major, bound.minor, bound.patch) == (0, 0, 0);
        if zero && !self.any_minor && !self.any_patch {
            return Ok(());
        }
        if version.major != bound.major {
            return Err(Reason::Major);
        }
        if version.minor != bound.minor && !self.any_minor {
            return Err(Reason::MajorMinor);
        }
        Ok(())
    }

    /// Nothing left of the first number that is not zero changes.
    fn caret(&self, version: &Version) -> Result<(), Reason> {
        let bound = &self.version;
        let require = |good: bool, reason: Reason| if good { Ok(()) } else { Err(reason) };
        if version < bound {
            return Err(Reason::Less);
        }
        if bound.major > 0 || self.any_minor {
            return require(version.major == bound.major, Reason::Major);
        }
        if version.major > 0 {
            return Err(Reason::Major);
        }
        if bound.minor > 0 || self.any_patch {
            return require(version.minor == bound.minor, Reason::MinorOfZero);
        }
        if version.minor > 0 {
            return Err(Reason::Minor);
        }
        require(version.patch == bound.patch, Reason::Patch)
    }
}
