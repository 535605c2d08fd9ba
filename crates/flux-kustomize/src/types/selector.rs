//! Selecting objects by regular expressions and labels.

use std::fmt;

use regex::Regex;

use crate::error::Error;
use crate::go::json::go_struct;
use crate::go::regex::anchored;
use crate::id::{GvkRef, Id};

go_struct! {
    pub(crate) struct Selector as "Selector" {
        @"ResId.Gvk" "group" omit group: String,
        @"ResId.Gvk" "version" omit version: String,
        @"ResId.Gvk" "kind" omit kind: String,
        @"ResId" "name" omit name: String,
        @"ResId" "namespace" omit namespace: String,
        "annotationSelector" omit annotation_selector: String,
        "labelSelector" omit label_selector: String,
    }
}

impl Selector {
    fn gvk(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(crate) fn id(&self) -> Id<'_> {
        Id { gvk: self.gvk(), name: &self.name, namespace: &self.namespace, cluster_scoped: false }
    }

    /// True when it names no part of an id.
    pub(crate) fn has_no_id(&self) -> bool {
        self.gvk().to_owned().is_empty() && self.name.is_empty() && self.namespace.is_empty()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:a={}:l={}", self.id(), self.annotation_selector, self.label_selector)
    }
}

/// A compiled selector. Absent parts match everything.
pub(crate) struct Matcher {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
}

/// A pattern that must match from start to end. Most are plain words, which need no automaton.
enum Pattern {
    Word(String),
    Regex(Regex),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Error> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/'));
        match plain {
            true => Ok(Self::Word(text.to_owned())),
            false => anchored(text).map(Self::Regex).map_err(|reason| Error::Selector { reason }),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Word(word) => word == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self, Error> {
        let compile = |pattern: &str| match pattern {
            "" => Ok(None),
            pattern => Pattern::new(pattern).map(Some),
        };
        Ok(Self {
            group: compile(&selector.group)?,
            version: compile(&selector.version)?,
            kind: compile(&selector.kind)?,
            name: compile(&selector.name)?,
            namespace: compile(&selector.namespace)?,
        })
    }

    pub(crate) fn gvk(&self, gvk: GvkRef<'_>) -> bool {
        matches(&self.group, gvk.group) && matches(&self.version, gvk.version) && matches(&self.kind, gvk.kind)
    }

    pub(crate) fn name(&self, name: &str) -> bool {
        matches(&self.name, name)
    }

    pub(crate) fn namespace(&self, namespace: &str) -> bool {
        matches(&self.namespace, namespace)
    }

    /// All parts of one id, the namespace as written.
    pub(crate) fn id(&self, id: &Id<'_>) -> bool {
        self.gvk(id.gvk) && self.name(id.name) && self.namespace(id.namespace)
    }
}

fn matches(pattern: &Option<Pattern>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
}
