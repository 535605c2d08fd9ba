//! Warnings about what an object says: deprecated fields, names that will not do what they seem to.

use serde_json::Value;

use crate::object::{finalizers, list_at, text, text_at};
use crate::resources::Resource;

/// What a reader of this resource is told with every answer.
pub(crate) fn on_any(resource: &Resource) -> Option<&'static str> {
    let deprecated = resource.is("", "endpoints") && resource.version == "v1";
    deprecated.then_some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
}

/// What the writer of this object is told; only about what is new in it.
pub(crate) fn on_write(resource: &Resource, old: Option<&Value>, object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let before = old.map(finalizers).unwrap_or_default();
    for name in finalizers(object).into_iter().filter(|name| !name.contains('/') && !before.contains(name)) {
        if !matches!(name, "orphan" | "foregroundDeletion" | "kubernetes") {
            found.push(format!(
                "metadata.finalizers: \"{name}\": prefer a domain-qualified finalizer name including a path (/) to avoid \
                 accidental conflicts with other finalizer writers"
            ));
        }
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "services") => service(object, &mut found),
        ("", "secrets") if text(object, "type") == "kubernetes.io/tls" => {
            let data = |key: &str| text_at(object, &format!("/data/{key}")).to_owned();
            found.extend(crate::key_pair::complaint(&data("tls.crt"), &data("tls.key")));
        }
        ("", "persistentvolumes") if text_at(object, "/spec/persistentVolumeReclaimPolicy") == "Recycle" => {
            found.push(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended \
                 approach is to use dynamic provisioning."
                    .into(),
            );
        }
        // Pods are told when they are made or their spec changes, and so are templates.
        _ if old.is_some_and(|old| old.get("spec") == object.get("spec")) => {}
        ("", "pods") => pod_spec(object, "spec", &mut found),
        ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets") | ("batch", "jobs") => {
            pod_spec(object, "spec.template.spec", &mut found);
        }
        ("batch", "cronjobs") => pod_spec(object, "spec.jobTemplate.spec.template.spec", &mut found),
        _ => {}
    }
    found
}

fn service(object: &Value, found: &mut Vec<String>) {
    if !list_at(object, "/spec/externalIPs").is_empty() {
        found.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    if text_at(object, "/spec/trafficDistribution") == "PreferClose" {
        found.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

/// Kinds of volumes that are on their way out, and what to say of them.
const OLD_VOLUMES: [(&str, &str); 7] = [
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

fn pod_spec(object: &Value, at: &str, found: &mut Vec<String>) {
    let Some(spec) = object.pointer(&format!("/{}", at.replace('.', "/"))) else { return };
    for (index, constraint) in list_at(spec, "/topologySpreadConstraints").iter().enumerate() {
        if constraint.get("labelSelector").is_none_or(Value::is_null) {
            found.push(format!(
                "{at}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"
            ));
        }
    }
    for (index, volume) in list_at(spec, "/volumes").iter().enumerate() {
        for (kind, words) in OLD_VOLUMES.iter().filter(|(kind, _)| volume.get(*kind).is_some()) {
            found.push(format!("{at}.volumes[{index}].{kind}: {words}"));
        }
    }
    port_names(spec, at, found);
}

/// A port name used twice means the first port.
fn port_names(spec: &Value, at: &str, found: &mut Vec<String>) {
    let mut seen: Vec<(&str, String)> = Vec::new();
    for (index, container) in list_at(spec, "/containers").iter().enumerate() {
        for (port, own) in list_at(container, "/ports").iter().enumerate() {
            let (name, place) = (text(own, "name"), format!("{at}.containers[{index}].ports[{port}]"));
            if name.is_empty() {
                continue;
            }
            match seen.iter().find(|(other, _)| *other == name) {
                Some((_, first)) => found.push(format!(
                    "{place}: duplicate port name \"{name}\" with {first}, services and probes that select ports by name \
                     will use {first}"
                )),
                None => seen.push((name, place)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_used_twice_are_told() {
        let pod = json!({ "spec": { "containers": [
            { "ports": [{ "name": "http" }] }, { "ports": [{ "name": "grpc" }, { "name": "http" }] } ] } });
        let mut found = Vec::new();
        pod_spec(&pod, "spec", &mut found);
        assert_eq!(
            found,
            [
                "spec.containers[1].ports[1]: duplicate port name \"http\" with spec.containers[0].ports[0], services and \
              probes that select ports by name will use spec.containers[0].ports[0]"
            ]
        );
    }
}
