//! Keys and certificates, after sprig's use of Go's `crypto/x509`.
//!
//! Keys come from the random source of the cryptographic library, not from the host.

mod asn1;
mod issue;
mod keys;

use std::net::IpAddr;
use std::rc::Rc;

use super::{Arguments as _, Function, text};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::value::{Record, RecordType, Value};

use issue::{Request, Signer};
use keys::PrivateKey;

use Ty::{Certificate, Int, List, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("genPrivateKey", &[Str], Str, |run, a| {
        slow(run)?;
        text(keys::generate(a.bytes(0)))
    }),
    Function::new("buildCustomCert", &[Str, Str], Reflect, |_, a| custom(a)),
    Function::new("genCA", &[Str, Int], Reflect, |run, a| authority(run, a, None)),
    Function::new("genCAWithKey", &[Str, Int, Str], Reflect, |run, a| authority(run, a, Some(2))),
    Function::new("genSelfSignedCert", &[Str, List, List, Int], Reflect, |run, a| self_signed(run, a, None)),
    Function::new("genSelfSignedCertWithKey", &[Str, List, List, Int, Str], Reflect, |run, a| {
        self_signed(run, a, Some(4))
    }),
    Function::new("genSignedCert", &[Str, List, List, Int, Certificate], Reflect, |run, a| signed(run, a, None)),
    Function::new("genSignedCertWithKey", &[Str, List, List, Int, Certificate, Str], Reflect, |run, a| {
        signed(run, a, Some(5))
    }),
];

/// What making an RSA key counts as.
const SLOW: usize = 256 << 20;

fn slow(run: &mut Run<'_>) -> Res<()> {
    run.work(SLOW)
}

fn record(cert: String, key: String) -> Res<Operand> {
    let fields = vec![("Cert", Value::text(cert)), ("Key", Value::text(key))];
    Ok(Value::Record(Rc::new(Record { ty: RecordType::Certificate, fields })).into())
}

/// The key given as argument `index`, or a new RSA key of 2048 bits.
fn key(run: &mut Run<'_>, arguments: &[Operand], index: Option<usize>) -> Res<PrivateKey> {
    match index {
        Some(index) => match PrivateKey::from_pem(arguments.bytes(index)) {
            Ok(key) => Ok(key),
            Err(message) => fail(format!("parsing private key: {message}")),
        },
        None => {
            slow(run)?;
            PrivateKey::rsa_2048().map_or_else(|| fail("error generating rsa key: crypto/rsa: failure"), Ok)
        }
    }
}

fn authority(run: &mut Run<'_>, arguments: &[Operand], own_key: Option<usize>) -> Res<Operand> {
    let key = key(run, arguments, own_key)?;
    let mut request = Request::new(run, arguments.bytes(0), arguments.int(1));
    request.authority = true;
    finish(&request, &key, Signer::Own)
}

/// The request of a certificate with names: arguments are name, addresses, names, days.
fn request(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Request> {
    let mut request = Request::new(run, arguments.bytes(0), arguments.int(3));
    for item in items(arguments.value(1)) {
        let Value::Str(address) = &item else {
            let shown = crate::go::fmt::shown(run, &item)?;
            return fail(format!("error parsing ip: {shown} is not a string"));
        };
        match address.to_text().parse::<IpAddr>() {
            Ok(address) => request.addresses.push(address.to_canonical()),
            Err(_) => return fail(format!("error parsing ip: {}", address.to_text())),
        }
    }
    for item in items(arguments.value(2)) {
        let Value::Str(name) = &item else {
            let shown = crate::go::fmt::shown(run, &item)?;
            return fail(format!("error processing alternate dns name: {shown} is not a string"));
        };
        request.names.push(name.as_bytes().to_vec());
    }
    Ok(request)
}

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.items().to_vec(),
        _ => Vec::new(),
    }
}

fn self_signed(run: &mut Run<'_>, arguments: &[Operand], own_key: Option<usize>) -> Res<Operand> {
    let key = key(run, arguments, own_key)?;
    let request = request(run, arguments)?;
    finish(&request, &key, Signer::Own)
}

fn signed(run: &mut Run<'_>, arguments: &[Operand], own_key: Option<usize>) -> Res<Operand> {
    let key = key(run, arguments, own_key)?;
    let field = |name: &str| match arguments.value(4) {
        Value::Record(record) => record.field(name).and_then(Value::as_str).cloned(),
        _ => None,
    };
    let (Some(cert), Some(signing)) = (field("Cert"), field("Key")) else {
        return fail("unable to decode certificate");
    };
    let Some((_, der)) = keys::decode_pem(cert.as_bytes()) else { return fail("unable to decode certificate") };
    let Some(parent) = asn1::Parent::read(&der) else {
        return fail("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate");
    };
    let signing = match PrivateKey::from_pem(signing.as_bytes()) {
        Ok(signing) => signing,
        Err(message) => return fail(format!("error parsing private key: {message}")),
    };
    let request = request(run, arguments)?;
    finish(&request, &key, Signer::Parent(&parent, &signing))
}

fn finish(request: &Request, key: &PrivateKey, signer: Signer<'_>) -> Res<Operand> {
    match issue::issue(request, key, signer) {
        Ok(der) => record(keys::encode_pem("CERTIFICATE", &der), key.to_pem()),
        Err(message) => fail(format!("error creating certificate: {message}")),
    }
}

fn custom(arguments: &[Operand]) -> Res<Operand> {
    let Ok(cert) = super::conversion::base64_decode(arguments.bytes(0)) else {
        return fail("unable to decode base64 certificate");
    };
    let Ok(key) = super::conversion::base64_decode(arguments.bytes(1)) else {
        return fail("unable to decode base64 private key");
    };
    let Some((_, der)) = keys::decode_pem(&cert) else { return fail("unable to decode certificate") };
    if asn1::Parent::read(&der).is_none() {
        return fail("error parsing certificate: decodedCert.Bytes: x509: malformed certificate");
    }
    if let Err(message) = PrivateKey::from_pem(&key) {
        return fail(format!("error parsing private key: {message}"));
    }
    record(String::from_utf8_lossy(&cert).into_owned(), String::from_utf8_lossy(&key).into_owned())
}

#[cfg(test)]
mod tests;
