//! The node tree: what a YAML document says, with everything a printer may need.
//!
//! A scalar keeps its text, tag and style until it is printed or turned into JSON, because
//! kustomize resolves scalars again when it prints (an unquoted `8080` and a quoted one differ).

use std::fmt;

/// Where a node starts in its source text. Lines and columns count from 1; 0 means "made by the program".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
}

/// How a scalar was, or is to be, written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScalarStyle {
    #[default]
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// How a sequence or mapping was, or is to be, written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CollectionStyle {
    #[default]
    Block,
    Flow,
}

/// A node's tag. `Implicit` is resolved from text and style when somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    #[default]
    Implicit,
    Str,
    Int,
    Float,
    Bool,
    Null,
    Timestamp,
    Binary,
    Merge,
    Map,
    Seq,
    /// Any other tag, as written (`!thing`, or the full form of a `!!thing`).
    Other(Box<str>),
}

/// Comments around a node, text as written including `#`, lines joined by `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    pub head: String,
    pub line: String,
    pub foot: String,
}

/// A scalar as text with its tag and style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    pub text: Box<str>,
    pub tag: Tag,
    pub style: ScalarStyle,
}

/// A sequence of nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    pub items: Vec<Node>,
    pub style: CollectionStyle,
    pub tag: Tag,
}

/// A mapping in the order written. Keys are nodes; nearly always string scalars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    pub entries: Vec<(Node, Node)>,
    pub style: CollectionStyle,
    pub tag: Tag,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    Scalar(Scalar),
    Sequence(Sequence),
    Mapping(Mapping),
    /// `*name`, only in trees parsed without alias expansion.
    Alias(Box<str>),
}

/// One node of a document. The default one is an empty plain scalar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub kind: NodeKind,
    pub anchor: Option<Box<str>>,
    pub comments: Option<Box<Comments>>,
    pub mark: Mark,
}

impl Default for NodeKind {
    fn default() -> Self {
        Self::Scalar(Scalar::default())
    }
}

impl Node {
    /// A node without comments, anchor or place.
    pub fn new(kind: NodeKind) -> Self {
        Self { kind, anchor: None, comments: None, mark: Mark::default() }
    }

    /// A plain scalar whose meaning is resolved from its text.
    pub fn plain(text: impl Into<Box<str>>) -> Self {
        Self::new(NodeKind::Scalar(Scalar { text: text.into(), ..Scalar::default() }))
    }

    /// A scalar that is a string whatever its text looks like.
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::new(NodeKind::Scalar(Scalar { text: text.into(), tag: Tag::Str, style: ScalarStyle::Plain }))
    }

    /// The null scalar.
    pub fn null() -> Self {
        Self::new(NodeKind::Scalar(Scalar { text: "null".into(), tag: Tag::Null, style: ScalarStyle::Plain }))
    }

    /// An empty block mapping.
    pub fn mapping() -> Self {
        Self::new(NodeKind::Mapping(Mapping::default()))
    }

    /// An empty block sequence.
    pub fn sequence() -> Self {
        Self::new(NodeKind::Sequence(Sequence::default()))
    }

    #[inline]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The scalar's text, whatever its tag.
    #[inline]
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| &*scalar.text)
    }

    #[inline]
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            NodeKind::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    #[inline]
    pub fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.kind {
            NodeKind::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    #[inline]
    pub fn as_sequence(&self) -> Option<&Sequence> {
        match &self.kind {
            NodeKind::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    pub fn as_sequence_mut(&mut self) -> Option<&mut Sequence> {
        match &mut self.kind {
            NodeKind::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The value under `key` when this is a mapping that has it.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    #[inline]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.as_mapping_mut()?.get_mut(key)
    }

    /// Follows mapping keys one after another.
    pub fn lookup<'a>(&'a self, path: &[&str]) -> Option<&'a Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }
}

impl Mapping {
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    #[inline]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    #[inline]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Replaces the value under `key` in place, or appends the entry.
    pub fn insert(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(slot) => *slot = value,
            None => self.entries.push((Node::plain(key), value)),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(k, _)| k.text() == Some(key))?;
        Some(self.entries.remove(at).1)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
