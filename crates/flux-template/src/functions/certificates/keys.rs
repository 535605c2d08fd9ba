//! Private keys and PEM.

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;

use super::asn1;

pub(super) enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair, usize),
    Ed25519(Ed25519KeyPair),
}

/// Curves, with the last arc of `ecdsa-with-SHA*`.
const CURVES: [(&EcdsaSigningAlgorithm, u8); 3] =
    [(&ECDSA_P256_SHA256_ASN1_SIGNING, 2), (&ECDSA_P384_SHA384_ASN1_SIGNING, 3), (&ECDSA_P521_SHA512_ASN1_SIGNING, 4)];

/// sprig's `genPrivateKey`: PEM, or a sentence.
pub(super) fn generate(kind: &[u8]) -> String {
    let made = match kind {
        b"" | b"rsa" => RsaKeyPair::generate(KeySize::Rsa4096).ok().map(PrivateKey::Rsa),
        b"ecdsa" => EcdsaKeyPair::generate(CURVES[0].0).ok().map(|key| PrivateKey::Ecdsa(key, 0)),
        b"ed25519" => Ed25519KeyPair::generate().ok().map(PrivateKey::Ed25519),
        b"dsa" => return "failed to generate dsa params: DSA is not supported".to_owned(),
        other => return format!("Unknown type {}", String::from_utf8_lossy(other)),
    };
    made.map_or_else(|| "failed to generate private key: crypto failure".to_owned(), |key| key.to_pem())
}

impl PrivateKey {
    pub(super) fn rsa_2048() -> Option<Self> {
        RsaKeyPair::generate(KeySize::Rsa2048).ok().map(Self::Rsa)
    }

    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let Some((label, der)) = decode_pem(pem) else { return Err("no PEM data in input".to_owned()) };
        if label == "PRIVATE KEY" {
            return Self::from_pkcs8(&der)
                .ok_or_else(|| "decoding PEM as PKCS#8: x509: failed to parse private key".to_owned());
        }
        let Some(kind) = label.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {label}"));
        };
        match kind {
            "RSA" => {
                let key = RsaKeyPair::from_der(&der).map(Self::Rsa);
                key.map_err(|_| "parsing RSA private key from PEM: x509: failed to parse private key".to_owned())
            }
            "EC" => {
                let read = |(index, (curve, _)): (usize, &(&'static EcdsaSigningAlgorithm, u8))| {
                    EcdsaKeyPair::from_private_key_der(curve, &der).ok().map(|key| Self::Ecdsa(key, index))
                };
                let key = CURVES.iter().enumerate().find_map(read);
                key.ok_or_else(|| "parsing EC private key from PEM: x509: failed to parse EC private key".to_owned())
            }
            other => Err(format!("invalid private key type {other}")),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(der) {
            return Some(Self::Rsa(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Some(Self::Ed25519(key));
        }
        let read = |(index, (curve, _)): (usize, &(&'static EcdsaSigningAlgorithm, u8))| {
            EcdsaKeyPair::from_pkcs8(curve, der).ok().map(|key| Self::Ecdsa(key, index))
        };
        CURVES.iter().enumerate().find_map(read)
    }

    /// In the form Go chooses for each kind.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => {
                let der: Option<Pkcs8V1Der<'_>> = key.as_der().ok();
                let inner = der.and_then(|der| {
                    let (body, _) = asn1::expect(der.as_ref(), asn1::SEQUENCE)?;
                    let (_, body) = asn1::expect(body, asn1::INTEGER)?;
                    let (_, body) = asn1::expect(body, asn1::SEQUENCE)?;
                    asn1::expect(body, asn1::OCTETS).map(|(inner, _)| inner.to_vec())
                });
                encode_pem("RSA PRIVATE KEY", &inner.unwrap_or_default())
            }
            Self::Ecdsa(key, _) => {
                let der: Option<EcPrivateKeyRfc5915Der<'_>> = key.private_key().as_der().ok();
                encode_pem("EC PRIVATE KEY", der.as_ref().map_or(b"", |der| der.as_ref()))
            }
            Self::Ed25519(key) => {
                let der = key.to_pkcs8v1().ok();
                encode_pem("PRIVATE KEY", der.as_ref().map_or(b"", |der| der.as_ref()))
            }
        }
    }

    /// `SubjectPublicKeyInfo`.
    pub(super) fn public_key(&self) -> Option<Vec<u8>> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Rsa(key) => key.public_key().as_der().ok()?,
            Self::Ecdsa(key, _) => key.public_key().as_der().ok()?,
            Self::Ed25519(key) => key.public_key().as_der().ok()?,
        };
        Some(der.as_ref().to_vec())
    }

    /// The algorithm of this key's signatures.
    pub(super) fn algorithm(&self) -> Vec<u8> {
        let oid = |bytes: &[u8]| asn1::element(asn1::OID, bytes);
        match self {
            // sha256WithRSAEncryption
            Self::Rsa(_) => {
                asn1::sequence(&[&oid(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]), &[0x05, 0x00]])
            }
            Self::Ecdsa(_, index) => {
                asn1::sequence(&[&oid(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, CURVES[*index].1])])
            }
            Self::Ed25519(_) => asn1::sequence(&[&oid(&[0x2B, 0x65, 0x70])]),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(key, _) => Some(key.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(key) => Some(key.sign(message).as_ref().to_vec()),
        }
    }
}

pub(super) fn encode_pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The label and bytes of the first block.
pub(super) fn decode_pem(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(text);
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
    // Headers, if any, end at an empty line.
    let body =
        body.trim_start().split_once("\n\n").map_or(body, |(head, rest)| if head.contains(':') { rest } else { body });
    let digits: String = body.chars().filter(|character| !character.is_whitespace()).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(digits).ok()?;
    Some((label.to_owned(), der))
}
