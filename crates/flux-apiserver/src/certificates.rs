//! The server's own certificate authority, its certificates, and the key of service-account tokens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, SanType,
};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::der::{Decode as _, oid::ObjectIdentifier};

use crate::identity::MASTERS;
use crate::{Config, Identity, StartError};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Keys and certificates of one server. Keys are never printed.
pub(crate) struct Certificates {
    pub ca_pem: String,
    ca_der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    /// Signs service-account tokens; the signature is deterministic.
    pub tokens: KeyPair,
}

impl Certificates {
    /// Reads the authority and the token key from the state folder, or makes them.
    pub fn prepare(config: &Config) -> Result<Self, StartError> {
        let dir = config.state_dir.as_deref();
        let tokens = token_key(dir)?;
        let stored = match dir {
            Some(dir) => read_pair(dir)?,
            None => None,
        };
        let (ca_pem, key_pem) = match stored {
            Some(pair) => pair,
            None => {
                let pair = make_authority()?;
                if let Some(dir) = dir {
                    write(&dir.join("ca.crt"), &pair.0, false)?;
                    write(&dir.join("ca.key"), &pair.1, true)?;
                }
                pair
            }
        };
        let unusable = |_| StartError::BadState {
            path: dir.unwrap_or(Path::new("")).join("ca.key"),
            what: "certificate authority",
        };
        let key = KeyPair::from_pem(&key_pem).map_err(unusable)?;
        let issuer = Issuer::new(authority()?, key);
        let ca_der = der_of(&ca_pem)
            .ok_or_else(|| StartError::BadState { path: PathBuf::from("ca.crt"), what: "certificate" })?;
        Ok(Self { ca_pem, ca_der, issuer, tokens })
    }

    /// A client certificate for a user in `system:masters`: certificate and key, in PEM.
    pub fn administrator(&self) -> Result<(String, String), StartError> {
        let mut params = leaf(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "kubernetes-admin");
        params.distinguished_name.push(DnType::OrganizationName, MASTERS);
        params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<(String, String), StartError> {
        let key = KeyPair::generate().map_err(StartError::Certificates)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(StartError::Certificates)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// The TLS configuration of a listener; client certificates are taken but not demanded.
    pub fn server_config(
        &self,
        config: &Config,
        address: SocketAddr,
        service: Ipv4Addr,
    ) -> Result<rustls::ServerConfig, StartError> {
        let (chain, key) = match &config.serving {
            Some((certificate, key)) => given_certificate(certificate, key)?,
            None => self.own_certificate(address, service)?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.ca_der.clone()).map_err(StartError::Tls)?;
        if let Some(path) = &config.client_ca_file {
            for authority in certificates_in(path)? {
                roots.add(authority).map_err(StartError::Tls)?;
            }
        }
        let refused =
            |error: rustls::server::VerifierBuilderError| StartError::Tls(rustls::Error::General(error.to_string()));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(refused)?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(StartError::Tls)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(StartError::Tls)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn own_certificate(&self, address: SocketAddr, service: Ipv4Addr) -> Result<Serving, StartError> {
        let names = [
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let mut params = leaf(names.map(str::to_owned).to_vec())?;
        let mut addresses =
            vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(std::net::Ipv6Addr::LOCALHOST), service.into()];
        if !address.ip().is_unspecified() && !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
        params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ServerAuth);
        let key = KeyPair::generate().map_err(StartError::Certificates)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(StartError::Certificates)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|text| StartError::Tls(rustls::Error::General(text.into())))?;
        Ok((vec![certificate.der().clone()], key))
    }
}

/// A certificate chain and its key.
type Serving = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn given_certificate(certificate: &Path, key: &Path) -> Result<Serving, StartError> {
    use rustls_pki_types::pem::PemObject as _;
    let unusable = |_| StartError::BadState { path: key.to_owned(), what: "private key" };
    Ok((certificates_in(certificate)?, PrivateKeyDer::from_pem_file(key).map_err(unusable)?))
}

fn certificates_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    use rustls_pki_types::pem::PemObject as _;
    let unusable = |_| StartError::BadState { path: path.to_owned(), what: "certificate" };
    CertificateDer::pem_file_iter(path).map_err(unusable)?.collect::<Result<_, _>>().map_err(unusable)
}

fn leaf(names: Vec<String>) -> Result<CertificateParams, StartError> {
    let mut params = CertificateParams::new(names).map_err(StartError::Certificates)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    Ok(params)
}

/// The same for every server, so that a stored key is enough to sign again.
fn authority() -> Result<CertificateParams, StartError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(StartError::Certificates)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "kubernetes-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn make_authority() -> Result<(String, String), StartError> {
    let params = authority()?;
    let key = KeyPair::generate().map_err(StartError::Certificates)?;
    let key_pem = key.serialize_pem();
    let authority = CertifiedIssuer::self_signed(params, key).map_err(StartError::Certificates)?;
    Ok((authority.pem(), key_pem))
}

fn read_pair(dir: &Path) -> Result<Option<(String, String)>, StartError> {
    let (certificate, key) = (dir.join("ca.crt"), dir.join("ca.key"));
    if !certificate.exists() || !key.exists() {
        return Ok(None);
    }
    Ok(Some((read(&certificate)?, read(&key)?)))
}

fn token_key(dir: Option<&Path>) -> Result<KeyPair, StartError> {
    let path = dir.map(|dir| dir.join("sa.key"));
    if let Some(path) = path.as_deref().filter(|path| path.exists()) {
        let text = read(path)?;
        return KeyPair::from_pem(&text).map_err(|_| StartError::BadState { path: path.to_owned(), what: "token key" });
    }
    let key = KeyPair::generate_for(&PKCS_ED25519).map_err(StartError::Certificates)?;
    if let Some(path) = path {
        write(&path, &key.serialize_pem(), true)?;
    }
    Ok(key)
}

fn read(path: &Path) -> Result<String, StartError> {
    std::fs::read_to_string(path).map_err(|source| StartError::State { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str, secret: bool) -> Result<(), StartError> {
    let wrong = |source| StartError::State { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(wrong)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path).map_err(wrong)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(wrong)
}

fn der_of(pem: &str) -> Option<CertificateDer<'static>> {
    use rustls_pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

/// The user a verified client certificate names: its common name, in the groups of its organizations.
pub(crate) fn identity_of(certificate: &CertificateDer<'_>) -> Option<Identity> {
    let parsed = x509_cert::Certificate::from_der(certificate.as_ref()).ok()?;
    let (mut user, mut groups) = (String::new(), Vec::new());
    for attribute in parsed.tbs_certificate().subject().iter() {
        let text = String::from_utf8_lossy(attribute.value.value()).into_owned();
        match attribute.oid {
            COMMON_NAME => user = text,
            ORGANIZATION => groups.push(text),
            _ => {}
        }
    }
    (!user.is_empty()).then(|| Identity::user(user).with_groups(groups))
}
