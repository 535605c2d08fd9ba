//! Objects from the documents of a build.

use serde_json::Value;

use crate::metadata;

/// Why documents are no objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("failed to decode document {number}: {message}")]
    Decode { number: usize, message: String },
}

/// The Kubernetes objects among documents: items of lists are taken out, and what has no
/// name, kind or version, or is a kustomization file, is left out.
pub fn read_objects(documents: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut objects = Vec::new();
    for document in documents {
        if metadata::kind(&document).ends_with("List") && document.get("items").is_some_and(Value::is_array) {
            let Value::Object(mut list) = document else { continue };
            if let Some(Value::Array(items)) = list.remove("items") {
                objects.extend(items);
            }
            continue;
        }
        let kustomization = metadata::kind(&document).eq_ignore_ascii_case("kustomization")
            && metadata::api_version(&document).starts_with("kustomize.config.k8s.io/");
        let complete = !metadata::name(&document).is_empty()
            && !metadata::kind(&document).is_empty()
            && !metadata::api_version(&document).is_empty();
        if complete && !kustomization {
            objects.push(document);
        }
    }
    objects
}
