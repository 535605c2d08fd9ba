//! What a cluster starts from: the objects of `clusters/NAME/flux-system`, or their equivalent when there are none.
//!
//! Pure: built objects in, a plan out. Objects of Flux itself (`app.kubernetes.io/part-of: flux`, as `flux bootstrap`
//! writes them to gotk-components.yaml) are not applied: this process provides the controllers and the kinds. The
//! arguments of their Deployments are honoured.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Namespace of the root objects.
pub const NAMESPACE: &str = "flux-system";

/// URL of the root source when nothing declares one; it is served from the watched repository.
pub const DEFAULT_URL: &str = "https://localhost/flux-up";

/// What to apply, and what this process stands in for.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Objects to apply, namespaces first.
    pub objects: Vec<Value>,
    /// Controller name to the arguments of its Deployment.
    pub arguments: BTreeMap<String, Vec<String>>,
    /// `Kind/name` of the components that this process provides.
    pub provided: Vec<String>,
}

/// True for an object that belongs to Flux itself and is provided by this process.
pub fn is_component(object: &Value) -> bool {
    object.pointer("/metadata/labels/app.kubernetes.io~1part-of") == Some(&Value::from("flux"))
}

/// Sorts the objects of `clusters/NAME/flux-system`; without any, makes the equivalent that follows `path`.
pub fn plan(built: Vec<Value>, path: &str) -> Plan {
    let mut plan = Plan { objects: vec![namespace()], ..Plan::default() };
    for object in built {
        if is_component(&object) {
            note_component(&mut plan, &object);
        } else if !same(&object, "Namespace", NAMESPACE) {
            plan.objects.push(object);
        }
    }
    let kind = |kind: &str| plan.objects.iter().any(|object| object["kind"] == kind);
    if !kind("Kustomization") {
        let source = if kind("GitRepository") { None } else { Some(default_source()) };
        plan.objects.extend(source);
        plan.objects.push(default_kustomization(path));
    }
    plan
}

fn same(object: &Value, kind: &str, name: &str) -> bool {
    object["kind"] == kind && object["metadata"]["name"] == name
}

fn note_component(plan: &mut Plan, object: &Value) {
    let (kind, name) = (object["kind"].as_str().unwrap_or(""), object["metadata"]["name"].as_str().unwrap_or(""));
    plan.provided.push(format!("{kind}/{name}"));
    if kind != "Deployment" {
        return;
    }
    let arguments = object.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    let arguments = arguments.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    plan.arguments.insert(name.to_owned(), arguments);
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
}

fn default_source() -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
        "spec": {"interval": "1m0s", "ref": {"branch": "main"}, "url": DEFAULT_URL},
    })
}

fn default_kustomization(path: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
        "spec": {
            "interval": "10m0s",
            "path": path,
            "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": NAMESPACE},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(plan: &Plan) -> Vec<&str> {
        plan.objects.iter().filter_map(|object| object["kind"].as_str()).collect()
    }

    #[test]
    fn nothing_declared_gives_the_equivalent() {
        let plan = plan(vec![], "./clusters/dev");
        assert_eq!(kinds(&plan), ["Namespace", "GitRepository", "Kustomization"]);
        assert_eq!(plan.objects[2]["spec"]["path"], "./clusters/dev");
    }

    #[test]
    fn components_are_provided_and_their_arguments_kept() {
        let labels = json!({"app.kubernetes.io/part-of": "flux"});
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "kustomize-controller", "labels": labels},
            "spec": {"template": {"spec": {"containers": [{"args": ["--concurrent=8"]}]}}}});
        let crd = json!({"kind": "CustomResourceDefinition", "metadata": {"name": "x", "labels": labels}});
        let sync = json!({"kind": "Kustomization", "metadata": {"name": "flux-system"}});
        let source = json!({"kind": "GitRepository", "metadata": {"name": "flux-system"}});
        let plan = plan(vec![deployment, crd, source, sync], "./clusters/dev");
        assert_eq!(kinds(&plan), ["Namespace", "GitRepository", "Kustomization"]);
        assert_eq!(plan.arguments["kustomize-controller"], ["--concurrent=8"]);
        assert_eq!(plan.provided, ["Deployment/kustomize-controller", "CustomResourceDefinition/x"]);
    }
}
