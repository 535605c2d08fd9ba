//! Secrets as upstream's controllers read and write them. Nothing of them can be printed.
//!
//! | use | keys |
//! | --- | --- |
//! | basic auth | `username`, `password` |
//! | bearer, token | `bearerToken`, `token` |
//! | TLS | `tls.crt`, `tls.key`, `ca.crt`; old `certFile`, `keyFile`, `caFile` |
//! | SSH | `identity`, `known_hosts`, optional `identity.pub`, `password` |
//! | proxy | `address`, optional `username`, `password` |
//! | GitHub App | `githubAppID`, `githubAppPrivateKey`, one of `githubAppInstallationID` and `-Owner`, optional `githubAppBaseURL` |

mod make;
mod methods;
mod proxy;
mod read;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

pub use make::{
    MadeSecret, MakeError, make_basic_auth, make_bearer_token, make_github_app, make_proxy, make_registry, make_sops,
    make_ssh, make_tls, make_token,
};
pub use methods::{
    AuthMethods, BasicAuth, GitHubApp, SshAuth, auth_methods, basic_auth, bearer_token, github_app, ssh_auth, token,
};
pub use proxy::{ProxyUrl, proxy_url};
pub use read::{get, pull_secrets};
pub use tls::{TlsFiles, tls_files};

/// Bytes that must not be seen. They are never printed; [`Sensitive::expose`] is the only way to them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sensitive(Vec<u8>);

impl Sensitive {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text; what is not UTF-8 is replaced.
    pub fn expose_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The data of a Secret, and its name for messages.
#[derive(Clone, Debug)]
pub struct SecretData {
    pub namespace: String,
    pub name: String,
    data: BTreeMap<String, Sensitive>,
}

impl SecretData {
    pub fn new<K: Into<String>, V: Into<Vec<u8>>>(
        namespace: &str,
        name: &str,
        data: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let data = data.into_iter().map(|(key, value)| (key.into(), Sensitive::new(value))).collect();
        Self { namespace: namespace.into(), name: name.into(), data }
    }

    pub fn get(&self, key: &str) -> Option<&Sensitive> {
        self.data.get(key)
    }

    /// The names of the keys; they are no secret.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }

    fn reference(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn require(&self, key: &'static str) -> Result<&Sensitive, SecretError> {
        self.get(key).ok_or_else(|| SecretError::Key { secret: self.reference(), key })
    }

    /// A key, or its old name; the old one is told to the log.
    fn get_or_legacy(&self, key: &str, legacy: &str) -> Option<&Sensitive> {
        self.get(key).or_else(|| {
            let found = self.get(legacy)?;
            tracing::warn!(secret = self.reference(), key = legacy, preferred = key, "using legacy key in secret data");
            Some(found)
        })
    }
}

impl From<Secret> for SecretData {
    fn from(secret: Secret) -> Self {
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        Self::new(&namespace, &name, data)
    }
}

/// Why a Secret cannot be used. Worded as upstream; no value is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("secret '{secret}': key '{key}' not found")]
    Key { secret: String, key: &'static str },
    #[error("secret '{secret}': malformed basic auth - has '{present}' but missing '{missing}'")]
    BasicAuth { secret: String, present: &'static str, missing: &'static str },
    #[error("secret '{secret}' must contain exactly one of 'githubAppInstallationOwner' or 'githubAppInstallationID'")]
    Installation { secret: String },
    #[error("secret '{secret}' contains '{present}' but missing '{missing}'")]
    Pair { secret: String, present: &'static str, missing: &'static str },
    #[error("secret '{secret}' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'")]
    NoCertificates { secret: String },
    #[error("failed to parse TLS certificate and key: {reason}")]
    Certificate { reason: String },
    #[error("failed to parse CA certificate")]
    Ca,
    #[error("secret '{secret}': proxy address is empty")]
    EmptyProxy { secret: String },
    #[error("secret '{secret}': {reason}")]
    Proxy { secret: String, reason: String },
    #[error("secret '{secret}' not found")]
    NotFound { secret: String },
    #[error("failed to get secret '{secret}': {reason}")]
    Get { secret: String, reason: String },
    #[error("serviceaccount '{account}' not found")]
    NoAccount { account: String },
    #[error("failed to get serviceaccount '{account}': {reason}")]
    GetAccount { account: String, reason: String },
    #[error("failed to get image pull secret for serviceaccount '{account}': {error}")]
    PullSecret { account: String, error: Box<SecretError> },
}

impl SecretError {
    /// True when a kind of credentials is just not in the Secret.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    fn is_tls_shape(&self) -> bool {
        matches!(self, Self::Pair { .. } | Self::NoCertificates { .. })
    }
}
