use serde_json::json;

use super::*;

#[test]
fn pod_spec_containers_are_keyed_by_name() {
    let spec = crate::schema_for("apps", "v1", "Deployment").unwrap();
    let spec = spec.field("spec").and_then(|spec| spec.field("template")).and_then(|it| it.field("spec")).unwrap();
    assert_eq!(spec.name(), Some("io.k8s.api.core.v1.PodSpec"));
    let containers = spec.field("containers").unwrap();
    let list = containers.node().list.clone().unwrap();
    assert_eq!(list.relationship, Relationship::Associative);
    assert_eq!(list.keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["name"]);
    let ports = containers.element().unwrap().field("ports").unwrap();
    let protocol = ports.element().unwrap();
    let protocol = protocol.node().map.as_ref().unwrap().field("protocol").unwrap();
    assert_eq!(protocol.default.as_deref(), Some(&json!("TCP")));
    let patch = spec.node().map.as_ref().unwrap().field("volumes").unwrap().patch.clone().unwrap();
    assert!(patch.merge && patch.retain_keys && patch.merge_key.as_deref() == Some("name"));
}

#[test]
fn every_served_kind_has_a_type_without_holes() {
    for row in crate::resources() {
        assert!(crate::schema_for(&row.group, &row.version, &row.kind).is_some(), "{row:?}");
    }
    let schema = crate::builtin();
    assert!((0..schema.len()).all(|index| !schema.node(NodeId(index as u32)).undefined));
}

#[test]
fn structural_schema_gets_standard_metadata() {
    let root = Schema::from_structural(&json!({
        "type": "object",
        "properties": {
            "metadata": { "type": "object" },
            "spec": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": true,
                "properties": {
                    "port": { "x-kubernetes-int-or-string": true },
                    "rows": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["id"],
                        "items": { "type": "object", "properties": { "id": { "type": "integer", "default": 7 } } }
                    }
                }
            }
        }
    }))
    .unwrap();
    let owners = root.field("metadata").and_then(|meta| meta.field("ownerReferences")).unwrap();
    assert_eq!(owners.node().list.as_ref().unwrap().keys.len(), 1);
    let spec = root.field("spec").unwrap();
    assert_eq!(spec.field("unheard").unwrap().name(), Some(DEDUCED));
    assert_eq!(spec.field("port").unwrap().node().scalar, Some(Scalar::IntOrString));
    let id = spec.field("rows").unwrap().element().unwrap();
    assert_eq!(id.fields()[0].default.as_deref(), Some(&json!(7)));
    assert!(root.field("unheard").is_none());
}

#[test]
fn hostile_depth_is_refused() {
    let mut schema = json!({ "type": "string" });
    for _ in 0..1000 {
        schema = json!({ "type": "array", "items": schema });
    }
    assert!(matches!(Schema::from_structural(&schema), Err(SchemaError::TooDeep { .. })));
}

#[test]
fn deduced_maps_are_granular_and_lists_atomic() {
    let any = deduced();
    assert_eq!(any.node().map.as_ref().unwrap().relationship, Relationship::Separable);
    assert_eq!(any.node().list.as_ref().unwrap().relationship, Relationship::Atomic);
    assert!(any.schema().is_deduced(any.id()));
}
