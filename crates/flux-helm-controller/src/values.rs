//! Step 4: the values, out of the object and of what it names.

use std::collections::BTreeMap;

use flux_api::HelmRelease;
use flux_helm::Values;
use flux_helm::values::{Reference, ReferenceError, ValuesData, compose_values, floats};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use serde_json::Value;

use crate::spec;

/// What the object's values are before anything is merged in.
pub fn inline(obj: &HelmRelease) -> Values {
    // Numbers are what YAML reading gives in Go: floating point.
    match obj.spec.values.clone().map(floats) {
        Some(Value::Object(values)) => values,
        _ => Values::new(),
    }
}

/// The references in order.
pub fn references(obj: &HelmRelease) -> Vec<Reference> {
    let read = |from: &flux_api::helm::ValuesReference| Reference {
        kind: from.kind.clone(),
        name: from.name.clone(),
        values_key: from.values_key.clone().unwrap_or_default(),
        target_path: from.target_path.clone().unwrap_or_default(),
        optional: from.optional,
        literal: from.literal,
    };
    obj.spec.values_from.iter().map(read).collect()
}

/// Reads what is referred to, then composes the values.
pub async fn compose(obj: &HelmRelease, client: &Client) -> Result<Values, ReferenceError> {
    let namespace = spec::own_namespace(obj);
    let references = references(obj);
    let mut read: BTreeMap<(String, String), Result<Option<ValuesData>, String>> = BTreeMap::new();
    for reference in &references {
        let key = (reference.kind.clone(), reference.name.clone());
        if read.contains_key(&key) {
            continue;
        }
        let data = match reference.kind.as_str() {
            "ConfigMap" => config_map(client, namespace, &reference.name).await,
            "Secret" => secret(client, namespace, &reference.name).await,
            _ => continue,
        };
        read.insert(key, data);
    }
    let mut fetch = |kind: &str, name: &str| read.get(&(kind.to_owned(), name.to_owned())).cloned().unwrap_or(Ok(None));
    compose_values(namespace, &inline(obj), &references, &mut fetch)
}

fn text(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

async fn config_map(client: &Client, namespace: &str, name: &str) -> Result<Option<ValuesData>, String> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let Some(found) = api.get_opt(name).await.map_err(text)? else { return Ok(None) };
    Ok(Some(found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes())).collect()))
}

async fn secret(client: &Client, namespace: &str, name: &str) -> Result<Option<ValuesData>, String> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let Some(found) = api.get_opt(name).await.map_err(text)? else { return Ok(None) };
    Ok(Some(found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()))
}
