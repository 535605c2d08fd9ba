//! What kustomize knows about types: which lists merge by which keys, and which kinds have no namespace.
//!
//! The facts of Kubernetes v1.21.2 are compiled in; a kustomization's `openapi.path` adds to them for one build.

mod custom;
mod table;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use table::{CLUSTER_SCOPED, DEFINITIONS, NONE, ROOTS, TYPES};

pub(crate) use custom::parse;

/// One compiled type. Numbers are places in the table.
struct Type {
    fields: &'static [(&'static str, u16)],
    /// The type of every value, for a map without named fields.
    values: u16,
    items: u16,
    /// The keys by which a list is merged; no keys for a set of scalars; nothing for a list that is replaced.
    merge: Option<&'static [&'static str]>,
}

/// A type of a custom schema.
#[derive(Clone, Debug, Default)]
struct CustomType {
    fields: HashMap<String, Link>,
    values: Option<Link>,
    items: Option<Link>,
    merge: Option<Vec<String>>,
}

/// Another type.
#[derive(Clone, Copy, Debug)]
enum Link {
    Builtin(u16),
    Custom(u32),
}

/// What is known in one build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    types: Vec<CustomType>,
    roots: HashMap<(String, String), Link>,
    definitions: HashMap<String, Link>,
    cluster_scoped: HashSet<(String, String)>,
    /// The compiled types are not in force.
    bare: bool,
    /// Something has asked for compiled types that upstream loads only then.
    asked: Cell<bool>,
    /// Answers about scopes given last: every object is asked about many times, and there are few kinds.
    scopes: RefCell<[Option<Scope>; SCOPES]>,
}

/// How many answers about scopes are kept.
const SCOPES: usize = 16;

/// Whether a kind lives outside namespaces.
#[derive(Clone, Debug)]
struct Scope {
    api_version: String,
    kind: String,
    cluster: bool,
}

/// A type in a schema.
#[derive(Clone, Copy)]
pub(crate) struct TypeRef<'a> {
    schema: &'a Schema,
    link: Link,
}

impl Schema {
    /// The type of a kind, when it is known.
    pub(crate) fn resource(&self, api_version: &str, kind: &str) -> Option<TypeRef<'_>> {
        if !self.roots.is_empty()
            && let Some(link) = self.roots.get(&(api_version.to_owned(), kind.to_owned()))
        {
            return Some(TypeRef { schema: self, link: *link });
        }
        if self.bare {
            return None;
        }
        self.asked.set(true);
        let at = ROOTS.binary_search_by(|root| (root.0, root.1).cmp(&(api_version, kind))).ok()?;
        Some(TypeRef { schema: self, link: Link::Builtin(ROOTS[at].2) })
    }

    /// A definition of the custom document.
    pub(crate) fn definition(&self, name: &str) -> Option<TypeRef<'_>> {
        Some(TypeRef { schema: self, link: *self.definitions.get(name)? })
    }

    /// True when a kind is known to live outside namespaces.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        let first = kind.as_bytes().first().copied().unwrap_or_default();
        let slot = (kind.len() + usize::from(first)) % SCOPES;
        if let Some(known) = &self.scopes.borrow()[slot]
            && known.kind == kind
            && known.api_version == api_version
        {
            return known.cluster;
        }
        let cluster = self.find_scope(api_version, kind);
        let scope = Scope { api_version: api_version.to_owned(), kind: kind.to_owned(), cluster };
        self.scopes.borrow_mut()[slot] = Some(scope);
        cluster
    }

    fn find_scope(&self, api_version: &str, kind: &str) -> bool {
        if CLUSTER_SCOPED.binary_search(&(api_version, kind)).is_ok() {
            return true;
        }
        if !self.asked.get() && ROOTS.binary_search_by(|root| (root.0, root.1).cmp(&(api_version, kind))).is_err() {
            self.asked.set(true);
        }
        !self.cluster_scoped.is_empty() && self.cluster_scoped.contains(&(api_version.to_owned(), kind.to_owned()))
    }

    /// True when the compiled types have been needed.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.get()
    }
}

impl<'a> TypeRef<'a> {
    fn at(self, link: Link) -> Self {
        Self { schema: self.schema, link }
    }

    fn builtin(self, place: u16) -> Option<Self> {
        (place != NONE).then(|| self.at(Link::Builtin(place)))
    }

    /// The type of a field.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        match self.link {
            Link::Builtin(place) => {
                let kind = &TYPES[usize::from(place)];
                match kind.fields.binary_search_by(|field| field.0.cmp(name)) {
                    Ok(at) => self.builtin(kind.fields[at].1),
                    Err(_) => self.builtin(kind.values),
                }
            }
            Link::Custom(place) => {
                let kind = &self.schema.types[place as usize];
                let link = kind.fields.get(name).copied().or(kind.values)?;
                Some(self.at(link))
            }
        }
    }

    /// The type of a list's elements.
    pub(crate) fn items(self) -> Option<Self> {
        match self.link {
            Link::Builtin(place) => self.builtin(TYPES[usize::from(place)].items),
            Link::Custom(place) => Some(self.at(self.schema.types[place as usize].items?)),
        }
    }

    /// The keys by which a list of this type is merged; `None` when it is replaced.
    pub(crate) fn merge_keys(self) -> Option<Vec<&'a str>> {
        match self.link {
            Link::Builtin(place) => TYPES[usize::from(place)].merge.map(<[&str]>::to_vec),
            Link::Custom(place) => {
                let keys = self.schema.types[place as usize].merge.as_ref()?;
                Some(keys.iter().map(String::as_str).collect())
            }
        }
    }
}

/// The compiled definition of that name.
fn builtin_definition(name: &str) -> Option<u16> {
    DEFINITIONS.binary_search_by(|definition| definition.0.cmp(name)).ok().map(|at| DEFINITIONS[at].1)
}
