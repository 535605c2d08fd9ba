//! One pattern and how it speaks of a path.

use crate::go_match::Glob;

const ANY_DEPTH: &str = "**";

/// What a matching pattern says of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Exclude,
    Include,
}

/// A parsed pattern with its domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    domain: Vec<String>,
    segments: Vec<Segment>,
    verdict: Verdict,
    directory_only: bool,
    /// A slash within: matched from the domain down, segment by segment.
    anchored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// From a leading or doubled slash.
    Empty,
    AnyDepth,
    /// `**` beside other characters: matches nothing.
    Never,
    Name(Glob),
}

impl Segment {
    fn new(text: &str) -> Self {
        match text {
            "" => Self::Empty,
            ANY_DEPTH => Self::AnyDepth,
            text if text.contains(ANY_DEPTH) => Self::Never,
            text => Self::Name(Glob::new(text)),
        }
    }
}

impl Pattern {
    /// Parses one line. Never fails: a pattern that makes no sense matches nothing.
    pub fn parse(line: &str, domain: &[&str]) -> Self {
        let (verdict, mut text) = match line.strip_prefix('!') {
            Some(rest) => (Verdict::Include, rest),
            None => (Verdict::Exclude, line),
        };
        if !text.ends_with("\\ ") {
            text = text.trim_end_matches(' ');
        }
        let directory_only = text.ends_with('/');
        text = text.strip_suffix('/').unwrap_or(text);
        let anchored = text.contains('/');
        let segments = if anchored {
            text.split('/').map(Segment::new).collect()
        } else {
            // Without a slash, stars are plain stars.
            vec![Segment::Name(Glob::new(text))]
        };
        Self {
            domain: domain.iter().map(|&part| part.to_owned()).collect(),
            segments,
            verdict,
            directory_only,
            anchored,
        }
    }

    /// What the pattern says of a path below the root, or `None` when it does not match.
    pub fn matches(&self, path: &[&str], is_dir: bool) -> Option<Verdict> {
        if path.len() <= self.domain.len() || !self.domain.iter().zip(path).all(|(a, b)| a == b) {
            return None;
        }
        let path = &path[self.domain.len()..];
        let matched = if self.anchored { self.anchored_match(path, is_dir) } else { self.name_match(path, is_dir) };
        matched.then_some(self.verdict)
    }

    /// Any segment of the path may match; the last one only if it is of the right kind.
    fn name_match(&self, path: &[&str], is_dir: bool) -> bool {
        let [Segment::Name(glob)] = self.segments.as_slice() else { return false };
        let Some(at) = path.iter().position(|name| glob.matches(name)) else { return false };
        !(self.directory_only && !is_dir && at == path.len() - 1)
    }

    /// The pattern's segments match from the beginning of the path; the path may be longer.
    fn anchored_match(&self, mut path: &[&str], is_dir: bool) -> bool {
        let mut matched = false;
        let mut any_depth = false;
        for (at, segment) in self.segments.iter().enumerate() {
            let glob = match segment {
                Segment::Empty => {
                    any_depth = false;
                    continue;
                }
                Segment::AnyDepth if at == self.segments.len() - 1 => break,
                Segment::AnyDepth => {
                    any_depth = true;
                    continue;
                }
                Segment::Never => return false,
                Segment::Name(glob) => glob,
            };
            if path.is_empty() || glob.is_malformed() {
                return false;
            }
            if !std::mem::take(&mut any_depth) {
                if !glob.matches(path[0]) {
                    return false;
                }
                matched = true;
                path = &path[1..];
            } else if let Some(found) = path.iter().position(|name| glob.matches(name)) {
                matched = true;
                path = &path[found + 1..];
            } else {
                matched = false;
                path = &[];
            }
        }
        matched && !(self.directory_only && !is_dir && path.is_empty())
    }
}
