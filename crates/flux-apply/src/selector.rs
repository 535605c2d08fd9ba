//! Selects objects by anchored regular expressions and label expressions, as `ignore` rules do.

use std::collections::BTreeMap;

use flux_runtime::labels::Requirements;
use regex::Regex;
use serde_json::Value;

use crate::metadata;

/// What an object must match; an empty field matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    /// A label selector over the annotations.
    pub annotation_selector: String,
    pub label_selector: String,
}

/// Why a selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    #[error("invalid {field} regex: {message}")]
    Regex { field: &'static str, message: String },
    #[error("invalid {field} selector: {message}")]
    Labels { field: &'static str, message: String },
}

/// A compiled [`Selector`].
#[derive(Debug)]
pub struct SelectorRegex {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Option<Requirements>,
    annotations: Option<Requirements>,
}

/// Compiled patterns may take so much memory.
const REGEX_LIMIT: usize = 1 << 20;

fn regex(field: &'static str, pattern: &str) -> Result<Option<Regex>, SelectorError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let built = regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_LIMIT).build();
    built.map(Some).map_err(|error| SelectorError::Regex { field, message: error.to_string() })
}

fn labels(field: &'static str, text: &str) -> Result<Option<Requirements>, SelectorError> {
    if text.is_empty() {
        return Ok(None);
    }
    Requirements::parse(text).map(Some).map_err(|message| SelectorError::Labels { field, message })
}

fn matches(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.is_match(text))
}

impl SelectorRegex {
    pub fn new(selector: &Selector) -> Result<Self, SelectorError> {
        Ok(Self {
            group: regex("group", &selector.group)?,
            version: regex("version", &selector.version)?,
            kind: regex("kind", &selector.kind)?,
            name: regex("name", &selector.name)?,
            namespace: regex("namespace", &selector.namespace)?,
            labels: labels("label", &selector.label_selector)?,
            annotations: labels("annotation", &selector.annotation_selector)?,
        })
    }

    pub fn matches(&self, object: &Value) -> bool {
        let (group, version) = metadata::group_version(object);
        self.matches_namespace(metadata::namespace(object))
            && self.matches_name(metadata::name(object))
            && self.matches_gvk(group, version, metadata::kind(object))
            && self.matches_labels(&metadata::entries(object, "labels"))
            && self.matches_annotations(&metadata::entries(object, "annotations"))
    }

    pub fn matches_gvk(&self, group: &str, version: &str, kind: &str) -> bool {
        matches(self.group.as_ref(), group)
            && matches(self.version.as_ref(), version)
            && matches(self.kind.as_ref(), kind)
    }

    pub fn matches_name(&self, name: &str) -> bool {
        matches(self.name.as_ref(), name)
    }

    pub fn matches_namespace(&self, namespace: &str) -> bool {
        matches(self.namespace.as_ref(), namespace)
    }

    pub fn matches_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.as_ref().is_none_or(|requirements| requirements.match_all(labels))
    }

    pub fn matches_annotations(&self, annotations: &BTreeMap<String, String>) -> bool {
        self.annotations.as_ref().is_none_or(|requirements| requirements.match_all(annotations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored() {
        let selector = Selector { name: "web".into(), kind: "Dep.*|Svc".into(), ..Selector::default() };
        let selector = SelectorRegex::new(&selector).expect("valid");
        assert!(selector.matches_name("web") && !selector.matches_name("web-2"));
        assert!(selector.matches_gvk("apps", "v1", "Deployment") && !selector.matches_gvk("", "v1", "XSvc"));
    }
}
