use super::spec::split_path;
use super::*;

#[test]
fn paths_split_with_escapes() {
    assert_eq!(split_path("/a/b", '/'), ["a", "b"]);
    assert_eq!(split_path(r"metadata/annotations/x\/y", '/'), ["metadata", "annotations", "x/y"]);
    assert_eq!(split_path("", '/'), [""]);
}

#[test]
fn merging_keeps_what_is_covered_and_finds_conflicts() {
    let own = Config::from_file("commonLabels:\n- {path: a/b, create: true, kind: X}\n").unwrap();
    let merged = Config::builtin().merge(&own).unwrap();
    assert_eq!(merged.common_labels.len(), Config::builtin().common_labels.len() + 1);
    let again = merged.merge(&own).unwrap();
    assert_eq!(again.common_labels.len(), merged.common_labels.len());
    let other = Config::from_file("commonLabels:\n- {path: a/b, kind: X}\n").unwrap();
    let error = merged.merge(&other).unwrap_err().to_string();
    assert_eq!(error, "failed to merge CommonLabels fieldSpec: conflicting fieldspecs");
}

#[test]
fn the_built_in_rules_survive_being_merged_into_nothing() {
    assert_eq!(Config::default().merge(&Config::builtin()).unwrap(), *Config::builtin());
}

#[test]
fn unknown_fields_of_a_configuration_are_refused() {
    let error = Config::from_file("namoPrefix: []\n").unwrap_err().to_string();
    assert_eq!(error, "error unmarshaling JSON: while decoding JSON: json: unknown field \"namoPrefix\"");
}

#[test]
fn crds_give_rules() {
    let text = r#"{"x.Bee": {"Schema": {"properties": {"apiVersion": {}, "kind": {}, "metadata": {}, "spec": {"$ref": "x.Spec"}}}},
        "x.Spec": {"Schema": {"properties": {"keyRef": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret"}, "self": {"$ref": "x.Other"}}}}}"#;
    let config = from_crds(text, "f").unwrap();
    assert_eq!(config.name_reference.len(), 1);
    assert_eq!(config.name_reference[0].referrers[0].path(), "spec/keyRef/name");
}
