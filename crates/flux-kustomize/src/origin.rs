//! Where objects and transformers come from, for `buildMetadata`.

use flux_yaml::{EmitOptions, Mapping, Node, NodeKind, ScalarStyle};

use crate::fs::clean;
use crate::node::is_yaml11_non_string;
use crate::remote;
use crate::resource::{ORIGIN, Resource};

/// Where something was configured, relative to the folder the build started in or to its repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    path: String,
    repo: String,
    reference: String,
    configured_in: String,
    configured_by: ConfiguredBy,
}

/// The plugin that made or changed an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfiguredBy {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

impl Origin {
    /// Of something below this.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut new = self.clone();
        let mut below = path.to_owned();
        if let Some(spec) = remote::parse(path) {
            new.repo = spec.clone_url;
            new.reference = spec.reference.unwrap_or_default();
            new.path.clear();
            below = spec.path;
        }
        let joined = std::path::Path::new(&new.path).join(&below);
        new.path =
            if new.path.is_empty() && below.is_empty() { String::new() } else { clean(&joined).display().to_string() };
        new
    }

    /// Of what a built-in plugin does that this folder's kustomization asks for.
    pub(crate) fn of_builtin(&self, file: &str, kind: &str) -> Self {
        let in_file = std::path::Path::new(&self.path).join(file);
        Self {
            path: String::new(),
            configured_in: clean(&in_file).display().to_string(),
            configured_by: ConfiguredBy { api_version: "builtin".into(), kind: kind.into(), ..ConfiguredBy::default() },
            ..self.clone()
        }
    }

    /// Of what a plugin does that has its own configuration object.
    pub(crate) fn of_plugin(config: &Resource) -> Option<Self> {
        let own = Self::parse(config.annotation(ORIGIN)?);
        Some(Self {
            path: String::new(),
            configured_in: own.path.clone(),
            configured_by: ConfiguredBy {
                api_version: config.api_version().into(),
                kind: config.kind().into(),
                name: config.name().into(),
                namespace: config.namespace().into(),
            },
            ..own
        })
    }

    fn parse(text: &str) -> Self {
        let value = flux_yaml::yaml_to_json(text).unwrap_or_default();
        let get = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        Self { path: get("path"), repo: get("repo"), reference: get("ref"), ..Self::default() }
    }

    fn node(&self) -> Node {
        let mut by = Mapping::default();
        let configured = &self.configured_by;
        for (name, value) in [
            ("apiVersion", &configured.api_version),
            ("kind", &configured.kind),
            ("name", &configured.name),
            ("namespace", &configured.namespace),
        ] {
            put(&mut by, name, value);
        }
        let mut map = Mapping::default();
        put(&mut map, "path", &self.path);
        put(&mut map, "repo", &self.repo);
        put(&mut map, "ref", &self.reference);
        put(&mut map, "configuredIn", &self.configured_in);
        if !by.is_empty() {
            map.insert("configuredBy", Node::new(NodeKind::Mapping(by)));
        }
        Node::new(NodeKind::Mapping(map))
    }

    /// The text of the annotation.
    pub(crate) fn text(&self) -> String {
        flux_yaml::emit_v3(&self.node(), &EmitOptions::default())
    }

    /// The text of one entry in the annotation that lists transformations.
    pub(crate) fn entry_text(&self) -> String {
        let mut list = Node::sequence();
        if let NodeKind::Sequence(seq) = &mut list.kind {
            seq.items.push(self.node());
        }
        flux_yaml::emit_v3(&list, &EmitOptions::default())
    }
}

fn put(map: &mut Mapping, name: &str, value: &str) {
    if !value.is_empty() {
        let mut node = Node::string(value);
        if let NodeKind::Scalar(scalar) = &mut node.kind
            && is_yaml11_non_string(value)
        {
            scalar.style = ScalarStyle::DoubleQuoted;
        }
        map.insert(name, node);
    }
}
