//! One row per built-in group, version and resource.

use std::sync::LazyLock;

use serde::Deserialize;

/// A built-in resource as discovery and Tables describe it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    /// True when this is the group's preferred version.
    pub preferred: bool,
    /// The plural, lower-case name in URLs.
    pub resource: String,
    pub kind: String,
    pub singular: String,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub subresources: Vec<Subresource>,
    /// The columns of its Table; `None` where the list cannot be asked for as a Table.
    #[serde(default)]
    pub columns: Option<Vec<Column>>,
}

impl Resource {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|own| own == verb)
    }
}

/// A subresource, such as `status`, `scale` or `token`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subresource {
    pub name: String,
    /// The kind of its body; may differ from the parent's, as with `Scale`.
    pub kind: String,
    /// Of the body, where it differs from the parent's; else empty, as is `version`.
    pub group: String,
    pub version: String,
    pub verbs: Vec<String>,
}

/// A column of a Table.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub format: String,
    /// Above 0: shown by `-o wide` only.
    pub priority: i32,
}

static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let rows = include_str!("../data/resources.jsonl").lines().filter(|line| !line.is_empty());
    rows.map(|line| serde_json::from_str(line).expect("generated rows are well-formed")).collect()
});

/// Every built-in resource, sorted by group, version and name.
pub fn resources() -> &'static [Resource] {
    &RESOURCES
}

/// The row of `group`, `version` and plural name.
pub fn find(group: &str, version: &str, resource: &str) -> Option<&'static Resource> {
    resources().iter().find(|row| row.resource == resource && row.group == group && row.version == version)
}

/// The row of `group`, `version` and kind. Kinds that exist only as bodies of subresources have none.
pub fn find_kind(group: &str, version: &str, kind: &str) -> Option<&'static Resource> {
    resources().iter().find(|row| row.kind == kind && row.group == group && row.version == version)
}

/// The scope of a built-in kind, whatever the version; `None` for a kind that Kubernetes does not serve.
pub fn is_namespaced(group: &str, kind: &str) -> Option<bool> {
    resources().iter().find(|row| row.kind == kind && row.group == group).map(|row| row.namespaced)
}
