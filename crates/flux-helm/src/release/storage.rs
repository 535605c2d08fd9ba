//! Release records: what the Secrets `sh.helm.release.v1.NAME.vN` hold.
//!
//! The JSON is Helm's byte for byte, so `helm` and upstream's controller can read, roll back and take over what is
//! written here, and the other way round. Compressed bytes differ between compressors; only the JSON counts.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::Release;
use crate::Time;

/// The type of the Secrets.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// Selects the records of all releases.
pub const OWNER_SELECTOR: &str = "owner=helm";
/// Labels that Helm sets itself.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
/// A record cannot become larger than this; a Secret's limit is 1 MiB of encoded data.
pub const MAX_DATA: usize = 1 << 20;
/// Decompressed bytes of one record: a record of 1 MiB that unpacks to more is an attack.
pub const MAX_JSON: u64 = 512 << 20;

/// Why a record cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    #[error("release record is not base64")]
    Base64,
    #[error("release record is damaged: {reason}")]
    Gzip { reason: String },
    #[error("release record is larger than {limit} bytes when unpacked")]
    TooLarge { limit: u64 },
    #[error("release record is not JSON: {reason}")]
    Json { reason: String },
    /// A field of another type, in Go's words.
    #[error("{reason}")]
    Field { reason: String },
    #[error("the Secret `{name}` holds no release")]
    NoRelease { name: String },
    #[error("Secret \"{name}\" is invalid: data: Too long: may not be more than 1048576 bytes")]
    SecretTooLarge { name: String, bytes: usize },
}

/// The name of the Secret of a revision.
pub fn secret_name(release: &str, version: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{version}")
}

/// The data of a Secret's key `release` as its client sees it: base64 of the gzipped JSON. (The API adds another
/// base64 to all data of Secrets.)
pub fn encode(release: &Release) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let written = gzip.write_all(release.to_json().as_bytes()).and_then(|()| gzip.finish());
    STANDARD.encode(written.expect("memory takes every byte"))
}

/// Reads the data of a Secret's key `release`; it need not be gzipped. Labels stay empty.
///
/// # Errors
/// Anything that is no record of a release.
pub fn decode(data: &[u8]) -> Result<Release, StorageError> {
    let bytes = STANDARD.decode(data.trim_ascii()).map_err(|_| StorageError::Base64)?;
    let bytes = if bytes.len() > 3 && bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut json = Vec::new();
        let read = GzDecoder::new(&bytes[..]).take(MAX_JSON + 1).read_to_end(&mut json);
        read.map_err(|error| StorageError::Gzip { reason: error.to_string() })?;
        if json.len() as u64 > MAX_JSON {
            return Err(StorageError::TooLarge { limit: MAX_JSON });
        }
        json
    } else {
        bytes
    };
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| StorageError::Json { reason: error.to_string() })?;
    Release::from_json(&value).map_err(|reason| StorageError::Field { reason })
}

/// Whether the record is being made or changed: its time is in one label or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Create,
    Update,
}

/// The labels of a record's Secret: the release's own, and Helm's over them.
pub fn labels(release: &Release, write: Write, now: Time) -> BTreeMap<String, String> {
    let mut labels = release.labels.clone();
    let stamp = if write == Write::Create { "createdAt" } else { "modifiedAt" };
    let system = [
        (stamp, now.seconds.to_string()),
        ("name", release.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", release.info.status.to_string()),
        ("version", release.version.to_string()),
    ];
    // A label of the release's own beats the time stamp, as upstream sets it first.
    for (key, value) in system {
        if key != stamp || !labels.contains_key(key) {
            labels.insert(key.to_owned(), value);
        }
    }
    labels
}

/// The Secret that stores the release, in the storage namespace.
///
/// # Errors
/// A record that no Secret can hold.
pub fn secret(release: &Release, namespace: &str, write: Write, now: Time) -> Result<Value, StorageError> {
    let name = secret_name(&release.name, release.version);
    let data = encode(release);
    if data.len() > MAX_DATA {
        return Err(StorageError::SecretTooLarge { name, bytes: data.len() });
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(release, write, now)},
        "type": SECRET_TYPE,
        "data": {"release": STANDARD.encode(data)},
    }))
}

/// Reads a Secret as the API gives it; labels that are not Helm's become the release's.
///
/// # Errors
/// Anything that is no record of a release.
pub fn from_secret(secret: &Value) -> Result<Release, StorageError> {
    let name = || secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let data = secret["data"]["release"].as_str().ok_or_else(|| StorageError::NoRelease { name: name() })?;
    let data = STANDARD.decode(data).map_err(|_| StorageError::Base64)?;
    let mut release = decode(&data)?;
    let labels = secret["metadata"]["labels"].as_object().into_iter().flatten();
    let own = labels.filter(|(key, _)| !SYSTEM_LABELS.contains(&key.as_str()));
    release.labels = own.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    Ok(release)
}

/// The records to delete so that at most `max` remain after one more is written: the oldest ones, but never the
/// last that is deployed. Zero keeps all.
pub fn surplus(history: &[Release], max: usize) -> Vec<(String, i64)> {
    if max == 0 || history.len() < max {
        return Vec::new();
    }
    let mut order: Vec<&Release> = history.iter().collect();
    order.sort_by_key(|release| release.version);
    let deployed = order.iter().rev().find(|release| release.info.status == super::Status::Deployed);
    let deployed = deployed.map(|release| release.version);
    let excess = history.len() + 1 - max;
    let old = order.iter().filter(|release| Some(release.version) != deployed);
    old.take(excess).map(|release| (release.name.clone(), release.version)).collect()
}
