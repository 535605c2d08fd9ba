//! The digest of a release's values, by which Flux sees that they changed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Values;

/// Values as Flux encodes them for the digest: YAML with keys in bytewise order at every level.
pub fn encode_values(values: &Values) -> String {
    flux_yaml::emit_v2_bytewise(&Value::Object(values.clone()))
}

/// `sha256:` and the digest of the encoded values; no values hash the empty text.
pub fn config_digest(values: &Values) -> String {
    let text = if values.is_empty() { String::new() } else { encode_values(values) };
    format!("sha256:{}", hex(&Sha256::digest(text)))
}

/// Whether the digest is one of these values. Only SHA-256 is known.
pub fn verify_config_digest(digest: &str, values: &Values) -> bool {
    digest == config_digest(values)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}
