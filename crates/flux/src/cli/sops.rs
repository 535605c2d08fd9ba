//! Encrypted content is never shown, not even its cipher text: it is masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// What stands in the place of an encrypted value.
pub const MASK: &str = "**SOPS**";

/// Masks the values of a Secret that SOPS encrypted, as a whole or value by value.
pub fn mask(object: &mut Value) -> Result<(), base64::DecodeError> {
    if object["kind"] != "Secret" {
        return Ok(());
    }
    let encrypted = object.pointer("/sops/mac").and_then(Value::as_str).is_some_and(|mac| mac.starts_with("ENC["));
    let docker = object["type"] == "kubernetes.io/dockerconfigjson";
    let Some(members) = object.as_object_mut() else { return Ok(()) };
    if encrypted {
        members.remove("sops");
        let shown = if docker { json!({ "mask": MASK }).to_string() } else { MASK.to_owned() };
        replace_all(members.get_mut("data"), &STANDARD.encode(&shown));
        replace_all(members.get_mut("stringData"), &shown);
        return Ok(());
    }
    let is_cipher = |text: &[u8]| contains(text, b"sops") && contains(text, b"ENC[");
    for value in values(members.get_mut("data")) {
        let text = value.as_str().unwrap_or_default();
        if is_cipher(&STANDARD.decode(text.replace('\n', ""))?) {
            *value = json!(STANDARD.encode(MASK));
        }
    }
    for value in values(members.get_mut("stringData")) {
        if value.as_str().is_some_and(|text| is_cipher(text.as_bytes())) {
            *value = json!(STANDARD.encode(MASK));
        }
    }
    Ok(())
}

fn values(map: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    map.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn replace_all(map: Option<&mut Value>, text: &str) {
    values(map).for_each(|value| *value = json!(text));
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encrypted_secrets_are_masked() {
        let mut secret = json!({
            "kind": "Secret", "data": { "a": "ENC[x]" }, "stringData": { "b": "ENC[y]" }, "sops": { "mac": "ENC[z]" }
        });
        assert_eq!(mask(&mut secret), Ok(()));
        assert_eq!(
            secret,
            json!({ "kind": "Secret", "data": { "a": STANDARD.encode(MASK) }, "stringData": { "b": MASK } })
        );
        let plain = json!({ "kind": "Secret", "data": { "a": "aGk=" } });
        let mut same = plain.clone();
        assert_eq!(mask(&mut same), Ok(()));
        assert_eq!(same, plain);
    }
}
