//! `.sourceignore` rules: which paths stay out of an artifact.
//!
//! The patterns look like .gitignore, but are matched as go-git matches them, as upstream does: a later pattern
//! wins, a file below an excluded directory can be included again, and a name without a slash matches any segment
//! of the path. A pattern has a domain, the directory whose file it stands in, and is blind outside of it.

mod load;
mod pattern;
#[cfg(test)]
mod tests;

pub use load::{load_files, load_patterns};
pub use pattern::{Pattern, Verdict};

/// Name of the files with rules, at any depth of a source.
pub const IGNORE_FILE: &str = ".sourceignore";

/// Files of version control; excluded unless a later rule includes them.
const VCS: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// Excluded when a source has no rules of its own: images and archives, CI files, files of other tools.
const DEFAULTS: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// The patterns for files of version control, for a domain.
pub fn vcs_patterns(domain: &[&str]) -> Vec<Pattern> {
    VCS.iter().map(|text| Pattern::parse(text, domain)).collect()
}

/// The patterns that hold when a source has none of its own, for a domain.
pub fn default_patterns(domain: &[&str]) -> Vec<Pattern> {
    DEFAULTS.iter().map(|text| Pattern::parse(text, domain)).collect()
}

/// Reads the rules of one text: a pattern per line; empty lines and lines that begin with `#` are none.
pub fn read_patterns(text: &str, domain: &[&str]) -> Vec<Pattern> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| Pattern::parse(line, domain))
        .collect()
}

/// An ordered list of patterns; the last one that speaks of a path decides.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    patterns: Vec<Pattern>,
}

impl Matcher {
    /// A matcher of these patterns alone.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        Self { patterns }
    }

    /// The patterns after those for version control and the defaults.
    pub fn with_defaults(patterns: Vec<Pattern>, domain: &[&str]) -> Self {
        let mut all = vcs_patterns(domain);
        all.extend(default_patterns(domain));
        all.extend(patterns);
        Self::new(all)
    }

    /// What an artifact leaves out: version control and, when the source has no patterns of its own, the
    /// defaults; else the source's own patterns instead of the defaults.
    pub fn for_source(patterns: Vec<Pattern>, domain: &[&str]) -> Self {
        if patterns.is_empty() {
            return Self::with_defaults(patterns, domain);
        }
        let mut all = vcs_patterns(domain);
        all.extend(patterns);
        Self::new(all)
    }

    /// The matcher of an artifact from the rule files of its tree, in the order of a walk, and `spec.ignore`.
    pub fn for_artifact<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, spec: Option<&str>) -> Self {
        let mut patterns = Vec::new();
        for (directory, text) in files {
            let domain: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
            patterns.extend(read_patterns(text, &domain));
        }
        if let Some(text) = spec {
            patterns.extend(read_patterns(text, &[]));
        }
        Self::for_source(patterns, &[])
    }

    /// Whether a path, given by its segments, is excluded.
    pub fn matches(&self, path: &[&str], is_dir: bool) -> bool {
        self.patterns
            .iter()
            .rev()
            .find_map(|pattern| pattern.matches(path, is_dir))
            .is_some_and(|verdict| verdict == Verdict::Exclude)
    }

    /// As [`Matcher::matches`], for a path with slashes.
    pub fn excludes(&self, path: &str, is_dir: bool) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        self.matches(&parts, is_dir)
    }
}
