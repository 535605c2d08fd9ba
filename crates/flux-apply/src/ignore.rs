//! Fields that other controllers own: left out of drift, and of what is applied.
//!
//! A field that differs is removed from what is applied when another apply manager owns it, so that it
//! stays with that one. Else the value in the cluster is taken over, so that nothing changes.

use serde_json::{Map, Value};

use crate::pointer;
use crate::selector::{Selector, SelectorError, SelectorRegex};

/// Which fields to ignore, in which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// JSON pointers (RFC 6901); the empty one means the whole object.
    pub paths: Vec<String>,
    /// `None` selects all objects.
    pub selector: Option<Selector>,
}

/// Compiled rules.
#[derive(Debug, Default)]
pub struct CompiledRules(Vec<(Option<SelectorRegex>, Vec<String>)>);

/// What to do with an ignored field that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolution {
    Strip(String),
    /// Take the value in the cluster; `None` when it is not there.
    Adopt(String, Option<Value>),
}

impl CompiledRules {
    pub fn new(rules: &[IgnoreRule]) -> Result<Self, SelectorError> {
        let compile =
            |rule: &IgnoreRule| Ok((rule.selector.as_ref().map(SelectorRegex::new).transpose()?, rule.paths.clone()));
        rules.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pointers that hold for an object.
    pub fn paths<'a>(&'a self, object: &'a Value) -> impl Iterator<Item = &'a str> {
        let selected =
            move |selector: &Option<SelectorRegex>| selector.as_ref().is_none_or(|selector| selector.matches(object));
        self.0
            .iter()
            .filter(move |(selector, _)| selected(selector))
            .flat_map(|(_, paths)| paths.iter().map(String::as_str))
    }

    /// Removes the ignored fields of `object`, chosen by the metadata of `by`.
    pub fn strip(&self, by: &Value, object: &mut Value) {
        for path in self.paths(by) {
            pointer::remove(object, path);
        }
    }

    /// What to do with each ignored field in which `dry_run` differs from `existing`.
    pub(crate) fn resolve(&self, existing: &Value, dry_run: &Value, manager: &str) -> Vec<Resolution> {
        let entries = apply_entries(existing);
        let differing = self.paths(dry_run).filter(|path| existing.pointer(path) != dry_run.pointer(path));
        differing
            .map(|path| {
                if owned_by_other(existing, path, manager, &entries) {
                    Resolution::Strip(path.to_owned())
                } else {
                    Resolution::Adopt(path.to_owned(), existing.pointer(path).cloned())
                }
            })
            .collect()
    }
}

/// Changes what is about to be applied: first removals, then the values taken over.
pub(crate) fn apply_resolutions(object: &mut Value, resolutions: Vec<Resolution>) {
    let mut adopted = Vec::new();
    for resolution in resolutions {
        match resolution {
            Resolution::Strip(path) => pointer::remove(object, &path),
            Resolution::Adopt(path, value) => adopted.push((path, value)),
        }
    }
    for (path, value) in adopted {
        match value {
            Some(value) => {
                pointer::replace(object, &path, value);
            }
            None => pointer::remove(object, &path),
        }
    }
}

/// Manager and fields of each apply entry of the object itself.
fn apply_entries(object: &Value) -> Vec<(&str, &Map<String, Value>)> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let usable = |entry: &&Value| {
        entry.get("operation").and_then(Value::as_str) == Some("Apply")
            && entry.get("subresource").and_then(Value::as_str).unwrap_or_default().is_empty()
    };
    entries.into_iter().flatten().filter(usable).filter_map(manager_and_fields).collect()
}

fn manager_and_fields(entry: &Value) -> Option<(&str, &Map<String, Value>)> {
    let manager = entry.get("manager").and_then(Value::as_str).unwrap_or_default();
    Some((manager, entry.get("fieldsV1")?.as_object()?))
}

fn owned_by_other(object: &Value, path: &str, manager: &str, entries: &[(&str, &Map<String, Value>)]) -> bool {
    let Some(segments) = field_segments(object, path, entries) else { return false };
    entries.iter().filter(|(other, _)| *other != manager).any(|(_, fields)| contains(fields, &segments))
}

/// A pointer as steps of managed fields: `f:NAME`, and `k:{...}` where it goes through a list.
fn field_segments(object: &Value, path: &str, entries: &[(&str, &Map<String, Value>)]) -> Option<Vec<String>> {
    let mut segments: Vec<String> = Vec::new();
    let mut at = object;
    for part in pointer::parts(path)?.into_iter().filter(|part| !part.is_empty()) {
        match part.parse::<usize>() {
            Err(_) => {
                segments.push(format!("f:{part}"));
                at = at.get(&part).unwrap_or(&Value::Null);
            }
            Ok(index) => {
                let item = at.get(index)?;
                segments.push(list_key(item.as_object()?, &segments, entries)?);
                at = item;
            }
        }
    }
    (!segments.is_empty()).then_some(segments)
}

fn walk<'a>(fields: &'a Map<String, Value>, segments: &[String]) -> Option<&'a Map<String, Value>> {
    segments.iter().try_fold(fields, |fields, segment| fields.get(segment)?.as_object())
}

fn contains(fields: &Map<String, Value>, segments: &[String]) -> bool {
    let Some((last, parents)) = segments.split_last() else { return false };
    walk(fields, parents).is_some_and(|fields| fields.contains_key(last))
}

/// The `k:{...}` step among the children of `parents` whose values are those of the item.
fn list_key(item: &Map<String, Value>, parents: &[String], entries: &[(&str, &Map<String, Value>)]) -> Option<String> {
    let keys = entries.iter().filter_map(|(_, fields)| walk(fields, parents)).flat_map(|fields| fields.keys());
    keys.filter(|key| key.starts_with("k:"))
        .find(|key| {
            let values: Option<Map<String, Value>> = serde_json::from_str(&key[2..]).ok();
            values.is_some_and(|values| values.iter().all(|(name, value)| item.get(name) == Some(value)))
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(paths: &[&str]) -> CompiledRules {
        let rule = IgnoreRule { paths: paths.iter().map(|path| (*path).to_owned()).collect(), selector: None };
        CompiledRules::new(&[rule]).expect("valid")
    }

    #[test]
    fn a_field_of_another_apply_manager_is_left_to_it() {
        let existing = json!({"spec": {"replicas": 5}, "metadata": {"managedFields": [
            {"manager": "scaler", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
        let dry_run = json!({"spec": {"replicas": 1}});
        let resolved = rules(&["/spec/replicas"]).resolve(&existing, &dry_run, "kustomize-controller");
        assert_eq!(resolved, [Resolution::Strip("/spec/replicas".into())]);
        let mut applied = json!({"spec": {"replicas": 1, "paused": true}});
        apply_resolutions(&mut applied, resolved);
        assert_eq!(applied, json!({"spec": {"paused": true}}));
    }

    #[test]
    fn a_field_of_an_update_manager_keeps_its_value() {
        let existing = json!({"spec": {"replicas": 5}, "metadata": {"managedFields": [
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
        let mut applied = json!({"spec": {"replicas": 1}});
        let resolved = rules(&["/spec/replicas"]).resolve(&existing, &applied, "kustomize-controller");
        apply_resolutions(&mut applied, resolved);
        assert_eq!(applied, json!({"spec": {"replicas": 5}}));
    }

    #[test]
    fn list_items_are_found_by_their_keys() {
        let existing = json!({"spec": {"containers": [{"name": "a"}, {"name": "b", "image": "x:2"}]}, "metadata": {"managedFields": [
            {"manager": "vpa", "operation": "Apply", "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": {"f:image": {}}}}}}]}});
        let dry_run = json!({"spec": {"containers": [{"name": "a"}, {"name": "b", "image": "x:1"}]}});
        let resolved = rules(&["/spec/containers/1/image"]).resolve(&existing, &dry_run, "me");
        assert_eq!(resolved, [Resolution::Strip("/spec/containers/1/image".into())]);
    }
}
