//! Helm's rewriting of Go's errors.

use std::sync::OnceLock;

use regex::Regex;

use crate::exec::GoError;
use crate::functions::{WARN_END, WARN_START};

/// `parse error at (FILE:LINE): MESSAGE`, where the message is what follows the last colon.
pub(super) fn parse_error(file: &str, text: &str) -> String {
    let tokens: Vec<&str> = text.split(": ").collect();
    match tokens.as_slice() {
        [_] | [] => format!("parse error in ({file}): {text}"),
        [_, location, ..] => format!("parse error at ({location}): {}", tokens[tokens.len() - 1]),
    }
}

/// Groups of place, expression and message, one for each error of the chain; Go's text when one of them has another
/// form.
pub(super) fn execution_error(file: &str, error: &GoError) -> String {
    let text = error.text();
    if !error.is_executing() {
        return text;
    }
    let tokens: Vec<&str> = text.splitn(3, ": ").collect();
    let [_, location, rest] = tokens.as_slice() else { return format!("execution error in ({file}): {text}") };
    if let Some(message) = warning(rest) {
        return format!("execution error at ({location}): {message}");
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for at in error.offsets() {
        match Group::parse(&text[at..]) {
            Some(group) if groups.last() != Some(&group) => groups.push(group),
            Some(_) => {}
            None => return text,
        }
    }
    let joined: String = groups.iter().map(Group::text).collect();
    joined.trim().to_owned()
}

/// The message of `fail` or `required`, from the first mark to the last.
fn warning(text: &str) -> Option<&str> {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    let pattern =
        PATTERN.get_or_init(|| Regex::new(&format!("(?s){WARN_START}(.*){WARN_END}")).expect("a fixed pattern"));
    pattern.captures(text)?.get(1).map(|found| found.as_str())
}

#[derive(PartialEq, Eq)]
struct Group<'t> {
    location: &'t str,
    message: &'t str,
    /// The template's name and the expression.
    executing: Option<(&'t str, &'t str)>,
}

impl<'t> Group<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self { location: "", message: text, executing: None });
        }
        if let Some(group) = Self::parse_executing(rest) {
            return Some(group);
        }
        let at = rest.rfind(": ")?;
        Some(Self { location: &rest[..at], message: first_link(&rest[at + 2..]), executing: None })
    }

    fn parse_executing(rest: &'t str) -> Option<Self> {
        let (location, after) = rest.split_once(": executing ")?;
        let quoted = after.strip_prefix('"')?;
        let (name, after) = quoted.split_once('"')?;
        let (expression, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Self { location, message: first_link(message), executing: Some((name, expression)) })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if !self.location.is_empty() {
            text.push_str(&format!("{}\n  ", self.location));
        }
        if let Some((name, expression)) = self.executing {
            text.push_str(&format!("executing \"{name}\" at <{expression}>:\n    "));
        }
        if !self.message.is_empty() {
            text.push_str(&format!("{}\n", self.message));
        }
        text
    }
}

/// The message without the next error of the chain.
fn first_link(message: &str) -> &str {
    message.find(" template:").map_or(message, |at| &message[..at])
}
