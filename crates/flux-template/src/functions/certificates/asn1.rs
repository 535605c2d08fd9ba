//! The little of DER that certificates need.

/// One element: its tag, what is in it, and what follows it.
pub(super) fn read(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of an element with that tag, and what follows.
pub(super) fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = read(bytes)?;
    (found == tag).then_some((content, rest))
}

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;

pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ ..0x80 => out.push(length as u8),
        length => {
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | (bytes.len() - zeros) as u8);
            out.extend_from_slice(&bytes[zeros..]);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A positive integer.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut content = bytes[zeros..].to_vec();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BITS, &[&[0], bytes].concat())
}

/// What is needed of the certificate that signs.
pub(super) struct Parent {
    /// The whole `Name` of its subject.
    pub(super) subject: Vec<u8>,
    /// The whole `SubjectPublicKeyInfo`.
    pub(super) public_key: Vec<u8>,
    pub(super) key_id: Option<Vec<u8>>,
}

impl Parent {
    /// `None` when the bytes are no certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (certificate, after) = expect(der, SEQUENCE)?;
        let (body, signature) = expect(certificate, SEQUENCE)?;
        let (_, signature) = expect(signature, SEQUENCE)?;
        expect(signature, BITS).filter(|_| after.is_empty())?;
        let body = expect(body, 0xA0).map_or(body, |(_, rest)| rest);
        let (_, body) = expect(body, INTEGER)?;
        let (_, body) = expect(body, SEQUENCE)?;
        let (_, body) = expect(body, SEQUENCE)?;
        let (_, body) = expect(body, SEQUENCE)?;
        let (_, after_subject) = expect(body, SEQUENCE)?;
        let subject = &body[..body.len() - after_subject.len()];
        let (_, after_key) = expect(after_subject, SEQUENCE)?;
        let public_key = &after_subject[..after_subject.len() - after_key.len()];
        let extensions = expect(after_key, 0xA3).and_then(|(inner, _)| expect(inner, SEQUENCE));
        let key_id = extensions.and_then(|(extensions, _)| key_id(extensions));
        Some(Self { subject: subject.to_vec(), public_key: public_key.to_vec(), key_id })
    }
}

/// The subject key identifier among extensions.
fn key_id(mut extensions: &[u8]) -> Option<Vec<u8>> {
    while let Some((extension, rest)) = expect(extensions, SEQUENCE) {
        extensions = rest;
        let (oid, mut value) = expect(extension, OID)?;
        if let Some((_, after)) = expect(value, 0x01) {
            value = after;
        }
        if oid == [0x55, 0x1D, 0x0E] {
            let (wrapped, _) = expect(value, OCTETS)?;
            return expect(wrapped, OCTETS).map(|(id, _)| id.to_vec());
        }
    }
    None
}
