//! Which of the kinds with rules the API server has.

use super::execute::get;
use crate::Error;
use crate::kinds::{Kind, Resource, builtin};
use serde_json::Value;
use std::collections::HashMap;

/// Every kind with rules that is served.
pub(super) async fn served(client: &kube::Client) -> Result<Vec<(Kind, Resource)>, Error> {
    let mut groups: HashMap<String, Value> = HashMap::new();
    let mut found = Vec::new();
    for (kind, resource) in builtin() {
        let path = resource.group_path();
        if !groups.contains_key(&path) {
            let list = match get(client, &path).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Value::Null,
                other => other.map_err(|source| Error::Discovery { path: path.clone(), source })?,
            };
            groups.insert(path.clone(), list);
        }
        let resources = groups[&path]["resources"].as_array();
        if resources.is_some_and(|list| list.iter().any(|item| item["name"] == resource.plural)) {
            found.push((kind, resource));
        } else {
            tracing::debug!(kind = resource.kind, group = resource.group, "kind is not served, so it is not simulated");
        }
    }
    Ok(found)
}
