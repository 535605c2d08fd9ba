//! Violations as a tree, and the lines Helm prints of it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::chart::go_quote;

/// One violation with those that caused it.
#[derive(Debug, Default)]
pub(super) struct Violation {
    pub at: Vec<String>,
    pub kind: Kind,
    pub causes: Vec<Violation>,
}

#[derive(Debug, Default)]
pub(super) enum Kind {
    /// Found while only the outcome mattered.
    #[default]
    Unsaid,
    /// Several violations of one schema.
    Group,
    /// Behind a `$ref`; printed only when it leads to several.
    Reference,
    Text(String),
}

/// The lines of a whole validation.
pub(super) fn lines(violation: Violation) -> String {
    let mut text = String::new();
    let causes = if matches!(violation.kind, Kind::Group) { violation.causes } else { vec![violation] };
    causes.iter().for_each(|cause| print(cause, 0, &mut text));
    text
}

fn print(violation: &Violation, indent: usize, text: &mut String) {
    let mut inner = indent;
    if !(matches!(violation.kind, Kind::Reference) && violation.causes.len() == 1) {
        let pointer: String = violation.at.iter().map(|token| format!("/{}", escape(token))).collect();
        let message = match &violation.kind {
            Kind::Text(message) => message,
            _ => "validation failed",
        };
        _ = writeln!(text, "{:width$}- at {}: {message}", "", quote(&pointer), width = indent * 2);
        inner += 1;
    }
    violation.causes.iter().for_each(|cause| print(cause, inner, text));
}

pub(super) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// Single quotes around Go's spelling of a text.
pub(super) fn quote(text: &str) -> String {
    let quoted = go_quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

pub(super) fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ")
}

/// A scalar as the texts show it.
pub(super) fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Null => "<nil>".to_owned(),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        other => other.as_f64().map_or_else(|| other.to_string(), plain),
    }
}

fn plain(number: f64) -> String {
    crate::go_json::float(number)
}

/// A number with its thousands apart, as an English printer has it.
pub(super) fn grouped(number: f64) -> String {
    let text = plain(number);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
