//! Sets namespaces.

use std::sync::LazyLock;

use flux_yaml::Node;

use super::fieldspec::{self, Make, has_value, set_string};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::go::print::quote;
use crate::node::{self, is_null, raw};
use crate::resource::text_field;
use crate::schema::Schema;

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    AllServiceAccounts,
    None,
}

impl Subjects {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "defaultOnly" => Ok(Self::DefaultOnly),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(Error::Namespace {
                reason: format!(
                    "invalid value {} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                     \"allServiceAccounts\"",
                    quote(other)
                ),
            }),
        }
    }
}

/// Sets the namespace in one object.
pub(crate) struct NamespaceFilter<'a> {
    pub namespace: &'a str,
    pub specs: &'a [FieldSpec],
    /// Leave fields alone that have a value.
    pub unset_only: bool,
    pub subjects: Subjects,
}

impl NamespaceFilter<'_> {
    pub(crate) fn apply(&self, object: &mut Node, schema: &Schema) -> Result<(), Error> {
        static OWN: LazyLock<FieldSpec> = LazyLock::new(|| FieldSpec::any("metadata/namespace", true));
        let (api_version, kind) = (text_field(object, "apiVersion").to_owned(), text_field(object, "kind").to_owned());
        if !schema.is_cluster_scoped(&api_version, &kind) {
            fieldspec::apply(object, &OWN, Make::Text, &mut |field| self.set(field))?;
        }
        let binding = kind == "RoleBinding" || kind == "ClusterRoleBinding";
        if binding {
            self.set_subjects(object)?;
        }
        for spec in self.specs {
            let handled = spec.path() == "metadata/namespace"
                || (api_version != "v1" && spec.path() == "metadata/name")
                || (binding
                    && spec.path() == "subjects/namespace"
                    && matches!(spec.gvk().kind, "RoleBinding" | "ClusterRoleBinding"));
            if !handled {
                fieldspec::apply(object, spec, Make::Text, &mut |field| self.set(field)).map_err(explain)?;
            }
        }
        Ok(())
    }

    fn set(&self, field: &mut Node) -> Result<(), Error> {
        if self.unset_only && has_value(field) {
            return Ok(());
        }
        set_string(field, self.namespace)
    }

    fn set_subjects(&self, object: &mut Node) -> Result<(), Error> {
        let (name, wanted) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = object.get_mut("subjects").filter(|subjects| !is_null(subjects)) else { return Ok(()) };
        let subjects = node::sequence_mut(subjects)
            .map_err(|error| error.within("setting namespace on (cluster)role binding subjects"))?;
        for subject in subjects {
            if subject.get(name).is_some_and(|value| !is_null(value) && raw(value) == wanted) {
                let map = node::mapping_mut(subject)?;
                if let Some(field) = node::field_or_insert(map, "namespace", || Node::plain("")) {
                    self.set(field)?;
                }
            }
        }
        Ok(())
    }
}

fn explain(error: Error) -> Error {
    let collection = |error: &Error| match error {
        Error::Within { inner, .. } => matches!(inner.as_ref(), Error::WrongShape { scalar: false, .. }),
        Error::WrongShape { scalar, .. } => !scalar,
        _ => false,
    };
    match collection(&error) {
        true => error.within("namespace field specs must target scalar nodes"),
        false => error.within("namespace transformation failed"),
    }
}
