//! Post-rendering: documents go through somebody's hands before they are sorted.
//!
//! Helm marks each document with its file, joins all, hands them over, and takes them apart again by the mark. The
//! way through the YAML library changes the formatting, and so the stored manifest.

use std::collections::BTreeMap;

use flux_yaml::{EmitOptions, Mapping, Node, ParseOptions};

use crate::chart::base_name;
use crate::manifest::{ManifestError, Order, Splitting, sort_manifests, split};

const FILENAME: &str = "postrenderer.helm.sh/postrender-filename";

/// Changes a stream of documents.
pub trait PostRenderer {
    /// Gets and gives YAML documents separated by `---` lines.
    ///
    /// # Errors
    /// Whatever it cannot do, in words for a condition.
    fn run(&self, documents: &str) -> Result<String, String>;
}

/// What is handed to the post-renderer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Hooks and the rest in one stream: Helm 4.
    #[default]
    Combined,
    /// Two streams, one after the other.
    Separate,
    /// Hooks are left alone: Helm 3.
    NoHooks,
}

impl Strategy {
    /// The word in a HelmRelease; an unknown one is `None`.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "" | "combined" => Self::Combined,
            "separate" => Self::Separate,
            "nohooks" => Self::NoHooks,
            _ => return None,
        })
    }
}

/// Why post-rendering failed, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostRenderError {
    #[error("error merging {group}: parsing {path}: {reason}")]
    Merge { group: &'static str, path: String, reason: String },
    #[error("error while running post render on {group}: {reason}")]
    Run { group: &'static str, reason: String },
    #[error("error while parsing post rendered output{}: {reason}", if .group == &"files" { String::new() } else { format!(" for {group}") })]
    Parse { group: &'static str, reason: String },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

type Files = BTreeMap<String, String>;

/// Runs the post-renderer over rendered files.
///
/// # Errors
/// A file that is no YAML, and what the post-renderer says.
pub fn run(
    files: Files,
    renderer: &dyn PostRenderer,
    strategy: Strategy,
    splitting: Splitting,
) -> Result<Files, PostRenderError> {
    if strategy == Strategy::Combined {
        return group(&files, renderer, splitting, "manifests", "files", "");
    }
    let (hooks, manifests) = sort_manifests(&files, Order::Install, splitting)?;
    let mut hook_files = Files::new();
    for hook in &hooks {
        append(&mut hook_files, &hook.path, &hook.manifest);
    }
    let mut manifest_files = Files::new();
    for manifest in &manifests {
        append(&mut manifest_files, &manifest.path, &manifest.content);
    }
    let mut result = Files::new();
    let hooks = if strategy == Strategy::Separate && !hook_files.is_empty() {
        group(&hook_files, renderer, splitting, "hooks", "hooks", "hooks")?
    } else {
        hook_files
    };
    hooks.iter().for_each(|(path, text)| append(&mut result, path, text));
    if !manifest_files.is_empty() {
        let rendered = group(&manifest_files, renderer, splitting, "manifests", "manifests", "manifests")?;
        rendered.iter().for_each(|(path, text)| append(&mut result, path, text));
    }
    Ok(result)
}

fn append(files: &mut Files, path: &str, text: &str) {
    match files.get_mut(path) {
        Some(present) => {
            present.push_str("\n---\n");
            present.push_str(text);
        }
        None => _ = files.insert(path.to_owned(), text.to_owned()),
    }
}

fn group(
    files: &Files,
    renderer: &dyn PostRenderer,
    splitting: Splitting,
    merging: &'static str,
    group: &'static str,
    prefix: &str,
) -> Result<Files, PostRenderError> {
    let merged =
        annotate(files, splitting).map_err(|(path, reason)| PostRenderError::Merge { group: merging, path, reason })?;
    let rendered = renderer.run(&merged).map_err(|reason| PostRenderError::Run { group, reason })?;
    deannotate(&rendered, prefix).map_err(|reason| PostRenderError::Parse { group, reason })
}

fn annotate(files: &Files, splitting: Splitting) -> Result<String, (String, String)> {
    let mut documents = Vec::new();
    for (path, content) in files {
        if base_name(path).starts_with('_') {
            continue;
        }
        for document in split(content, splitting) {
            for mut node in parse(document).map_err(|reason| (path.clone(), reason))? {
                set_annotation(&mut node, Some(path)).map_err(|reason| (path.clone(), reason))?;
                documents.push(node);
            }
        }
    }
    Ok(print(&documents))
}

fn deannotate(text: &str, prefix: &str) -> Result<Files, String> {
    let mut grouped: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for (at, mut node) in parse(text).map_err(|reason| format!("error parsing YAML: {reason}"))?.into_iter().enumerate()
    {
        let path = annotation(&node).unwrap_or_else(|| match prefix {
            "" => format!("generated-by-postrender-{at}.yaml"),
            prefix => format!("generated-by-postrender-{prefix}-{at}.yaml"),
        });
        set_annotation(&mut node, None)?;
        grouped.entry(path).or_default().push(node);
    }
    Ok(grouped.into_iter().map(|(path, nodes)| (path, print(&nodes))).collect())
}

/// Documents with comments, lists taken apart; empty ones are left out.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let options = ParseOptions { keep_comments: true, ..ParseOptions::default() };
    let nodes = flux_yaml::parse(text, &options).map_err(|error| error.to_string())?;
    let mut nodes: Vec<Node> = nodes.into_iter().filter(|node| !is_empty(node)).collect();
    if let [only] = &nodes[..]
        && only.get("kind").and_then(Node::text).is_some_and(|kind| matches!(kind, "List" | "ResourceList"))
        && let Some(items) = only.get("items").and_then(Node::as_sequence)
    {
        nodes = items.items.clone();
    }
    Ok(nodes)
}

fn is_empty(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| matches!(&*scalar.text, "" | "null" | "~"))
        || node.as_mapping().is_some_and(Mapping::is_empty)
}

/// Documents in the YAML library's formatting; empty annotations go.
pub(crate) fn print(nodes: &[Node]) -> String {
    let text = |node: &Node| {
        let no_annotations = node.lookup(&["metadata", "annotations"]).and_then(Node::as_mapping);
        if !no_annotations.is_some_and(Mapping::is_empty) {
            return flux_yaml::emit_v3(node, &EmitOptions::default());
        }
        let mut node = node.clone();
        if let Some(metadata) = node.get_mut("metadata").and_then(Node::as_mapping_mut) {
            metadata.remove("annotations");
        }
        flux_yaml::emit_v3(&node, &EmitOptions::default())
    };
    nodes.iter().map(text).collect::<Vec<_>>().join("---\n")
}

fn annotation(node: &Node) -> Option<String> {
    node.lookup(&["metadata", "annotations", FILENAME])?.text().map(str::to_owned)
}

/// Sets or removes the mark.
fn set_annotation(node: &mut Node, value: Option<&str>) -> Result<(), String> {
    let wrong = || "wrong node kind: expected MappingNode".to_owned();
    let mut at = node.as_mapping_mut().ok_or_else(wrong)?;
    for key in ["metadata", "annotations"] {
        let missing = at.get(key).is_none_or(is_null);
        if missing && value.is_none() {
            return Ok(());
        }
        if missing {
            at.insert(key, Node::mapping());
        }
        at = at.get_mut(key).and_then(Node::as_mapping_mut).ok_or_else(wrong)?;
    }
    match value {
        Some(value) => at.insert(FILENAME, Node::string(value)),
        None => _ = at.remove(FILENAME),
    }
    Ok(())
}

fn is_null(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| matches!(&*scalar.text, "" | "null" | "~"))
}
