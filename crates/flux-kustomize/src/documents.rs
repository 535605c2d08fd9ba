//! Reads the objects of a resource file.

use std::borrow::Cow;

use flux_yaml::{Limits, Mapping, Node, NodeKind, ParseOptions, ScalarStyle, Schema as YamlSchema, Tag};

use crate::error::Error;
use crate::go::print::string_map;
use crate::node::{is_empty, is_null, raw, value};
use crate::resource::{meta_map, meta_text, metadata, text_field};

/// Reads every object of a text; lists are unwrapped, empty documents dropped.
pub(crate) fn read(content: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let text = flux_yaml::decode(content).map_err(|yaml| Error::MalformedYaml { yaml, file: None })?;
    let nodes = checked(parse(&text, limits)?)?;
    expand_lists(nodes)
}

/// Parses the documents of a text, before anything is asked of them.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Vec<Node>, Error> {
    let text: Cow<'_, str> = match text.contains("\r\n") {
        true => text.replace("\r\n", "\n").into(),
        false => text.into(),
    };
    let chunks = split(&text)?;
    let single = chunks.len() == 1;
    // Comments can describe how lists are merged, and error texts show objects with them.
    let options = ParseOptions { limits: *limits, keep_comments: text.contains('#'), ..ParseOptions::default() };
    let mut parsed = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        match flux_yaml::parse_one(chunk, &options) {
            Ok(node) => parsed.push(Ok(node)),
            // Upstream follows aliases when every document has been parsed.
            Err(yaml) if yaml.is_bad_merge() => parsed
                .push(Err(Error::Object { reason: "invalid map merge: received alias for a non-map value".into() })),
            Err(yaml) => return Err(Error::MalformedYaml { yaml, file: None }),
        }
    }
    let mut nodes = Vec::new();
    for node in parsed {
        let Some(mut node) = node?.filter(|node| !is_null(node)) else { continue };
        normalize(&mut node)?;
        match single.then(|| unwrap_list(&mut node)).flatten() {
            Some(items) => nodes.extend(items),
            None => nodes.push(node),
        }
    }
    Ok(nodes)
}

/// Splits at lines that start with `---` and follow another line. Anything but a comment after it is an error.
/// Each part but the last keeps its final newline.
fn split(text: &str) -> Result<Vec<&str>, Error> {
    let mut parts = Vec::new();
    if text.is_empty() {
        return Ok(parts);
    }
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text[from..].find("\n---") {
        let at = from + at;
        let Some(end) = text[at + 4..].find('\n').map(|end| at + 4 + end) else { break };
        let rest = text[at + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return Err(Error::DocumentSeparator { separator: text[at..end].trim().to_owned() });
        }
        parts.push(&text[start..=at]);
        start = end + 1;
        from = start;
    }
    parts.push(&text[start..]);
    Ok(parts)
}

/// The items of a `List` or `ResourceList`.
fn unwrap_list(node: &mut Node) -> Option<Vec<Node>> {
    let kind = node.get("kind").map(value)?;
    if kind != "List" && kind != "ResourceList" {
        return None;
    }
    let map = node.as_mapping_mut()?;
    if !map.contains_key("items") && !map.contains_key("functionConfig") {
        return None;
    }
    match map.remove("items").map(|items| items.kind) {
        Some(NodeKind::Sequence(seq)) => Some(seq.items),
        _ => Some(Vec::new()),
    }
}

/// Applies `<<` merges, and gives explicitly tagged scalars the plain style so that the tag decides.
fn normalize(node: &mut Node) -> Result<(), Error> {
    match &mut node.kind {
        NodeKind::Scalar(scalar) => {
            if !matches!(scalar.tag, Tag::Implicit | Tag::Str | Tag::Other(_) | Tag::Binary) {
                scalar.style = ScalarStyle::Plain;
            }
            Ok(())
        }
        NodeKind::Sequence(seq) => seq.items.iter_mut().try_for_each(normalize),
        NodeKind::Mapping(map) => {
            if map.entries.iter().any(|(key, _)| is_merge(key)) {
                apply_merges(map)?;
            }
            map.entries.iter_mut().try_for_each(|(_, value)| normalize(value))
        }
        NodeKind::Alias(_) => Ok(()),
    }
}

fn is_merge(key: &Node) -> bool {
    key.as_scalar().is_some_and(|scalar| match scalar.tag {
        Tag::Merge => true,
        Tag::Implicit => scalar.style == ScalarStyle::Plain && &*scalar.text == "<<",
        _ => false,
    })
}

fn apply_merges(map: &mut Mapping) -> Result<(), Error> {
    let fault = |reason: &str| Error::Object { reason: reason.to_owned() };
    let entries = std::mem::take(&mut map.entries);
    let (merges, own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| is_merge(key));
    if merges.len() > 1 {
        return Err(fault("duplicate merge key"));
    }
    let mut sources = Vec::new();
    for (_, source) in merges {
        match source.kind {
            NodeKind::Mapping(source) => sources.push(source),
            NodeKind::Sequence(list) => {
                for item in list.items {
                    match item.kind {
                        NodeKind::Mapping(source) => sources.push(source),
                        NodeKind::Sequence(_) => return Err(fault("invalid map merge: received a nested sequence")),
                        _ => return Err(fault("map merge requires map or sequence of maps as the value")),
                    }
                }
            }
            _ => return Err(fault("map merge requires map or sequence of maps as the value")),
        }
    }
    map.entries = own;
    // Own entries win, then earlier sources.
    for mut source in sources {
        if source.entries.iter().any(|(key, _)| is_merge(key)) {
            apply_merges(&mut source)?;
        }
        for (key, value) in source.entries {
            if !map.contains_key(raw(&key)) {
                map.entries.push((key, value));
            }
        }
    }
    Ok(())
}

/// Drops empty objects and refuses those without kind or name.
fn checked(nodes: Vec<Node>) -> Result<Vec<Node>, Error> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes.into_iter().filter(|node| !is_empty(node)) {
        check_metadata(&node)?;
        kept.push(node);
    }
    Ok(kept)
}

/// An error unless the object says what it is. Lists need no name.
pub(crate) fn check_metadata(node: &Node) -> Result<(), Error> {
    let present = |name: &str| node.get(name).is_some_and(|field| !is_empty(field));
    let meta_says = |meta: &Node| {
        ["name", "namespace", "labels", "annotations"]
            .iter()
            .any(|name| meta.get(name).is_some_and(|field| !is_empty(field)))
    };
    if !present("apiVersion") && !present("kind") && !metadata(node).is_some_and(meta_says) {
        return Err(Error::Object { reason: "missing Resource metadata".into() });
    }
    let kind = node.get("kind").map(value).unwrap_or_default();
    if kind.is_empty() {
        return Err(Error::Object { reason: format!("missing kind in object {}", meta_syntax(node)) });
    }
    if kind.ends_with("List") || !meta_text(node, "name").is_empty() {
        return Ok(());
    }
    Err(Error::Object { reason: format!("missing metadata.name in object {}", meta_syntax(node)) })
}

/// Go's `%v` of upstream's metadata structure.
fn meta_syntax(node: &Node) -> String {
    let map = |name: &str| {
        let map = meta_map(node, name);
        string_map(map.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    };
    let root = |name: &str| node.get(name).map(value).unwrap_or_default();
    let (name, namespace) = (meta_text(node, "name"), meta_text(node, "namespace"));
    format!(
        "{{{{{} {}}} {{{{{name} {namespace}}} {} {}}}}}",
        root("apiVersion"),
        root("kind"),
        map("labels"),
        map("annotations")
    )
}

/// Puts the items of every other kind of list at the end, in place of the list.
fn expand_lists(nodes: Vec<Node>) -> Result<Vec<Node>, Error> {
    if !nodes.iter().any(|node| text_field(node, "kind").ends_with("List")) {
        return Ok(nodes);
    }
    let mut queue = std::collections::VecDeque::from(nodes);
    let mut out = Vec::new();
    while let Some(node) = queue.pop_front() {
        let kind = text_field(&node, "kind");
        if !kind.ends_with("List") {
            out.push(node);
            continue;
        }
        let Some(items) = node.get("items") else {
            out.push(node);
            continue;
        };
        let plain = flux_yaml::to_json(items, YamlSchema::V3)
            .map_err(|error| Error::from(error).within(format!("trouble expanding list of {kind}")))?;
        match plain {
            serde_json::Value::Null => {}
            serde_json::Value::Array(items) => {
                let items = items.iter().map(crate::node::from_json).filter(|node| !is_null(node)).collect();
                queue.extend(checked(items)?);
            }
            other => {
                let found = match other {
                    serde_json::Value::Object(_) => "map[string]interface {}",
                    serde_json::Value::String(_) => "string",
                    serde_json::Value::Bool(_) => "bool",
                    _ => "int",
                };
                let reason = format!("expected array in {kind}/items, but found {found}");
                return Err(Error::Object { reason });
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        let nodes = read(text.as_bytes(), &Limits::default()).unwrap();
        nodes.iter().map(|node| format!("{}/{}", text_field(node, "kind"), meta_text(node, "name"))).collect()
    }

    #[test]
    fn documents_split_at_separator_lines() {
        assert_eq!(split("a\n---\nb\n--- # c\nd").unwrap(), ["a\n", "b\n", "d"]);
        assert_eq!(split("---\na\n---").unwrap(), ["---\na\n---"]);
        assert_eq!(split("a\n--- x\nb\n").unwrap_err().to_string(), "invalid document separator: --- x");
    }

    #[test]
    fn lists_are_unwrapped_and_items_of_others_go_last() {
        assert_eq!(kinds("kind: List\nitems: [{kind: A, metadata: {name: a}}]\n"), ["A/a"]);
        let text = "kind: RoleList\nitems: [{kind: Role, metadata: {name: r}}]\n---\nkind: B\nmetadata: {name: b}\n";
        assert_eq!(kinds(text), ["B/b", "Role/r"]);
        assert_eq!(kinds("kind: FooList\nspec: {}\n"), ["FooList/"]);
        assert!(kinds("kind: FooList\nitems: null\n").is_empty());
    }

    #[test]
    fn objects_must_say_what_they_are() {
        let fault = |text: &str| read(text.as_bytes(), &Limits::default()).unwrap_err().to_string();
        assert_eq!(fault("apiVersion: v1\nmetadata: {name: a}\n"), "missing kind in object {{v1 } {{a } map[] map[]}}");
        assert_eq!(fault("just text"), "missing Resource metadata");
        assert_eq!(
            fault("kind: A\nmetadata: {labels: {b: c}}\n"),
            "missing metadata.name in object {{ A} {{ } map[b:c] map[]}}"
        );
    }

    #[test]
    fn merge_keys_are_applied() {
        let text = "kind: A\nmetadata: {name: a}\nbase: &b {x: 1, y: 2}\nspec: {<<: *b, y: 3}\n";
        let nodes = read(text.as_bytes(), &Limits::default()).unwrap();
        let spec = flux_yaml::to_json(nodes[0].get("spec").unwrap(), YamlSchema::V3).unwrap();
        assert_eq!(spec, serde_json::json!({"x": 1, "y": 3}));
    }
}
