//! Rendered files as documents: splitting, hooks, the order of installation and removal.

mod head;
mod hook;
mod order;
mod split;

pub use head::Head;
pub use hook::{DeletePolicy, Hook, HookEvent, HookExecution, hooks_for};
pub use order::Order;
pub use split::{Splitting, split};

use std::collections::BTreeMap;

use crate::chart::base_name;

/// One document of a rendered file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The file: `CHART/templates/NAME`.
    pub path: String,
    pub content: String,
    pub head: Head,
}

/// A document that is no YAML, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {path}: {reason}")]
pub struct ManifestError {
    pub path: String,
    pub reason: String,
}

/// Splits rendered files into documents, takes hooks out, and sorts both by kind. Partials, empty files and
/// documents with unknown hook events are dropped.
///
/// # Errors
/// The first document whose head does not read.
pub fn sort_manifests(
    files: &BTreeMap<String, String>,
    order: Order,
    splitting: Splitting,
) -> Result<(Vec<Hook>, Vec<Manifest>), ManifestError> {
    let (mut hooks, mut manifests) = (Vec::new(), Vec::new());
    for (path, content) in files {
        if base_name(path).starts_with('_') {
            continue;
        }
        for document in split(content, splitting) {
            let head = Head::read(document);
            let head = head.map_err(|reason| ManifestError { path: path.clone(), reason })?;
            if !head.annotations.contains_key(hook::HOOK_ANNOTATION) {
                manifests.push(Manifest { path: path.clone(), content: document.to_owned(), head });
            } else if let Some(found) = Hook::from_document(path, document, &head) {
                hooks.push(found);
            }
        }
    }
    hooks.sort_by(|a, b| order.compare(&a.kind, &b.kind));
    manifests.sort_by(|a, b| order.compare(&a.head.kind, &b.head.kind));
    Ok((hooks, manifests))
}

/// The text that a release stores: each document behind a line that names its file.
pub fn manifest_text<'a>(documents: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (path, content) in documents {
        for part in ["---\n# Source: ", path, "\n", content, "\n"] {
            text.push_str(part);
        }
    }
    text
}
