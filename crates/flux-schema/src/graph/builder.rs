//! Collects nodes, ties names to them, shares what is equal.

use std::collections::HashMap;
use std::sync::Arc;

use super::{DEDUCED, Field, KindRow, List, Map, Node, NodeId, Relationship, Scalar, Schema, UNTYPED_ATOMIC};

pub(crate) struct Builder {
    nodes: Vec<Node>,
    named: HashMap<Arc<str>, NodeId>,
    /// Nodes that are a copy of a named one with another relationship; filled in at the end.
    overrides: HashMap<(Arc<str>, Relationship), NodeId>,
    plain: HashMap<u8, NodeId>,
    strings: HashMap<Box<str>, Arc<str>>,
    kinds: Vec<KindRow>,
    no_names: Arc<[Arc<str>]>,
}

impl Default for Builder {
    fn default() -> Self {
        let mut builder = Self {
            nodes: Vec::new(),
            named: HashMap::new(),
            overrides: HashMap::new(),
            plain: HashMap::new(),
            strings: HashMap::new(),
            kinds: Vec::new(),
            no_names: Arc::new([]),
        };
        builder.common_types();
        builder
    }
}

impl Builder {
    fn common_types(&mut self) {
        let atomic = self.named_node(UNTYPED_ATOMIC);
        let deduced = self.named_node(DEDUCED);
        self.fill(atomic, self.anything(atomic, atomic, Relationship::Atomic));
        self.fill(deduced, self.anything(atomic, deduced, Relationship::Separable));
    }

    /// A type that accepts any value.
    pub fn anything(&self, list_element: NodeId, map_element: NodeId, relationship: Relationship) -> Node {
        Node {
            scalar: Some(Scalar::Any),
            list: Some(List {
                element: list_element,
                relationship: Relationship::Atomic,
                keys: Arc::clone(&self.no_names),
            }),
            map: Some(Map { fields: Arc::new([]), element: Some(map_element), relationship }),
            ..Node::default()
        }
    }

    /// One shared text per spelling.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(text);
        self.strings.insert(text.into(), Arc::clone(&shared));
        shared
    }

    pub fn intern_all<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Arc<[Arc<str>]> {
        let all: Vec<Arc<str>> = texts.into_iter().map(|text| self.intern(text)).collect();
        if all.is_empty() { Arc::clone(&self.no_names) } else { all.into() }
    }

    /// The node of a name, defined already or not.
    pub fn named_node(&mut self, name: &str) -> NodeId {
        if let Some(id) = self.named.get(name) {
            return *id;
        }
        let shared = self.intern(name);
        let id = self.push(Node { name: Some(Arc::clone(&shared)), undefined: true, ..Node::default() });
        self.named.insert(shared, id);
        id
    }

    /// As [`Self::named_node`], with the relationship of its map or list replaced.
    pub fn overridden_node(&mut self, name: &str, relationship: Relationship) -> NodeId {
        let shared = self.intern(name);
        self.named_node(name);
        if let Some(id) = self.overrides.get(&(Arc::clone(&shared), relationship)) {
            return *id;
        }
        let id = self.push(Node::default());
        self.overrides.insert((shared, relationship), id);
        id
    }

    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("schemas are far smaller"));
        self.nodes.push(node);
        id
    }

    /// Adds an inlined type; plain scalars are shared.
    pub fn inlined(&mut self, node: Node) -> NodeId {
        match node.scalar {
            Some(scalar) if node.list.is_none() && node.map.is_none() && node.enumeration.is_empty() => {
                if let Some(id) = self.plain.get(&(scalar as u8)) {
                    return *id;
                }
                let id = self.push(node);
                self.plain.insert(scalar as u8, id);
                id
            }
            _ => self.push(node),
        }
    }

    /// Gives a named node its content.
    pub fn fill(&mut self, id: NodeId, content: Node) {
        let own = &mut self.nodes[id.0 as usize];
        *own = Node { name: own.name.take(), undefined: false, ..content };
    }

    pub fn kind(&mut self, group: &str, version: &str, kind: &str, id: NodeId) {
        let row = (self.intern(group), self.intern(version), self.intern(kind), id);
        self.kinds.push(row);
    }

    /// A map with `fields`, sorted here.
    pub fn map(mut fields: Vec<Field>, element: Option<NodeId>, relationship: Relationship) -> Map {
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Map { fields: fields.into(), element, relationship }
    }

    pub fn finish(mut self) -> Schema {
        for ((name, relationship), id) in std::mem::take(&mut self.overrides) {
            let mut copy = self.nodes[self.named[&name].0 as usize].clone();
            copy.set_relationship(relationship);
            self.nodes[id.0 as usize] = copy;
        }
        self.kinds.sort();
        self.kinds.dedup_by(|a, b| (&a.0, &a.1, &a.2) == (&b.0, &b.1, &b.2));
        self.nodes.shrink_to_fit();
        self.kinds.shrink_to_fit();
        Schema { nodes: self.nodes, named: self.named, kinds: self.kinds }
    }
}
