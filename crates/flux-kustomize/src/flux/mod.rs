//! What Flux adds around kustomize: the kustomization generated or edited from a `Kustomization` object.

mod local;
mod prepare;
mod scan;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

pub use local::{MaskError, find_unit, is_unit, local_path, mask_encrypted, resolve_unit, same_unit};
pub use prepare::prepare;
pub use scan::scan;

use crate::error::Error;
use crate::fs::{FileSystem, Overlay};
use crate::objects::Objects;
use crate::options::Options;

/// The part of a Flux Kustomization's `spec` that shapes the build; other fields are ignored, so the whole
/// spec can be handed to serde.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub target_namespace: Option<String>,
    pub name_prefix: Option<String>,
    pub name_suffix: Option<String>,
    pub patches: Vec<Patch>,
    pub patches_strategic_merge: Vec<Value>,
    pub patches_json6902: Vec<Json6902Patch>,
    pub images: Vec<Image>,
    pub components: Vec<String>,
    pub ignore_missing_components: bool,
    pub build_metadata: Vec<String>,
    pub common_metadata: Option<CommonMetadata>,
}

/// A patch and what it applies to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Patch {
    pub patch: String,
    pub target: Option<Selector>,
}

/// A JSON6902 patch as a list of operations.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Json6902Patch {
    pub patch: Vec<Value>,
    pub target: Selector,
}

/// What a patch applies to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub label_selector: String,
    pub annotation_selector: String,
}

/// A change of an image's name, tag or digest.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    pub name: String,
    pub new_name: String,
    pub new_tag: String,
    pub digest: String,
}

/// Labels and annotations for every object.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct CommonMetadata {
    pub labels: std::collections::BTreeMap<String, String>,
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// Says which paths of the tree are ignored: the absolute path, and whether it is a folder.
pub type Ignore<'a> = &'a dyn Fn(&Path, bool) -> bool;

/// The kustomization file to build with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The full path of the file.
    pub path: PathBuf,
    pub content: Vec<u8>,
    /// True when there was none and it was made by scanning the tree; false when an existing one was edited.
    pub created: bool,
}

impl Prepared {
    /// Lays the file over `fs`; nothing is written.
    pub fn overlay<F: FileSystem>(&self, fs: F) -> Overlay<F> {
        let mut overlay = Overlay::new(fs);
        overlay.insert(&self.path, self.content.clone());
        overlay
    }
}

/// Prepares and builds the folder `path` as Flux does.
pub fn build(
    fs: &dyn FileSystem,
    path: &Path,
    spec: &Spec,
    ignore: Option<Ignore<'_>>,
    options: &Options<'_>,
) -> Result<Objects, Error> {
    let prepared = prepare(fs, path, spec, ignore)?;
    crate::build(&prepared.overlay(fs), path, options)
}

/// True for a component path Flux accepts: relative, and not a URL of any kind.
pub fn is_local_relative_path(path: &str) -> bool {
    const REMOTE: [&str; 8] = ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    let lower = path.to_lowercase();
    if REMOTE.iter().any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix)) {
        return false;
    }
    !path.starts_with('/') && !lower.strip_prefix("file://").unwrap_or(&lower).starts_with('/')
}
