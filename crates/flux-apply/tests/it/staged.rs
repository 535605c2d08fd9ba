//! Stages, drift, force, and pruning.

use flux_apply::inventory::Inventory;
use flux_apply::{Action, DeleteOptions, metadata, normalize_all};
use serde_json::{Value, json};

use crate::{Cluster, config_map, namespace, options};

fn owned(mut objects: Vec<Value>) -> Vec<Value> {
    let labels = [("owner/name".to_owned(), "unit".to_owned())].into();
    metadata::set_common(&mut objects, &labels, &Default::default());
    normalize_all(&mut objects);
    objects
}

fn crd() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object",
                "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]}})
}

#[tokio::test]
async fn definitions_go_first_and_a_second_pass_writes_nothing() {
    let cluster = Cluster::start().await;
    let set = owned(vec![
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "apps"}, "spec": {"size": 3}}),
        config_map("apps", "web", "1"),
        crd(),
        namespace("apps"),
    ]);
    let planned = cluster.manager.planned(&set).await;
    let applied = cluster.manager.apply_staged(set.clone(), &options()).await;
    assert!(applied.error.is_none(), "{:?}", applied.error);
    let order: Vec<String> = applied.changes.entries.iter().map(ToString::to_string).collect();
    assert_eq!(
        order,
        [
            "CustomResourceDefinition/things.example.com created",
            "Namespace/apps created",
            "ConfigMap/apps/web created",
            "Thing/apps/a created"
        ]
    );
    assert_eq!(Inventory::applied(&applied.changes), planned);

    let version = |object: Option<Value>| metadata::resource_version(&object.expect("there")).to_owned();
    let before = version(cluster.get("v1", "ConfigMap", "apps", "web").await);
    let again = cluster.manager.apply_staged(set, &options()).await;
    assert!(again.error.is_none(), "{:?}", again.error);
    assert_eq!(again.changes.changes(), "");
    assert_eq!(version(cluster.get("v1", "ConfigMap", "apps", "web").await), before);
    cluster.stop().await;
}

#[tokio::test]
async fn workloads_do_not_drift_by_defaulting() {
    let cluster = Cluster::start().await;
    let set = owned(vec![
        namespace("apps"),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}],
                    "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}}}]}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web", "namespace": "apps"}, "stringData": {"k": "v"}}),
    ]);
    for (pass, changes) in [(1, 4), (2, 0)] {
        let applied = cluster.manager.apply_staged(set.clone(), &options()).await;
        assert!(applied.error.is_none(), "{:?}", applied.error);
        let changed = applied.changes.entries.iter().filter(|entry| entry.action.is_change()).count();
        assert_eq!(changed, changes, "pass {pass}: {}", applied.changes);
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_failing_dry_run_applies_nothing_of_its_stage() {
    let cluster = Cluster::start().await;
    let set = owned(vec![namespace("apps"), config_map("apps", "good", "1"), config_map("elsewhere", "bad", "1")]);
    let applied = cluster.manager.apply_staged(set, &options()).await;
    let error = applied.error.expect("a namespace is missing").to_string();
    assert_eq!(error, "ConfigMap/elsewhere/bad not found: namespaces \"elsewhere\" not found");
    assert!(cluster.get("v1", "ConfigMap", "apps", "good").await.is_none());
    assert_eq!(applied.changes.changes(), "Namespace/apps created");
    cluster.stop().await;
}

#[tokio::test]
async fn prune_deletes_only_what_is_still_owned() {
    let cluster = Cluster::start().await;
    let set = owned(vec![
        namespace("apps"),
        config_map("apps", "gone", "1"),
        config_map("apps", "moved", "1"),
        config_map("apps", "kept", "1"),
    ]);
    let applied = cluster.manager.apply_staged(set, &options()).await;
    assert!(applied.error.is_none(), "{:?}", applied.error);
    let mut other = vec![config_map("apps", "moved", "1")];
    metadata::set_common(&mut other, &[("owner/name".to_owned(), "other".to_owned())].into(), &Default::default());
    let taken = cluster.manager.apply_staged(other, &options()).await;
    assert_eq!(taken.changes.changes(), "ConfigMap/apps/moved configured");

    let old = Inventory::applied(&applied.changes);
    let new = Inventory::planned(&[namespace("apps"), config_map("apps", "kept", "1")]);
    let delete = DeleteOptions { owner_labels: vec![("owner/name".into(), "unit".into())], ..DeleteOptions::default() };
    let pruned = cluster.manager.prune(old.without(&new), &new, &delete).await;
    assert_eq!(pruned.changes.to_string(), "ConfigMap/apps/moved skipped\nConfigMap/apps/gone deleted");
    assert!(pruned.error().is_none() && pruned.survivors.is_empty());
    assert!(cluster.get("v1", "ConfigMap", "apps", "gone").await.is_none());
    assert!(cluster.get("v1", "ConfigMap", "apps", "moved").await.is_some());
    cluster.stop().await;
}

#[tokio::test]
async fn immutable_fields_need_force() {
    let cluster = Cluster::start().await;
    let mut definition = crd();
    let rule = json!([{"rule": "self == oldSelf", "message": "Value is immutable"}]);
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"]["x-kubernetes-validations"] =
        rule;
    let thing = |size: i64| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "default"}, "spec": {"size": size}});
    let first = cluster.manager.apply_staged(vec![definition, thing(1)], &options()).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    assert_eq!(first.changes.entries[1].action, Action::Created);
    let refused = cluster.manager.apply_staged(vec![thing(2)], &options()).await;
    let error = refused.error.expect("immutable").to_string();
    assert!(
        error.starts_with("Thing/default/a dry-run failed (Invalid): ") && error.contains("Value is immutable"),
        "{error}"
    );
    let forced =
        cluster.manager.apply_staged(vec![thing(2)], &flux_apply::ApplyOptions { force: true, ..options() }).await;
    assert!(forced.error.is_none(), "{:?}", forced.error);
    let live = cluster.get("example.com/v1", "Thing", "default", "a").await.expect("recreated");
    assert_eq!(live["spec"]["size"], 2);
    cluster.stop().await;
}

#[tokio::test]
async fn metadata_steers_single_objects() {
    let cluster = Cluster::start().await;
    let annotated = |name: &str, value: &str, policy: &str| {
        let mut map = config_map("default", name, value);
        map["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/ssa": policy});
        map
    };
    let mut options = options();
    options.if_not_present = vec![("kustomize.toolkit.fluxcd.io/ssa".into(), "IfNotPresent".into())];
    options.exclusions = vec![("kustomize.toolkit.fluxcd.io/ssa".into(), "Ignore".into())];
    let first = cluster
        .manager
        .apply_staged(vec![annotated("once", "1", "IfNotPresent"), annotated("never", "1", "ignore")], &options)
        .await;
    assert_eq!(first.changes.to_string(), "ConfigMap/default/never skipped\nConfigMap/default/once created");
    let second = cluster.manager.apply_staged(vec![annotated("once", "2", "IfNotPresent")], &options).await;
    assert_eq!(second.changes.to_string(), "ConfigMap/default/once skipped");
    assert!(cluster.get("v1", "ConfigMap", "default", "never").await.is_none());
    cluster.stop().await;
}
