use super::*;
use crate::KINDS;

#[test]
fn every_kind_has_a_definition() {
    let definitions = crds().expect("embedded data is sound");
    let found: Vec<_> = definitions.iter().map(|d| d["spec"]["names"]["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(found, KINDS.iter().map(|info| info.kind).collect::<Vec<_>>());
    for (definition, info) in definitions.iter().zip(KINDS) {
        assert_eq!(definition["spec"]["group"], info.group);
        assert_eq!(definition["spec"]["names"]["plural"], info.plural);
        assert_eq!(definition["metadata"]["name"], format!("{}.{}", info.plural, info.group));
        let stored = definition["spec"]["versions"].as_array().into_iter().flatten().find(|v| v["storage"] == true);
        assert_eq!(stored.map(|v| v["name"].clone()), Some(json!(info.version)));
    }
}

#[test]
fn every_field_is_described() {
    for definition in crds().expect("embedded data is sound") {
        assert_eq!(undescribed(&definition), Vec::<String>::new());
    }
}

#[test]
fn image_kinds_serve_the_dropped_version() {
    for definition in crds().expect("embedded data is sound") {
        let versions: Vec<_> = definition["spec"]["versions"].as_array().into_iter().flatten().collect();
        let expected = if definition["spec"]["group"] == IMAGE_GROUP { 2 } else { 1 };
        assert_eq!(versions.len(), expected);
        assert_eq!(versions.iter().filter(|v| v["storage"] == true).count(), 1);
    }
}

/// A value that has every field of a schema.
fn sample(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") if schema["properties"].is_object() => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members.map(|(name, property)| (name.clone(), member(name, property))).collect::<Map<_, _>>().into()
        }
        Some("object") => json!({ "key": sample(&schema["additionalProperties"]) }),
        Some("array") => json!([sample(&schema["items"])]),
        Some("boolean") => json!(true),
        Some("integer") => json!(7),
        Some("string") if schema["format"] == "date-time" => json!("2026-01-02T03:04:05Z"),
        Some("string") if is_duration(schema) => json!("1m30s"),
        Some("string") => json!("text"),
        _ => json!({ "any": ["thing", 1] }),
    }
}

/// Durations in a status have no pattern that tells them apart.
fn member(name: &str, property: &Value) -> Value {
    if name.ends_with("Duration") { json!("1.5s") } else { sample(property) }
}

fn is_duration(schema: &Value) -> bool {
    schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with("^([0-9]+(\\.[0-9]+)?(ms|s|m"))
}

fn round_trip<K: serde::Serialize + serde::de::DeserializeOwned>(definition: &Value) -> K {
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut value = sample(schema);
    let kind = definition["spec"]["names"]["kind"].clone();
    let group = definition["spec"]["group"].as_str().unwrap_or_default();
    let version = definition["spec"]["versions"][0]["name"].as_str().unwrap_or_default();
    value["apiVersion"] = json!(format!("{group}/{version}"));
    value["kind"] = kind;
    value["metadata"] = json!({ "name": "sample", "namespace": "default" });
    let typed: K = serde_json::from_value(value.clone()).expect("the type reads what the schema allows");
    let again = serde_json::to_value(&typed).expect("types print");
    assert_eq!(again, value);
    typed
}

#[test]
fn types_carry_every_field() {
    macro_rules! all {
        ($($kind:ident),+) => {
            for definition in base_crds().expect("embedded data is sound") {
                match definition["spec"]["names"]["kind"].as_str() {
                    $(Some(stringify!($kind)) => {
                        let typed = round_trip::<crate::$kind>(&definition);
                        assert_eq!(typed.spec.unknown.keys().collect::<Vec<_>>(), Vec::<&String>::new());
                    })+
                    other => panic!("kind {other:?} has no type"),
                }
            }
        };
    }
    all!(
        GitRepository,
        OCIRepository,
        Bucket,
        HelmRepository,
        HelmChart,
        ExternalArtifact,
        ArtifactGenerator,
        Kustomization,
        HelmRelease,
        Receiver,
        Alert,
        Provider,
        ImageRepository,
        ImagePolicy,
        ImageUpdateAutomation
    );
}

#[test]
fn an_unknown_spec_field_is_kept_apart() {
    let value = json!({ "spec": { "interval": "1m", "brandNew": { "a": 1 } } });
    let unit: crate::Kustomization = serde_json::from_value(value).expect("lenient");
    assert_eq!(unit.spec.unknown.keys().collect::<Vec<_>>(), ["brandNew"]);
}

#[test]
fn an_unknown_enum_value_is_kept() {
    let value = json!({ "spec": { "deletionPolicy": "Explode" } });
    let unit: crate::Kustomization = serde_json::from_value(value).expect("lenient");
    assert_eq!(unit.spec.deletion_policy, Some(crate::kustomize::DeletionPolicy::Other("Explode".into())));
}

#[test]
fn files_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for definition in crds().expect("embedded data is sound") {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let path = folder.join(format!("{}_{}.yaml", text("/spec/group"), text("/spec/names/plural")));
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        let (_, body) = file.split_once("---\n").unwrap_or_default();
        assert!(body == flux_yaml::emit_v2(&definition), "{} is stale: cargo xtask gen crds", path.display());
        let read = flux_yaml::yaml_to_json(&file).expect("the file is YAML");
        assert_eq!(read, definition);
    }
}
