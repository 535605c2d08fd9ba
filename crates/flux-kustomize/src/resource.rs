//! One object on its way through a build, with its history.

use std::collections::BTreeMap;

use flux_yaml::{Mapping, Node, NodeKind};

use crate::error::Error;
use crate::id::{GvkRef, Id};
use crate::node::{self, Shape, is_empty, raw};
use crate::schema::Schema;

/// Annotations kustomize uses inside; none survives a build.
pub(crate) const INTERNAL: &str = "internal.config.kubernetes.io/";

pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// Other annotations that are taken off at the end.
const READER_ANNOTATIONS: [&str; 8] = [
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "config.k8s.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.kubernetes.io/id",
];

/// What a generated object does to one that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// An id the object had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub name: String,
    pub namespace: String,
    pub kind: String,
}

/// What happened to an object in this build; upstream keeps it in annotations.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub past: Vec<Past>,
    pub prefixes: Vec<String>,
    pub suffixes: Vec<String>,
    pub referred_by: Vec<String>,
    pub behavior: Option<Behavior>,
    pub needs_hash: bool,
    pub allow_name_change: bool,
    pub allow_kind_change: bool,
    pub helm_generated: bool,
}

/// An object and its history.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub node: Node,
    pub history: History,
    /// Vars whose value this object has.
    pub vars: Vec<String>,
}

/// `apiVersion`, `kind`, `metadata.name` and so on of a tree.
pub(crate) fn text_field<'a>(node: &'a Node, name: &str) -> &'a str {
    node.get(name).map(raw).unwrap_or_default()
}

pub(crate) fn metadata(node: &Node) -> Option<&Node> {
    node.get("metadata").filter(|meta| !is_empty(meta))
}

pub(crate) fn meta_text<'a>(node: &'a Node, name: &str) -> &'a str {
    metadata(node).and_then(|meta| meta.get(name)).filter(|value| !is_empty(value)).map(raw).unwrap_or_default()
}

/// A map of texts in the metadata.
pub(crate) fn meta_map(node: &Node, name: &str) -> BTreeMap<String, String> {
    let map = metadata(node).and_then(|meta| meta.get(name)).and_then(Node::as_mapping);
    map.into_iter()
        .flat_map(|map| &map.entries)
        .map(|(key, value)| (raw(key).to_owned(), raw(value).to_owned()))
        .collect()
}

/// Replaces a map of texts in the metadata; an empty one is removed.
pub(crate) fn set_meta_map(node: &mut Node, name: &str, map: &BTreeMap<String, String>) -> Result<(), Error> {
    let root = node::mapping_mut(node)?;
    let Some(meta) = node::field_or_insert(root, "metadata", Node::mapping) else { return Ok(()) };
    let meta = node::mapping_mut(meta)?;
    meta.remove(name);
    if map.is_empty() {
        return Ok(());
    }
    let mut fresh = Mapping::default();
    // Upstream makes keys without a tag here: a text that reads as something else becomes that.
    fresh.entries.extend(map.iter().map(|(key, value)| (Node::plain(key.as_str()), Node::string(value.as_str()))));
    meta.entries.push((Node::plain(name), Node::new(NodeKind::Mapping(fresh))));
    Ok(())
}

/// Sets a field of the metadata, making both when absent.
pub(crate) fn set_meta_text(node: &mut Node, name: &str, text: &str) -> Result<(), Error> {
    let root = node::mapping_mut(node)?;
    if let Some(meta) = node::field_or_insert(root, "metadata", Node::mapping) {
        node::set_text(node::mapping_mut(meta)?, name, text);
    }
    Ok(())
}

fn set_root_text(node: &mut Node, name: &str, text: &str) -> Result<(), Error> {
    node::set_text(node::mapping_mut(node)?, name, text);
    Ok(())
}

impl Resource {
    pub(crate) fn new(node: Node) -> Self {
        let mut resource = Self { node, history: History::default(), vars: Vec::new() };
        resource.take_internal_annotations();
        resource
    }

    /// Functions and generators may mark their output with internal annotations.
    fn take_internal_annotations(&mut self) {
        let annotations = metadata(&self.node).and_then(|meta| meta.get("annotations")).and_then(Node::as_mapping);
        let marked = annotations.is_some_and(|map| map.entries.iter().any(|(key, _)| raw(key).starts_with(INTERNAL)));
        if !marked {
            return;
        }
        let mut map = meta_map(&self.node, "annotations");
        let mut take = |name: &str| map.remove(&format!("{INTERNAL}{name}"));
        let list = |text: Option<String>| -> Vec<String> {
            text.map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let (names, spaces) = (list(take("previousNames")), list(take("previousNamespaces")));
        let kinds = list(take("previousKinds"));
        for ((name, namespace), kind) in names.into_iter().zip(spaces).zip(kinds) {
            self.history.past.push(Past { name, namespace, kind });
        }
        self.history.prefixes = list(take("prefixes"));
        self.history.suffixes = list(take("suffixes"));
        self.history.needs_hash = take("needsHashSuffix").as_deref() == Some("enabled");
        self.history.behavior = take("generatorBehavior").map(|text| Behavior::parse(&text));
        self.history.helm_generated = map.remove(HELM_GENERATED).as_deref() == Some("true");
        // The mapping was read from this node, so it can be written there.
        let _ = set_meta_map(&mut self.node, "annotations", &map);
    }

    pub(crate) fn api_version(&self) -> &str {
        text_field(&self.node, "apiVersion")
    }

    pub(crate) fn kind(&self) -> &str {
        text_field(&self.node, "kind")
    }

    pub(crate) fn name(&self) -> &str {
        meta_text(&self.node, "name")
    }

    pub(crate) fn namespace(&self) -> &str {
        meta_text(&self.node, "namespace")
    }

    pub(crate) fn gvk(&self) -> GvkRef<'_> {
        GvkRef::new(self.api_version(), self.kind())
    }

    pub(crate) fn id(&self, schema: &Schema) -> Id<'_> {
        let (api_version, kind) = (self.api_version(), self.kind());
        Id {
            gvk: GvkRef::new(api_version, kind),
            name: self.name(),
            namespace: self.namespace(),
            cluster_scoped: schema.is_cluster_scoped(api_version, kind),
        }
    }

    /// The ids it had before, oldest first.
    pub(crate) fn past_ids(&self) -> impl Iterator<Item = Id<'_>> {
        let gvk = self.gvk();
        self.history.past.iter().map(move |past| Id {
            gvk: GvkRef { kind: &past.kind, ..gvk },
            name: &past.name,
            namespace: &past.namespace,
            cluster_scoped: false,
        })
    }

    /// The id it was loaded with.
    pub(crate) fn original_id(&self, schema: &Schema) -> Id<'_> {
        self.past_ids().next().unwrap_or_else(|| self.id(schema))
    }

    /// Remembers the present id before it changes.
    pub(crate) fn store_id(&mut self, schema: &Schema) {
        let id = self.id(schema);
        let past = Past {
            name: id.name.to_owned(),
            namespace: id.effective_namespace().to_owned(),
            kind: id.gvk.kind.to_owned(),
        };
        self.history.past.push(past);
    }

    pub(crate) fn set_name(&mut self, name: &str) -> Result<(), Error> {
        set_meta_text(&mut self.node, "name", name)
    }

    pub(crate) fn set_kind(&mut self, kind: &str) -> Result<(), Error> {
        set_root_text(&mut self.node, "kind", kind)
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) -> Result<(), Error> {
        set_root_text(&mut self.node, "apiVersion", api_version)
    }

    /// Sets the namespace; an empty one removes the field.
    pub(crate) fn set_namespace(&mut self, namespace: &str) -> Result<(), Error> {
        if !namespace.is_empty() {
            return set_meta_text(&mut self.node, "namespace", namespace);
        }
        if let Some(meta) = self.node.get_mut("metadata").and_then(Node::as_mapping_mut) {
            meta.remove("namespace");
        }
        Ok(())
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        meta_map(&self.node, "labels")
    }

    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        meta_map(&self.node, "annotations")
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        metadata(&self.node)?.get("annotations")?.get(name).map(raw)
    }

    pub(crate) fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let mut map = self.annotations();
        map.insert(name.to_owned(), value.to_owned());
        set_meta_map(&mut self.node, "annotations", &map)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        is_empty(&self.node)
    }

    /// True when it only serves the build and is not part of the result.
    pub(crate) fn is_local_config(&self) -> bool {
        self.annotation(LOCAL_CONFIG).is_some_and(|value| value != "false")
    }

    /// True when upstream would have internal annotations on the object.
    pub(crate) fn has_history_annotations(&self) -> bool {
        let history = &self.history;
        !history.past.is_empty()
            || !history.prefixes.is_empty()
            || !history.suffixes.is_empty()
            || history.needs_hash
            || history.behavior.is_some()
    }

    /// Takes over what another generated object of the same id says and this one does not.
    pub(crate) fn merge_metadata_from(&mut self, other: &Resource) -> Result<(), Error> {
        let over = |mut old: BTreeMap<String, String>, new: BTreeMap<String, String>| {
            old.extend(new);
            old
        };
        let labels = over(other.labels(), self.labels());
        set_meta_map(&mut self.node, "labels", &labels)?;
        let annotations = over(other.annotations(), self.annotations());
        set_meta_map(&mut self.node, "annotations", &annotations)?;
        let needs_hash = self.history.needs_hash && other.history.needs_hash;
        self.history = History { needs_hash, ..other.history.clone() };
        self.set_name(other.name())?;
        self.set_namespace(other.namespace())?;
        self.vars.clone_from(&other.vars);
        Ok(())
    }

    /// Merges `data` and `binaryData` of another; own values win.
    pub(crate) fn merge_data_from(&mut self, other: &Resource) -> Result<(), Error> {
        for field in ["data", "binaryData"] {
            let read = |node: &Node| -> BTreeMap<String, String> {
                let map = node.get(field).and_then(Node::as_mapping);
                let entries = map.into_iter().flat_map(|map| &map.entries);
                entries.map(|(key, value)| (raw(key).to_owned(), node::value(value).to_owned())).collect()
            };
            let mut merged = read(&other.node);
            merged.extend(read(&self.node));
            let root = node::mapping_mut(&mut self.node)?;
            root.remove(field);
            for (key, value) in &merged {
                // Upstream decides by the value where it goes, except for what is binary already.
                if let Some(map) = node::field_or_insert(root, field, Node::mapping) {
                    node::mapping_mut(map)?.insert(key, Node::string(value.as_str()));
                }
            }
        }
        Ok(())
    }

    /// The tree with its history in annotations, as upstream's error texts show it.
    pub(crate) fn annotated(&self) -> Node {
        let history = &self.history;
        let flag = |set: bool| set.then_some("enabled").into_iter().collect();
        let lists: [(&str, Vec<&str>); 10] = [
            ("previousNames", history.past.iter().map(|past| past.name.as_str()).collect()),
            ("previousNamespaces", history.past.iter().map(|past| past.namespace.as_str()).collect()),
            ("previousKinds", history.past.iter().map(|past| past.kind.as_str()).collect()),
            ("prefixes", history.prefixes.iter().map(String::as_str).collect()),
            ("suffixes", history.suffixes.iter().map(String::as_str).collect()),
            ("refBy", history.referred_by.iter().map(String::as_str).collect()),
            ("needsHashSuffix", flag(history.needs_hash)),
            ("allowNameChange", flag(history.allow_name_change)),
            ("allowKindChange", flag(history.allow_kind_change)),
            ("generatorBehavior", history.behavior.map(Behavior::name).into_iter().collect()),
        ];
        let mut node = self.node.clone();
        let meta = node.as_mapping_mut().and_then(|root| node::field_or_insert(root, "metadata", Node::mapping));
        let Some(meta) = meta.and_then(Node::as_mapping_mut) else { return node };
        let annotations = node::field_or_insert(meta, "annotations", Node::mapping);
        // A node that cannot hold annotations is shown without.
        if let Some(Ok(map)) = annotations.map(node::mapping_mut) {
            for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                map.insert(&format!("{INTERNAL}{name}"), Node::string(list.join(",")));
            }
            if map.is_empty() {
                meta.remove("annotations");
            }
        }
        node
    }

    /// Takes off what does not belong in the result, and makes every annotation a string.
    pub(crate) fn finish(&mut self, keep_origin: bool, keep_transformations: bool) -> Result<(), Error> {
        let Some(found) = metadata(&self.node).and_then(|meta| meta.get("annotations")) else { return Ok(()) };
        let plain = found.as_mapping().is_some_and(|map| {
            let fine = |(key, value): &(Node, Node)| {
                let name = raw(key);
                let unwanted = name == ORIGIN || name == TRANSFORMATIONS || READER_ANNOTATIONS.contains(&name);
                !unwanted
                    && node::shape(value) == Shape::Scalar
                    && node::is_string(value)
                    && !node::is_v3_non_string(name)
            };
            !map.entries.is_empty() && map.entries.iter().all(fine) && !has_duplicates(map)
        });
        if plain {
            return Ok(());
        }
        let mut map = self.annotations();
        map.retain(|name, _| {
            !READER_ANNOTATIONS.contains(&name.as_str())
                && (name != ORIGIN || keep_origin)
                && (name != TRANSFORMATIONS || keep_transformations)
        });
        set_meta_map(&mut self.node, "annotations", &map)
    }
}

fn has_duplicates(map: &Mapping) -> bool {
    let mut names: Vec<_> = map.entries.iter().map(|(key, _)| raw(key)).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}
