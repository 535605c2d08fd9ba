//! Whether a certificate and its key belong together, in the words of Go's TLS library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use x509_cert::der::{Decode as _, Encode as _};

/// What is wrong with the pair, both base64-encoded PEM.
pub(crate) fn complaint(certificate: &str, key: &str) -> Option<String> {
    let decode = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    check(&decode(certificate).unwrap_or_default(), &decode(key).unwrap_or_default()).err()
}

fn check(certificate: &str, key: &str) -> Result<(), String> {
    let blocks = blocks(certificate);
    let is_key = |kind: &&str| *kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY");
    let Some((_, leaf)) = blocks.iter().find(|(kind, _)| *kind == "CERTIFICATE") else {
        let kinds: Vec<&str> = blocks.iter().map(|(kind, _)| *kind).collect();
        return Err(match kinds.as_slice() {
            [] => "tls: failed to find any PEM data in certificate input".to_owned(),
            [only] if is_key(only) => "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".to_owned(),
            many => format!("tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]", many.join(" ")),
        });
    };
    let key_blocks = self::blocks(key);
    if !key_blocks.iter().any(|(kind, _)| is_key(kind)) {
        let kinds: Vec<&str> = key_blocks.iter().map(|(kind, _)| *kind).collect();
        return Err(match kinds.as_slice() {
            [] => "tls: failed to find any PEM data in key input".to_owned(),
            ["CERTIFICATE"] => "tls: found a certificate rather than a key in the PEM for the private key".to_owned(),
            many => format!(
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
                many.join(" ")
            ),
        });
    }
    let leaf = x509_cert::Certificate::from_der(leaf).map_err(|_| "x509: malformed certificate".to_owned())?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .ok()
        .and_then(|key| rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).ok())
        .ok_or("tls: failed to parse private key")?;
    let own = leaf.tbs_certificate().subject_public_key_info().to_der().ok();
    match (key.public_key(), own) {
        (Some(public), Some(own)) if public.as_ref() != own.as_slice() => {
            Err("tls: private key does not match public key".to_owned())
        }
        _ => Ok(()),
    }
}

/// The PEM blocks of a text: their types and contents.
fn blocks(text: &str) -> Vec<(&str, Vec<u8>)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("-----BEGIN ") {
        let Some((kind, tail)) = tail.split_once("-----") else { break };
        let end = format!("-----END {kind}-----");
        let Some((body, tail)) = tail.split_once(end.as_str()) else { break };
        let letters: String = body
            .lines()
            .filter(|line| !line.contains(':'))
            .flat_map(str::chars)
            .filter(|one| !one.is_whitespace())
            .collect();
        if let Ok(bytes) = STANDARD.decode(letters) {
            out.push((kind, bytes));
        }
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let words = |certificate: &str, key: &str| check(certificate, key).unwrap_err();
        assert_eq!(words("", ""), "tls: failed to find any PEM data in certificate input");
        let key = "-----BEGIN RSA PRIVATE KEY-----\nYQ==\n-----END RSA PRIVATE KEY-----";
        assert!(words(key, "").ends_with("PEM inputs may have been switched"));
        let certificate = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----";
        assert_eq!(words(certificate, ""), "tls: failed to find any PEM data in key input");
        assert_eq!(words(certificate, key), "x509: malformed certificate");
    }

    #[test]
    fn a_pair_that_belongs_together_is_silent() {
        let own = rcgen::generate_simple_self_signed(vec!["a.example.com".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["a.example.com".into()]).unwrap();
        assert_eq!(check(&own.cert.pem(), &own.signing_key.serialize_pem()), Ok(()));
        let words = check(&own.cert.pem(), &other.signing_key.serialize_pem()).unwrap_err();
        assert_eq!(words, "tls: private key does not match public key");
    }
}
