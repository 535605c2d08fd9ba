//! Writes that change nothing but the time of an entry.

use serde_json::Value;

/// Gives the live entries back to `new` when it differs from `live` in their times alone, and says whether it then is
/// the live object.
pub fn keep_times(live: &Value, new: &mut Value) -> bool {
    if live == new {
        return true;
    }
    if !same_but_entries(live, new) {
        return false;
    }
    let entries = live.pointer("/metadata/managedFields");
    match (entries.and_then(Value::as_array), new.pointer("/metadata/managedFields").and_then(Value::as_array)) {
        (Some(own), Some(other)) if same_but_times(own, other) => {}
        _ => return false,
    }
    if let (Some(entries), Some(slot)) = (entries, new.pointer_mut("/metadata/managedFields")) {
        *slot = entries.clone();
    }
    true
}

fn same_but_entries(live: &Value, new: &Value) -> bool {
    let (Some(own), Some(other)) = (live.as_object(), new.as_object()) else { return false };
    let same = |key: &str, a: &Value, b: &Value| match (key, a, b) {
        ("metadata", Value::Object(a), Value::Object(b)) => {
            let rest = |(key, _): &(&String, &Value)| *key != "managedFields";
            a.iter().filter(rest).eq(b.iter().filter(rest))
        }
        _ => a == b,
    };
    own.len() == other.len() && own.iter().zip(other).all(|((ka, a), (kb, b))| ka == kb && same(ka, a, b))
}

/// The entries come sorted by time, so the same ones may stand in another order.
fn same_but_times(own: &[Value], other: &[Value]) -> bool {
    let bare = |entries: &[Value]| {
        let mut rows: Vec<String> = entries
            .iter()
            .map(|entry| {
                let mut entry = entry.clone();
                if let Some(members) = entry.as_object_mut() {
                    members.remove("time");
                }
                entry.to_string()
            })
            .collect();
        rows.sort();
        rows
    };
    own.len() == other.len() && bare(own) == bare(other)
}
