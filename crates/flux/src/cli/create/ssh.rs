//! What a Secret for Git over ssh holds: a key pair, made or read, and the key that the server shows.

use std::time::Duration;

use flux_git::{KeyKind, KeyPair, Secret, SshAuth, generate_key, public_key, scan_host_key};
use serde_json::{Map, Value, json};

use super::secret::read;
use super::source::split_url;
use crate::cli::error::CliError;
use crate::cli::parse::Parsed;

/// As long as upstream waits for a server to show its key.
const SCAN_WITHIN: Duration = Duration::from_secs(30);

/// The data of the Secret: `identity`, `identity.pub`, `known_hosts`, and `password` when the key has one.
pub async fn data(parsed: &Parsed, url: &str) -> Result<Map<String, Value>, CliError> {
    let password = parsed.option("password");
    let pair = match parsed.option("private-key-file") {
        Some(path) => load(path, password)?,
        None => generate_key(kind(parsed)?).map_err(|error| CliError::state(error.to_string()))?,
    };
    let (_, host) = split_url(url);
    let known_hosts = scan_host_key(host, SCAN_WITHIN).await.map_err(|error| CliError::state(error.to_string()))?;
    let mut data = Map::from_iter([
        ("identity".to_owned(), json!(pair.private.expose())),
        ("identity.pub".to_owned(), json!(pair.public)),
        ("known_hosts".to_owned(), json!(known_hosts)),
    ]);
    data.extend(password.map(|password| ("password".to_owned(), json!(password))));
    Ok(data)
}

fn load(path: &str, password: Option<&str>) -> Result<KeyPair, CliError> {
    let private = Secret::new(read(path, "failed to open private key file")?);
    let auth = SshAuth { identity: private.clone(), passphrase: password.map(Secret::new), ..SshAuth::default() };
    let public = public_key(&auth).map_err(|error| CliError::state(format!("{path}: {error}")))?;
    Ok(KeyPair { private, public })
}

fn kind(parsed: &Parsed) -> Result<KeyKind, CliError> {
    match parsed.text("ssh-key-algorithm") {
        "rsa" => {
            let bits = parsed.text("ssh-rsa-bits");
            let bits = bits.parse().map_err(|_| CliError::usage(format!("--ssh-rsa-bits: '{bits}' is no size")))?;
            Ok(KeyKind::Rsa(bits))
        }
        "ed25519" => Ok(KeyKind::Ed25519),
        _ => match parsed.text("ssh-ecdsa-curve") {
            "p256" => Ok(KeyKind::EcdsaP256),
            "p521" => Ok(KeyKind::EcdsaP521),
            _ => Ok(KeyKind::EcdsaP384),
        },
    }
}
