//! Differences of two objects for people: one block per place, values before and after.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// One place that differs.
struct Difference {
    path: String,
    removed: Vec<String>,
    added: Vec<String>,
    /// `map` or `list` entries; `None` for a changed value.
    entries: Option<&'static str>,
    title: String,
}

/// All differences; empty when there are none.
pub fn text(before: &Value, after: &Value) -> String {
    let mut found = Vec::new();
    compare(&mut Vec::new(), before, after, &mut found);
    let mut text = String::new();
    for difference in &found {
        push(&mut text, difference);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn push(text: &mut String, difference: &Difference) {
    let _ = write!(text, "\n{}\n", difference.path);
    let Some(noun) = difference.entries else {
        let _ = writeln!(text, "\u{b1} {}", difference.title);
        for (sign, lines) in [("-", &difference.removed), ("+", &difference.added)] {
            for line in lines {
                let _ = writeln!(text, "{sign} {line}");
            }
        }
        return;
    };
    let header = |sign, count, verb| format!("{sign} {} {verb}:", counted(count, noun));
    let (removed, added) = (&difference.removed, &difference.added);
    match (removed.is_empty(), added.is_empty()) {
        (false, false) => {
            let left = format!("{}\n{}", header("-", removed.len(), "removed"), block(removed).trim());
            let right = format!("{}\n{}", header("+", added.len(), "added"), block(added));
            push_columns(text, &left, &right);
        }
        (false, true) => {
            let _ = writeln!(text, "{}\n{}", header("-", removed.len(), "removed"), block(removed));
        }
        _ => {
            let _ = writeln!(text, "{}\n{}", header("+", added.len(), "added"), block(added));
        }
    }
}

/// `one map entry`, `two list entries`.
fn counted(count: usize, noun: &str) -> String {
    const WORDS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let word = WORDS.get(count).map_or_else(|| count.to_string(), |word| (*word).to_owned());
    format!("{word} {noun} {}", if count == 1 { "entry" } else { "entries" })
}

fn block(entries: &[String]) -> String {
    let lines = entries.iter().flat_map(|entry| entry.trim_end().lines());
    lines.map(|line| format!("  {}", double_quoted(line))).collect::<Vec<_>>().join("\n")
}

/// A scalar in single quotes with double ones instead.
fn double_quoted(line: &str) -> String {
    let quoted = [": '", "- '"].iter().find_map(|mark| {
        let (before, rest) = line.split_once(mark)?;
        let text = rest.strip_suffix('\'')?.replace("''", "'");
        Some(format!("{before}{}{}", &mark[..2], Value::String(text)))
    });
    quoted.unwrap_or_else(|| line.to_owned())
}

fn push_columns(text: &mut String, left: &str, right: &str) {
    let width = left.lines().map(|line| line.chars().count()).max().unwrap_or(0) + 3;
    let mut right = right.lines();
    let mut left = left.lines();
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            break;
        }
        let line = format!("{:width$}{}", a.unwrap_or_default(), b.unwrap_or_default());
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "(root level)".to_owned() } else { path.join(".") }
}

fn compare(path: &mut Vec<String>, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    match (before, after) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => maps(path, a, b, found),
        (Value::Array(a), Value::Array(b)) => lists(path, a, b, found),
        (a, b) => {
            let title = if kind(a) == kind(b) {
                "value change".to_owned()
            } else {
                format!("type change from {} to {}", kind(a), kind(b))
            };
            found.push(Difference { path: shown(path), removed: lines(a), added: lines(b), entries: None, title });
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        other => flux_yaml::emit_v2(other).trim_end().lines().map(str::to_owned).collect(),
    }
}

fn maps(path: &mut Vec<String>, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Difference>) {
    let entry = |(name, value): (&String, &Value)| {
        flux_yaml::emit_v2(&Value::Object(Map::from_iter([(name.clone(), value.clone())])))
    };
    let removed: Vec<String> = before.iter().filter(|(name, _)| !after.contains_key(*name)).map(entry).collect();
    let added: Vec<String> = after.iter().filter(|(name, _)| !before.contains_key(*name)).map(entry).collect();
    if !removed.is_empty() || !added.is_empty() {
        found.push(Difference { path: shown(path), removed, added, entries: Some("map"), title: String::new() });
    }
    for (name, value) in before {
        if let Some(other) = after.get(name) {
            path.push(name.clone());
            compare(path, value, other, found);
            path.pop();
        }
    }
}

/// Lists of named entries are compared by name, others by content.
fn lists(path: &mut Vec<String>, before: &[Value], after: &[Value], found: &mut Vec<Difference>) {
    let (removed, added): (Vec<&Value>, Vec<&Value>) = match (named(before), named(after)) {
        (Some(a), Some(b)) => {
            for (name, value) in &a {
                if let Some(other) = b.get(name) {
                    path.push((*name).to_owned());
                    compare(path, value, other, found);
                    path.pop();
                }
            }
            (
                a.iter().filter(|(name, _)| !b.contains_key(*name)).map(|(_, value)| *value).collect(),
                b.iter().filter(|(name, _)| !a.contains_key(*name)).map(|(_, value)| *value).collect(),
            )
        }
        _ if before.len() == 1 && after.len() == 1 && before[0].is_object() && after[0].is_object() => {
            path.push("0".to_owned());
            compare(path, &before[0], &after[0], found);
            path.pop();
            return;
        }
        _ => {
            let lacks = |list: &[Value], value: &Value| !list.contains(value);
            (
                before.iter().filter(|value| lacks(after, value)).collect(),
                after.iter().filter(|value| lacks(before, value)).collect(),
            )
        }
    };
    let entry = |value: &&Value| flux_yaml::emit_v2(&Value::Array(vec![(*value).clone()]));
    let removed: Vec<String> = removed.iter().map(entry).collect();
    let added: Vec<String> = added.iter().map(entry).collect();
    if !removed.is_empty() || !added.is_empty() {
        found.push(Difference { path: shown(path), removed, added, entries: Some("list"), title: String::new() });
    }
}

/// The entries by `name`, when all have one and no two the same.
fn named(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let entries: Option<BTreeMap<&str, &Value>> =
        list.iter().map(|entry| Some((entry.get("name")?.as_str()?, entry))).collect();
    entries.filter(|entries| entries.len() == list.len() && !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_of_named_entries() {
        let before = json!({ "spec": { "ports": [{ "name": "http", "port": 9899 }] } });
        let after = json!({ "spec": { "ports": [{ "name": "http", "port": 9898 }] } });
        assert_eq!(text(&before, &after), "\nspec.ports.http.port\n\u{b1} value change\n- 9899\n+ 9898\n\n");
        assert_eq!(text(&before, &before), "");
    }

    #[test]
    fn added_entries() {
        let after = json!({ "metadata": { "labels": { "a": "b" } } });
        let expected = "\nmetadata\n+ one map entry added:\n  labels:\n    a: b\n\n";
        assert_eq!(text(&json!({ "metadata": {} }), &after), expected);
    }

    #[test]
    fn both_sides_stand_beside_each_other() {
        let found = text(&json!({ "data": { "drift-key": "*****" } }), &json!({ "data": { "token": "*****" } }));
        let expected = "\ndata\n- one map entry removed:   + one map entry added:\ndrift-key: \"*****\"           token: \"*****\"\n\n";
        assert_eq!(found, expected);
    }
}
