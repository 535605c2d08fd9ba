//! Replacements.

use std::fmt;

use super::Selector;
use crate::go::json::go_struct;
use crate::id::{GvkRef, Id};

go_struct! {
    pub(crate) struct FieldOptions as "FieldOptions" {
        "delimiter" omit delimiter: String,
        "index" omit index: i64,
        "encoding" omit encoding: String,
        "create" omit create: bool,
    }
}

go_struct! {
    pub(crate) struct SourceSelector as "SourceSelector" {
        @"ResId.Gvk" "group" omit group: String,
        @"ResId.Gvk" "version" omit version: String,
        @"ResId.Gvk" "kind" omit kind: String,
        @"ResId" "name" omit name: String,
        @"ResId" "namespace" omit namespace: String,
        "fieldPath" omit field_path: String,
        "options" omit options: Option<FieldOptions>,
    }
}

go_struct! {
    pub(crate) struct TargetSelector as "TargetSelector" {
        "select" keep select: Option<Selector>,
        "reject" omit reject: Vec<Selector>,
        "fieldPaths" omit field_paths: Vec<String>,
        "options" omit options: Option<FieldOptions>,
    }
}

go_struct! {
    /// One replacement, or the file (`path`) that holds some.
    pub(crate) struct Replacement as "ReplacementField" {
        @"Replacement" "source" omit source: Option<SourceSelector>,
        @"Replacement" "targets" omit targets: Option<Vec<TargetSelector>>,
        @"Replacement" "sourceValue" omit source_value: Option<String>,
        "path" omit path: String,
    }
}

impl SourceSelector {
    pub(crate) fn id(&self) -> Id<'_> {
        let gvk = GvkRef { group: &self.group, version: &self.version, kind: &self.kind };
        Id { gvk, name: &self.name, namespace: &self.namespace, cluster_scoped: false }
    }
}

impl fmt::Display for SourceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id())?;
        if !self.field_path.is_empty() {
            write!(f, ":{}", self.field_path)?;
        }
        match &self.options {
            Some(options) if !options.delimiter.is_empty() || options.create => {
                write!(f, ":{}({}), create={}", options.delimiter, options.index, options.create)
            }
            _ => Ok(()),
        }
    }
}
