//! What admission adds to pods: service account and token volume, tolerations, priority.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object::{list_at, section, text_at};
use crate::request::Ask;
use crate::resources::Resource;
use crate::rest::random_suffix;
use crate::server::Shared;
use crate::status::ApiError;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Upstream asks for tokens a little longer than an hour.
const TOKEN_SECONDS: u32 = 3607;
const TOLERATION_SECONDS: u32 = 300;

pub(super) async fn on_create(
    shared: &Arc<Shared>,
    ask: &Ask,
    resource: &Resource,
    pod: &mut Value,
) -> Result<(), ApiError> {
    let config = &shared.config;
    if config.admits("ServiceAccount") {
        service_account(shared, ask, resource, pod).await?;
    }
    if config.admits("DefaultTolerationSeconds") {
        tolerations(pod);
    }
    priority(shared, pod).await?;
    runtime_class(shared, pod).await
}

/// Overhead comes from a runtime class only.
pub(super) async fn check_overhead(shared: &Arc<Shared>, pod: &Value) -> Result<(), ApiError> {
    let own = pod.pointer("/spec/overhead").and_then(Value::as_object).is_some_and(|own| !own.is_empty());
    let class_name = text_at(pod, "/spec/runtimeClassName");
    let class = match shared.registry.find("node.k8s.io", "v1", "runtimeclasses") {
        Some(kinds) if own && !class_name.is_empty() => shared.load(&kinds, "", class_name).await,
        _ => None,
    };
    if own && class.and_then(|class| class.pointer("/overhead/podFixed").cloned()).is_none() {
        let words = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return Err(ApiError::forbidden("", "pods", crate::object::name(pod), words));
    }
    Ok(())
}

/// A pod takes overhead and scheduling from its runtime class, and may not have overhead of its own.
async fn runtime_class(shared: &Arc<Shared>, pod: &mut Value) -> Result<(), ApiError> {
    let refused = |pod: &Value, words: String| {
        ApiError::forbidden("", "pods", crate::object::name(pod), &format!("pod rejected: {words}"))
    };
    let class_name = text_at(pod, "/spec/runtimeClassName").to_owned();
    let mut class = Value::Null;
    if !class_name.is_empty() {
        let kinds = shared.registry.find("node.k8s.io", "v1", "runtimeclasses").ok_or_else(ApiError::no_such_path)?;
        class = match shared.load(&kinds, "", &class_name).await {
            Some(class) => class,
            None => return Err(refused(pod, format!("RuntimeClass \"{class_name}\" not found"))),
        };
    }
    let own = pod.pointer("/spec/overhead").filter(|own| own.as_object().is_some_and(|own| !own.is_empty()));
    match (class.pointer("/overhead/podFixed"), own) {
        (Some(fixed), None) => {
            let fixed = fixed.clone();
            section(pod, "spec").insert("overhead".into(), fixed);
        }
        (Some(fixed), Some(own)) if fixed != own => {
            return Err(refused(pod, "Pod's Overhead doesn't match RuntimeClass's defined Overhead".to_owned()));
        }
        _ => {}
    }
    let wanted = class.pointer("/scheduling/nodeSelector").and_then(Value::as_object).cloned().unwrap_or_default();
    if !wanted.is_empty() {
        let spec = section(pod, "spec");
        let held = spec.entry("nodeSelector").or_insert_with(|| json!({}));
        for (key, value) in wanted {
            if held.get(&key).is_some_and(|held| *held != value) {
                let words =
                    "conflict: runtimeClass.scheduling.nodeSelector and pod.spec.nodeSelector have conflicting keys";
                return Err(refused(pod, words.to_owned()));
            }
            held[key] = value;
        }
    }
    for toleration in list_at(&class, "/scheduling/tolerations") {
        if !list_at(pod, "/spec/tolerations").contains(toleration) {
            let list = section(pod, "spec").entry("tolerations").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(toleration.clone());
            }
        }
    }
    Ok(())
}

/// An update that leaves out what was added at creation keeps it.
pub(super) fn on_update(old: &Value, pod: &mut Value) {
    tolerations(pod);
    for field in ["priority", "preemptionPolicy"] {
        let spec = section(pod, "spec");
        if let Some(before) = old["spec"].get(field)
            && spec.get(field).is_none_or(Value::is_null)
        {
            spec.insert(field.into(), before.clone());
        }
    }
}

async fn service_account(
    shared: &Arc<Shared>,
    ask: &Ask,
    resource: &Resource,
    pod: &mut Value,
) -> Result<(), ApiError> {
    if crate::object::meta(pod, "annotations").and_then(|map| map.get("kubernetes.io/config.mirror")).is_some() {
        return Ok(());
    }
    let spec = section(pod, "spec");
    let given = spec.get("serviceAccountName").and_then(Value::as_str).filter(|name| !name.is_empty());
    let account_name = given.unwrap_or("default").to_owned();
    spec.insert("serviceAccountName".into(), account_name.clone().into());
    spec.insert("serviceAccount".into(), account_name.clone().into());
    let Some(accounts) = shared.registry.find("", "v1", "serviceaccounts") else { return Ok(()) };
    let space = &ask.target.namespace;
    let Some(account) = shared.load(&accounts, space, &account_name).await else {
        let detail = format!(
            "error looking up service account {space}/{account_name}: serviceaccount \"{account_name}\" not found"
        );
        return Err(ApiError::forbidden(&resource.group, &resource.plural, crate::object::name(pod), &detail));
    };
    let own = pod.pointer("/spec/automountServiceAccountToken").and_then(Value::as_bool);
    let mounts = own.or_else(|| account.get("automountServiceAccountToken").and_then(Value::as_bool)).unwrap_or(true);
    if mounts {
        mount_token(pod);
    }
    let secrets = list_at(&account, "/imagePullSecrets").to_vec();
    if list_at(pod, "/spec/imagePullSecrets").is_empty() && !secrets.is_empty() {
        section(pod, "spec").insert("imagePullSecrets".into(), secrets.into());
    }
    Ok(())
}

/// Adds the projected volume and mounts it where nothing is mounted yet.
fn mount_token(pod: &mut Value) {
    let existing = list_at(pod, "/spec/volumes").iter().map(|volume| text_at(volume, "/name").to_owned());
    let found = existing.into_iter().find(|name| name.starts_with("kube-api-access-"));
    let name = found.clone().unwrap_or_else(|| format!("kube-api-access-{}", random_suffix()));
    let mut needed = false;
    for list in ["containers", "initContainers"] {
        let Some(containers) = section(pod, "spec").get_mut(list).and_then(Value::as_array_mut) else { continue };
        for container in containers {
            let mounted =
                list_at(container, "/volumeMounts").iter().any(|mount| text_at(mount, "/mountPath") == TOKEN_PATH);
            if mounted || !container.is_object() {
                continue;
            }
            needed = true;
            let mount = json!({"name": name, "readOnly": true, "mountPath": TOKEN_PATH});
            match container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                Some(mounts) => mounts.push(mount),
                None => container["volumeMounts"] = json!([mount]),
            }
        }
    }
    if needed && found.is_none() {
        let volumes = section(pod, "spec").entry("volumes").or_insert_with(|| json!([]));
        if !volumes.is_array() {
            *volumes = json!([]);
        }
        if let Some(volumes) = volumes.as_array_mut() {
            volumes.push(token_volume(&name));
        }
    }
}

fn token_volume(name: &str) -> Value {
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
    json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]}})
}

/// Pods stay on unreachable nodes for five minutes unless they say otherwise.
fn tolerations(pod: &mut Value) {
    let given = list_at(pod, "/spec/tolerations").to_vec();
    let tolerates = |key: &str| {
        given.iter().any(|one| {
            let own = text_at(one, "/key");
            (own == key || own.is_empty()) && matches!(text_at(one, "/effect"), "NoExecute" | "")
        })
    };
    let missing =
        ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].into_iter().filter(|key| !tolerates(key));
    let added: Vec<Value> = missing
        .map(|key| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS}))
        .collect();
    if !added.is_empty() {
        let all: Vec<Value> = given.into_iter().chain(added).collect();
        section(pod, "spec").insert("tolerations".into(), all.into());
    }
}

async fn priority(shared: &Arc<Shared>, pod: &mut Value) -> Result<(), ApiError> {
    let Some(classes) = shared.registry.find("scheduling.k8s.io", "v1", "priorityclasses") else { return Ok(()) };
    let name = text_at(pod, "/spec/priorityClassName").to_owned();
    let class = if name.is_empty() {
        let all = shared.all(&classes, "").await;
        all.into_iter()
            .filter(|class| class.get("globalDefault") == Some(&Value::Bool(true)))
            .max_by_key(|class| class["value"].as_i64())
    } else {
        let found = shared.load(&classes, "", &name).await;
        if found.is_none() {
            let detail = format!("no PriorityClass with name {name} was found");
            return Err(ApiError::forbidden("", "pods", crate::object::name(pod), &detail));
        }
        found
    };
    let spec = section(pod, "spec");
    let value = class.as_ref().and_then(|class| class["value"].as_i64()).unwrap_or(0);
    let policy = class.as_ref().map_or("PreemptLowerPriority", |class| match text_at(class, "/preemptionPolicy") {
        "" => "PreemptLowerPriority",
        other => other,
    });
    if let Some(class) = &class {
        spec.insert("priorityClassName".into(), crate::object::name(class).into());
    }
    const WORDS: &str = "must not be provided in pod spec; priority admission controller computed";
    let given = spec.get("priority").and_then(Value::as_i64).filter(|given| *given != value);
    let given_policy = spec.get("preemptionPolicy").and_then(Value::as_str).filter(|given| *given != policy);
    let refused = match (given, given_policy) {
        (Some(given), _) => {
            Some(format!("the integer value of priority ({given}) {WORDS} {value} from the given PriorityClass name"))
        }
        (None, Some(given)) => Some(format!(
            "the string value of PreemptionPolicy ({given}) {WORDS} {policy} from the given PriorityClass name"
        )),
        (None, None) => None,
    };
    if let Some(detail) = refused {
        return Err(ApiError::forbidden("", "pods", crate::object::name(pod), &detail));
    }
    // A negative time to end has always meant a second.
    if spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".into(), 1.into());
    }
    spec.insert("priority".into(), value.into());
    spec.insert("preemptionPolicy".into(), policy.into());
    Ok(())
}
