//! Secrets as the command line makes them.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::tls::certified;
use super::{SecretError, Sensitive};

/// A Secret ready to be printed or applied, with its values as `stringData`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeSecret {
    pub namespace: String,
    pub name: String,
    /// `Opaque`, `kubernetes.io/tls`, ...
    pub kind: &'static str,
    pub data: BTreeMap<String, Sensitive>,
}

/// Why a Secret cannot be made. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    #[error("{0} is required")]
    Required(&'static str),
    #[error("invalid proxy address: {0}")]
    Proxy(String),
    #[error("exactly one of githubAppInstallationOwner or githubAppInstallationID must be provided")]
    Installation,
    #[error("at least one key must be provided")]
    NoKeys,
    #[error("{0} key cannot be empty")]
    EmptyKey(&'static str),
    #[error("found certificate but missing private key")]
    NoPrivateKey,
    #[error("found private key but missing certificate")]
    NoCertificate,
    #[error("no CA certificate or client certificate pair found")]
    NoCertificates,
    #[error("invalid TLS certificate and key pair: {0}")]
    Pair(String),
}

impl MadeSecret {
    fn new(name: &str, namespace: &str, kind: &'static str, data: &[(&str, &str)]) -> Self {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), Sensitive::new(*value))).collect();
        Self { namespace: namespace.into(), name: name.into(), kind, data }
    }

    /// The object, values included: only for a person who asked for it, or for the server.
    pub fn expose(&self) -> Value {
        let data: BTreeMap<&str, String> =
            self.data.iter().map(|(key, value)| (key.as_str(), value.expose_text().into_owned())).collect();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "type": self.kind,
            "stringData": data,
        })
    }
}

fn required(value: &str, what: &'static str) -> Result<(), MakeError> {
    if value.is_empty() { Err(MakeError::Required(what)) } else { Ok(()) }
}

pub fn make_basic_auth(name: &str, namespace: &str, username: &str, password: &str) -> Result<MadeSecret, MakeError> {
    required(username, "username")?;
    required(password, "password")?;
    Ok(MadeSecret::new(name, namespace, "kubernetes.io/basic-auth", &[("username", username), ("password", password)]))
}

/// `username` and `password` may be empty.
pub fn make_proxy(
    name: &str,
    namespace: &str,
    address: &str,
    username: &str,
    password: &str,
) -> Result<MadeSecret, MakeError> {
    required(address, "address")?;
    if address.starts_with(':') {
        return Err(MakeError::Proxy(format!("parse {address:?}: missing protocol scheme")));
    }
    let optional = [("username", username), ("password", password)];
    let mut data = vec![("address", address)];
    data.extend(optional.into_iter().filter(|(_, value)| !value.is_empty()));
    Ok(MadeSecret::new(name, namespace, "Opaque", &data))
}

pub fn make_bearer_token(name: &str, namespace: &str, token: &str) -> Result<MadeSecret, MakeError> {
    required(token, "bearerToken")?;
    Ok(MadeSecret::new(name, namespace, "Opaque", &[("bearerToken", token)]))
}

pub fn make_token(name: &str, namespace: &str, token: &str) -> Result<MadeSecret, MakeError> {
    required(token, "token")?;
    Ok(MadeSecret::new(name, namespace, "Opaque", &[("token", token)]))
}

/// A `.dockerconfigjson` for one registry.
pub fn make_registry(
    name: &str,
    namespace: &str,
    server: &str,
    username: &str,
    password: &str,
) -> Result<MadeSecret, MakeError> {
    required(server, "server")?;
    required(username, "username")?;
    required(password, "password")?;
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    // Go's field order and indent; `quote` writes texts as Go's encoder does.
    let config = format!(
        "{{\n  \"auths\": {{\n    {}: {{\n      \"username\": {},\n      \"password\": {},\n      \"auth\": {}\n    }}\n  }}\n}}",
        quote(server),
        quote(username),
        quote(password),
        quote(&auth)
    );
    Ok(MadeSecret::new(name, namespace, "kubernetes.io/dockerconfigjson", &[(".dockerconfigjson", &config)]))
}

/// A JSON string with `<`, `>` and `&` escaped.
fn quote(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Exactly one of owner and identifier of the installation must be given.
pub fn make_github_app(
    name: &str,
    namespace: &str,
    app_id: &str,
    private_key: &str,
    installation_owner: Option<&str>,
    installation_id: Option<&str>,
    base_url: Option<&str>,
) -> Result<MadeSecret, MakeError> {
    required(app_id, "githubAppID")?;
    required(private_key, "githubAppPrivateKey")?;
    if installation_owner.is_some() == installation_id.is_some() {
        return Err(MakeError::Installation);
    }
    let mut data = vec![("githubAppID", app_id), ("githubAppPrivateKey", private_key)];
    let optional = [
        ("githubAppInstallationOwner", installation_owner),
        ("githubAppInstallationID", installation_id),
        ("githubAppBaseURL", base_url),
    ];
    data.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
    Ok(MadeSecret::new(name, namespace, "Opaque", &data))
}

/// `public_key` and `password` may be empty.
pub fn make_ssh(
    name: &str,
    namespace: &str,
    private_key: &str,
    public_key: &str,
    known_hosts: &str,
    password: &str,
) -> Result<MadeSecret, MakeError> {
    required(private_key, "identity")?;
    required(known_hosts, "known_hosts")?;
    let mut data = vec![("identity", private_key), ("known_hosts", known_hosts)];
    data.extend(
        [("identity.pub", public_key), ("password", password)].into_iter().filter(|(_, value)| !value.is_empty()),
    );
    Ok(MadeSecret::new(name, namespace, "Opaque", &data))
}

/// Keys are named by their Adler-32 checksum, `.agekey` or `.asc`.
pub fn make_sops(name: &str, namespace: &str, age_keys: &[&str], gpg_keys: &[&str]) -> Result<MadeSecret, MakeError> {
    if age_keys.is_empty() && gpg_keys.is_empty() {
        return Err(MakeError::NoKeys);
    }
    let mut made = MadeSecret::new(name, namespace, "Opaque", &[]);
    for (keys, what, ending) in [(age_keys, "Age", "agekey"), (gpg_keys, "GPG", "asc")] {
        for key in keys {
            if key.is_empty() {
                return Err(MakeError::EmptyKey(what));
            }
            made.data.insert(format!("{}.{ending}", adler32(key.as_bytes())), Sensitive::new(*key));
        }
    }
    Ok(made)
}

/// The checksum of RFC 1950.
pub fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    b << 16 | a
}

/// A certificate with its key, a certificate authority, or both; empty means absent.
pub fn make_tls(name: &str, namespace: &str, certificate: &str, key: &str, ca: &str) -> Result<MadeSecret, MakeError> {
    match (certificate.is_empty(), key.is_empty(), ca.is_empty()) {
        (false, true, _) => return Err(MakeError::NoPrivateKey),
        (true, false, _) => return Err(MakeError::NoCertificate),
        (true, true, true) => return Err(MakeError::NoCertificates),
        _ => {}
    }
    let mut data = Vec::new();
    if !certificate.is_empty() {
        certified(certificate.as_bytes(), key.as_bytes()).map_err(|error| match error {
            SecretError::Certificate { reason } => MakeError::Pair(reason),
            other => MakeError::Pair(other.to_string()),
        })?;
        data.extend([("tls.crt", certificate), ("tls.key", key)]);
    }
    let kind = if data.is_empty() { "Opaque" } else { "kubernetes.io/tls" };
    if !ca.is_empty() {
        data.push(("ca.crt", ca));
    }
    Ok(MadeSecret::new(name, namespace, kind, &data))
}
