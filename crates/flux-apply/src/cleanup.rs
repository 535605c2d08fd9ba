//! Undoes what other tools left in the metadata of objects that we take over.

use serde_json::{Map, Value, json};

use crate::metadata;

/// How a field manager wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// A field manager whose fields become ours. Its name is matched by prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldManager {
    pub name: String,
    pub operation: Operation,
}

impl FieldManager {
    pub fn new(name: &str, operation: Operation) -> Self {
        Self { name: name.into(), operation }
    }

    fn matches(&self, entry: &Value) -> bool {
        text(entry, "operation") == self.operation.as_str()
            && text(entry, "subresource").is_empty()
            && text(entry, "manager").starts_with(&self.name)
    }
}

/// What to remove from objects in the cluster before they are applied.
#[derive(Clone, Debug, Default)]
pub struct Cleanup {
    pub annotations: Vec<String>,
    pub labels: Vec<String>,
    pub managers: Vec<FieldManager>,
    /// Metadata that keeps an object out of the cleanup.
    pub exclusions: Vec<(String, String)>,
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

impl Cleanup {
    /// The JSON patch that cleans `existing`; empty when there is nothing to do.
    pub fn patch(&self, desired: &Value, existing: &Value, manager: &str) -> Vec<Value> {
        let exclusions: Vec<(&str, &str)> =
            self.exclusions.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        if existing.is_null()
            || metadata::any_matches(desired, &exclusions)
            || metadata::any_matches(existing, &exclusions)
        {
            return Vec::new();
        }
        let mut patch = Vec::new();
        for (field, keys) in [("annotations", &self.annotations), ("labels", &self.labels)] {
            let present = metadata::entries(existing, field);
            for key in keys.iter().filter(|key| present.contains_key(*key)) {
                let key = key.replace('~', "~0").replace('/', "~1");
                patch.push(json!({"op": "remove", "path": format!("/metadata/{field}/{key}")}));
            }
        }
        patch.extend(self.managers_patch(existing, manager));
        patch
    }

    /// Gives the fields of the foreign managers to our own apply entry.
    fn managers_patch(&self, existing: &Value, manager: &str) -> Option<Value> {
        let entries = existing.pointer("/metadata/managedFields")?.as_array()?;
        let own = |entry: &&Value| text(entry, "manager") == manager && text(entry, "operation") == "Apply";
        let own_at = entries.iter().rposition(|entry| own(&entry) && text(entry, "subresource").is_empty());
        let mut ours = own_at.map(|at| entries[at].clone());
        let mut kept = Vec::with_capacity(entries.len());
        let mut edited = false;
        for (at, entry) in entries.iter().enumerate() {
            if Some(at) == own_at {
                continue;
            }
            if !self.managers.iter().any(|manager| manager.matches(entry)) {
                kept.push(entry.clone());
                continue;
            }
            edited = true;
            match &mut ours {
                None => {
                    let mut entry = entry.clone();
                    entry["manager"] = manager.into();
                    entry["operation"] = "Apply".into();
                    ours = Some(entry);
                }
                Some(ours) => merge_fields(ours, entry),
            }
        }
        if !edited {
            return None;
        }
        kept.extend(ours);
        Some(json!({"op": "replace", "path": "/metadata/managedFields", "value": kept}))
    }
}

fn merge_fields(into: &mut Value, from: &Value) {
    let Some(from) = from.get("fieldsV1").and_then(Value::as_object) else { return };
    let Some(into) = into.as_object_mut() else { return };
    union(metadata::object_in(into, "fieldsV1"), from);
}

/// The union of two sets of fields.
fn union(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => union(into, from),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The JSON patch that moves all managed fields to another version of the API; `None` when they are there.
pub(crate) fn migrate_patch(existing: &Value, api_version: &str) -> Option<Value> {
    let entries = existing.pointer("/metadata/managedFields")?.as_array()?;
    if entries.iter().all(|entry| text(entry, "apiVersion") == api_version) {
        return None;
    }
    let mut entries = entries.clone();
    for entry in &mut entries {
        entry["apiVersion"] = api_version.into();
    }
    Some(json!([{"op": "replace", "path": "/metadata/managedFields", "value": entries}]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_fields_become_ours() {
        let existing = json!({"metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "managedFields": [
                {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:spec": {"f:a": {}}}},
                {"manager": "other", "operation": "Update", "fieldsV1": {}},
                {"manager": "me", "operation": "Apply", "fieldsV1": {"f:spec": {"f:b": {}}}}]}});
        let cleanup = Cleanup {
            annotations: vec!["kubectl.kubernetes.io/last-applied-configuration".into()],
            managers: vec![FieldManager::new("kubectl", Operation::Update)],
            ..Cleanup::default()
        };
        let patch = cleanup.patch(&json!({}), &existing, "me");
        assert_eq!(patch[0]["path"], "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration");
        assert_eq!(
            patch[1]["value"],
            json!([
                {"manager": "other", "operation": "Update", "fieldsV1": {}},
                {"manager": "me", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}}}])
        );
        assert!(cleanup.patch(&json!({}), &json!({"metadata": {}}), "me").is_empty());
    }

    #[test]
    fn merge_objects_are_left_alone() {
        let cleanup = Cleanup {
            labels: vec!["old".into()],
            exclusions: vec![("ssa".into(), "Merge".into())],
            ..Cleanup::default()
        };
        let existing = json!({"metadata": {"labels": {"old": "x"}}});
        assert_eq!(cleanup.patch(&json!({}), &existing, "me").len(), 1);
        assert!(cleanup.patch(&json!({"metadata": {"annotations": {"ssa": "merge"}}}), &existing, "me").is_empty());
    }
}
