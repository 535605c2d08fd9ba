//! The result of a build.

use std::collections::BTreeSet;

use flux_yaml::{EmitOptions, Node, ParseOptions, Schema};
use serde_json::Value;

use crate::error::Error;
use crate::id::{GvkRef, Id};
use crate::resource::{meta_text, text_field};
use crate::schema::Schema as SchemaFacts;

/// The built objects in order.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    nodes: Vec<Node>,
    warnings: Vec<String>,
}

impl Objects {
    pub(crate) fn new(nodes: Vec<Node>, warnings: Vec<String>) -> Self {
        Self { nodes, warnings }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Deprecation warnings, in the words the `kustomize` program writes to stderr.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The objects as node trees.
    pub fn iter(&self) -> std::slice::Iter<'_, Node> {
        self.nodes.iter()
    }

    /// The objects as JSON.
    ///
    /// # Errors
    /// A mapping key that occurs twice is noticed here, as upstream does.
    pub fn to_json(&self) -> Result<Vec<Value>, Error> {
        self.nodes.iter().map(json_of).collect()
    }

    /// As [`Objects::to_json`], giving each tree's memory back as soon as it is converted.
    pub fn into_json(self) -> Result<Vec<Value>, Error> {
        self.nodes.into_iter().map(|node| json_of(&node)).collect()
    }

    /// The names of the files that `kustomize build -o FOLDER` writes, one for each object: kind and name, and the
    /// namespace when the objects lie in several.
    pub fn file_names(&self) -> Vec<String> {
        let schema = SchemaFacts::default();
        let ids: Vec<Id<'_>> = self.nodes.iter().map(|node| id_of(node, &schema)).collect();
        let namespaced = |id: &&Id<'_>| !id.cluster_scoped;
        let spaces: BTreeSet<&str> = ids.iter().filter(namespaced).map(|id| id.effective_namespace()).collect();
        let name_of = |id: &Id<'_>| {
            let parts = [id.gvk.group, id.gvk.version, id.gvk.kind, id.name];
            let parts: Vec<String> =
                parts.iter().filter(|part| !part.is_empty()).map(|part| part.to_lowercase()).collect();
            let prefix = match spaces.len() > 1 && !id.cluster_scoped {
                true => format!("{}_", id.effective_namespace().to_lowercase()),
                false => String::new(),
            };
            format!("{prefix}{}.yaml", parts.join("_"))
        };
        ids.iter().map(name_of).collect()
    }

    /// The objects as `kustomize build` prints them.
    ///
    /// # Errors
    /// Duplicate keys, and texts YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, Error> {
        self.to_yaml_on(1)
    }

    /// As [`Objects::to_yaml`], on up to so many threads when there are many objects.
    ///
    /// # Errors
    /// As [`Objects::to_yaml`].
    pub fn to_yaml_on(&self, threads: usize) -> Result<String, Error> {
        let size = self.nodes.len().div_ceil(threads.clamp(1, self.nodes.len() / FEW + 1));
        let mut parts = self.nodes.chunks(size.max(1));
        let Some(first) = parts.next() else { return Ok(String::new()) };
        std::thread::scope(|scope| {
            let others: Vec<_> = parts
                .map(|part| {
                    let thread = std::thread::Builder::new().stack_size(STACK);
                    thread.spawn_scoped(scope, || print(part)).map_err(|_| part)
                })
                .collect();
            let mut text = print(first)?;
            for other in others {
                let printed = match other {
                    Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                    Err(part) => print(part),
                };
                text.push_str("---\n");
                text.push_str(&printed?);
            }
            Ok(text)
        })
    }
}

/// Fewer objects are not worth a thread.
const FEW: usize = 50;

/// Trees are at most 1,000 levels deep.
const STACK: usize = 16 << 20;

/// Text that an object needs, roughly.
const USUAL_SIZE: usize = 512;

fn print(nodes: &[Node]) -> Result<String, Error> {
    let mut text = String::with_capacity(nodes.len() * USUAL_SIZE);
    for node in nodes {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        if flux_yaml::append_v2(node, &mut text) {
            continue;
        }
        let value = json_of(node)?;
        let printed = flux_yaml::marshal_v2(&value);
        let failed = |yaml| Error::Serialize { object: flux_yaml::go_syntax(node, Schema::V3), yaml };
        text.push_str(&printed.map_err(failed)?);
    }
    Ok(text)
}

fn id_of<'a>(node: &'a Node, schema: &SchemaFacts) -> Id<'a> {
    let (api_version, kind) = (text_field(node, "apiVersion"), text_field(node, "kind"));
    Id {
        gvk: GvkRef::new(api_version, kind),
        name: meta_text(node, "name"),
        namespace: meta_text(node, "namespace"),
        cluster_scoped: schema.is_cluster_scoped(api_version, kind),
    }
}

fn json_of(node: &Node) -> Result<Value, Error> {
    flux_yaml::to_json(node, Schema::V3).map_err(|error| {
        // Upstream reads its own print, so it names the lines of that.
        let printed = flux_yaml::emit_v3(node, &EmitOptions::default());
        let again = flux_yaml::parse_one(&printed, &ParseOptions::default())
            .and_then(|node| node.map_or(Ok(Value::Null), |node| flux_yaml::to_json(&node, Schema::V3)));
        let yaml = again.err().unwrap_or(error);
        // What cannot be encoded was decoded before, so upstream can show it.
        let object = match yaml.to_string().starts_with("json: ") {
            true => flux_yaml::go_syntax(node, Schema::V3),
            false => "map[string]interface {}(nil)".to_owned(),
        };
        Error::Serialize { object, yaml }
    })
}

impl<'a> IntoIterator for &'a Objects {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
