//! kyaml's notions on node trees: what counts as null or empty, how a field is set, texts of faults.

use flux_yaml::{
    CollectionStyle, EmitOptions, Mapping, Mark, Node, NodeKind, Scalar, ScalarStyle, Schema, Sequence, Tag,
};

use crate::error::Error;
use crate::shared;

/// The three shapes of a node, named as upstream's errors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar,
    Mapping,
    Sequence,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Mapping => "MappingNode",
            Self::Sequence => "SequenceNode",
        }
    }

    /// An empty node of this shape.
    pub(crate) fn empty(self) -> Node {
        match self {
            Self::Scalar => Node::plain(""),
            Self::Mapping => Node::mapping(),
            Self::Sequence => Node::sequence(),
        }
    }
}

pub(crate) fn shape(node: &Node) -> Shape {
    match &node.kind {
        NodeKind::Scalar(_) | NodeKind::Alias(_) => Shape::Scalar,
        NodeKind::Mapping(_) => Shape::Mapping,
        NodeKind::Sequence(_) => Shape::Sequence,
    }
}

fn is_null_text(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A scalar's tag, resolved when it is implicit.
pub(crate) fn scalar_tag(scalar: &Scalar) -> Tag {
    if scalar.tag != Tag::Implicit {
        return scalar.tag.clone();
    }
    if scalar.style != ScalarStyle::Plain {
        return Tag::Str;
    }
    if is_null_text(&scalar.text) {
        return Tag::Null;
    }
    resolve_plain(&scalar.text, Schema::V3)
}

/// The tag a plain scalar of this text would get.
fn resolve_plain(text: &str, schema: Schema) -> Tag {
    use flux_yaml::Resolved;
    let scalar = Scalar { text: text.into(), tag: Tag::Implicit, style: ScalarStyle::Plain };
    match flux_yaml::resolve(&scalar, schema) {
        Ok(Resolved::Null) => Tag::Null,
        Ok(Resolved::Bool(_)) => Tag::Bool,
        Ok(Resolved::Int(_) | Resolved::Uint(_)) => Tag::Int,
        Ok(Resolved::Float(_)) => Tag::Float,
        Ok(Resolved::Timestamp(_)) => Tag::Timestamp,
        Ok(Resolved::Binary(_)) => Tag::Binary,
        Ok(Resolved::Merge) => Tag::Merge,
        Ok(Resolved::Str(_)) | Err(_) => Tag::Str,
    }
}

/// True when a YAML 1.1 reader would not see a string in this text.
pub(crate) fn is_yaml11_non_string(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && resolve_plain(text, Schema::Yaml11) != Tag::Str
}

/// True when a plain scalar of this text would not be a string.
pub(crate) fn is_v3_non_string(text: &str) -> bool {
    resolve_plain(text, Schema::V3) != Tag::Str
}

pub(crate) fn is_null(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar(scalar) => match scalar.tag {
            Tag::Null => true,
            Tag::Implicit => scalar.style == ScalarStyle::Plain && is_null_text(&scalar.text),
            _ => false,
        },
        _ => false,
    }
}

/// Null, `{}` or `[]`.
pub(crate) fn is_empty(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Mapping(map) => map.entries.is_empty(),
        NodeKind::Sequence(seq) => seq.items.is_empty(),
        _ => is_null(node),
    }
}

/// Null or `{}`.
pub(crate) fn is_empty_map(node: &Node) -> bool {
    is_null(node) || node.as_mapping().is_some_and(Mapping::is_empty)
}

/// A string, or a scalar made without saying what it is.
pub(crate) fn is_string(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| scalar_tag(scalar) == Tag::Str)
}

/// The text of a scalar; empty for null and for collections.
pub(crate) fn value(node: &Node) -> &str {
    if is_null(node) { "" } else { node.text().unwrap_or_default() }
}

/// The text of a scalar, whatever its tag; empty for collections.
pub(crate) fn raw(node: &Node) -> &str {
    node.text().unwrap_or_default()
}

/// True for a scalar that was made or changed without saying what it is: its meaning is found when it is
/// printed. One that was read has its meaning from the start.
pub(crate) fn is_untagged(node: &Node) -> bool {
    node.mark.line == 0 && node.as_scalar().is_some_and(|scalar| scalar.tag == Tag::Implicit)
}

/// Quotes an untagged scalar that would not be a string in YAML 1.1, as setting it into a field does.
pub(crate) fn quote_untagged(node: &mut Node) {
    if is_untagged(node)
        && let NodeKind::Scalar(scalar) = &mut node.kind
        && scalar.style == ScalarStyle::Plain
        && is_yaml11_non_string(&scalar.text)
    {
        scalar.style = ScalarStyle::DoubleQuoted;
    }
}

/// Keeps a scalar's meaning through later changes of its text or style.
pub(crate) fn pin(node: &mut Node) {
    if is_untagged(node) {
        return;
    }
    if let NodeKind::Scalar(scalar) = &mut node.kind
        && scalar.tag == Tag::Implicit
    {
        scalar.tag = scalar_tag(scalar);
    }
}

/// A scalar whose meaning is resolved when it is printed, quoted when it would not be a string in YAML 1.1.
pub(crate) fn untagged(text: &str) -> Node {
    let style = if is_yaml11_non_string(text) { ScalarStyle::DoubleQuoted } else { ScalarStyle::Plain };
    Node::new(NodeKind::Scalar(Scalar { text: text.into(), tag: Tag::Implicit, style }))
}

/// A node in YAML, as upstream's error texts show it.
pub(crate) fn text_of(node: &Node) -> String {
    let mut plain = node.clone();
    forget_groups(&mut plain);
    flux_yaml::emit_v3(&plain, &EmitOptions::default())
}

fn forget_groups(node: &mut Node) {
    node.anchor = None;
    match &mut node.kind {
        NodeKind::Sequence(seq) => seq.items.iter_mut().for_each(forget_groups),
        NodeKind::Mapping(map) => map.entries.iter_mut().for_each(|(_, value)| forget_groups(value)),
        _ => {}
    }
}

fn wrong_shape(expected: Shape, node: &Node) -> Error {
    Error::WrongShape {
        expected: expected.name(),
        found: shape(node).name(),
        contents: text_of(node),
        scalar: shape(node) == Shape::Scalar,
    }
}

/// An error unless the node has the shape; null passes.
pub(crate) fn expect_shape(node: &Node, expected: Shape) -> Result<(), Error> {
    if is_null(node) || shape(node) == expected { Ok(()) } else { Err(wrong_shape(expected, node)) }
}

/// The mapping inside, made from null when it is null.
pub(crate) fn mapping_mut(node: &mut Node) -> Result<&mut Mapping, Error> {
    if is_null(node) {
        *node = Node::mapping();
    }
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        return Err(wrong_shape(Shape::Mapping, node));
    }
    match &mut node.kind {
        NodeKind::Mapping(map) => Ok(map),
        _ => Err(Error::internal("a mapping is a mapping")),
    }
}

pub(crate) fn sequence(node: &Node) -> Result<&[Node], Error> {
    match &node.kind {
        NodeKind::Sequence(seq) => Ok(&seq.items),
        _ if is_null(node) => Ok(&[]),
        _ => Err(wrong_shape(Shape::Sequence, node)),
    }
}

pub(crate) fn sequence_mut(node: &mut Node) -> Result<&mut [Node], Error> {
    if is_null(node) {
        return Ok(&mut []);
    }
    if !matches!(node.kind, NodeKind::Sequence(_)) {
        return Err(wrong_shape(Shape::Sequence, node));
    }
    match &mut node.kind {
        NodeKind::Sequence(Sequence { items, .. }) => Ok(items),
        _ => Err(Error::internal("a sequence is a sequence")),
    }
}

/// Puts `value` in the place of `slot`, keeping the slot's style as kyaml's field setter does.
pub(crate) fn replace_keeping_style(slot: &mut Node, mut value: Node) {
    pin(&mut value);
    if let NodeKind::Scalar(new) = &mut value.kind {
        new.style = match &slot.kind {
            NodeKind::Scalar(old) => old.style,
            _ => ScalarStyle::Plain,
        };
    }
    let anchor = slot.anchor.take();
    *slot = value;
    shared::changed(slot, anchor);
}

/// Sets a field as kyaml's `SetField` does: null clears it, an existing one keeps its place and style.
pub(crate) fn set_field(map: &mut Mapping, name: &str, value: Option<Node>, keep_null: bool) {
    let Some(value) = value.filter(|value| keep_null || !is_null(value)) else {
        map.remove(name);
        return;
    };
    match map.get_mut(name) {
        Some(slot) => replace_keeping_style(slot, value),
        None => map.entries.push((Node::plain(name), value)),
    }
}

/// Sets a string field, making it when absent.
pub(crate) fn set_text(map: &mut Mapping, name: &str, text: &str) {
    set_field(map, name, Some(untagged(text)), false);
}

/// The field under `name`, made with `make` when absent.
pub(crate) fn field_or_insert<'a>(
    map: &'a mut Mapping,
    name: &str,
    make: impl FnOnce() -> Node,
) -> Option<&'a mut Node> {
    if !map.contains_key(name) {
        map.entries.push((Node::plain(name), make()));
    }
    map.get_mut(name)
}

/// Replaces a scalar's text, forgetting its tag and keeping its style.
pub(crate) fn set_scalar_text(node: &mut Node, text: &str, tag: Tag) -> Result<(), Error> {
    expect_shape(node, Shape::Scalar)?;
    if let NodeKind::Scalar(scalar) = &mut node.kind {
        scalar.text = text.into();
        scalar.tag = tag;
        node.mark = Mark::default();
        shared::touched(node);
    }
    Ok(())
}

/// A tree of a JSON value, as if it had been read.
pub(crate) fn from_json(value: &serde_json::Value) -> Node {
    let mut node = flux_yaml::from_json(value);
    settle_tags(&mut node);
    node
}

fn settle_tags(node: &mut Node) {
    match &mut node.kind {
        NodeKind::Scalar(scalar) if scalar.tag == Tag::Implicit => scalar.tag = scalar_tag(scalar),
        NodeKind::Sequence(seq) => seq.items.iter_mut().for_each(settle_tags),
        NodeKind::Mapping(map) => map.entries.iter_mut().for_each(|(_, value)| settle_tags(value)),
        _ => {}
    }
}

/// Prepares a tree for printing: a quoted scalar is a string even where another tag was pinned.
/// Between braces and brackets an absent value is printed as `''`, and so becomes a string.
pub(crate) fn settle(node: &mut Node) {
    settle_in(node, false);
}

/// Gives a folded text the line breaks it has after being printed and read: go-yaml's printing adds some around
/// indented lines and at the end.
fn refold(scalar: &mut Scalar) {
    let mut map = Mapping::default();
    map.entries.push((Node::plain("k"), Node::new(NodeKind::Scalar(scalar.clone()))));
    let printed = flux_yaml::emit_v3(&Node::new(NodeKind::Mapping(map)), &EmitOptions::default());
    let again = flux_yaml::parse_one(&printed, &flux_yaml::ParseOptions::default());
    if let Ok(Some(again)) = again
        && let Some(text) = again.get("k").and_then(Node::text)
    {
        scalar.text = text.into();
    }
}

fn settle_in(node: &mut Node, in_flow: bool) {
    node.anchor = None;
    match &mut node.kind {
        NodeKind::Scalar(scalar) => {
            if in_flow && scalar.text.is_empty() && scalar.tag == Tag::Implicit {
                scalar.tag = Tag::Str;
            }
            if scalar.style == ScalarStyle::Folded && scalar.text.matches('\n').nth(1).is_some() {
                refold(scalar);
            }
            let quoted = scalar.style != ScalarStyle::Plain;
            let pinned = !matches!(scalar.tag, Tag::Implicit | Tag::Str);
            if quoted && pinned && (scalar.tag == Tag::Null || resolve_plain(&scalar.text, Schema::V3) == scalar.tag) {
                scalar.tag = Tag::Str;
            }
        }
        NodeKind::Sequence(seq) => {
            let in_flow = in_flow || seq.style == CollectionStyle::Flow;
            seq.items.iter_mut().for_each(|item| settle_in(item, in_flow));
        }
        NodeKind::Mapping(map) => {
            let in_flow = in_flow || map.style == CollectionStyle::Flow;
            for (key, value) in &mut map.entries {
                // A key is printed in quotes when it is empty, wherever it is.
                settle_in(key, true);
                settle_in(value, in_flow);
            }
        }
        NodeKind::Alias(_) => {}
    }
}
