//! The key that an ssh server shows, for a `known_hosts` file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, Handler};
use russh::keys::ssh_key::EcdsaCurve;
use russh::keys::{Algorithm, HashAlg, PublicKeyOrCertificate};

use crate::error::{GitError, one_line};

/// Keeps what the server shows, and goes no further.
struct Look(Arc<Mutex<Option<String>>>);

impl Handler for Look {
    type Error = russh::Error;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = offered {
            let mut key = key.clone();
            key.set_comment("");
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key.to_openssh().ok();
        }
        Ok(false)
    }
}

/// Asks `host`, which may carry `:PORT`, for its key; the answer is a line of `known_hosts` without a line break.
///
/// The kinds are asked for in the order of Go's client, so that the same server gives the same line as upstream.
pub async fn scan_host_key(host: &str, timeout: Duration) -> Result<String, GitError> {
    let (name, port) = split(host);
    let failed = |reason: String| GitError::Network { url: format!("ssh://{host}"), reason };
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let mut config = client::Config::default();
    config.preferred.key = vec![
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Ed25519,
    ]
    .into();
    let seen = Arc::default();
    let look = Look(Arc::clone(&seen));
    let shaken = tokio::time::timeout(timeout, client::connect(Arc::new(config), (name, port), look)).await;
    let key = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (key, shaken) {
        (Some(key), _) => Ok(format!("{} {}", known_name(name, port), key.trim_end())),
        (None, Err(_)) => Err(GitError::Timeout),
        (None, Ok(Err(error))) => {
            Err(failed(format!("SSH key scan for host '{host}' failed: {}", one_line(&error.to_string()))))
        }
        (None, Ok(Ok(_))) => Err(failed(format!("SSH key scan for host '{host}' failed: no key was shown"))),
    }
}

/// Host and port; 22 is usual.
fn split(host: &str) -> (&str, u16) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().unwrap_or(22)),
        _ => (host, 22),
    };
    (name.trim_start_matches('[').trim_end_matches(']'), port)
}

/// As OpenSSH writes a host into the file.
fn known_name(host: &str, port: u16) -> String {
    match (port, host.contains(':')) {
        (22, false) => host.to_owned(),
        (22, true) => format!("[{host}]"),
        _ => format!("[{host}]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let named = |host: &str| {
            let (name, port) = split(host);
            known_name(name, port)
        };
        assert_eq!(named("git.example.com"), "git.example.com");
        assert_eq!(named("git.example.com:22"), "git.example.com");
        assert_eq!(named("git.example.com:2222"), "[git.example.com]:2222");
        assert_eq!(named("[::1]:2222"), "[::1]:2222");
    }

    #[tokio::test]
    async fn nobody_there() {
        let error = scan_host_key("127.0.0.1:1", Duration::from_secs(5)).await.expect_err("nothing listens");
        assert!(error.to_string().contains("SSH key scan for host '127.0.0.1:1' failed"), "{error}");
    }
}
