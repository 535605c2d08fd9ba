//! ResourceQuotas: what a namespace uses, counted from its objects, held against what it may use.
//!
//! A quota counts once its status says so: the controller beside this module writes that. Writers that could exceed one take
//! turns, so that two of them cannot both fit into the room for one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::Held;
use super::amounts::{Amount, Amounts, add, of_pod, printed, read};
use crate::object::{list_at, name, section, text, text_at};
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;

const COUNT: &str = "count/";

/// One lock per namespace that has quotas.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    fn of(&self, space: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(space.to_owned()).or_default().clone()
    }
}

/// Kinds with a name of their own in quotas.
const COUNTED: [&str; 7] =
    ["pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas"];

/// What an object uses, by every name that a quota may know it by.
fn usage(resource: &Resource, object: &Value) -> Amounts {
    let mut out = Amounts::new();
    let one = Amount::count(1);
    let full = if resource.group.is_empty() { resource.plural.clone() } else { resource.qualified() };
    out.insert(format!("{COUNT}{full}"), one);
    if !resource.group.is_empty() {
        return out;
    }
    match resource.plural.as_str() {
        "pods" if matches!(text_at(object, "/status/phase"), "Succeeded" | "Failed") => return out,
        "pods" => pod(object, &mut out),
        "persistentvolumeclaims" => claim(object, &mut out),
        "services" => service(object, &mut out),
        _ => {}
    }
    if COUNTED.contains(&resource.plural.as_str()) {
        out.insert(resource.plural.clone(), one);
    }
    out
}

fn pod(object: &Value, out: &mut Amounts) {
    for (list, amounts) in [("requests", of_pod(object, "requests")), ("limits", of_pod(object, "limits"))] {
        for (name, amount) in amounts {
            let plain =
                matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
            if list == "requests" && plain {
                out.insert(name.clone(), amount);
            }
            out.insert(format!("{list}.{name}"), amount);
        }
    }
}

fn claim(object: &Value, out: &mut Amounts) {
    let requests = read(object.pointer("/spec/resources/requests"));
    let class = text_at(object, "/spec/storageClassName");
    if let Some(storage) = requests.get("storage") {
        out.insert("requests.storage".into(), *storage);
        if !class.is_empty() {
            out.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), *storage);
        }
    }
    if !class.is_empty() {
        out.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), Amount::count(1));
    }
}

fn service(object: &Value, out: &mut Amounts) {
    let ports = list_at(object, "/spec/ports").len() as i128;
    let kind = text_at(object, "/spec/type");
    if kind == "LoadBalancer" {
        out.insert("services.loadbalancers".into(), Amount::count(1));
    }
    let none = object.pointer("/spec/allocateLoadBalancerNodePorts") == Some(&Value::Bool(false));
    if kind == "NodePort" || kind == "LoadBalancer" && !none {
        out.insert("services.nodeports".into(), Amount::count(ports));
    }
}

/// Whether a quota is about an object: pods may be left out by its scopes.
fn covers(quota: &Value, resource: &Resource, object: &Value) -> bool {
    let plain = list_at(quota, "/spec/scopes").iter().map(|scope| json!({"scopeName": scope, "operator": "Exists"}));
    let chosen = list_at(quota, "/spec/scopeSelector/matchExpressions").iter().cloned();
    let scopes: Vec<Value> = plain.chain(chosen).collect();
    scopes.is_empty() || resource.is("", "pods") && scopes.iter().all(|scope| in_scope(scope, object))
}

fn in_scope(scope: &Value, pod: &Value) -> bool {
    let ends = pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_i64).is_some();
    let best_effort = text_at(pod, "/status/qosClass") == "BestEffort";
    match text(scope, "scopeName") {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => {
            let class = text_at(pod, "/spec/priorityClassName");
            let listed = list_at(scope, "/values").iter().any(|value| value == class);
            match text(scope, "operator") {
                "In" => listed,
                "NotIn" => !listed,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => true,
    }
}

impl Shared {
    async fn quotas(&self, space: &str) -> Vec<Value> {
        match self.registry.find("", "v1", "resourcequotas") {
            Some(resource) if !space.is_empty() => self.all(&resource, space).await,
            _ => Vec::new(),
        }
    }

    /// What the objects of a namespace use of what a quota names.
    async fn used(&self, space: &str, quota: &Value, names: &[String]) -> Amounts {
        let mut total: Amounts = names.iter().map(|name| (name.clone(), Amount::default())).collect();
        for resource in self.registry.current().stored() {
            if !resource.namespaced || !names.iter().any(|name| counts(&resource, name)) {
                continue;
            }
            for object in self.all(&resource, space).await.iter().filter(|one| covers(quota, &resource, one)) {
                let mut own = usage(&resource, object);
                own.retain(|name, _| total.contains_key(name));
                add(&mut total, own);
            }
        }
        total
    }
}

/// Whether objects of a resource can count under a name.
fn counts(resource: &Resource, name: &str) -> bool {
    if let Some(counted) = name.strip_prefix(COUNT) {
        return counted == resource.qualified() || resource.group.is_empty() && counted == resource.plural;
    }
    if !resource.group.is_empty() {
        return false;
    }
    match resource.plural.as_str() {
        "pods" => !name.contains("storageclass") && !COUNTED[1..].contains(&name) && !name.starts_with("services."),
        "persistentvolumeclaims" => {
            name == "persistentvolumeclaims" || name.ends_with("requests.storage") || name.contains(".storageclass.")
        }
        "services" => name == "services" || name.starts_with("services."),
        plural => COUNTED.contains(&plural) && name == plural,
    }
}

/// Holds a new or changed object against the quotas of its namespace; what is returned ends the writer's turn.
pub(super) async fn check(
    shared: &Arc<Shared>,
    resource: &Arc<Resource>,
    space: &str,
    old: Option<&Value>,
    new: &Value,
) -> Result<Held, ApiError> {
    if !resource.namespaced || !shared.store.any("core/resourcequotas", &format!("{space}/")) {
        return Ok(None);
    }
    let turn = shared.turns.of(space).lock_owned().await;
    let mut delta = usage(resource, new);
    if let Some(old) = old {
        for (name, before) in usage(resource, old) {
            let held = delta.entry(name).or_default();
            *held = held.minus(before);
        }
    }
    for quota in shared.quotas(space).await {
        let hard = read(quota.pointer("/status/hard"));
        let names: Vec<String> = hard.keys().filter(|name| counts(resource, name)).cloned().collect();
        if names.is_empty() || !covers(&quota, resource, new) {
            continue;
        }
        let refused = |words: String| ApiError::forbidden(&resource.group, &resource.plural, name(new), &words);
        if resource.is("", "pods") && old.is_none() {
            must_specify(new, &names).map_err(|words| refused(format!("failed quota: {}: {words}", name(&quota))))?;
        }
        let used = shared.used(space, &quota, &names).await;
        let (mut asked, mut had, mut most) = (Amounts::new(), Amounts::new(), Amounts::new());
        for (key, more) in delta.iter().filter(|(key, more)| names.contains(key) && more.nano > 0) {
            let now = used.get(key).copied().unwrap_or_default();
            if now.plus(*more).nano > hard[key].nano {
                asked.insert(key.clone(), *more);
                had.insert(key.clone(), now);
                most.insert(key.clone(), hard[key]);
            }
        }
        if !asked.is_empty() {
            return Err(refused(format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                name(&quota),
                printed(&asked),
                printed(&had),
                printed(&most)
            )));
        }
    }
    Ok(Some(turn))
}

/// Where processors or memory are counted, every container says how much it takes.
fn must_specify(pod: &Value, names: &[String]) -> Result<(), String> {
    const ASKED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for wanted in ASKED.into_iter().filter(|wanted| names.iter().any(|name| name == wanted)) {
        let (list, resource) = wanted.split_once('.').unwrap_or(("requests", wanted));
        for place in ["/spec/containers", "/spec/initContainers"] {
            for container in list_at(pod, place) {
                if container.pointer(&format!("/resources/{list}/{resource}")).is_none() {
                    missing.entry(wanted).or_default().push(text(container, "name"));
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let parts = missing.into_iter().map(|(resource, mut containers)| {
        containers.sort_unstable();
        containers.dedup();
        format!("{resource} for: {}", containers.join(","))
    });
    Err(format!("must specify {}", parts.collect::<Vec<_>>().join("; ")))
}

/// Writes what is used into the status of a namespace's quotas.
pub(crate) async fn refresh(shared: &Arc<Shared>, space: &str) {
    let Some(resource) = shared.registry.find("", "v1", "resourcequotas") else { return };
    for quota in shared.quotas(space).await {
        let hard = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
        let names: Vec<String> = hard.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let used = shared.used(space, &quota, &names).await;
        let used: serde_json::Map<String, Value> =
            used.into_iter().map(|(name, amount)| (name, amount.to_string().into())).collect();
        let status = json!({"hard": hard, "used": used});
        if quota.get("status") == Some(&status) {
            continue;
        }
        let mut new = quota.clone();
        *section(&mut new, "status") = status.as_object().cloned().unwrap_or_default();
        let part = crate::rest::Part::Status;
        crate::managed::after_write(&resource, Some(&quota), &mut new, "kube-controller-manager", part);
        let Some(entry) = shared.store.get(&resource.table, &resource.key(space, name(&quota))).await else { continue };
        if entry.revision == crate::object::revision(&quota) {
            // Who wrote meanwhile makes this run again.
            let _ = Box::pin(shared.commit(&resource, space, &entry, &quota, new, false)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_must_say_what_they_take() {
        let pod =
            json!({"spec": {"containers": [{"name": "b"}, {"name": "a", "resources": {"requests": {"cpu": "1"}}}]}});
        let names = ["requests.cpu", "limits.memory", "pods"].map(str::to_owned);
        assert_eq!(must_specify(&pod, &names).unwrap_err(), "must specify limits.memory for: a,b; requests.cpu for: b");
    }

    #[test]
    fn scopes_choose_pods() {
        let short = json!({"spec": {"activeDeadlineSeconds": 5}, "status": {"qosClass": "BestEffort"}});
        assert!(in_scope(&json!({"scopeName": "Terminating"}), &short));
        assert!(!in_scope(&json!({"scopeName": "NotBestEffort"}), &short));
        let class = json!({"scopeName": "PriorityClass", "operator": "In", "values": ["high"]});
        assert!(in_scope(&class, &json!({"spec": {"priorityClassName": "high"}})) && !in_scope(&class, &short));
    }
}
