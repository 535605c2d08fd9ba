//! `.helmignore` rules, which differ from .gitignore.
//!
//! There is no `**`, a negated rule excludes everything that it does not match, and the first rule that excludes
//! ends the search. Kept as Helm has it, oddities included.

use crate::go_match::Glob;

/// Why a `.helmignore` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelmIgnoreError {
    #[error("double-star (**) syntax is not supported")]
    DoubleStar { line: usize },
    #[error("syntax error in pattern")]
    Malformed { line: usize },
}

#[derive(Clone, Debug)]
struct Rule {
    glob: Glob,
    negated: bool,
    directory_only: bool,
    /// Matched against the base name alone.
    base_name: bool,
}

/// The rules of one file.
#[derive(Clone, Debug, Default)]
pub struct HelmIgnore {
    rules: Vec<Rule>,
}

impl HelmIgnore {
    /// Reads a file of rules; the line of an error counts from 1.
    pub fn parse(text: &str) -> Result<Self, HelmIgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for (at, line) in text.lines().enumerate() {
            rules.extend(rule(line, at + 1)?);
        }
        Ok(Self { rules })
    }

    /// Whether the chart leaves the path out. The root itself never is.
    pub fn ignores(&self, path: &str, is_dir: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for rule in &self.rules {
            let matched = rule.matches(path);
            if rule.negated {
                if (rule.directory_only && !is_dir) || !matched {
                    return true;
                }
            } else if matched && (is_dir || !rule.directory_only) {
                return true;
            }
        }
        false
    }
}

fn rule(line: &str, number: usize) -> Result<Option<Rule>, HelmIgnoreError> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    if text.contains("**") {
        return Err(HelmIgnoreError::DoubleStar { line: number });
    }
    if Glob::new(text).is_malformed() {
        return Err(HelmIgnoreError::Malformed { line: number });
    }
    let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let (directory_only, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
    let base_name = !text.contains('/');
    let text = text.strip_prefix('/').unwrap_or(text);
    Ok(Some(Rule { glob: Glob::new(text), negated, directory_only, base_name }))
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        if !self.base_name {
            return self.glob.matches(path);
        }
        let trimmed = path.trim_end_matches('/');
        self.glob.matches(trimmed.rsplit('/').next().unwrap_or(trimmed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_excluding_rule_wins_and_negation_is_odd() {
        let rules = HelmIgnore::parse("# c\n*.txt\ncargo/\n").unwrap();
        assert!(rules.ignores("a/b.txt", false));
        assert!(rules.ignores("cargo", true));
        assert!(!rules.ignores("cargo", false));
        assert!(HelmIgnore::parse("!*.txt").unwrap().ignores("cargo", true));
        assert!(!HelmIgnore::parse("!*.txt").unwrap().ignores("a.txt", false));
    }

    #[test]
    fn refuses_double_stars_and_malformed_patterns() {
        assert_eq!(HelmIgnore::parse("a\n**/b").unwrap_err(), HelmIgnoreError::DoubleStar { line: 2 });
        assert_eq!(HelmIgnore::parse("[").unwrap_err(), HelmIgnoreError::Malformed { line: 1 });
    }
}
