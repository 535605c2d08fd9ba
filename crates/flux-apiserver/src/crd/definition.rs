//! A CustomResourceDefinition, read once and kept.

use std::sync::Arc;

use flux_schema::{Schema, Subresource, TypeRef};
use serde_json::Value;

use crate::object::{list_at, name, text, text_at};
use crate::resources::{Column, Origin, Resource};

/// A definition as requests need it.
pub(crate) struct Definition {
    pub name: String,
    pub uid: String,
    pub group: String,
    pub plural: String,
    pub singular: String,
    pub kind: String,
    pub list_kind: String,
    pub namespaced: bool,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub preserve_unknown: bool,
    pub established: bool,
    pub versions: Vec<Version>,
    this: std::sync::OnceLock<std::sync::Weak<Definition>>,
    types: std::sync::OnceLock<Vec<(String, TypeRef)>>,
}

/// One version of a definition.
pub(crate) struct Version {
    pub name: String,
    pub served: bool,
    pub storage: bool,
    /// The text of the deprecation warning, when the version is deprecated.
    pub deprecation: Option<String>,
    pub schema: Value,
    /// Whether the schema holds rules in CEL.
    pub has_rules: bool,
    pub status: bool,
    pub scale: Option<Scale>,
    pub selectable: Vec<String>,
    pub columns: Vec<Column>,
}

/// Where the scale subresource finds its numbers, as JSON pointers.
#[derive(Clone)]
pub(crate) struct Scale {
    pub spec_replicas: String,
    pub status_replicas: String,
    pub selector: Option<String>,
}

impl Definition {
    /// Reads a stored definition.
    pub fn read(object: &Value) -> Arc<Self> {
        let group = text_at(object, "/spec/group").to_owned();
        let kind = text_at(object, "/spec/names/kind").to_owned();
        let strings = |pointer: &str| -> Vec<String> {
            list_at(object, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let newest = newest_version(object);
        let versions =
            list_at(object, "/spec/versions").iter().map(|version| read_version(version, &group, &kind, &newest));
        let definition = Arc::new(Self {
            name: name(object).to_owned(),
            uid: text_at(object, "/metadata/uid").to_owned(),
            plural: text_at(object, "/spec/names/plural").to_owned(),
            singular: text_at(object, "/spec/names/singular").to_owned(),
            list_kind: text_at(object, "/spec/names/listKind").to_owned(),
            namespaced: text_at(object, "/spec/scope") == "Namespaced",
            short_names: strings("/spec/names/shortNames"),
            categories: strings("/spec/names/categories"),
            preserve_unknown: object.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)),
            established: has_condition(object, "Established"),
            versions: versions.collect(),
            this: std::sync::OnceLock::new(),
            types: std::sync::OnceLock::new(),
            group,
            kind,
        });
        let _ = definition.this.set(Arc::downgrade(&definition));
        definition
    }

    /// The structured-merge type of a version; versions without a usable schema merge as unknown objects.
    pub fn type_of(&self, api_version: &str) -> Option<TypeRef> {
        let types = self.types.get_or_init(|| {
            let typed = self.versions.iter().map(|version| {
                let of = Schema::from_structural(&version.schema).unwrap_or_else(|_| flux_schema::deduced());
                (format!("{}/{}", self.group, version.name), of)
            });
            typed.collect()
        });
        types.iter().find(|(known, _)| known == api_version).map(|(_, of)| of.clone())
    }

    pub fn served(&self) -> bool {
        self.established
    }

    /// The storage table of its objects.
    pub fn table(&self) -> String {
        format!("{}/{}", self.group, self.plural)
    }

    /// `apiVersion` of stored objects.
    pub fn stored_as(&self) -> String {
        let storage = self.versions.iter().find(|version| version.storage);
        format!("{}/{}", self.group, storage.map_or("", |version| version.name.as_str()))
    }

    /// One resource per served version, best version first.
    pub fn resources(&self) -> Vec<Resource> {
        let mut order: Vec<usize> = (0..self.versions.len()).filter(|index| self.versions[*index].served).collect();
        order.sort_by(|a, b| compare_versions(&self.versions[*a].name, &self.versions[*b].name));
        order.into_iter().filter_map(|index| self.resource(index)).collect()
    }

    fn resource(&self, index: usize) -> Option<Resource> {
        let version = self.versions.get(index)?;
        let definition = self.this.get()?.upgrade()?;
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        Some(Resource {
            group: self.group.clone(),
            version: version.name.clone(),
            plural: self.plural.clone(),
            kind: self.kind.clone(),
            list_kind: self.list_kind.clone(),
            singular: self.singular.clone(),
            namespaced: self.namespaced,
            verbs: verbs.map(str::to_owned).to_vec(),
            short_names: self.short_names.clone(),
            categories: self.categories.clone(),
            subresources: subresources(version, &self.kind),
            columns: version.columns.clone(),
            table: self.table(),
            stored_as: self.stored_as(),
            origin: Origin::Custom { definition, version: index },
        })
    }
}

fn subresources(version: &Version, kind: &str) -> Vec<Subresource> {
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let mut out = Vec::new();
    if version.scale.is_some() {
        out.push(Subresource {
            name: "scale".into(),
            kind: "Scale".into(),
            group: "autoscaling".into(),
            version: "v1".into(),
            verbs: verbs(),
        });
    }
    if version.status {
        let (group, version) = (String::new(), String::new());
        out.push(Subresource { name: "status".into(), kind: kind.into(), group, version, verbs: verbs() });
    }
    out
}

pub(crate) fn has_condition(object: &Value, kind: &str) -> bool {
    list_at(object, "/status/conditions").iter().any(|one| text(one, "type") == kind && text(one, "status") == "True")
}

fn newest_version(object: &Value) -> Option<String> {
    let versions = list_at(object, "/spec/versions").iter();
    let candidates = versions.filter(|version| {
        version.get("served") == Some(&Value::Bool(true)) && version.get("deprecated") != Some(&Value::Bool(true))
    });
    candidates.map(|version| text(version, "name").to_owned()).min_by(|a, b| compare_versions(a, b))
}

fn read_version(version: &Value, group: &str, kind: &str, newest: &Option<String>) -> Version {
    let name = text(version, "name").to_owned();
    let on = |key: &str| version.get(key) == Some(&Value::Bool(true));
    let deprecation = on("deprecated").then(|| match text(version, "deprecationWarning") {
        "" => match newest {
            Some(newest) if compare_versions(newest, &name).is_lt() => {
                format!("{group}/{name} {kind} is deprecated; use {group}/{newest} {kind}")
            }
            _ => format!("{group}/{name} {kind} is deprecated"),
        },
        own => own.to_owned(),
    });
    let pointer = |path: &str| format!("/{}", path.trim_start_matches('.').replace('.', "/"));
    let scale = version.pointer("/subresources/scale").map(|scale| Scale {
        spec_replicas: pointer(text(scale, "specReplicasPath")),
        status_replicas: pointer(text(scale, "statusReplicasPath")),
        selector: Some(text(scale, "labelSelectorPath")).filter(|path| !path.is_empty()).map(pointer),
    });
    let selectable = list_at(version, "/selectableFields").iter();
    let schema = version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or(Value::Null);
    Version {
        has_rules: super::rules::any(&schema),
        schema,
        served: on("served"),
        storage: on("storage"),
        deprecation,
        status: version.pointer("/subresources/status").is_some_and(Value::is_object),
        scale,
        selectable: selectable.map(|field| text(field, "jsonPath").trim_start_matches('.').to_owned()).collect(),
        columns: columns(version),
        name,
    }
}

fn columns(version: &Value) -> Vec<Column> {
    let mut out = vec![Column {
        name: "Name".into(),
        kind: "string".into(),
        format: "name".into(),
        priority: 0,
        description: String::new(),
        path: ".metadata.name".into(),
        implied: false,
    }];
    let given = list_at(version, "/additionalPrinterColumns");
    out.extend(given.iter().map(|column| Column {
        name: text(column, "name").to_owned(),
        kind: text(column, "type").to_owned(),
        format: text(column, "format").to_owned(),
        priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0) as i32,
        description: text(column, "description").to_owned(),
        path: text(column, "jsonPath").to_owned(),
        implied: false,
    }));
    if given.is_empty() {
        out.push(Column {
            name: "Age".into(),
            kind: "date".into(),
            format: String::new(),
            priority: 0,
            description: String::new(),
            path: ".metadata.creationTimestamp".into(),
            implied: true,
        });
    }
    out
}

/// Orders versions as Kubernetes does: GA before beta before alpha, higher numbers first, others last by name.
pub(crate) fn compare_versions(a: &str, b: &str) -> std::cmp::Ordering {
    let rank = |text: &str| -> Option<(u8, u64, u64)> {
        let rest = text.strip_prefix('v')?;
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let major = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        if tail.is_empty() {
            return Some((2, major, 0));
        }
        let (stage, number) = match tail.strip_prefix("beta") {
            Some(number) => (1, number),
            None => (0, tail.strip_prefix("alpha")?),
        };
        Some((stage, major, number.parse().ok()?))
    };
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_does() {
        let mut versions = ["v1beta1", "foo1", "v10", "v2", "v1alpha2", "v1", "v11beta2", "foo10"];
        versions.sort_by(|a, b| compare_versions(a, b));
        assert_eq!(versions, ["v10", "v2", "v1", "v11beta2", "v1beta1", "v1alpha2", "foo1", "foo10"]);
    }
}
