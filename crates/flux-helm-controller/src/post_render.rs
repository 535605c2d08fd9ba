//! Post-rendering: the user's changes, common metadata, and the labels that say whose an object is.

use std::collections::BTreeMap;
use std::path::Path;

use flux_api::HelmRelease;
use flux_api::helm::{KustomizePostRenderer, PostRenderer as Spec};
use flux_api::meta::{CommonMetadata, Image, Patch, Selector};
use flux_helm::post_render::PostRenderer;
use flux_kustomize::{LoadRestrictions, MemoryFs, Options};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::spec;

const INPUT: &str = "helm-output.yaml";

/// All changes of one object, in order.
pub struct Renderers(Vec<Value>);

impl Renderers {
    /// The changes that a release asks for; the labels of its owner come last.
    pub fn of(obj: &HelmRelease) -> Self {
        let own = obj.spec.post_renderers.iter().filter_map(|renderer| renderer.kustomize.as_ref());
        let mut all: Vec<Value> = own.map(kustomization).collect();
        let mut labels = BTreeMap::new();
        let mut annotations = BTreeMap::new();
        if let Some(common) = &obj.spec.common_metadata {
            labels.clone_from(&common.labels);
            annotations.clone_from(&common.annotations);
        }
        labels.extend(origin_labels(obj));
        all.push(metadata(&labels, &annotations));
        Self(all)
    }

    /// One user's renderer alone.
    pub fn kustomize(spec: &KustomizePostRenderer) -> Self {
        Self(vec![kustomization(spec)])
    }

    /// Labels and annotations alone; nothing when there are none.
    pub fn common(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Self {
        if labels.is_empty() && annotations.is_empty() {
            return Self(Vec::new());
        }
        Self(vec![metadata(labels, annotations)])
    }
}

/// The labels of objects that belong to a HelmRelease.
pub fn origin_labels(obj: &HelmRelease) -> BTreeMap<String, String> {
    BTreeMap::from([
        (flux_api::HELM_NAME_LABEL.to_owned(), obj.metadata.name.clone().unwrap_or_default()),
        (flux_api::HELM_NAMESPACE_LABEL.to_owned(), spec::own_namespace(obj).to_owned()),
    ])
}

impl PostRenderer for Renderers {
    fn run(&self, documents: &str) -> Result<String, String> {
        let mut text = documents.to_owned();
        for kustomization in &self.0 {
            text = build(kustomization, &text)?;
        }
        Ok(text)
    }
}

fn build(kustomization: &Value, documents: &str) -> Result<String, String> {
    if documents.trim().is_empty() {
        return Ok(String::new());
    }
    let mut fs = MemoryFs::new();
    fs.insert(Path::new("/").join(INPUT), documents.as_bytes());
    fs.insert("/kustomization.yaml", kustomization.to_string().into_bytes());
    let options = Options { load_restrictions: LoadRestrictions::None, ..Options::default() };
    let built = flux_kustomize::build(&fs, Path::new("/"), &options).map_err(|error| error.to_string())?;
    built.to_yaml().map_err(|error| error.to_string())
}

fn base() -> Value {
    json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": [INPUT]})
}

fn kustomization(spec: &KustomizePostRenderer) -> Value {
    let mut made = base();
    if !spec.images.is_empty() {
        made["images"] = json!(spec.images);
    }
    if !spec.patches.is_empty() {
        made["patches"] = json!(spec.patches);
    }
    made
}

/// Sets labels and annotations of the objects themselves, not of their templates and selectors.
fn metadata(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Value {
    let mut made = base();
    if !labels.is_empty() {
        made["labels"] = json!([{"pairs": labels, "includeSelectors": false, "includeTemplates": false}]);
    }
    if !annotations.is_empty() {
        let transformer = json!({
            "apiVersion": "builtin",
            "kind": "AnnotationsTransformer",
            "metadata": {"name": "annotations"},
            "annotations": annotations,
            "fieldSpecs": [{"path": "metadata/annotations", "create": true}],
        });
        made["transformers"] = json!([transformer.to_string()]);
    }
    made
}

/// Names the fields in the order in which Go prints them.
#[derive(Serialize)]
struct GoRenderer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kustomize: Option<GoKustomize<'a>>,
}

#[derive(Serialize)]
struct GoKustomize<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patches: Vec<GoPatch<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<GoImage<'a>>,
}

#[derive(Serialize)]
struct GoPatch<'a> {
    patch: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<GoSelector<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GoSelector<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotation_selector: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_selector: &'a Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GoImage<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_name: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_tag: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: &'a Option<String>,
}

fn go_selector(selector: &Selector) -> GoSelector<'_> {
    let Selector { group, version, kind, namespace, name, annotation_selector, label_selector } = selector;
    GoSelector { group, version, kind, namespace, name, annotation_selector, label_selector }
}

fn go_patch(patch: &Patch) -> GoPatch<'_> {
    GoPatch { patch: &patch.patch, target: patch.target.as_ref().map(go_selector) }
}

fn go_image(image: &Image) -> GoImage<'_> {
    let Image { name, new_name, new_tag, digest } = image;
    GoImage { name, new_name, new_tag, digest }
}

/// `sha256:` over what Go's JSON encoder writes: letters of HTML escaped, a line end behind.
fn digest(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    for (character, escaped) in
        [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
    {
        text = text.replace(character, escaped);
    }
    text.push('\n');
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The digest of post-renderers, as the status remembers it.
pub fn renderers_digest(renderers: &[Spec]) -> String {
    digest(&renderers.iter().map(go_renderer).collect::<Vec<_>>())
}

fn go_renderer(renderer: &Spec) -> GoRenderer<'_> {
    let kustomize = renderer.kustomize.as_ref().map(|kustomize| GoKustomize {
        patches: kustomize.patches.iter().map(go_patch).collect(),
        images: kustomize.images.iter().map(go_image).collect(),
    });
    GoRenderer { kustomize }
}

/// The digest of common metadata, as the status remembers it.
pub fn metadata_digest(common: &CommonMetadata) -> String {
    digest(common)
}

/// Both digests of what the spec asks for; empty where it asks for nothing.
pub fn wanted_digests(obj: &HelmRelease) -> (String, String) {
    let renderers = &obj.spec.post_renderers;
    let first = if renderers.is_empty() { String::new() } else { renderers_digest(renderers) };
    (first, obj.spec.common_metadata.as_ref().map(metadata_digest).unwrap_or_default())
}
