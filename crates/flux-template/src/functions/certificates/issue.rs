//! Making a certificate as Go's `x509.CreateCertificate` does from sprig's template.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::asn1::{self, Parent, element, sequence};
use super::keys::PrivateKey;
use crate::exec::Run;
use crate::time::Time;

/// What the certificate is to say.
pub(super) struct Request {
    name: Vec<u8>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<Vec<u8>>,
    pub(super) authority: bool,
    serial: [u8; 16],
    from: Time,
    to: Time,
}

impl Request {
    pub(super) fn new(run: &Run<'_>, name: &[u8], days: i64) -> Self {
        const DAY: i64 = 86_400_000_000_000;
        let mut serial = [0; 16];
        run.host.random(&mut serial);
        let from = Time::from_nanos(run.host.now());
        let to = from.add(days.wrapping_mul(DAY));
        Self { name: name.to_vec(), addresses: Vec::new(), names: Vec::new(), authority: false, serial, from, to }
    }
}

pub(super) enum Signer<'a> {
    /// The certificate's own key.
    Own,
    Parent(&'a Parent, &'a PrivateKey),
}

fn extension(id: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let id = element(asn1::OID, &[0x55, 0x1D, id]);
    let value = element(asn1::OCTETS, value);
    if critical { sequence(&[&id, &[0x01, 0x01, 0xFF], &value]) } else { sequence(&[&id, &value]) }
}

/// A `Name` with nothing but a common name; empty for an empty one.
fn subject(name: &[u8]) -> Vec<u8> {
    if name.is_empty() {
        return sequence(&[]);
    }
    let printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte);
    let value = element(if name.iter().all(printable) { 0x13 } else { 0x0C }, name);
    let attribute = sequence(&[&element(asn1::OID, &[0x55, 0x04, 0x03]), &value]);
    sequence(&[&element(asn1::SET, &attribute)])
}

/// UTCTime up to 2049, GeneralizedTime from then on.
fn moment(time: &Time) -> Vec<u8> {
    let year = time.civil().year;
    if (1950..2050).contains(&year) {
        element(0x17, &time.format(b"060102150405Z"))
    } else {
        element(0x18, &time.format(b"20060102150405Z"))
    }
}

fn alternatives(request: &Request) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    for name in &request.names {
        if !name.is_ascii() {
            let shown = crate::go::quoting::quote_text(name);
            return Err(format!("x509: {shown} cannot be encoded as an IA5String"));
        }
        all.extend(element(0x82, name));
    }
    for address in &request.addresses {
        match address {
            IpAddr::V4(address) => all.extend(element(0x87, &address.octets())),
            IpAddr::V6(address) => all.extend(element(0x87, &address.octets())),
        }
    }
    Ok(all)
}

/// Go takes the first 20 bytes of the key's SHA-256.
fn key_id(public_key: &[u8]) -> Vec<u8> {
    let bits = asn1::expect(public_key, asn1::SEQUENCE)
        .and_then(|(inner, _)| asn1::expect(inner, asn1::SEQUENCE))
        .and_then(|(_, rest)| asn1::expect(rest, asn1::BITS))
        .map_or(b"".as_slice(), |(bits, _)| bits.get(1..).unwrap_or_default());
    Sha256::digest(bits)[..20].to_vec()
}

fn extensions(request: &Request, public_key: &[u8], signer: &Signer<'_>, own: &[u8]) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    // Digital signature and key encipherment; an authority also signs certificates.
    let usage: &[u8] = if request.authority { &[0x03, 0x02, 0x02, 0xA4] } else { &[0x03, 0x02, 0x05, 0xA0] };
    all.extend(extension(15, true, usage));
    let purpose = |last: u8| element(asn1::OID, &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]);
    all.extend(extension(37, false, &sequence(&[&purpose(1), &purpose(2)])));
    let constraints = if request.authority { sequence(&[&[0x01, 0x01, 0xFF]]) } else { sequence(&[]) };
    all.extend(extension(19, true, &constraints));
    if request.authority {
        all.extend(extension(14, false, &element(asn1::OCTETS, &key_id(public_key))));
    }
    if let Signer::Parent(parent, _) = signer
        && parent.subject != own
        && let Some(id) = &parent.key_id
    {
        all.extend(extension(35, false, &sequence(&[&element(0x80, id)])));
    }
    let names = alternatives(request)?;
    if !names.is_empty() {
        all.extend(extension(17, request.name.is_empty(), &sequence(&[&names])));
    }
    Ok(element(0xA3, &sequence(&[&all])))
}

/// The certificate in DER, or Go's complaint.
pub(super) fn issue(request: &Request, key: &PrivateKey, signer: Signer<'_>) -> Result<Vec<u8>, String> {
    let failure = || "x509: signing failed".to_owned();
    let public_key = key.public_key().ok_or_else(failure)?;
    let own = subject(&request.name);
    let (issuer, signing) = match &signer {
        Signer::Own => (own.clone(), key),
        Signer::Parent(parent, signing) => {
            if signing.public_key().as_ref() != Some(&parent.public_key) {
                return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
            }
            (parent.subject.clone(), *signing)
        }
    };
    let algorithm = signing.algorithm();
    let body = sequence(&[
        &element(0xA0, &asn1::integer(&[2])),
        &asn1::integer(&request.serial),
        &algorithm,
        &issuer,
        &sequence(&[&moment(&request.from), &moment(&request.to)]),
        &own,
        &public_key,
        &extensions(request, &public_key, &signer, &own)?,
    ]);
    let signature = signing.sign(&body).ok_or_else(failure)?;
    Ok(sequence(&[&body, &algorithm, &asn1::bits(&signature)]))
}
