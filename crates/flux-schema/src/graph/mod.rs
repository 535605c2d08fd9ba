//! Types as a graph of interned nodes.
//!
//! The model is structured-merge-diff's: a type is any of a scalar, a list and a map ("atom"), and a value
//! picks the one that fits it. Beside it each field carries what strategic merge patch and strict decoding
//! need. Nodes refer to each other by index, so a recursive type costs nothing.

mod builder;
mod openapi;
mod smd;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

pub(crate) use builder::Builder;

/// The name of the type that accepts anything and owns every leaf by itself.
pub(crate) const DEDUCED: &str = "__untyped_deduced_";
/// The name of the type that accepts anything and is one leaf.
pub(crate) const UNTYPED_ATOMIC: &str = "__untyped_atomic_";

/// The index of a node in its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// Group, version and kind, and the kind's type.
pub(crate) type KindRow = (Arc<str>, Arc<str>, Arc<str>, NodeId);

/// A set of types that refer to each other.
#[derive(Debug)]
pub struct Schema {
    nodes: Vec<Node>,
    named: HashMap<Arc<str>, NodeId>,
    /// Sorted by group, version, kind.
    kinds: Vec<KindRow>,
}

/// What a value may be: any of the three that are set.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The definition's name, such as `io.k8s.api.core.v1.PodSpec`; inlined types have none.
    pub name: Option<Arc<str>>,
    pub scalar: Option<Scalar>,
    pub list: Option<List>,
    pub map: Option<Map>,
    /// The values a string may have, as the API publishes them; empty when any.
    pub enumeration: Arc<[Arc<str>]>,
    /// Named somewhere, defined nowhere.
    pub undefined: bool,
}

/// What a scalar looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    String,
    /// Base64 text.
    Bytes,
    /// RFC 3339 text, or null.
    DateTime,
    /// Any other formatted string.
    Formatted,
    Int32,
    Int64,
    Integer,
    Number,
    Boolean,
    IntOrString,
    Quantity,
    /// Any scalar at all.
    Any,
}

/// The scalar kinds that structured merge tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarClass {
    Numeric,
    String,
    Boolean,
    Untyped,
}

impl Scalar {
    pub fn class(self) -> ScalarClass {
        match self {
            Self::String | Self::Bytes => ScalarClass::String,
            Self::Int32 | Self::Int64 | Self::Integer | Self::Number => ScalarClass::Numeric,
            Self::Boolean => ScalarClass::Boolean,
            Self::DateTime | Self::Formatted | Self::IntOrString | Self::Quantity | Self::Any => ScalarClass::Untyped,
        }
    }
}

/// How the members of a list or map belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// One leaf: somebody owns all of it.
    Atomic,
    /// A list whose members are found by key or value.
    Associative,
    /// A map whose members are owned one by one.
    Separable,
}

#[derive(Debug, Clone)]
pub struct List {
    pub element: NodeId,
    pub relationship: Relationship,
    /// The fields that identify a member; none for a set of scalars.
    pub keys: Arc<[Arc<str>]>,
}

#[derive(Debug, Clone)]
pub struct Map {
    /// Sorted by name.
    pub fields: Arc<[Field]>,
    /// The type of members that are not declared; `None` when there may be none.
    pub element: Option<NodeId>,
    pub relationship: Relationship,
}

/// A declared field of a map.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: Arc<str>,
    pub node: NodeId,
    pub default: Option<Box<Value>>,
    pub required: bool,
    /// What strategic merge patch needs to know; `None` for its defaults.
    pub patch: Option<Box<PatchMeta>>,
}

/// The patch strategy of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchMeta {
    pub merge: bool,
    pub replace: bool,
    pub retain_keys: bool,
    /// The field that identifies a list's member.
    pub merge_key: Option<Arc<str>>,
}

/// A document that cannot be read as a schema.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    #[error("{at}: unrecognized type: '{found}'")]
    UnknownType { at: String, found: String },
    #[error("{at}: unknown list type {found}")]
    UnknownListType { at: String, found: String },
    #[error("{at}: unknown map type {found}")]
    UnknownMapType { at: String, found: String },
    #[error("{at}: unknown patch strategy {found}")]
    UnknownPatchStrategy { at: String, found: String },
    #[error("{at}: missing map keys")]
    MissingMapKeys { at: String },
    #[error("{at}: nested deeper than {limit}")]
    TooDeep { at: String, limit: usize },
    #[error("{at}: expected {expected}")]
    Malformed { at: String, expected: &'static str },
}

impl Node {
    /// Replaces the relationship of the map, or else of the list.
    pub(crate) fn set_relationship(&mut self, relationship: Relationship) {
        match (&mut self.map, &mut self.list) {
            (Some(map), _) => map.relationship = relationship,
            (None, Some(list)) => list.relationship = relationship,
            (None, None) => {}
        }
    }
}

impl Map {
    pub fn field(&self, name: &str) -> Option<&Field> {
        let index = self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        self.fields.get(index)
    }

    /// The type of the member `name`, declared or not; `None` when there may be no such member.
    pub fn member(&self, name: &str) -> Option<NodeId> {
        self.field(name).map(|field| field.node).or(self.element)
    }
}

impl Schema {
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The number of nodes, for those who watch memory.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The type of that name.
    pub fn named(self: &Arc<Self>, name: &str) -> Option<TypeRef> {
        let node = *self.named.get(name)?;
        Some(TypeRef { schema: Arc::clone(self), node })
    }

    /// The type of a kind; the core group is empty.
    pub fn kind(self: &Arc<Self>, group: &str, version: &str, kind: &str) -> Option<TypeRef> {
        let wanted = (group, version, kind);
        let index = self.kinds.binary_search_by(|(g, v, k, _)| (&**g, &**v, &**k).cmp(&wanted)).ok()?;
        Some(TypeRef { schema: Arc::clone(self), node: self.kinds[index].3 })
    }

    /// True for the type that is deduced from each value, named or written out.
    pub fn is_deduced(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match &node.name {
            Some(name) => **name == *DEDUCED,
            None => node.scalar.is_some_and(|scalar| scalar.class() == ScalarClass::Untyped),
        }
    }
}

/// A type: a node and the schema it lives in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TypeRef {
    schema: Arc<Schema>,
    node: NodeId,
}

impl PartialEq for TypeRef {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && Arc::ptr_eq(&self.schema, &other.schema)
    }
}

impl Eq for TypeRef {}

impl TypeRef {
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    pub fn id(&self) -> NodeId {
        self.node
    }

    pub fn node(&self) -> &Node {
        self.schema.node(self.node)
    }

    /// The same schema's type at `id`.
    pub fn at(&self, id: NodeId) -> Self {
        Self { schema: Arc::clone(&self.schema), node: id }
    }

    /// The definition's name, or `None` for an inlined type.
    pub fn name(&self) -> Option<&str> {
        self.node().name.as_deref()
    }

    /// The type of the member `name` of a map.
    pub fn field(&self, name: &str) -> Option<Self> {
        self.node().map.as_ref()?.member(name).map(|id| self.at(id))
    }

    /// The type of a list's members.
    pub fn element(&self) -> Option<Self> {
        self.node().list.as_ref().map(|list| self.at(list.element))
    }

    /// The declared fields of a map; empty for anything else.
    pub fn fields(&self) -> &[Field] {
        self.node().map.as_ref().map_or(&[], |map| &map.fields)
    }
}

static DEDUCED_TYPE: LazyLock<TypeRef> = LazyLock::new(|| {
    let schema = Arc::new(Builder::default().finish());
    schema.named(DEDUCED).expect("every schema has the common types")
});

/// The type that accepts anything: maps are granular, lists are atomic.
pub fn deduced() -> TypeRef {
    DEDUCED_TYPE.clone()
}
