//! Patches: strategic merge and JSON6902.

use flux_yaml::{Node, Schema as YamlSchema};
use serde_json::{Number, Value};

use crate::documents;
use crate::error::Error;
use crate::filters::json_patch::JsonPatch;
use crate::go::print::quote;
use crate::loader::{Loader, in_file};
use crate::merge::{self, MergeOptions};
use crate::node;
use crate::resmap::ResMap;
use crate::resource::{History, Resource, set_meta_map};
use crate::schema::Schema;
use crate::shared;
use crate::types::{Patch, PatchArgs, PatchPath, Selector};

/// How builds merge: new elements of lists come first.
const BUILD: MergeOptions = MergeOptions { infer_associative_lists: false, prepend: true };

/// Merges a patch into an object as upstream's `ApplySmPatch` does.
fn apply_merge(target: &mut Resource, patch: &Resource, schema: &Schema) -> Result<(), Error> {
    let (name, namespace, kind) = (target.name().to_owned(), target.namespace().to_owned(), target.kind().to_owned());
    let allowed = (patch.history.allow_name_change, patch.history.allow_kind_change);
    if allowed.0 || allowed.1 {
        target.store_id(schema);
    }
    if loses_annotations(&patch.node) {
        // Upstream keeps the history in annotations, so it goes with them.
        target.history = History::default();
    }
    let node = std::mem::take(&mut target.node);
    let Some(merged) = merge::merge(node, patch.node.clone(), schema, BUILD)? else { return Ok(()) };
    target.node = merged;
    shared::settle(&mut target.node);
    if target.is_nothing() {
        return Ok(());
    }
    if !allowed.1 {
        target.set_kind(&kind)?;
    }
    if !allowed.0 {
        target.set_name(&name)?;
    }
    target.set_namespace(&namespace)
}

/// True when a patch removes or replaces all annotations.
fn loses_annotations(patch: &Node) -> bool {
    let gone = |node: &Node| {
        node::is_null(node)
            || node.get("$patch").is_some_and(|directive| matches!(node::raw(directive), "delete" | "replace"))
    };
    let metadata = patch.get("metadata");
    metadata.is_some_and(gone) || metadata.and_then(|meta| meta.get("annotations")).is_some_and(gone)
}

/// Applies a patch to the objects at some places; a patch that empties one removes it.
fn apply_to_places(map: &mut ResMap, places: &[usize], patch: &Resource, schema: &Schema) -> Result<(), Error> {
    // Upstream copies the patch onto itself here, which makes its labels and annotations strings.
    let mut patch = patch.clone();
    let (labels, annotations) = (patch.labels(), patch.annotations());
    set_meta_map(&mut patch.node, "labels", &labels)?;
    set_meta_map(&mut patch.node, "annotations", &annotations)?;
    for place in places {
        let target = &map.as_slice()[*place];
        patch.set_api_version(target.api_version())?;
        map.change(*place, schema, |target| apply_merge(target, &patch, schema))?;
    }
    map.drop_empty();
    map.check_unique(schema)
}

/// `patchesStrategicMerge`.
pub(crate) struct MergePatchTransformer(Vec<Resource>);

impl MergePatchTransformer {
    /// Each entry is a patch itself, or the path of a file with some.
    pub(crate) fn new(paths: &[PatchPath], patches: &str, loader: &Loader<'_>) -> Result<Self, Error> {
        let limits = loader.session().limits().yaml;
        if paths.is_empty() && patches.is_empty() {
            return Err(Error::patch("empty file path and empty patch content"));
        }
        let mut loaded = Vec::new();
        for PatchPath(path) in paths {
            let nodes = match documents::read(path.as_bytes(), &limits) {
                Ok(nodes) => nodes,
                Err(_) => {
                    let content = loader.load(path)?;
                    documents::read(&content, &limits).map_err(|error| in_file(error, path))?
                }
            };
            loaded.extend(nodes);
        }
        if !patches.is_empty() {
            loaded.extend(documents::read(patches.as_bytes(), &limits)?);
        }
        if loaded.is_empty() {
            let paths: Vec<&str> = paths.iter().map(|path| path.0.as_str()).collect();
            let reason = format!("patch appears to be empty; files=[{}], Patch={patches}", paths.join(" "));
            return Err(Error::patch(reason));
        }
        Ok(Self(loaded.into_iter().map(Resource::new).collect()))
    }

    pub(super) fn transform(&self, map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        for patch in &self.0 {
            let place = map.patch_target(&patch.original_id(schema), schema)?;
            apply_to_places(map, &[place], patch, schema)?;
        }
        Ok(())
    }
}

/// Applies a JSON6902 patch to one object.
fn apply_json(target: &mut Resource, patch: &JsonPatch) -> Result<(), Error> {
    let mut settled = std::mem::replace(&mut target.node, Node::null());
    node::settle(&mut settled);
    let mut value = flux_yaml::to_json(&settled, YamlSchema::V3)?;
    if target.has_history_annotations()
        && let Some(meta) = value.get_mut("metadata").and_then(Value::as_object_mut)
    {
        // To upstream an object with a history has annotations, and patches rely on it.
        let annotations = meta.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if annotations.is_null() {
            *annotations = Value::Object(serde_json::Map::new());
        }
    }
    patch.apply(&mut value)?;
    through_float(&mut value);
    target.node = node::from_json(&value);
    let annotations = target.annotations();
    set_meta_map(&mut target.node, "annotations", &annotations)
}

/// Upstream decodes the patched object with every number as a float.
fn through_float(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|n| n.unsigned_abs() <= 1 << 53);
            if let (false, Some(float)) = (exact, number.as_f64()) {
                let whole = float.fract() == 0.0 && float.abs() < 1e21;
                let text = format!("{float}");
                let rounded = if whole {
                    text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
                } else {
                    None
                };
                *number = rounded.or_else(|| Number::from_f64(float)).unwrap_or_else(|| number.clone());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(through_float),
        Value::Object(map) => map.values_mut().for_each(through_float),
        _ => {}
    }
}

/// `patchesJson6902`.
pub(crate) struct JsonPatchTransformer {
    target: Selector,
    patch: JsonPatch,
}

impl JsonPatchTransformer {
    pub(crate) fn new(
        target: Option<&Selector>,
        path: &str,
        operations: &str,
        loader: &Loader<'_>,
    ) -> Result<Self, Error> {
        let target = target.filter(|target| !target.name.is_empty());
        let Some(target) = target else { return Err(Error::patch("must specify the target name")) };
        let text = match (path.is_empty(), operations.is_empty()) {
            (true, true) => return Err(Error::patch("empty file path and empty jsonOp")),
            (false, false) => return Err(Error::patch("must specify a file path or jsonOp, not both")),
            (true, false) => operations.to_owned(),
            (false, true) => loader.load_text(path)?,
        };
        if text.is_empty() {
            return Err(Error::patch(format!("patch file '{path}' empty seems to be empty")));
        }
        let json = match text.starts_with('[') {
            true => text.clone(),
            false => flux_yaml::yaml_to_json(&text)?.to_string(),
        };
        let patch = JsonPatch::parse(&text).map_err(|error| error.within(format!("decoding {json}")))?;
        if patch.is_empty() {
            return Err(Error::patch(format!("patch appears to be empty; file={path}, JsonOp={json}")));
        }
        Ok(Self { target: target.clone(), patch })
    }

    pub(super) fn transform(&self, map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        for place in map.select(&self.target, schema)? {
            map.change(place, schema, |resource| apply_json(resource, &self.patch))?;
        }
        Ok(())
    }
}

/// Where a patch is, for messages.
pub(crate) struct PatchSource(String);

enum PatchKind {
    Merge(Vec<Resource>),
    Json(JsonPatch),
}

/// One entry of `patches`.
pub(crate) struct PatchTransformer {
    kind: PatchKind,
    target: Option<Selector>,
    source: PatchSource,
}

impl PatchTransformer {
    /// `config` gives the entry as text, for messages.
    pub(crate) fn new(entry: &Patch, loader: &Loader<'_>, config: impl FnOnce() -> String) -> Result<Self, Error> {
        let inline = entry.patch.trim();
        let (text, source) = match (inline.is_empty(), entry.path.is_empty()) {
            (true, true) => return Err(Error::patch(format!("must specify one of patch and path in\n{}", config()))),
            (false, false) => {
                return Err(Error::patch(format!("patch and path can't be set at the same time\n{}", config())));
            }
            (false, true) => (inline.to_owned(), PatchSource(format!("[patch: {}]", quote(inline)))),
            (true, false) => {
                let path = &entry.path;
                let text = loader
                    .load_text(path)
                    .map_err(|error| error.within(format!("failed to get the patch file from path({path})")))?;
                (text, PatchSource(format!("[path: {}]", quote(path))))
            }
        };
        let kind = Self::read(&text, &source, entry.options.as_ref(), loader)?;
        Ok(Self { kind, target: entry.target.clone(), source })
    }

    fn read(
        text: &str,
        source: &PatchSource,
        options: Option<&PatchArgs>,
        loader: &Loader<'_>,
    ) -> Result<PatchKind, Error> {
        let merge = documents::read(text.as_bytes(), &loader.session().limits().yaml);
        let json = match text.is_empty() {
            true => Err(Error::patch("empty json patch operations")),
            false => JsonPatch::parse(text),
        };
        match (merge, json) {
            (Ok(merge), Ok(json)) if !merge.is_empty() && !json.is_empty() => {
                let reason = format!("illegally qualifies as both an SM and JSON patch: {}", source.0);
                Err(Error::patch(reason))
            }
            (Ok(nodes), _) => {
                let mut patches: Vec<Resource> = nodes.into_iter().map(Resource::new).collect();
                for patch in &mut patches {
                    patch.history.allow_name_change |= options.is_some_and(|options| options.allow_name_change);
                    patch.history.allow_kind_change |= options.is_some_and(|options| options.allow_kind_change);
                }
                Ok(PatchKind::Merge(patches))
            }
            (Err(_), Ok(json)) => Ok(PatchKind::Json(json)),
            (Err(_), Err(_)) => Err(Error::patch(format!("unable to parse SM or JSON patch from {}", source.0))),
        }
    }

    pub(super) fn transform(&self, map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        match &self.kind {
            PatchKind::Merge(patches) => self.merge(patches, map, schema),
            PatchKind::Json(patch) => {
                let Some(target) = &self.target else {
                    let reason = format!("must specify a target for JSON patch {}", self.source.0);
                    return Err(Error::patch(reason));
                };
                for place in map.select(target, schema)? {
                    map.change(place, schema, |resource| {
                        resource.store_id(schema);
                        apply_json(resource, patch)
                    })?;
                }
                Ok(())
            }
        }
    }

    fn merge(&self, patches: &[Resource], map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        match (&self.target, patches) {
            (_, []) => Ok(()),
            (Some(target), [patch]) => {
                let places = map.select(target, schema).map_err(|error| {
                    error.within(format!("unable to find patch target {} in `resources`", quote(&target.to_string())))
                })?;
                apply_to_places(map, &places, patch, schema)
            }
            (Some(_), _) => Err(Error::patch(format!(
                "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                self.source.0
            ))),
            (None, patches) => {
                for patch in patches {
                    let id = patch.original_id(schema);
                    let place = map.patch_target(&id, schema).map_err(|error| {
                        error.within(format!("no resource matches strategic merge patch {}", quote(&id.to_string())))
                    })?;
                    map.change(place, schema, |target| apply_merge(target, patch, schema))?;
                }
                Ok(())
            }
        }
    }
}
