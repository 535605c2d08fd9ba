//! The digest of a release's values, by which Flux sees that they changed.

use serde_json::Value;

use super::Values;
use crate::digest::Algorithm;

/// Values as Flux encodes them for the digest: YAML with keys in bytewise order at every level.
pub fn encode_values(values: &Values) -> String {
    flux_yaml::emit_v2_bytewise(&Value::Object(values.clone()))
}

/// The digest of the encoded values; no values hash the empty text.
pub fn config_digest(algorithm: Algorithm, values: &Values) -> String {
    algorithm.digest(if values.is_empty() { String::new() } else { encode_values(values) })
}

/// Whether the digest, by whichever algorithm, is one of these values.
pub fn verify_config_digest(digest: &str, values: &Values) -> bool {
    Algorithm::of(digest).is_some_and(|algorithm| config_digest(algorithm, values) == digest)
}
