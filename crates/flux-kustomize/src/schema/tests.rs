use super::*;

fn keys(schema: &Schema, api_version: &str, kind: &str, path: &[&str]) -> Option<Vec<String>> {
    let start = schema.resource(api_version, kind)?;
    let found = path.iter().try_fold(start, |at, step| if *step == "[]" { at.items() } else { at.field(step) })?;
    found.merge_keys().map(|keys| keys.into_iter().map(str::to_owned).collect())
}

#[test]
fn compiled_facts() {
    let schema = Schema::default();
    let containers = ["spec", "template", "spec", "containers"];
    assert_eq!(keys(&schema, "apps/v1", "Deployment", &containers), Some(vec!["name".to_owned()]));
    let ports = ["spec", "ports"];
    assert_eq!(keys(&schema, "v1", "Service", &ports), Some(vec!["port".to_owned(), "protocol".to_owned()]));
    let args = ["spec", "template", "spec", "containers", "[]", "args"];
    assert_eq!(keys(&schema, "apps/v1", "Deployment", &args), None);
    assert_eq!(keys(&schema, "v1", "Pod", &["metadata", "finalizers"]), Some(Vec::new()));
    assert!(schema.resource("example.com/v1", "Thing").is_none());
    assert!(schema.is_cluster_scoped("v1", "Namespace"));
    assert!(!schema.is_cluster_scoped("v1", "Pod"));
    assert!(!schema.is_cluster_scoped("example.com/v1", "Thing"));
}

#[test]
fn tables_are_sorted() {
    assert!(ROOTS.windows(2).all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)));
    assert!(DEFINITIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(CLUSTER_SCOPED.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(TYPES.iter().all(|kind| kind.fields.windows(2).all(|pair| pair[0].0 < pair[1].0)));
}

#[test]
fn a_custom_schema_adds_kinds_and_refers_to_compiled_ones() {
    let schema = parse(
        r##"{"definitions": {"v1.Thing": {
            "properties": {
                "parts": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "id"},
                "pod": {"$ref": "#/definitions/io.k8s.api.core.v1.PodSpec"},
                "next": {"$ref": "#/definitions/v1.Thing"}
            },
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}]
        }}, "paths": {"/apis/example.com/v1/things": {"get": {"x-kubernetes-group-version-kind": {"group": "example.com", "version": "v1", "kind": "Thing"}}}}}"##,
        false,
    )
    .unwrap();
    assert_eq!(keys(&schema, "example.com/v1", "Thing", &["next", "next", "parts"]), Some(vec!["id".to_owned()]));
    assert_eq!(keys(&schema, "example.com/v1", "Thing", &["pod", "containers"]), Some(vec!["name".to_owned()]));
    assert!(schema.is_cluster_scoped("example.com/v1", "Thing"));
    assert!(schema.resource("apps/v1", "Deployment").is_some());
}

#[test]
fn a_document_may_take_the_place_of_the_compiled_types() {
    let text = r##"{"definitions": {"v1.Thing": {"properties": {"pod": {"$ref": "#/definitions/io.k8s.api.core.v1.PodSpec"}},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}]}}}"##;
    let keys = |bare: bool| {
        let schema = parse(text, bare).unwrap();
        let pod = schema.resource("example.com/v1", "Thing").unwrap().field("pod");
        let merged =
            pod.and_then(|pod| pod.field("containers")).and_then(|list| list.merge_keys().map(|keys| keys.len()));
        (schema.resource("apps/v1", "Deployment").is_some(), merged, schema.is_cluster_scoped("v1", "Namespace"))
    };
    assert_eq!(keys(false), (true, Some(1), true));
    assert_eq!(keys(true), (false, None, true));
}
