//! What `flux build kustomization` does around a build of local files: finding the object, masking secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::Error;
use crate::fs::clean;

const GROUP: &str = "kustomize.toolkit.fluxcd.io/";

/// What stands in the place of encrypted values.
const MASK: &str = "**SOPS**";

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// True for a Flux Kustomization of any version.
pub fn is_unit(object: &Value) -> bool {
    text(object, "/apiVersion").starts_with(GROUP) && text(object, "/kind") == "Kustomization"
}

/// True when two objects have one name and namespace.
pub fn same_unit(a: &Value, b: &Value) -> bool {
    ["/metadata/name", "/metadata/namespace"].iter().all(|part| text(a, part) == text(b, part))
}

/// The Kustomization of that name and namespace among the documents of a file; one without a namespace fits any.
///
/// # Errors
/// No YAML, or no such object.
pub fn find_unit(content: &str, file: &Path, name: &str, namespace: &str) -> Result<Value, Error> {
    let fault = |reason: String| Error::Flux { path: Some(file.to_owned()), reason };
    let unreadable =
        |error: flux_yaml::Error| fault(format!("failed to unmarshall kustomization file {}: {error}", file.display()));
    for node in flux_yaml::parse(content, &flux_yaml::ParseOptions::default()).map_err(unreadable)? {
        let object = flux_yaml::to_json(&node, flux_yaml::Schema::Yaml11).map_err(unreadable)?;
        let own = text(&object, "/metadata/namespace");
        if is_unit(&object) && text(&object, "/metadata/name") == name && (own.is_empty() || own == namespace) {
            return Ok(object);
        }
    }
    Err(fault(format!(
        "failed find kustomization with name '{name}' and namespace '{namespace}' in file '{}'",
        file.display()
    )))
}

/// The object to build: the local one with the live one's status, unless that has no inventory or nobody
/// was asked; without a local one, the live one.
pub fn resolve_unit(local: Option<Value>, live: Option<&Value>, dry_run: bool) -> Option<Value> {
    let Some(mut local) = local else { return live.cloned() };
    let status = live.and_then(|live| live.get("status")).filter(|status| status.get("inventory").is_some());
    if let (Some(status), false) = (status, dry_run) {
        local["status"] = status.clone();
    }
    Some(local)
}

/// The folder of a unit whose source is found locally. `sources` maps `KIND/NAMESPACE/NAME` to folders.
///
/// # Errors
/// A source that is not among them.
pub fn local_path(unit: &Value, sources: &BTreeMap<String, PathBuf>) -> Result<PathBuf, Error> {
    let namespace = match text(unit, "/spec/sourceRef/namespace") {
        "" => text(unit, "/metadata/namespace"),
        namespace => namespace,
    };
    let kind = text(unit, "/spec/sourceRef/kind");
    let key = format!("{kind}/{namespace}/{}", text(unit, "/spec/sourceRef/name"));
    match sources.get(&key) {
        Some(folder) => Ok(clean(&folder.join(text(unit, "/spec/path").trim_start_matches('/')))),
        None => {
            let name = text(unit, "/metadata/name");
            let reason = format!("cannot get local path for {key} of kustomization {name}");
            Err(Error::Flux { path: None, reason })
        }
    }
}

/// A value of a Secret's `data` that is no base64.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to mask secret {name} sops data: illegal base64 data in `{key}`")]
pub struct MaskError {
    pub name: String,
    pub key: String,
}

/// Puts a mask in the place of what SOPS encrypted in a Secret; other objects stay as they are.
///
/// # Errors
/// A value of `data` that is no base64.
pub fn mask_encrypted(object: &mut Value) -> Result<(), MaskError> {
    if text(object, "/kind") != "Secret" {
        return Ok(());
    }
    let name = text(object, "/metadata/name").to_owned();
    let whole =
        object.get("sops").is_some_and(|sops| sops.is_object()) && text(object, "/sops/mac").starts_with("ENC[");
    let docker = text(object, "/type") == "kubernetes.io/dockerconfigjson";
    let Some(map) = object.as_object_mut() else { return Ok(()) };
    if whole {
        map.remove("sops");
    }
    let plain = if docker { json!({"mask": MASK}).to_string() } else { MASK.to_owned() };
    let encoded = STANDARD.encode(&plain);
    let encoded_mask = STANDARD.encode(MASK);
    if let Some(data) = map.get_mut("data").and_then(Value::as_object_mut) {
        for (key, value) in data.iter_mut() {
            if whole {
                *value = encoded.clone().into();
                continue;
            }
            let text: String = value.as_str().unwrap_or_default().split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(text).map_err(|_| MaskError { name: name.clone(), key: key.clone() })?;
            if is_cipher(&String::from_utf8_lossy(&bytes)) {
                *value = encoded_mask.clone().into();
            }
        }
    }
    if let Some(data) = map.get_mut("stringData").and_then(Value::as_object_mut) {
        for value in data.values_mut() {
            if whole {
                *value = plain.clone().into();
            } else if value.as_str().is_some_and(is_cipher) {
                *value = encoded_mask.clone().into();
            }
        }
    }
    Ok(())
}

fn is_cipher(text: &str) -> bool {
    text.contains("sops") && text.contains("ENC[")
}
