//! What is served: one row per group, version and resource, built-in or custom.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use flux_schema::Subresource;

use crate::crd::{Definition, Version};
use crate::status::qualified;
use crate::typed::{GoKind, kind_of};

/// A served resource.
pub(crate) struct Resource {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub kind: String,
    pub list_kind: String,
    pub singular: String,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub subresources: Vec<Subresource>,
    pub columns: Vec<Column>,
    /// The storage table; several versions share one.
    pub table: String,
    /// `apiVersion` of stored objects.
    pub stored_as: String,
    pub origin: Origin,
}

/// Where a resource comes from.
pub(crate) enum Origin {
    BuiltIn(GoKind),
    Custom { definition: Arc<Definition>, version: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub name: String,
    pub kind: String,
    pub format: String,
    pub priority: i32,
    pub description: String,
    /// JSONPath, of custom columns.
    pub path: String,
    /// Added because a definition names no columns.
    pub implied: bool,
}

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`.
    pub fn qualified(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// True for `GROUP/PLURAL`, whatever the version.
    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }

    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }

    pub fn custom(&self) -> Option<&Version> {
        match &self.origin {
            Origin::BuiltIn(_) => None,
            Origin::Custom { definition, version } => definition.versions.get(*version),
        }
    }

    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The storage key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> String {
        if self.namespaced { format!("{namespace}/{name}") } else { name.to_owned() }
    }

    pub fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }
}

static BUILT_IN: LazyLock<Vec<Arc<Resource>>> =
    LazyLock::new(|| flux_schema::resources().iter().map(|row| Arc::new(built_in(row))).collect());

fn built_in(row: &flux_schema::Resource) -> Resource {
    let origin = Origin::BuiltIn(kind_of(&row.group, &row.version, &row.kind).expect("each kind has a Go type"));
    // Two groups show the same events, two versions the same autoscalers.
    let (table, stored_as) = match (row.group.as_str(), row.resource.as_str()) {
        (_, "events") => ("core/events".to_owned(), "v1".to_owned()),
        ("autoscaling", _) => (format!("autoscaling/{}", row.resource), "autoscaling/v2".to_owned()),
        ("", plural) => (format!("core/{plural}"), row.version.clone()),
        (group, plural) => (format!("{group}/{plural}"), format!("{group}/{}", row.version)),
    };
    Resource {
        list_kind: format!("{}List", row.kind),
        columns: row.columns.iter().flatten().map(column).collect(),
        group: row.group.clone(),
        version: row.version.clone(),
        plural: row.resource.clone(),
        kind: row.kind.clone(),
        singular: row.singular.clone(),
        namespaced: row.namespaced,
        verbs: row.verbs.clone(),
        short_names: row.short_names.clone(),
        categories: row.categories.clone(),
        subresources: row.subresources.clone(),
        table,
        stored_as,
        origin,
    }
}

fn column(row: &flux_schema::Column) -> Column {
    Column {
        name: row.name.clone(),
        kind: row.kind.clone(),
        format: row.format.clone(),
        priority: row.priority,
        description: String::new(),
        path: String::new(),
        implied: false,
    }
}

/// The built-in resources, in discovery order.
pub(crate) fn built_ins() -> &'static [Arc<Resource>] {
    &BUILT_IN
}

/// Everything that is served now.
#[derive(Clone, Default)]
pub(crate) struct Index {
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    /// Custom resources by group, for discovery.
    pub custom: BTreeMap<String, Vec<Arc<Resource>>>,
    pub definitions: BTreeMap<String, Arc<Definition>>,
}

/// The changing index; readers take the current one and keep it.
pub(crate) struct Registry {
    index: RwLock<Arc<Index>>,
}

impl Registry {
    pub fn new() -> Self {
        Self { index: RwLock::new(Arc::new(Index::build(BTreeMap::new()))) }
    }

    pub fn current(&self) -> Arc<Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Swaps the custom resources.
    pub fn set_definitions(&self, definitions: BTreeMap<String, Arc<Definition>>) {
        let index = Arc::new(Index::build(definitions));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Changes one of the custom resources; changes made side by side do not undo each other.
    pub fn change_definitions(&self, change: impl FnOnce(&mut BTreeMap<String, Arc<Definition>>)) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let mut definitions = index.definitions.clone();
        change(&mut definitions);
        *index = Arc::new(Index::build(definitions));
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.current().find(group, version, plural)
    }

    /// The resource that serves a kind.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        let index = self.current();
        let mut all = index.by_path.values();
        all.find(|own| own.group == group && own.version == version && own.kind == kind && own.has_verb("get")).cloned()
    }
}

impl Index {
    fn build(definitions: BTreeMap<String, Arc<Definition>>) -> Self {
        let mut index = Self::default();
        for resource in built_ins() {
            index.insert(resource.clone());
        }
        for definition in definitions.values().filter(|definition| definition.served()) {
            for resource in definition.resources() {
                let resource = Arc::new(resource);
                index.custom.entry(resource.group.clone()).or_default().push(resource.clone());
                index.insert(resource);
            }
        }
        index.definitions = definitions;
        index
    }

    fn insert(&mut self, resource: Arc<Resource>) {
        let path = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.by_path.insert(path, resource);
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    /// One resource per storage table that can be listed and deleted.
    pub fn stored(&self) -> Vec<Arc<Resource>> {
        let mut seen = std::collections::HashSet::new();
        let custom = self.custom.values().flatten();
        let all = built_ins().iter().chain(custom);
        all.filter(|resource| {
            resource.has_verb("delete") && resource.api_version() == resource.stored_as || resource.custom().is_some()
        })
        .filter(|resource| seen.insert(resource.table.clone()))
        .cloned()
        .collect()
    }

    pub fn serves_version(&self, group: &str, version: &str) -> bool {
        self.by_path.keys().any(|(known, at, _)| known == group && at == version)
    }
}
