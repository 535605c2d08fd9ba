//! Shapes of built-in kinds.

use serde_json::json;

use super::*;

fn pod(spec: serde_json::Value) -> Result<Shaped, Misfit> {
    shape(kind_of("", "v1", "Pod").unwrap(), json!({"apiVersion": "v1", "kind": "Pod", "spec": spec}))
}

#[test]
fn empty_values_follow_the_go_tags() {
    let shaped =
        pod(json!({"containers": [{"name": "c", "stdin": false, "ports": []}], "hostNetwork": false})).unwrap();
    let expected = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {}, "status": {},
        "spec": {"containers": [{"name": "c", "resources": {}}]},
    });
    assert_eq!(shaped.value, expected);
    assert!(shaped.unknown.is_empty());
}

#[test]
fn unknown_fields_are_named_and_dropped() {
    let shaped = pod(json!({"containers": [{"name": "c", "bogus": 1}], "extra": {}})).unwrap();
    assert_eq!(shaped.unknown, ["spec.containers[0].bogus", "spec.extra"]);
}

#[test]
fn wrong_types_are_refused_in_go_words() {
    let misfit = pod(json!({"containers": "x"})).err().unwrap();
    assert_eq!(
        misfit.0,
        "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container"
    );
    let misfit = pod(json!({"containers": [], "terminationGracePeriodSeconds": 1.5})).err().unwrap();
    assert_eq!(
        misfit.0,
        "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64"
    );
}

#[test]
fn quantities_take_their_canonical_form() {
    for (given, expected) in [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("100", "100"),
        ("1e3", "1e3"),
        ("1000", "1k"),
        ("0", "0"),
        ("12345678", "12345678"),
        ("0.1Ki", "102400m"),
        ("-1500m", "-1500m"),
        ("1Ki", "1Ki"),
        ("512", "512"),
        ("0.0000000001", "1n"),
        ("128974848", "128974848"),
        ("129e6", "129e6"),
        ("129M", "129M"),
        ("1500Mi", "1500Mi"),
    ] {
        assert_eq!(canonical_quantity(given).as_deref(), Ok(expected), "{given}");
    }
    assert!(canonical_quantity("x").is_err());
    assert_eq!(canonical_quantity("1x"), canonical_quantity("x"));
    assert_eq!(canonical_quantity("1ei"), Err("unable to parse quantity's suffix"));
}
