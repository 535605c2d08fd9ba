//! Texts made to hurt: each is refused or read within the time of its size.

use flux_yaml::*;
use serde_json::Value;

fn refused(text: &str) -> Error {
    parse(text, &ParseOptions::default()).expect_err("refused")
}

#[test]
fn deep_nesting_is_refused() {
    for opener in ["[", "{a: ", "- ", "? ", "[{a: "] {
        let text = opener.repeat(100_000);
        let error = refused(&text);
        assert!(error.is_limit(), "{opener}: {error}");
        assert!(error.to_string().ends_with("exceeded max depth of 1000"), "{error}");
    }
    let mut steps = String::new();
    for depth in 0..1100 {
        steps.push_str(&" ".repeat(depth));
        steps.push_str("a:\n");
    }
    assert!(refused(&steps).is_limit());
}

/// The deepest allowed tree passes through everything on a thread's ordinary stack.
#[test]
fn the_deepest_tree_works_everywhere() {
    let text = format!("{}x{}", "[".repeat(990), "]".repeat(990));
    let mut node = parse_one(&text, &ParseOptions::default()).unwrap().unwrap();
    let value = to_json(&node, Schema::V3).unwrap();
    assert!(emit_v2(&value).ends_with("- x\n"));
    assert!(marshal_v2(&value).is_ok());
    assert!(emit_v3(&from_json(&value), &EmitOptions::default()).ends_with("- x\n"));
    expand_aliases(&mut node, &Limits::default()).unwrap();
    assert_eq!(node.clone(), node);
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", ")));
    }
    let error = refused(&bomb);
    assert!(error.is_limit());
    assert_eq!(error.to_string(), "yaml: document contains excessive aliasing");
    assert!(yaml_to_json(&bomb).is_err());
    let kept = parse_one(&bomb, &ParseOptions { expand_aliases: false, ..ParseOptions::default() }).unwrap().unwrap();
    assert!(to_json(&kept, Schema::V3).unwrap_err().is_limit());
    // Depth adds up through aliases, too.
    let mut chain = String::from("- &a0 []\n");
    for level in 1..1200 {
        chain.push_str(&format!("- &a{level} [*a{}]\n", level - 1));
    }
    assert!(refused(&chain).is_limit());
}

#[test]
fn merge_bombs_are_refused() {
    let mut bomb = String::from("a0: &a0 {k: v}\n");
    for level in 1..40 {
        bomb.push_str(&format!("a{level}: &a{level}\n  <<: [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1));
    }
    assert!(yaml_to_json(&bomb).unwrap_err().is_limit());
}

#[test]
fn large_and_many() {
    let anchors: String = (0..20_000).map(|n| format!("- &a{n} x\n- *a{n}\n")).collect();
    assert_eq!(
        parse_one(&anchors, &ParseOptions::default()).unwrap().unwrap().as_sequence().unwrap().items.len(),
        40_000
    );
    let scalar = "word ".repeat(400_000);
    for text in [scalar.clone(), format!("'{scalar}'"), format!("\"{scalar}\""), format!("|\n  {scalar}")] {
        let value = yaml_to_json(&text).unwrap();
        assert!(value.as_str().unwrap().len() >= scalar.len() - 1);
        assert!(emit_v2(&value).len() > scalar.len());
    }
    let lines = format!("a{}", "\n  b".repeat(200_000));
    assert_eq!(yaml_to_json(&lines).unwrap().as_str().unwrap().len(), 400_001);
    let keys: String = (0..50_000).map(|n| format!("k{n}: v\n")).collect();
    assert_eq!(yaml_to_json_strict(&keys).unwrap().as_object().unwrap().len(), 50_000);
    let same = "k: v\n".repeat(20_000);
    let node = parse_one(&same, &ParseOptions::default()).unwrap().unwrap();
    let error = to_json(&node, Schema::V3).unwrap_err().to_string();
    assert!(error.lines().count() < 200);
    let comments = "# c\n\n".repeat(50_000) + "a: b\n" + &"# d\n".repeat(50_000);
    let options = ParseOptions { keep_comments: true, ..ParseOptions::default() };
    let document = parse_documents(&comments, &options).unwrap().remove(0);
    assert!(emit_document_v3(&document, &EmitOptions::default()).len() > 300_000);
}

#[test]
fn long_keys_blanks_and_colons() {
    let long = format!("{}: v", "k".repeat(100_000));
    assert!(parse(&long, &ParseOptions::default()).is_err());
    assert_eq!(yaml_to_json(&format!("? {}\n: v", "k".repeat(100_000))).unwrap().as_object().unwrap().len(), 1);
    let blank = format!("a:{}b", " ".repeat(500_000));
    assert_eq!(yaml_to_json(&blank), Ok(serde_json::json!({"a": "b"})));
    assert!(parse(&"a: ".repeat(50_000), &ParseOptions::default()).is_err());
    let colons = "::".repeat(200_000);
    assert_eq!(yaml_to_json(&format!("a{colons}b")).unwrap().as_str().map(str::len), Some(400_002));
    assert!(parse(&"[a: b, ".repeat(900), &ParseOptions::default()).is_err());
    assert!(parse(&"!".repeat(100_000), &ParseOptions::default()).is_ok());
    assert!(parse(&"%TAG !a! b\n".repeat(2), &ParseOptions::default()).is_err());
}

#[test]
fn limits_are_kept() {
    let options = |limits: Limits| ParseOptions { limits, ..ParseOptions::default() };
    let small = options(Limits { max_bytes: 10, ..Limits::default() });
    assert!(parse("a: 0123456789", &small).unwrap_err().is_limit());
    let few = options(Limits { max_documents: 2, ..Limits::default() });
    assert!(parse("---\n---\n---\n", &few).unwrap_err().is_limit());
    let flat = options(Limits { max_depth: 1, ..Limits::default() });
    assert!(parse("a: [b]", &flat).unwrap_err().is_limit());
}

#[test]
fn control_characters_and_bad_bytes() {
    for text in ["a: \0b", "\0", "a: \u{1b}[0m", "# \u{7f}"] {
        assert_eq!(refused(text).to_string(), "yaml: control characters are not allowed");
    }
    assert_eq!(yaml_to_json("\u{FEFF}a: b\r\nc: d\r\n"), Ok(serde_json::json!({"a": "b", "c": "d"})));
    assert!(decode(b"a: \xFF").is_err());
}

#[test]
fn a_value_deeper_than_any_document_still_prints() {
    let mut value = Value::from("x");
    for _ in 0..1500 {
        value = Value::Array(vec![value]);
    }
    assert!(emit_v2(&value).ends_with("- x\n"));
}
