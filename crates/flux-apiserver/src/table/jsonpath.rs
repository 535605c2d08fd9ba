//! The part of JSONPath that printer columns use: fields, indices, wildcards and equality filters.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// `[?(@.field=="value")]`; the flag says whether equality is wanted.
    Filter(Vec<String>, bool, Value),
}

/// The first value a path leads to.
pub(super) fn find(path: &str, value: &Value) -> Option<Value> {
    let steps = parse(path)?;
    let found = walk(vec![value], &steps);
    found.into_iter().next().filter(|value| !value.is_null()).cloned()
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let end = closing(tail)?;
            steps.push(bracket(&tail[..end])?);
            rest = &tail[end + 1..];
        } else {
            let tail = rest.strip_prefix('.')?;
            let (name, length) = field(tail)?;
            if name == "*" {
                steps.push(Step::All);
            } else {
                steps.push(Step::Field(name));
            }
            rest = &tail[length..];
        }
    }
    Some(steps)
}

/// A field's name; a backslash keeps the dot behind it.
fn field(text: &str) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            '.' | '[' => return (!name.is_empty()).then_some((name, at)),
            other => name.push(other),
        }
    }
    (!name.is_empty()).then_some((name, text.len()))
}

/// The place of the bracket that ends a step; quotes hide brackets.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Option<Step> {
    let text = text.trim();
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        let (left, equal, right) = match filter.split_once("==") {
            Some((left, right)) => (left, true, right),
            None => filter.split_once("!=").map(|(left, right)| (left, false, right))?,
        };
        let fields = left.trim().strip_prefix("@.")?.split('.').map(str::to_owned).collect();
        return Some(Step::Filter(fields, equal, literal(right.trim())?));
    }
    if let Some(name) = quoted(text) {
        return Some(Step::Field(name));
    }
    text.parse().ok().map(Step::Index)
}

fn quoted(text: &str) -> Option<String> {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).map(str::to_owned)
}

fn literal(text: &str) -> Option<Value> {
    quoted(text).map(Value::from).or_else(|| serde_json::from_str(text).ok())
}

fn walk<'a>(mut values: Vec<&'a Value>, steps: &[Step]) -> Vec<&'a Value> {
    for step in steps {
        values = values.into_iter().flat_map(|value| one(value, step)).collect();
    }
    values
}

fn one<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => {
            let at = if *index < 0 { items.len() as i64 + index } else { *index };
            usize::try_from(at).ok().and_then(|at| items.get(at)).into_iter().collect()
        }
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::All, Value::Object(map)) => map.values().collect(),
        (Step::Filter(fields, equal, wanted), Value::Array(items)) => items
            .iter()
            .filter(|item| {
                let found = fields.iter().try_fold(*item, |value, field| value.get(field));
                found.is_some_and(|found| (found == wanted) == *equal)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A value as a string column shows it.
pub(super) fn print(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_of_columns_are_followed() {
        let value = json!({"status": {"conditions": [{"type": "A", "status": "False"}, {"type": "Ready", "status": "True"}]}, "l": {"a.b/c": 1}});
        assert_eq!(find(r#".status.conditions[?(@.type=="Ready")].status"#, &value), Some(json!("True")));
        assert_eq!(find(r#".status.conditions[?(@.type == "Ready")].status"#, &value), Some(json!("True")));
        assert_eq!(find(".status.conditions[0].type", &value), Some(json!("A")));
        assert_eq!(find(r".l.a\.b/c", &value), Some(json!(1)));
        assert_eq!(find(".none.x", &value), None);
        assert!(parse("nope").is_none());
    }
}
