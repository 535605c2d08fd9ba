//! LimitRanges: defaults for containers, and bounds for containers, pods and claims.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::amounts::{Amount, Amounts, of_pod, read};
use crate::object::{list_at, meta_mut, section, text};
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;

const NOTE: &str = "kubernetes.io/limit-ranger";

async fn ranges(shared: &Arc<Shared>, space: &str) -> Vec<Value> {
    match shared.registry.find("", "v1", "limitranges") {
        Some(resource) => shared.all(&resource, space).await,
        None => Vec::new(),
    }
}

/// Gives the containers of a pod what its namespace's ranges give by default.
pub(super) async fn default(shared: &Arc<Shared>, space: &str, pod: &mut Value) {
    for range in ranges(shared, space).await {
        let (mut requests, mut limits) = (Map::new(), Map::new());
        for limit in list_at(&range, "/spec/limits").iter().filter(|limit| text(limit, "type") == "Container") {
            for (key, into) in [("defaultRequest", &mut requests), ("default", &mut limits)] {
                into.extend(limit.get(key).and_then(Value::as_object).cloned().unwrap_or_default());
            }
        }
        let mut notes = Vec::new();
        for (list, words) in [("containers", "container"), ("initContainers", "init container")] {
            let Some(containers) = section(pod, "spec").get_mut(list).and_then(Value::as_array_mut) else { continue };
            for container in containers {
                let name = text(container, "name").to_owned();
                for (key, defaults) in [("requests", &requests), ("limits", &limits)] {
                    let set = fill(container, key, defaults);
                    if !set.is_empty() {
                        let what = key.trim_end_matches('s');
                        notes.push(format!("{} {what} for {words} {name}", set.join(", ")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            let annotations = meta_mut(pod).entry("annotations").or_insert_with(|| Value::Object(Map::new()));
            if !annotations.is_object() {
                *annotations = Value::Object(Map::new());
            }
            annotations[NOTE] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
        }
    }
}

/// Fills what a container leaves open; the names of what was filled.
fn fill(container: &mut Value, key: &str, defaults: &Map<String, Value>) -> Vec<String> {
    if defaults.is_empty() {
        return Vec::new();
    }
    section(container, "resources");
    let held = section(&mut container["resources"], key);
    let mut set = Vec::new();
    for (name, value) in defaults {
        if !held.contains_key(name) {
            held.insert(name.clone(), value.clone());
            set.push(name.clone());
        }
    }
    set.sort();
    set
}

/// Holds a new pod or claim against the ranges of its namespace.
pub(super) async fn check(
    shared: &Arc<Shared>,
    resource: &Resource,
    space: &str,
    object: &Value,
) -> Result<(), ApiError> {
    for range in ranges(shared, space).await {
        let mut errors = Vec::new();
        for limit in list_at(&range, "/spec/limits") {
            match (resource.plural.as_str(), text(limit, "type")) {
                ("pods", "Container") => {
                    for list in ["/spec/containers", "/spec/initContainers"] {
                        for container in list_at(object, list) {
                            let requests = read(container.pointer("/resources/requests"));
                            hold(limit, &requests, &read(container.pointer("/resources/limits")), &mut errors);
                        }
                    }
                }
                ("pods", "Pod") => hold(limit, &of_pod(object, "requests"), &of_pod(object, "limits"), &mut errors),
                ("persistentvolumeclaims", "PersistentVolumeClaim") => {
                    claim(limit, &read(object.pointer("/spec/resources/requests")), &mut errors);
                }
                _ => {}
            }
        }
        let words = match errors.as_slice() {
            [] => continue,
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        return Err(ApiError::forbidden("", &resource.plural, crate::object::name(object), &words));
    }
    Ok(())
}

fn bounds<'a>(limit: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, Amount)> {
    limit.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name, Amount::read(value)))
}

fn hold(limit: &Value, requests: &Amounts, limits: &Amounts, errors: &mut Vec<String>) {
    let of = text(limit, "type");
    for (name, bound) in bounds(limit, "min") {
        let head = format!("minimum {name} usage per {of} is {bound}");
        match (requests.get(name), limits.get(name)) {
            (None, _) => errors.push(format!("{head}.  No request is specified")),
            (Some(request), _) if request.nano < bound.nano => errors.push(format!("{head}, but request is {request}")),
            (_, Some(own)) if own.nano < bound.nano => errors.push(format!("{head}, but limit is {own}")),
            _ => {}
        }
    }
    for (name, bound) in bounds(limit, "max") {
        let head = format!("maximum {name} usage per {of} is {bound}");
        match (limits.get(name), requests.get(name)) {
            (None, _) => errors.push(format!("{head}.  No limit is specified")),
            (Some(own), _) if own.nano > bound.nano => errors.push(format!("{head}, but limit is {own}")),
            (_, Some(request)) if request.nano > bound.nano => errors.push(format!("{head}, but request is {request}")),
            _ => {}
        }
    }
    for (name, bound) in bounds(limit, "maxLimitRequestRatio") {
        let head = format!("{name} max limit to request ratio per {of} is {bound}");
        let known = |amounts: &Amounts| amounts.get(name).map(|amount| amount.nano).filter(|nano| *nano != 0);
        match (known(requests), known(limits)) {
            (None, _) => errors.push(format!("{head}, but no request is specified or request is 0")),
            (_, None) => errors.push(format!("{head}, but no limit is specified or limit is 0")),
            (Some(request), Some(own)) => {
                let ratio = own as f64 / request as f64;
                if ratio * 1e9 > bound.nano as f64 {
                    errors.push(format!("{head}, but provided ratio is {ratio:.6}"));
                }
            }
        }
    }
}

fn claim(limit: &Value, requests: &Amounts, errors: &mut Vec<String>) {
    let of = text(limit, "type");
    for (key, word) in [("min", "minimum"), ("max", "maximum")] {
        for (name, bound) in bounds(limit, key) {
            let head = format!("{word} {name} usage per {of} is {bound}");
            match requests.get(name) {
                None => errors.push(format!("{head}.  No request is specified")),
                Some(own) if key == "min" && own.nano < bound.nano || key == "max" && own.nano > bound.nano => {
                    errors.push(format!("{head}, but request is {own}"));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_are_worded_as_upstream_does() {
        let limit = json!({"type": "Container", "min": {"cpu": "100m"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "2"}});
        let mut errors = Vec::new();
        let amounts = |cpu: &str| read(Some(&json!({"cpu": cpu})));
        hold(&limit, &amounts("50m"), &amounts("2"), &mut errors);
        assert_eq!(
            errors,
            [
                "minimum cpu usage per Container is 100m, but request is 50m",
                "maximum cpu usage per Container is 1, but limit is 2",
                "cpu max limit to request ratio per Container is 2, but provided ratio is 40.000000",
            ]
        );
        errors.clear();
        hold(&limit, &Amounts::new(), &Amounts::new(), &mut errors);
        assert_eq!(errors[0], "minimum cpu usage per Container is 100m.  No request is specified");
    }
}
