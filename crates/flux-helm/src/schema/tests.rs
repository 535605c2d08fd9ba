//! Texts, drafts, hostile schemas.

use serde_json::{Value, json};

use super::validate;

#[track_caller]
fn check(schema: &Value, value: &Value, expected: &str) {
    let found = validate(schema.to_string().as_bytes(), value).err().unwrap_or_default();
    assert_eq!(found, expected);
}

#[test]
fn scalars_and_texts() {
    let schema = json!({"properties": {"a": {"type": ["integer", "null"]}, "n": {"minimum": 1024, "multipleOf": 0.1}, "s": {"enum": ["x", "it's"]}}});
    check(&schema, &json!({"a": 1.0, "n": 1024.3, "s": "x"}), "");
    let expected = "- at '/a': got string, want null or integer\n- at '/n': minimum: got 3, want 1,024\n- at '/s': value must be one of 'x', 'it\\'s'\n";
    check(&schema, &json!({"a": "1", "n": 3, "s": "y"}), expected);
}

#[test]
fn combinations_nest() {
    let schema =
        json!({"oneOf": [{"required": ["a"]}, {"allOf": [{"required": ["b"]}, {"properties": {"c": false}}]}]});
    let expected = "- at '': 'oneOf' failed, none matched\n  - at '': missing property 'a'\n  - at '': 'allOf' failed\n    - at '': missing property 'b'\n    - at '/c': false schema\n";
    check(&schema, &json!({"c": 1}), expected);
    check(&json!({"not": {}}), &json!(1), "- at '': 'not' failed\n");
    check(
        &json!({"if": {"required": ["k"]}, "then": {"required": ["t"]}}),
        &json!({"k": 1}),
        "- at '': missing property 't'\n",
    );
}

#[test]
fn references_and_dynamic_ones() {
    let tree = json!({
        "$id": "https://example.com/strict", "$ref": "tree", "$dynamicAnchor": "node", "unevaluatedProperties": false,
        "$defs": {"tree": {"$id": "https://example.com/tree", "$dynamicAnchor": "node", "properties": {"children": {"items": {"$dynamicRef": "#node"}}, "data": true}}}
    });
    check(&tree, &json!({"children": [{"data": 1}]}), "");
    assert!(validate(tree.to_string().as_bytes(), &json!({"children": [{"daat": 1}]})).is_err());
    check(
        &json!({"$ref": "#/$defs/x~1y%20z", "$defs": {"x/y z": {"type": "string"}}}),
        &json!(1),
        "- at '': got number, want string\n",
    );
}

#[test]
fn nothing_is_read_from_outside() {
    for url in ["https://example.com/x.json", "file:///etc/passwd", "other.json", "http://169.254.169.254/"] {
        let found = validate(json!({"$ref": url}).to_string().as_bytes(), &json!({})).unwrap_err();
        assert!(found.starts_with("failing loading \""), "{found}");
    }
    check(&json!({"$ref": "urn:unknown:thing"}), &json!(1), "");
    assert!(validate(json!({"$schema": "https://example.com/draft"}).to_string().as_bytes(), &json!(1)).is_err());
}

#[test]
fn hostile_schemas_end() {
    check(&json!({"$ref": "#"}), &json!(1), "- at '': reference cycle\n");
    // Each definition applies the next one twice: 2^40 without a bound.
    let mut definitions = serde_json::Map::new();
    for at in 0..40 {
        let next = format!("#/$defs/d{}", at + 1);
        definitions.insert(format!("d{at}"), json!({"allOf": [{"$ref": next.clone()}, {"$ref": next}]}));
    }
    definitions.insert("d40".into(), json!({"type": "string"}));
    let found = validate(json!({"$ref": "#/$defs/d0", "$defs": definitions}).to_string().as_bytes(), &json!("x"));
    assert!(found.unwrap_err().contains("takes too long"));
    let deep = "{\"not\":".repeat(10_000) + "{}" + &"}".repeat(10_000);
    assert!(validate(deep.as_bytes(), &json!(1)).is_err());
    assert!(validate(b"{\"pattern\": \"(\"}", &json!("x")).is_err());
    assert!(validate(b"{\"properties\": {\"a\": {\"type\": \"nope\"}}}", &json!({})).is_err());
}
