use std::collections::BTreeSet;

use flux_yaml::{ParseOptions, Schema as YamlSchema, from_json, to_json};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BUILD: MergeOptions = MergeOptions { infer_associative_lists: false, prepend: true };

fn parse(text: &str) -> Node {
    flux_yaml::parse_one(text, &ParseOptions::default()).unwrap().unwrap_or_else(Node::null)
}

fn merged(target: &str, patch: &str) -> Value {
    match merge(parse(target), parse(patch), &Schema::default(), BUILD).unwrap() {
        Some(mut node) => {
            node::settle(&mut node);
            to_json(&node, YamlSchema::V3).unwrap()
        }
        None => Value::Null,
    }
}

fn pod(body: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nspec: {body}\n")
}

fn check(target: &str, patch: &str, expected: Value) {
    assert_eq!(merged(&pod(target), &pod(patch))["spec"], expected, "{target} + {patch}");
}

#[test]
fn keyed_lists_merge_with_new_elements_first() {
    check(
        "{containers: [{name: a, image: x}, {name: b}]}",
        "{containers: [{name: c}, {name: a, tty: true}]}",
        json!({"containers": [{"name": "c"}, {"name": "a", "image": "x", "tty": true}, {"name": "b"}]}),
    );
}

#[test]
fn other_lists_are_replaced_and_nulls_remove() {
    check(
        "{containers: [{name: a, args: [x, y]}]}",
        "{containers: [{name: a, args: [z]}]}",
        json!({"containers": [{"name": "a", "args": ["z"]}]}),
    );
    check("{a: 1, b: {c: 2}}", "{a: null, b: {c: null, d: 3}}", json!({"b": {"d": 3}}));
    // A null that was written stays, one left blank goes.
    check("{a: null, b: ~, c: }", "{d: 1}", json!({"a": null, "b": null, "d": 1}));
}

#[test]
fn directives() {
    check("{a: {b: 1}}", "{a: {$patch: delete}}", json!({}));
    check("{a: {b: 1}}", "{a: {$patch: replace, c: 2}}", json!({"a": {"c": 2}}));
    check(
        "{containers: [{name: a}, {name: b}]}",
        "{containers: [{name: a, $patch: delete}]}",
        json!({"containers": [{"name": "b"}]}),
    );
    check(
        "{containers: [{name: a}]}",
        "{containers: [{$patch: replace}, {name: b}]}",
        json!({"containers": [{"name": "b"}]}),
    );
    assert_eq!(merged(&pod("{}"), "apiVersion: v1\nkind: Pod\n$patch: delete\n"), Value::Null);
    let unknown = merge(parse(&pod("{a: {}}")), parse(&pod("{a: {$patch: x}}")), &Schema::default(), BUILD);
    assert_eq!(unknown.unwrap_err().to_string(), "unknown patch strategy 'x'");
    // Unknown directives are fields like any other.
    check("{a: 1}", "{$retainKeys: [a]}", json!({"a": 1, "$retainKeys": ["a"]}));
}

#[test]
fn a_quoted_field_stays_a_string() {
    check("{a: \"1\", b: 1}", "{a: 2, b: \"2\"}", json!({"a": "2", "b": "2"}));
}

#[test]
fn shapes_must_agree() {
    let error = merge(parse(&pod("{a: {b: 1}}")), parse(&pod("{a: [x]}")), &Schema::default(), BUILD).unwrap_err();
    assert_eq!(error.to_string(), "wrong node kind: expected MappingNode but got SequenceNode: node contents:\n[x]\n");
}

#[test]
fn ports_match_by_the_keys_they_have() {
    let ports = |list: &str| format!("{{containers: [{{name: a, ports: {list}}}]}}");
    check(
        &ports("[{containerPort: 1, name: x}, {containerPort: 2}]"),
        &ports("[{containerPort: 3}, {containerPort: 2, name: y}]"),
        json!({"containers": [{"name": "a", "ports": [
            {"containerPort": 3}, {"containerPort": 2, "name": "y"}, {"containerPort": 1, "name": "x"},
        ]}]}),
    );
    // Where only some elements have the second key, upstream loses the patch.
    check(
        &ports("[{containerPort: 1, name: x}, {containerPort: 2, protocol: UDP}]"),
        &ports("[{containerPort: 1, protocol: TCP}, {containerPort: 2, name: y}]"),
        json!({"containers": [{"name": "a", "ports": [
            {"containerPort": 1, "name": "x"}, {"containerPort": 2, "protocol": "UDP"},
        ]}]}),
    );
}

fn list() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0_u8..6, 0_u8..4), 0..6).prop_map(|list| {
        let mut seen = BTreeSet::new();
        list.into_iter().filter(|(name, _)| seen.insert(*name)).collect()
    })
}

fn containers(list: &[(u8, u8)], directive: bool) -> Value {
    let one = |(name, value): &(u8, u8)| match (directive, value) {
        (true, 3) => json!({"name": format!("n{name}"), "$patch": "delete"}),
        _ => json!({"name": format!("n{name}"), "image": format!("i{value}"), format!("f{value}"): value}),
    };
    Value::Array(list.iter().map(one).collect())
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("x")), Just(json!("$patch")), Just(json!("delete"))];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(
                prop_oneof![
                    Just("name"),
                    Just("$patch"),
                    Just("containers"),
                    Just("ports"),
                    Just("a"),
                    Just("containerPort")
                ],
                inner,
                0..4
            )
            .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    /// The linear way and upstream's way give the same list.
    #[test]
    fn both_ways_to_merge_lists_agree(own in list(), new in list(), prepend: bool) {
        let described = comments::CommentTypes::default();
        let schema = Schema::default();
        let options = MergeOptions { prepend, ..BUILD };
        let merger = Merger { schema: &schema, described: &described, options };
        let items = |value: Value| from_json(&value).as_sequence().cloned().unwrap_or_default().items;
        let list = list::testing(&merger, items(containers(&new, true)));
        let own = items(containers(&own, false));
        let plain = list.merge(own.clone()).unwrap();
        let odd = list.merge_odd(own).unwrap();
        let values = |nodes: Vec<Node>| nodes.iter().map(|node| to_json(node, YamlSchema::V3).unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(values(plain), values(odd));
    }

    #[test]
    fn merging_never_panics(target in tree(), patch in tree()) {
        let object = |spec: Value| from_json(&json!({"apiVersion": "v1", "kind": "Pod", "spec": spec, "containers": 1}));
        let _ = merge(object(target), object(patch), &Schema::default(), BUILD);
    }

    #[test]
    fn merging_twice_is_merging_once(target in tree()) {
        let object = from_json(&json!({"apiVersion": "v1", "kind": "Pod", "spec": {"x": target}}));
        let patch = from_json(&json!({"apiVersion": "v1", "kind": "Pod", "spec": {"y": {"z": 1}}}));
        let run = |node: Node| merge(node, patch.clone(), &Schema::default(), BUILD).unwrap().unwrap();
        let once = run(object);
        let twice = run(once.clone());
        prop_assert_eq!(to_json(&once, YamlSchema::V3).unwrap(), to_json(&twice, YamlSchema::V3).unwrap());
    }
}
