//! Vars, the forerunner of replacements.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Error;
use crate::go::json::go_struct;
use crate::id::GvkRef;

go_struct! {
    pub(crate) struct VarTarget as "Target" {
        "apiVersion" omit api_version: String,
        @"Gvk" "group" omit group: String,
        @"Gvk" "version" omit version: String,
        @"Gvk" "kind" omit kind: String,
        "name" keep name: String,
        "namespace" omit namespace: String,
    }
}

go_struct! {
    pub(crate) struct FieldSelector as "FieldSelector" {
        "fieldPath" omit field_path: String,
    }
}

go_struct! {
    pub(crate) struct Var as "Var" {
        "name" keep name: String,
        "objref" keep target: VarTarget,
        "fieldref" keep field: FieldSelector,
    }
}

impl VarTarget {
    /// Splits `apiVersion` into its parts, where there is one.
    fn settle(&mut self) {
        let mut parts = self.api_version.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(""), None, None) => {}
            (Some(version), None, None) => self.version = version.into(),
            (Some(group), Some(version), None) => {
                (self.group, self.version) = (group.into(), version.into());
            }
            _ => {}
        }
    }

    pub(crate) fn gvk(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }
}

impl Var {
    /// The same with its target's `apiVersion` split.
    pub(crate) fn with_settled_target(&self) -> Self {
        let mut var = self.clone();
        var.target.settle();
        var
    }

    fn with_defaults(&self) -> Self {
        let mut var = self.with_settled_target();
        if var.field.field_path.is_empty() {
            var.field.field_path = "metadata.name".into();
        }
        var
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{} {} {{{}}}}}", self.name, self.target.gvk(), self.field.field_path)
    }
}

/// Go's `%v` of a list of vars.
pub(crate) fn list_text(vars: &[Var]) -> String {
    let vars: Vec<_> = vars.iter().map(Var::to_string).collect();
    format!("[{}]", vars.join(" "))
}

/// Vars by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct VarSet(BTreeMap<String, Var>);

impl VarSet {
    /// Adds vars; a name that is there already is an error.
    pub(crate) fn merge<'a>(&mut self, vars: impl IntoIterator<Item = &'a Var>) -> Result<(), Error> {
        for var in vars {
            if self.0.contains_key(&var.name) {
                return Err(Error::Var { reason: format!("var '{}' already encountered", var.name) });
            }
            self.0.insert(var.name.clone(), var.with_defaults());
        }
        Ok(())
    }

    /// In name order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Var> {
        self.0.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
