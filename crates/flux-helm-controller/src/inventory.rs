//! The objects of a release, for `status.inventory`.

use std::collections::HashMap;

use flux_api::meta::{ResourceInventory, ResourceRef};
use flux_apply::{MapperError, ObjectId, Target, metadata};
use flux_helm::{Chart, Release};
use serde_json::Value;

use crate::objects::{self, ObjectError};

/// Why there is no inventory. Worded as upstream.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("failed to parse manifest: {0}")]
    Manifest(ObjectError),
    #[error("failed to parse CRD {file}: {source}")]
    Crd { file: String, source: ObjectError },
}

/// The inventory, and a warning for each kind whose scope nobody knows.
#[derive(Debug, Default)]
pub struct Listed {
    pub inventory: ResourceInventory,
    pub warnings: Vec<String>,
}

/// Lists what a release and its chart's definitions are.
pub async fn list(target: &Target, release: &Release, chart: Option<&Chart>) -> Result<Listed, InventoryError> {
    let objects = manifest_objects(&release.manifest).map_err(InventoryError::Manifest)?;
    let mut scopes: HashMap<(String, String), Result<bool, String>> = HashMap::new();
    for object in objects.iter().filter(|object| metadata::namespace(object).is_empty()) {
        let key = (metadata::group_version(object).0.to_owned(), metadata::kind(object).to_owned());
        if scopes.contains_key(&key) {
            continue;
        }
        let scope = match target.map(object).await {
            Ok(mapped) => Ok(mapped.namespaced),
            Err(error @ MapperError::NoMatch { .. }) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        scopes.insert(key, scope);
    }
    let namespaced = |object: &Value| {
        let key = (metadata::group_version(object).0.to_owned(), metadata::kind(object).to_owned());
        scopes.get(&key).cloned().unwrap_or(Ok(true))
    };
    let mut listed = entries(objects, &release.namespace, &namespaced);
    if let Some(chart) = chart {
        listed.inventory.entries.extend(definitions(chart)?);
    }
    Ok(listed)
}

/// The objects of a manifest that are no hooks.
pub fn manifest_objects(manifest: &str) -> Result<Vec<Value>, ObjectError> {
    let is_hook =
        |object: &Value| object.pointer("/metadata/annotations").is_some_and(|map| map.get("helm.sh/hook").is_some());
    let objects = flux_apply::read_objects(objects::documents(manifest)?);
    Ok(objects.into_iter().filter(|object| !is_hook(object)).collect())
}

/// Entries in the order of the manifest; `namespaced` says whether a kind lies in namespaces, or why that is unknown.
pub fn entries(objects: Vec<Value>, namespace: &str, namespaced: &dyn Fn(&Value) -> Result<bool, String>) -> Listed {
    let mut listed = Listed::default();
    for object in objects {
        let mut id = ObjectId::of(&object);
        if id.namespace.is_empty() {
            match namespaced(&object) {
                Ok(true) => id.namespace = namespace.to_owned(),
                Ok(false) => {}
                Err(error) => listed.warnings.push(format!(
                    "failed to determine if {} is namespace scoped, skipping namespace: {error}",
                    id.kind
                )),
            }
        }
        listed.inventory.entries.push(entry(&id, &object));
    }
    listed
}

/// The entries of the definitions in `crds/`.
pub fn definitions(chart: &Chart) -> Result<Vec<ResourceRef>, InventoryError> {
    let mut found = Vec::new();
    for crd in chart.crds() {
        let documents = objects::documents(&crd.file.text());
        let documents = documents.map_err(|source| InventoryError::Crd { file: crd.filename.clone(), source })?;
        let objects = flux_apply::read_objects(documents);
        found.extend(objects.iter().map(|object| entry(&ObjectId::of(object), object)));
    }
    Ok(found)
}

fn entry(id: &ObjectId, object: &Value) -> ResourceRef {
    ResourceRef { id: id.to_string(), version: metadata::group_version(object).1.to_owned() }
}
