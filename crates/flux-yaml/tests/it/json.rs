//! JSON in and out, numbers, places.

use flux_yaml::*;
use serde_json::{Value, json};

#[test]
fn values_print_as_sigs_yaml_prints_them() {
    let check = |value: Value, expect: &str| assert_eq!(marshal_v2(&value).as_deref(), Ok(expect));
    check(json!(null), "null\n");
    check(json!([]), "[]\n");
    check(json!({"a": {}, "b": [[], [1, [2]], {"c": null}]}), "a: {}\nb:\n- []\n- - 1\n  - - 2\n- c: null\n");
    check(json!([u64::MAX, i64::MIN]), "- 18446744073709551615\n- -9223372036854775808\n");
    // The shortest digits that give the float, padded.
    check(json!([9.223372036854776e18, 1.8446744073709552e19]), "- 9223372036854776000\n- 1.8446744073709552e+19\n");
}

#[test]
fn odd_characters_go_through_json_text() {
    assert_eq!(
        marshal_v2(&json!({"a": "\u{7f}"})).unwrap_err().to_string(),
        "yaml: control characters are not allowed"
    );
    assert_eq!(marshal_v2(&json!("a\u{85}b")).as_deref(), Ok("a b\n"));
    assert_eq!(emit_v2(&json!("a\u{7f}")), "\"a\\x7F\"\n");
    let long = "k".repeat(1100);
    let error = marshal_v2(&json!({ long: 1 })).unwrap_err().to_string();
    assert!(error.contains("did not find expected ',' or '}'"), "{error}");
}

#[test]
fn json_comes_back() {
    let value = json!({"a": [1, -2, 2.5, true, null, "yes", "1", "", "multi\nline"], "b": {"c": []}, "1": "x"});
    let node = from_json(&value);
    assert_eq!(to_json(&node, Schema::V3), Ok(value.clone()));
    assert_eq!(to_json(&node, Schema::Yaml11), Ok(value.clone()));
    let text = emit_v3(&node, &EmitOptions::default());
    let again = parse_one(&text, &ParseOptions::default()).unwrap().unwrap();
    assert_eq!(to_json(&again, Schema::V3), Ok(value.clone()));
    assert_eq!(yaml_to_json_strict(&value.to_string()), Ok(value));
}

#[test]
fn infinities_have_no_json() {
    let error = yaml_to_json("a: .inf").unwrap_err().to_string();
    assert_eq!(error, "json: unsupported value: +Inf");
    let error = yaml_to_json("a: .nan").unwrap_err().to_string();
    assert_eq!(error, "json: unsupported value: NaN");
}

#[test]
fn nodes_know_their_places_and_styles() {
    let node = parse_one("a: é\nb:\n  - 'c'\n  - {d: \"e\"}\n", &ParseOptions::default()).unwrap().unwrap();
    let place = |path: &[&str]| node.lookup(path).unwrap().mark.to_string();
    assert_eq!(place(&["a"]), "1:4");
    assert_eq!(place(&["b"]), "3:3");
    let items = &node.get("b").unwrap().as_sequence().unwrap().items;
    assert_eq!(items[0].mark.to_string(), "3:5");
    assert_eq!(items[0].as_scalar().unwrap().style, ScalarStyle::SingleQuoted);
    assert_eq!(items[1].as_mapping().unwrap().style, CollectionStyle::Flow);
    assert_eq!(items[1].get("d").unwrap().mark.to_string(), "4:9");
}

#[test]
fn documents_are_counted_and_empty_ones_are_null() {
    let documents = |text: &str| {
        let nodes = parse(text, &ParseOptions::default()).unwrap();
        nodes.iter().map(|node| to_json(node, Schema::V3).unwrap()).collect::<Vec<_>>()
    };
    assert!(documents("").is_empty());
    assert!(documents("# comment\n").is_empty());
    assert_eq!(documents("---\n"), [Value::Null]);
    assert_eq!(
        documents("---\na: 1\n---\n---\nb\n...\n---\n"),
        [json!({"a": 1}), Value::Null, json!("b"), Value::Null]
    );
    assert_eq!(yaml_to_json("a: 1\n---\n]"), Ok(json!({"a": 1})));
    assert_eq!(yaml_to_json(""), Ok(Value::Null));
}

#[test]
fn aliases_are_kept_or_expanded() {
    let text = "a: &x {b: 1}\nc: *x\n";
    let kept = parse_one(text, &ParseOptions { expand_aliases: false, ..ParseOptions::default() }).unwrap().unwrap();
    assert_eq!(kept.get("c").unwrap().kind, NodeKind::Alias("x".into()));
    assert_eq!(emit_v3(&kept, &EmitOptions::default()), text);
    assert_eq!(to_json(&kept, Schema::V3), Ok(json!({"a": {"b": 1}, "c": {"b": 1}})));
    let merged = "a: &x {b: 1}\nc:\n  <<: *x\n? *x\n: d\n";
    let kept = |text: &str| parse_one(text, &ParseOptions { expand_aliases: false, ..ParseOptions::default() });
    let error = to_json(&kept(merged).unwrap().unwrap(), Schema::V3).unwrap_err().to_string();
    assert!(error.contains("cannot unmarshal !!map into string"), "{error}");
    let merged = kept("a: &x {b: 1}\nc:\n  <<: *x\n").unwrap().unwrap();
    assert_eq!(to_json(&merged, Schema::V3), Ok(json!({"a": {"b": 1}, "c": {"b": 1}})));
    let expanded = parse_one(text, &ParseOptions::default()).unwrap().unwrap();
    assert_eq!(emit_v3(&expanded, &EmitOptions::default()), "a: {b: 1}\nc: {b: 1}\n");
}

#[test]
fn duplicate_keys_can_be_refused_while_parsing() {
    let options = ParseOptions { duplicate_keys: DuplicateKeys::Error, ..ParseOptions::default() };
    let error = parse("a: 1\nb:\n  c: 1\n  c: 2\n", &options).unwrap_err().to_string();
    assert_eq!(error, "yaml: unmarshal errors:\n  line 4: mapping key \"c\" already defined at line 3");
}

#[test]
fn sequences_may_be_indented() {
    let node = parse_one("a:\n- b\n", &ParseOptions::default()).unwrap().unwrap();
    let wide = EmitOptions { indent: 4, compact_sequences: false };
    assert_eq!(emit_v3(&node, &wide), "a:\n    - b\n");
    assert_eq!(emit_v3(&node, &EmitOptions { indent: 2, compact_sequences: false }), "a:\n  - b\n");
}
