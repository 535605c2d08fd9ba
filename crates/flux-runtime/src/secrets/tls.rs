//! Certificates and keys, checked when they are read.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{SecretData, SecretError, Sensitive};

/// A client certificate with its key, a certificate authority, or both; all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: Option<Sensitive>,
    pub key: Option<Sensitive>,
    pub ca: Option<Sensitive>,
}

impl TlsFiles {
    /// The certificates of the authority.
    pub fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, SecretError> {
        self.ca.as_ref().map_or(Ok(Vec::new()), |ca| authorities(ca.expose()))
    }

    /// The client's certificate chain and key.
    pub fn identity(&self) -> Result<Option<Arc<CertifiedKey>>, SecretError> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => certified(certificate.expose(), key.expose()).map(Some),
            _ => Ok(None),
        }
    }
}

/// Reads `tls.crt`, `tls.key` and `ca.crt`, or their old names, and checks that they can be used.
pub fn tls_files(secret: &SecretData) -> Result<TlsFiles, SecretError> {
    let full = |key, legacy| secret.get_or_legacy(key, legacy).filter(|value| !value.is_empty()).cloned();
    let files = TlsFiles {
        certificate: full("tls.crt", "certFile"),
        key: full("tls.key", "keyFile"),
        ca: full("ca.crt", "caFile"),
    };
    let pair = |present, missing| SecretError::Pair { secret: secret.reference(), present, missing };
    match (&files.certificate, &files.key, &files.ca) {
        (Some(_), None, _) => return Err(pair("tls.crt", "tls.key")),
        (None, Some(_), _) => return Err(pair("tls.key", "tls.crt")),
        (None, None, None) => return Err(SecretError::NoCertificates { secret: secret.reference() }),
        _ => {}
    }
    files.identity()?;
    files.authorities()?;
    Ok(files)
}

/// The certificates of a PEM bundle, at least one.
fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SecretError> {
    let mut roots = rustls::RootCertStore::empty();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem).flatten() {
        if roots.add(certificate.clone()).is_ok() {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(SecretError::Ca) } else { Ok(found) }
}

/// A chain and the key that belongs to it.
pub(super) fn certified(certificate: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, SecretError> {
    // The texts of the library may quote the input: only what is wrong is told.
    let bad = |reason: &str| SecretError::Certificate { reason: reason.to_owned() };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate).flatten().collect();
    if chain.is_empty() {
        return Err(bad("failed to find any PEM data in certificate input"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| bad("failed to find any PEM data in key input"))?;
    let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    certified.map(Arc::new).map_err(|_| bad("private key does not match public key, or its kind is not supported"))
}
