//! What a remote repository asks of its readers.

use std::time::Duration;

pub use flux_diagnostics::Secret;
use russh::keys::{PrivateKey, decode_secret_key};

/// Credentials.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// None, or those in the URL.
    #[default]
    None,
    Basic {
        username: String,
        password: Secret,
    },
    Bearer(Secret),
    Ssh(SshAuth),
}

/// A key pair and the hosts it is for.
#[derive(Clone, Debug, Default)]
pub struct SshAuth {
    /// The private key, PEM or OpenSSH.
    pub identity: Secret,
    /// Of the private key.
    pub passphrase: Option<Secret>,
    /// In the format of OpenSSH; required.
    pub known_hosts: String,
}

/// Certificates, in PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Trusted beside those of the system.
    pub ca: Option<Vec<u8>>,
    /// The client's own certificate.
    pub certificate: Option<Vec<u8>>,
    pub key: Option<Secret>,
}

impl Tls {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none()
    }
}

/// An HTTP or SOCKS proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Without credentials.
    pub address: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
}

/// A repository elsewhere.
#[derive(Clone, Debug)]
pub struct Remote {
    pub url: String,
    pub auth: Auth,
    pub tls: Tls,
    pub proxy: Option<Proxy>,
    /// Of everything together.
    pub timeout: Duration,
}

impl Remote {
    /// A public repository.
    pub fn new(url: impl Into<String>, timeout: Duration) -> Self {
        Self { url: url.into(), auth: Auth::None, tls: Tls::default(), proxy: None, timeout }
    }
}

/// Why a private key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    #[error("SSH identity key is encrypted but no passphrase was given")]
    Encrypted,
    #[error("invalid private key: {reason}")]
    Invalid { reason: String },
}

/// Checks that a private key can be read with that passphrase.
pub fn check_ssh_key(auth: &SshAuth) -> Result<(), SshKeyError> {
    private_key(auth).map(drop)
}

pub(crate) fn private_key(auth: &SshAuth) -> Result<PrivateKey, SshKeyError> {
    let passphrase = auth.passphrase.as_ref().filter(|text| !text.is_empty());
    decode_secret_key(auth.identity.expose(), passphrase.map(Secret::expose)).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => SshKeyError::Encrypted,
        error => SshKeyError::Invalid { reason: error.to_string() },
    })
}
