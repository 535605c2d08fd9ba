use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn canonical_text_has_fields_before_keys_values_and_indices() {
    let text = r#"{"i:1":{},"v:true":{},"k:{\"b\":1,\"a\":\"x\"}":{".":{},"f:a":{}},"f:z":{}}"#;
    let set = Set::parse(text).unwrap();
    assert_eq!(set.to_json(), r#"{"f:z":{},"k:{\"a\":\"x\",\"b\":1}":{".":{},"f:a":{}},"v:true":{},"i:1":{}}"#);
    assert_eq!(Set::from_value(&set.to_value()).unwrap(), set);
}

#[test]
fn values_are_escaped_as_html_and_names_are_not() {
    let element = PathElement::value(json!("<&>\u{2028}"));
    assert_eq!(element.encode(), r#"v:"\u003c\u0026\u003e\u2028""#);
    assert_eq!(PathElement::key(vec![(Arc::from("<"), json!("<"))]).encode(), r#"k:{"<":"\u003c"}"#);
}

#[test]
fn numbers_are_equal_whatever_their_spelling() {
    assert_eq!(parse_element("v:1").unwrap(), parse_element("v:1.0").unwrap());
    assert_eq!(parse_element("v:1e21").unwrap().unwrap().encode(), "v:1e+21");
    assert_eq!(parse_element("v:1.5e-7").unwrap().unwrap().encode(), "v:1.5e-7");
    assert_eq!(parse_element("v:12345678901234567").unwrap().unwrap().encode(), "v:12345678901234568");
}

#[test]
fn malformed_elements_are_refused_and_unknown_kinds_skipped() {
    for text in ["", "f", "fx", "i:", "i:1.5", "i: 1", "v:", "v:{}x", "k:[]", "k:{", "é:x"] {
        assert!(parse_element(text).is_err(), "{text}");
    }
    assert!(parse_element("z:1").unwrap().is_none());
}

#[test]
fn differences_treat_parents_and_children_apart() {
    let set = |text: &str| Set::parse(text).unwrap();
    let a = set(r#"{"f:a":{".":{},"f:b":{}},"f:c":{}}"#);
    let b = set(r#"{"f:a":{}}"#);
    assert_eq!(a.difference(&b), set(r#"{"f:a":{"f:b":{}},"f:c":{}}"#));
    assert_eq!(a.recursive_difference(&b), set(r#"{"f:c":{}}"#));
    assert_eq!(a.leaves().to_json(), r#"{"f:a":{"f:b":{}},"f:c":{}}"#);
    assert_eq!(a.len(), 3);
}

fn elements() -> impl Strategy<Value = PathElement> {
    prop_oneof![
        "[a-c]{1}".prop_map(|name| PathElement::field(&name)),
        (0..3i64).prop_map(PathElement::Index),
        (0..3i64).prop_map(|value| PathElement::value(json!(value))),
        ("[a-b]{1}", 0..2i64).prop_map(|(name, value)| PathElement::key(vec![(Arc::from(name), json!(value))])),
    ]
}

fn sets() -> impl Strategy<Value = Set> {
    prop::collection::vec(prop::collection::vec(elements(), 1..4), 0..12).prop_map(|paths| {
        let mut set = Set::new();
        paths.iter().for_each(|path| set.insert(path));
        set
    })
}

proptest! {
    #[test]
    fn sets_obey_the_laws_of_sets(a in sets(), b in sets()) {
        let paths = |set: &Set| set.paths().into_iter().collect::<std::collections::BTreeSet<_>>();
        let (pa, pb) = (paths(&a), paths(&b));
        prop_assert_eq!(paths(&a.union(&b)), pa.union(&pb).cloned().collect());
        prop_assert_eq!(paths(&a.intersection(&b)), pa.intersection(&pb).cloned().collect());
        prop_assert_eq!(paths(&a.difference(&b)), pa.difference(&pb).cloned().collect());
        prop_assert_eq!(&Set::parse(&a.to_json()).unwrap(), &a);
        prop_assert_eq!(&Set::from_value(&a.to_value()).unwrap(), &a);
    }

    #[test]
    fn reading_never_panics(text in "\\PC*") {
        let _ = Set::parse(&text);
        let _ = parse_element(&text);
    }
}
