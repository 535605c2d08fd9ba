use std::collections::BTreeMap;

use serde_json::json;

use super::json::{GoType, decode, go_struct};
use super::{print, regex};

go_struct! {
    struct Inner as "Inner" {
        "pairs" omit pairs: BTreeMap<String, String>,
        "count" keep count: i64,
    }
}

go_struct! {
    struct Outer as "Outer" {
        "namePrefix" omit name_prefix: String,
        "labels" omit labels: Vec<Inner>,
    }
}

#[test]
fn names_match_without_case_and_null_is_ignored() {
    let outer: Outer = decode(&json!({"NAMEPREFIX": "a", "labels": null}), true).unwrap();
    assert_eq!(outer.name_prefix, "a");
    assert_eq!(outer.encode(), json!({"namePrefix": "a"}));
}

#[test]
fn errors_are_go_s() {
    let check = |value, expected| assert_eq!(decode::<Outer>(&value, true).unwrap_err(), expected);
    check(json!({"x": 1}), "json: unknown field \"x\"");
    check(
        json!({"labels": [{"pairs": {"a": true}}]}),
        "json: cannot unmarshal bool into Go struct field Inner.labels.pairs of type string",
    );
    check(
        json!({"namePrefix": 1}),
        "json: cannot unmarshal number into Go struct field Outer.namePrefix of type string",
    );
    check(
        json!({"labels": [{"count": 1.5}]}),
        "json: cannot unmarshal number 1.5 into Go struct field Inner.labels.count of type int64",
    );
    check(json!([]), "json: cannot unmarshal array into Go value of type types.Outer");
}

#[test]
fn quoting() {
    assert_eq!(print::quote("a\"\n\u{7f}é"), "\"a\\\"\\n\\x7fé\"");
    assert_eq!(print::json_text(&json!({"a": "<&>"})), "{\"a\":\"\\u003c\\u0026\\u003e\"}");
}

#[test]
fn patterns_written_for_go_compile() {
    for (pattern, text, matches) in [
        ("nginx{a}", "nginx{a}", true),
        ("a{2}", "aa", true),
        ("[[:alpha:]]+", "abc", true),
        ("[^]]x", "ax", true),
        (r"\d+", "\u{661}", false),
        (r"a\.b", "a.b", true),
        ("x{,2}", "x{,2}", true),
    ] {
        assert_eq!(regex::anchored(pattern).unwrap().is_match(text), matches, "{pattern}");
    }
    assert!(regex::compile("[").is_err());
}
