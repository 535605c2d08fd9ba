use std::collections::BTreeMap;

use flux_yaml::{Node, ParseOptions, Schema as YamlSchema, Tag, to_json};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fieldspec::{self, Make, set_text};
use super::image::ImageFilter;
use super::json_patch::JsonPatch;
use super::path::{self, LookupKind, smart_split};
use super::ref_var::{VarValue, expand};
use super::value_add;
use crate::config::FieldSpec;
use crate::node::{Shape, raw};
use crate::types::Image;

fn parse(text: &str) -> Node {
    flux_yaml::parse_one(text, &ParseOptions::default()).unwrap().unwrap()
}

fn json_of(node: &Node) -> Value {
    to_json(node, YamlSchema::V3).unwrap()
}

fn set(text: &str, path: &str, create: bool) -> Result<Value, String> {
    let mut node = parse(text);
    fieldspec::apply(&mut node, &FieldSpec::any(path, create), Make::Text, &mut |field| set_text(field, "new"))
        .map_err(|error| error.to_string())?;
    Ok(json_of(&node))
}

#[test]
fn rules_walk_through_lists_and_make_fields() {
    assert_eq!(set("a: [{b: 1}, {b: 2}]", "a/b", false), Ok(json!({"a": [{"b": "new"}, {"b": "new"}]})));
    assert_eq!(set("a: {}", "a/b/c", true), Ok(json!({"a": {"b": {"c": "new"}}})));
    assert_eq!(set("a: {}", "a/b/c", false), Ok(json!({"a": {}})));
    assert_eq!(set("a: null", "a/b", true), Ok(json!({"a": {"b": "new"}})));
    assert_eq!(set("a: null", "a[]/b", false), Ok(json!({"a": []})));
    assert_eq!(set("x/y: 1", r"x\/y", false), Ok(json!({"x/y": "new"})));
    let error = set("kind: K\nmetadata: {name: n}\na: text", "a/b", false).unwrap_err();
    assert_eq!(
        error,
        "considering field 'a/b' of object K.[noVer].[noGrp]/n.[noNs]: expected sequence or mapping node"
    );
}

#[test]
fn images() {
    let check = |image: &str, rule: Image, expected: &str| {
        let mut node = parse(&format!("spec: {{containers: [{{image: '{image}'}}]}}"));
        ImageFilter::new(&rule).apply_anywhere(&mut node).unwrap();
        assert_eq!(
            raw(node.lookup(&["spec", "containers"]).unwrap().as_sequence().unwrap().items[0].get("image").unwrap()),
            expected
        );
    };
    let named = |name: &str| Image { name: name.into(), ..Image::default() };
    check("nginx:1", Image { new_tag: "2".into(), ..named("nginx") }, "nginx:2");
    check("h:5/a/b:1@sha256:cc", Image { new_tag: "2".into(), ..named("h:5/a/b") }, "h:5/a/b:2");
    check("nginx@sha256:cc", Image { new_name: "x".into(), ..named("nginx") }, "x@sha256:cc");
    check("nginx:1@sha256:cc", Image { tag_suffix: "-s".into(), ..named("nginx") }, "nginx:1-s");
    check("mynginx:1", Image { new_tag: "2".into(), ..named("nginx") }, "mynginx:1");
    check("nginx:1", Image { new_tag: "2".into(), ..named("[") }, "nginx:1");
}

#[test]
fn json_patches() {
    let apply = |document: Value, patch: &str| {
        let mut document = document;
        JsonPatch::parse(patch)
            .and_then(|patch| patch.apply(&mut document))
            .map(|()| document)
            .map_err(|error| error.to_string())
    };
    let document = || json!({"a": [1, 2], "b": {"c/d": 1}});
    assert_eq!(
        apply(document(), "[{op: add, path: /a/-, value: 3}]".trim_start_matches('[').trim_end_matches(']')),
        Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch".into())
    );
    assert_eq!(apply(document(), "- {op: add, path: /a/-, value: 3}"), Ok(json!({"a": [1, 2, 3], "b": {"c/d": 1}})));
    assert_eq!(apply(document(), "- {op: remove, path: /a/-1}"), Ok(json!({"a": [1], "b": {"c/d": 1}})));
    assert_eq!(
        apply(document(), "- {op: replace, path: /b/c~1d, value: 2}"),
        Ok(json!({"a": [1, 2], "b": {"c/d": 2}}))
    );
    assert_eq!(
        apply(document(), "- {op: replace, path: /b/new, value: 2}"),
        Ok(json!({"a": [1, 2], "b": {"c/d": 1, "new": 2}}))
    );
    assert_eq!(apply(document(), "- {op: move, from: /b, path: /a/0}"), Ok(json!({"a": [{"c/d": 1}, 1, 2]})));
    assert_eq!(
        apply(document(), "- {op: copy, from: /a/1, path: /x}\n- {op: test, path: /x, value: 2.0}").unwrap()["x"],
        json!(2)
    );
    let fails = |patch: &str, expected: &str| assert_eq!(apply(document(), patch).unwrap_err(), expected);
    fails(
        "- {op: add, path: /a/9, value: 3}",
        "error in add for path: '/a/9': Unable to access invalid index: 9: invalid index referenced",
    );
    fails(
        "- {op: add, path: /x/y, value: 3}",
        "add operation does not apply: doc is missing path: \"/x/y\": missing value",
    );
    fails(
        "- {op: remove, path: /x}",
        "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    );
    fails("- {op: test, path: /a/0, value: 2}", "testing value /a/0 failed: test failed");
    fails("- {op: jump, path: /a}", "Unexpected kind: jump");
    fails(
        "- {op: remove, path: /a/x}",
        "error in remove for path: '/a/x': strconv.Atoi: parsing \"x\": invalid syntax",
    );
}

#[test]
fn paths_split_and_lead() {
    assert_eq!(smart_split("a.[b.c].[n=x.y].0", '.'), ["a", "b.c", "[n=x.y]", "0"]);
    assert_eq!(smart_split(r"data.a\.b", '.'), ["data", "a.b"]);
    let mut node = parse("a: [{n: x, v: 1}, {n: y, v: 2}]");
    let found = |path: &str| path::lookup(&node, &smart_split(path, '.')).unwrap().map(raw).map(str::to_owned);
    assert_eq!(found("a.[n=y].v"), Some("2".into()));
    assert_eq!(found("a.1.n"), Some("y".into()));
    assert_eq!(found("a.-.n"), Some("y".into()));
    assert_eq!(found("a.7.n"), None);
    assert!(path::lookup(&node, &smart_split("a.*.n", '.')).is_err());
    let path: Vec<String> = ["a", "*", "v"].map(str::to_owned).into();
    let count = path::visit(&mut node, &path, None, &mut |field| set_text(field, "9")).unwrap();
    assert_eq!((count, json_of(&node)), (2, json!({"a": [{"n": "x", "v": 9}, {"n": "y", "v": 9}]})));
    let made =
        path::lookup_create(&mut node, &smart_split("b.[n=z].w", '.'), LookupKind::Create(Shape::Scalar)).unwrap();
    set_text(made.unwrap(), "1").unwrap();
    assert_eq!(json_of(&node)["b"], json!([{"n": "z", "w": 1}]));
}

#[test]
fn vars_expand() {
    let value = |text: &str, tag| VarValue { text: text.into(), tag };
    let values: BTreeMap<String, VarValue> = [
        ("A".to_owned(), value("x", Some(Tag::Str))),
        ("N".to_owned(), value("8", Some(Tag::Int))),
        ("M".to_owned(), value("", None)),
    ]
    .into();
    let check = |text: &str, expected: &str| assert_eq!(expand(text, &values).text, expected, "{text}");
    check("-$(A)-$(B)-", "-x-$(B)-");
    check("$$(A)", "$(A)");
    check("$(A", "$(A");
    check("a$", "a$");
    check("$x$(A)", "$xx");
    check("$(M)", "$(M)");
    assert_eq!(expand("$(N)", &values).tag, Some(Tag::Int));
    assert_eq!(expand("a$(N)", &values).tag, Some(Tag::Str));
}

#[test]
fn values_are_added_to_paths() {
    let check = |old: &str, position, expected: &str| {
        let mut node = parse(&format!("a: '{old}'"));
        value_add::apply(&mut node, "P", "a", position).unwrap();
        assert_eq!(raw(node.get("a").unwrap()), expected);
    };
    check("pie", 0, "P");
    check("/pie", 1, "/P/pie");
    check("a/b", 2, "a/P/b");
    check("a/b", 99, "a/b/P");
    check("", 3, "P");
}

proptest! {
    #[test]
    fn patches_from_anywhere_never_panic(text in "\\PC{0,60}") {
        let _ = JsonPatch::parse(&text);
    }

    #[test]
    fn paths_from_anywhere_never_panic(path in "[a.\\[\\]=*0-9\\\\-]{0,20}") {
        let mut node = parse("a: [{n: x}, [1], null]\n'0': 1\n");
        let parts = smart_split(&path, '.');
        let _ = path::lookup(&node, &parts);
        let _ = path::visit(&mut node, &parts, Some(Shape::Scalar), &mut |_| Ok(()));
        let _ = path::lookup_create(&mut node, &parts, LookupKind::Create(Shape::Mapping));
    }

    #[test]
    fn expanding_never_panics(text in "[$()AN x]{0,20}") {
        let values = [("A".to_owned(), VarValue { text: "$(A)".into(), tag: Some(Tag::Str) })].into();
        let _ = expand(&text, &values);
    }
}
