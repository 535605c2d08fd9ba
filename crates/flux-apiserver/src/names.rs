//! Rules for names, labels and annotations, with upstream's words.

use crate::status::FieldError;
use serde_json::Value;

const LABEL_FORMAT: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_FORMAT: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035_FORMAT: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_FORMAT: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const WHOLE_KEY: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";

pub(crate) const LABEL_MAX: usize = 63;
pub(crate) const SUBDOMAIN_MAX: usize = 253;

/// `must be no more than N bytes`, as labels and keys say it.
pub(crate) fn max_len(limit: usize) -> String {
    format!("must be no more than {limit} bytes")
}

/// `must be no more than N characters`, as names of objects say it.
pub(crate) fn max_chars(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn lower_alnum(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn label_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.copied().is_some_and(lower_alnum);
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|byte| lower_alnum(*byte) || *byte == b'-')
}

/// RFC 1123 label.
pub(crate) fn dns_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LABEL_MAX {
        out.push(max_chars(LABEL_MAX));
    }
    if !label_shape(text) {
        // A name that is only too dotted gets a hint upstream.
        let dotted = dns_subdomain(text).is_empty() && text.contains('.');
        out.push(if dotted { "must not contain dots".to_owned() } else { LABEL_FORMAT.to_owned() });
    }
    out
}

fn subdomain_shape(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(label_shape)
}

/// RFC 1123 subdomain.
pub(crate) fn dns_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > SUBDOMAIN_MAX {
        out.push(max_chars(SUBDOMAIN_MAX));
    }
    if !subdomain_shape(text) {
        out.push(SUBDOMAIN_FORMAT.to_owned());
    }
    out
}

/// DNS-1035 label.
pub(crate) fn dns_1035(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LABEL_MAX {
        out.push(max_chars(LABEL_MAX));
    }
    if !label_shape(text) || !text.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        out.push(LABEL_1035_FORMAT.to_owned());
    }
    out
}

/// A name that only has to fit into a URL path.
pub(crate) fn path_segment(text: &str) -> Vec<String> {
    match text {
        "." => return vec!["may not be '.'".into()],
        ".." => return vec!["may not be '..'".into()],
        _ => {}
    }
    let bad = ["/", "%"].into_iter().filter(|letter| text.contains(letter));
    bad.map(|letter| format!("may not contain '{letter}'")).collect()
}

fn name_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// `PREFIX/NAME`, for keys of labels and annotations, finalizers and the like.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                out.push("prefix part must be non-empty".into());
            } else {
                if prefix.len() > SUBDOMAIN_MAX {
                    out.push(format!("prefix part {}", max_len(SUBDOMAIN_MAX)));
                }
                if !subdomain_shape(prefix) {
                    out.push(format!("prefix part {SUBDOMAIN_FORMAT}"));
                }
            }
            name
        }
        _ => return vec![WHOLE_KEY.into()],
    };
    if name.is_empty() {
        out.push("name part must be non-empty".into());
    } else if name.len() > LABEL_MAX {
        out.push(format!("name part {}", max_len(LABEL_MAX)));
    }
    if !name_shape(name) {
        out.push(NAME_PART.into());
    }
    out
}

/// A label's value.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > LABEL_MAX {
        out.push(max_len(LABEL_MAX));
    }
    if !text.is_empty() && !name_shape(text) {
        out.push(LABEL_VALUE_FORMAT.into());
    }
    out
}

/// Checks a map of labels.
pub(crate) fn labels(map: Option<&Value>, field: &str, errors: &mut Vec<FieldError>) {
    let Some(map) = map.and_then(Value::as_object) else { return };
    for (key, value) in map {
        label_name(key, field, errors);
        if let Some(value) = value.as_str() {
            errors.extend(label_value(value).into_iter().map(|text| FieldError::invalid(field, value, text)));
        }
    }
}

/// Checks a label's key.
pub(crate) fn label_name(key: &str, field: &str, errors: &mut Vec<FieldError>) {
    errors.extend(qualified_name(key).into_iter().map(|text| FieldError::invalid(field, key, text)));
}

const ANNOTATIONS_MAX: usize = 256 << 10;

/// Checks a map of annotations.
pub(crate) fn annotations(map: Option<&Value>, field: &str, errors: &mut Vec<FieldError>) {
    let Some(map) = map.and_then(Value::as_object) else { return };
    let mut size = 0;
    for (key, value) in map {
        let lower = key.to_lowercase();
        errors.extend(qualified_name(&lower).into_iter().map(|text| FieldError::invalid(field, key.as_str(), text)));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_MAX {
        errors.push(FieldError::too_long(field, ANNOTATIONS_MAX));
    }
}

/// Words of CEL that fields and variables may not be named by in expressions.
pub(crate) const CEL_RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
