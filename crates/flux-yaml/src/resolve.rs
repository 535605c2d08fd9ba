//! What a scalar means: go-yaml v2's rules (YAML 1.1) and v3's.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::{Error, ErrorKind};
use crate::node::{Scalar, ScalarStyle, Tag};
use crate::number::{self, Number};
use crate::options::Schema;
use crate::timestamp;

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Only above `i64::MAX`.
    Uint(u64),
    Float(f64),
    Str(&'a str),
    /// A date or time, as written. [`crate::to_json`] keeps it (v2) or prints it as RFC 3339 (v3).
    Timestamp(&'a str),
    /// The decoded bytes of a `!!binary` scalar.
    Binary(Vec<u8>),
    /// A plain `<<`.
    Merge,
}

impl Resolved<'_> {
    fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Str(_) => Tag::Str,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Binary(_) => Tag::Binary,
            Self::Merge => Tag::Merge,
        }
    }
}

/// Go's standard decoder: padding required, leftover bits ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Finds the meaning of a scalar by its tag, style and text.
///
/// # Errors
/// A text that does not fit its explicit tag, or `!!binary` that is not base64.
pub fn resolve(scalar: &Scalar, schema: Schema) -> Result<Resolved<'_>, Error> {
    let text = &*scalar.text;
    let plain = scalar.style == ScalarStyle::Plain;
    match &scalar.tag {
        Tag::Implicit if plain => Ok(resolve_plain(text, schema)),
        Tag::Implicit | Tag::Str | Tag::Map | Tag::Seq => Ok(Resolved::Str(text)),
        Tag::Merge => Ok(if text == "<<" { Resolved::Merge } else { Resolved::Str(text) }),
        // A lone `!`: v3 goes by the content, v2 takes the text.
        Tag::Other(tag) if &**tag == "!" && plain && schema == Schema::V3 => Ok(resolve_plain(text, schema)),
        Tag::Other(_) => Ok(Resolved::Str(text)),
        Tag::Binary => {
            let bytes: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            let decoded = BASE64.decode(bytes);
            decoded.map(Resolved::Binary).map_err(|_| fault("!!binary value contains invalid base64 data".into()))
        }
        tag => {
            let found = resolve_tagged(text, tag, schema);
            match found {
                Resolved::Int(value) if *tag == Tag::Float => Ok(Resolved::Float(value as f64)),
                found if found.tag() == *tag => Ok(found),
                found => {
                    let (found, tag) = (name(&found.tag()), name(tag));
                    Err(fault(format!("cannot decode {found} `{text}` as a {tag}")))
                }
            }
        }
    }
}

fn fault(problem: String) -> Error {
    Error::new(ErrorKind::Syntax(problem))
}

/// The short form of a tag.
pub(crate) fn name(tag: &Tag) -> &'static str {
    match tag {
        Tag::Str | Tag::Implicit | Tag::Other(_) => "!!str",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Bool => "!!bool",
        Tag::Null => "!!null",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
        Tag::Map => "!!map",
        Tag::Seq => "!!seq",
    }
}

/// A text under a tag other than `!!str`: only no tag and `!!timestamp` let it be a timestamp.
fn resolve_tagged<'a>(text: &'a str, tag: &Tag, schema: Schema) -> Resolved<'a> {
    match resolve_plain(text, schema) {
        Resolved::Timestamp(_) if *tag != Tag::Timestamp => {
            number::parse(text, schema == Schema::V3).map_or(Resolved::Str(text), Resolved::from)
        }
        Resolved::Merge => Resolved::Str(text),
        found => found,
    }
}

impl From<Number> for Resolved<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Resolved::Int(value),
            Number::Uint(value) => Resolved::Uint(value),
            Number::Float(value) => Resolved::Float(value),
        }
    }
}

/// The meaning of a plain scalar without a tag.
pub(crate) fn resolve_plain(text: &str, schema: Schema) -> Resolved<'_> {
    let Some(first) = text.bytes().next() else { return Resolved::Null };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => resolve_number(text, first, schema),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'<' => resolve_word(text, schema),
        _ => Resolved::Str(text),
    }
}

fn resolve_word(text: &str, schema: Schema) -> Resolved<'_> {
    match text {
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "<<" => Resolved::Merge,
        _ => match old_bool(text) {
            Some(value) if schema == Schema::Yaml11 => Resolved::Bool(value),
            _ => Resolved::Str(text),
        },
    }
}

/// The booleans of YAML 1.1 beside `true` and `false`.
pub(crate) fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn resolve_number(text: &str, first: u8, schema: Schema) -> Resolved<'_> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = if first == b'.' {
        number::parse_point(text)
    } else if timestamp::parse(text).is_some() {
        return Resolved::Timestamp(text);
    } else {
        number::parse(text, schema == Schema::V3)
    };
    number.map_or(Resolved::Str(text), Resolved::from)
}

/// True for texts like `1:30`, which YAML 1.1 reads as numbers in base 60; printed in quotes.
pub(crate) fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or("");
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let mut groups = 0;
    let mut ended = false;
    for part in parts {
        // Only the last group may have a fraction.
        let (group, fraction) = part.split_once('.').map_or((part, None), |(group, rest)| (group, Some(rest)));
        let digits = matches!(group.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        if ended || !digits || !fraction.is_none_or(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'_')) {
            return false;
        }
        ended = fraction.is_some();
        groups += 1;
    }
    groups > 0
}
