//! The comparison: both sides normalised, placeholders unified.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

const SKIPPED: &str = "kube-root-ca.crt";
const MOST: usize = 20;

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"<(uid|rv|gen|ip|port|t|lrv@):?([0-9]+)>|<(time|lrv|continue|jwt|any|age)>")
        .expect("the pattern is fixed")
});

/// One thing that is not as recorded.
pub(super) struct Difference {
    path: String,
    expected: String,
    actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = |text: &str| text.chars().take(500).collect::<String>();
        write!(f, "{} expected {} got {}", self.path, cut(&self.expected), cut(&self.actual))
    }
}

fn shape(kind: &str) -> &'static str {
    match kind {
        "uid" => r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "rv" | "lrv" | "lrv@" => r"[0-9]+",
        "gen" => r"[bcdfghjklmnpqrstvwxz2456789]{5}",
        "ip" => r"[0-9a-f:.]+",
        "port" => r"[0-9]+",
        "t" | "time" => {
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
        }
        "continue" => r"[A-Za-z0-9_=-]+",
        "jwt" => r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        "age" => r"(?:[0-9]+[ydhms])+",
        _ => r".*",
    }
}

/// Binds placeholders to the values they first meet.
#[derive(Default)]
pub(super) struct Unifier {
    bound: HashMap<(String, String), String>,
    back: HashMap<(String, String), String>,
    lists: BTreeMap<usize, String>,
    patterns: HashMap<String, Regex>,
}

impl Unifier {
    fn bind(&mut self, kind: &str, number: &str, value: &str) -> bool {
        let key = (kind.to_owned(), number.to_owned());
        if let Some(bound) = self.bound.get(&key) {
            return bound == value;
        }
        if self.back.contains_key(&(kind.to_owned(), value.to_owned())) {
            return false;
        }
        self.back.insert((kind.to_owned(), value.to_owned()), number.to_owned());
        self.bound.insert(key, value.to_owned());
        true
    }

    fn text(&mut self, expected: &str, actual: &str) -> bool {
        if expected == actual {
            return true;
        }
        if !expected.contains('<') {
            return false;
        }
        let mut groups = Vec::new();
        let mut pattern = String::from("(?s)^");
        let mut position = 0;
        for found in PLACEHOLDER.captures_iter(expected) {
            let whole = found.get(0).expect("group 0 is the match");
            let kind = found.get(1).or(found.get(3)).map_or("any", |kind| kind.as_str());
            pattern.push_str(&regex::escape(&expected[position..whole.start()]));
            pattern.push_str(&format!("({})", shape(kind)));
            groups.push((kind.to_owned(), found.get(2).map(|number| number.as_str().to_owned())));
            position = whole.end();
        }
        if groups.is_empty() {
            return false;
        }
        pattern.push_str(&regex::escape(&expected[position..]));
        pattern.push('$');
        let Some(values) = self.captures(&pattern, actual) else { return false };
        groups.iter().zip(values).all(|((kind, number), value)| match (kind.as_str(), number) {
            ("lrv@", Some(number)) => number.parse().is_ok_and(|step| self.lists.get(&step) == Some(&value)),
            (kind, Some(number)) => self.bind(kind, number, &value),
            (_, None) => true,
        })
    }

    fn captures(&mut self, pattern: &str, actual: &str) -> Option<Vec<String>> {
        if !self.patterns.contains_key(pattern) {
            self.patterns.insert(pattern.to_owned(), Regex::new(pattern).ok()?);
        }
        let found = self.patterns[pattern].captures(actual)?;
        Some(found.iter().skip(1).map(|one| one.map_or("", |one| one.as_str()).to_owned()).collect())
    }

    fn diff(&mut self, expected: &Value, actual: &Value, path: &str, out: &mut Vec<Difference>) {
        if out.len() > MOST {
            return;
        }
        match (expected, actual) {
            (Value::String(expected), Value::String(found)) => {
                if !self.text(expected, found) {
                    out.push(difference(path, &Value::from(expected.as_str()), actual));
                }
            }
            (Value::String(text), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                if !self.text(text, &number.to_string()) || !text.starts_with("<port") {
                    out.push(difference(path, expected, actual));
                }
            }
            (Value::Object(expected), Value::Object(actual)) => self.diff_maps(expected, actual, path, out),
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    let count = |list: &[Value]| format!("{} items: {}", list.len(), Value::Array(list.to_vec()));
                    out.push(Difference { path: path.to_owned(), expected: count(left), actual: count(right) });
                }
                for (index, (left, right)) in left.iter().zip(right).enumerate() {
                    self.diff(left, right, &format!("{path}/{index}"), out);
                }
            }
            (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
            _ if expected == actual => {}
            _ => out.push(difference(path, expected, actual)),
        }
    }

    fn diff_maps(
        &mut self,
        expected: &Map<String, Value>,
        actual: &Map<String, Value>,
        path: &str,
        out: &mut Vec<Difference>,
    ) {
        let mut expected = expected.clone();
        let holders: Vec<String> =
            expected.keys().filter(|key| !actual.contains_key(*key) && PLACEHOLDER.is_match(key)).cloned().collect();
        for key in holders {
            let candidates: Vec<&String> = actual.keys().filter(|name| !expected.contains_key(*name)).collect();
            if let Some(name) = candidates.into_iter().find(|name| self.text(&key, name))
                && let Some(value) = expected.remove(&key)
            {
                expected.insert(name.clone(), value);
            }
        }
        let keys: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
        for key in keys {
            let below = format!("{path}/{key}");
            match (expected.get(key), actual.get(key)) {
                (Some(left), Some(right)) => self.diff(left, right, &below, out),
                (Some(left), None) => out.push(difference(&below, left, &Value::from("<absent>"))),
                (None, Some(right)) => out.push(difference(&below, &Value::from("<absent>"), right)),
                (None, None) => {}
            }
        }
    }
}

fn difference(path: &str, expected: &Value, actual: &Value) -> Difference {
    Difference { path: path.to_owned(), expected: expected.to_string(), actual: actual.to_string() }
}

/// What is done to both sides before they are compared.
fn prepare(value: &Value, ordered: bool) -> Value {
    match value {
        Value::Object(map) => {
            let mut out: Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), prepare_field(key, value, ordered))).collect();
            let causes = map.get("details").and_then(|details| details["causes"].as_array()).map_or(0, Vec::len);
            if map.get("kind").is_some_and(|kind| kind == "Status")
                && causes > 1
                && let Some(message) = map.get("message").and_then(Value::as_str)
            {
                out.insert("message".into(), sorted_message(message).into());
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(|item| prepare(item, ordered)).collect(),
        other => other.clone(),
    }
}

fn prepare_field(key: &str, value: &Value, ordered: bool) -> Value {
    let Value::Array(items) = value else { return prepare(value, ordered) };
    let mut items = items.clone();
    let texts = |fields: [&'static str; 4]| {
        move |item: &Value| fields.map(|field| item[field].as_str().unwrap_or("None").to_owned())
    };
    match key {
        "managedFields" if !ordered => items.sort_by_key(texts(["operation", "manager", "subresource", "apiVersion"])),
        "items" => items.retain(|item| item["metadata"]["name"] != SKIPPED),
        "causes" => items.sort_by_key(texts(["field", "reason", "message", ""])),
        _ => {}
    }
    prepare(&Value::Array(items), ordered)
}

/// The order of several causes is random upstream.
fn sorted_message(message: &str) -> String {
    let (head, separator, tail) = match message.split_once("is invalid: [") {
        Some((head, tail)) => (head, "is invalid: [", tail),
        None => (message, "", ""),
    };
    let mut parts: Vec<&str> = tail.trim_end_matches(']').split(", ").collect();
    parts.sort_unstable();
    format!("{head}{separator}{}", parts.join(", "))
}

fn is_listing(body: &Value) -> bool {
    let kind = body["kind"].as_str().unwrap_or("");
    kind == "Table" || kind.ends_with("List") && body.get("items").is_some()
}

/// The differences of one step.
pub(super) fn compare(
    program: &Value,
    step: &Value,
    expected: &Value,
    actual: &Value,
    unifier: &mut Unifier,
    index: usize,
) -> Vec<Difference> {
    let ordered =
        program["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "ordered_managed_fields"));
    let mut out = Vec::new();
    if step.get("read").is_some() {
        let mut actual = actual.clone();
        if step["unordered"] == true
            && let Some(events) = actual.as_array_mut()
        {
            events.sort_by_key(|event| {
                let meta = &event["object"]["metadata"];
                (meta["namespace"].as_str().unwrap_or("").to_owned(), meta["name"].as_str().unwrap_or("").to_owned())
            });
        }
        unifier.diff(&prepare(expected, ordered), &prepare(&actual, ordered), "/events", &mut out);
        return out;
    }
    let body = &actual["body"];
    if is_listing(body)
        && let Some(version) = body["metadata"]["resourceVersion"].as_str()
    {
        unifier.lists.insert(index, version.to_owned());
    }
    if expected["status"] != actual["status"] {
        let message = body["message"].as_str().or(actual["text"].as_str()).unwrap_or("");
        out.push(Difference {
            path: "/status".into(),
            expected: format!("{} {}", expected["status"], expected["body"]["message"].as_str().unwrap_or("")),
            actual: format!("{} {message}", actual["status"]),
        });
        return out;
    }
    unifier.diff(&expected["headers"], &actual["headers"], "/headers", &mut out);
    for part in ["body", "text"] {
        let present = expected.get(part).is_some() || actual.get(part).is_some();
        if !present || step["ignore_body"] == true {
            continue;
        }
        let (left, right) = (prepare(&expected[part], ordered), prepare(&actual[part], ordered));
        unifier.diff(&left, &right, &format!("/{part}"), &mut out);
    }
    out
}
