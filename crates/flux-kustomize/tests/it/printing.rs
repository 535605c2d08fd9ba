//! Values change where upstream prints an object and reads it again.

use super::builds::run;

fn built(spec: &str) -> String {
    built_with("", spec)
}

fn built_with(kustomization: &str, object: &str) -> String {
    let text = format!(
        "=== /o/kustomization.yaml\nresources: [r.yaml]\n{kustomization}\n=== /o/r.yaml\nkind: A\nmetadata:\n  name: a\n{object}"
    );
    run(&text, "/o").unwrap_or_else(|error| error.to_string())
}

#[test]
fn absent_values_between_braces_become_empty_strings() {
    let head = "kind: A\nmetadata:\n  name: a\nspec:\n";
    assert_eq!(built("spec: {a, b: , c: ~}\n"), format!("{head}  a: \"\"\n  b: \"\"\n  c: null\n"));
    assert_eq!(built("spec: [{a}]\n"), format!("{head}- a: \"\"\n"));
    assert_eq!(built("spec:\n  a:\n"), format!("{head}  a: null\n"));
}

#[test]
fn folded_texts_gain_line_breaks() {
    let head = "kind: A\nmetadata:\n  name: a\nspec: ";
    assert_eq!(built("spec: >-\n  0\n   1\n  2\n"), format!("{head}|-\n  0\n\n   1\n  2\n"));
    assert_eq!(built("spec: >+\n  0\n\n"), format!("{head}|+\n  0\n\n\n"));
    assert_eq!(built("spec: >\n  a\n  b\n"), format!("{head}|\n  a b\n"));
}

#[test]
fn what_json_cannot_hold_is_shown_as_decoded() {
    assert_eq!(
        built("spec: {1: a}\nx: .inf\n"),
        "map[string]interface {}{\"kind\":\"A\", \"metadata\":map[string]interface {}{\"name\":\"a\"}, \
         \"spec\":map[interface {}]interface {}{1:\"a\"}, \"x\":+Inf}: json: unsupported type: map[interface {}]interface {}"
    );
    assert_eq!(
        built("spec: {b: .nan, a: 2020-01-01}\n"),
        "map[string]interface {}{\"kind\":\"A\", \"metadata\":map[string]interface {}{\"name\":\"a\"}, \
         \"spec\":map[string]interface {}{\"a\":time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC), \"b\":NaN}}: \
         json: unsupported value: NaN"
    );
}

#[test]
fn keys_of_annotations_lose_their_quotes() {
    let error = built("  annotations: {\"1\": a}\n");
    assert!(error.ends_with("json: unsupported type: map[interface {}]interface {}"), "{error}");
    assert!(built("  labels: {\"1\": a}\n").contains("    \"1\": a\n"));
}

#[test]
fn lines_in_errors_count_comments() {
    let error = built("# one\nspec:\n  # two\n  a: 1\n  # three\n  a: 2\n");
    assert!(error.ends_with("line 9: mapping key \"a\" already defined at line 7"), "{error}");
}

#[test]
fn merges_are_followed_when_every_document_is_read() {
    let text = "=== /o/kustomization.yaml\nresources: [r.yaml]\n=== /o/r.yaml\nkind: A\nx: &x [1]\ny: {<<: *x}\n";
    let error = run(text, "/o").unwrap_err().to_string();
    assert!(error.contains("invalid map merge: received alias for a non-map value"), "{error}");
    let error = run(&format!("{text}---\na: [\n"), "/o").unwrap_err().to_string();
    assert!(error.contains("MalformedYAMLError"), "{error}");
}

#[test]
fn names_in_origins_are_quoted_where_yaml_1_1_needs_it() {
    let text = "=== /o/kustomization.yaml\nbuildMetadata: [transformerAnnotations]\nresources: [r.yaml]\ntransformers:\n- |\n  \
                apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: n}\n  prefix: p-\n  fieldSpecs: [{path: metadata/name}]\n\
                === /o/r.yaml\nkind: A\nmetadata: {name: a}\n";
    assert!(run(text, "/o").unwrap().contains("          name: \"n\"\n"));
}

#[test]
fn a_null_that_is_not_to_be_made_stays() {
    let labels = "labels: [{pairs: {l: x}, fields: [{path: spec/a}]}]";
    assert!(built_with(labels, "spec: {a: null}\n").ends_with("spec:\n  a: null\n"));
    let replacement = "replacements:\n- sourceValue: v\n  targets: [{select: {kind: A}, fieldPaths: [spec.a.b], options: {create: true}}]";
    assert!(built_with(replacement, "spec: {a: null}\n").ends_with("spec:\n  a: null\n"));
}

#[test]
fn selectors_are_read_when_they_are_needed() {
    let patch = |selector: &str, name: &str| {
        format!(
            "patches: [{{target: {{name: {name}, labelSelector: '{selector}'}}, patch: '[{{\"op\": \"remove\", \"path\": \"/spec\"}}]'}}]"
        )
    };
    assert!(built_with(&patch("a in b", "other"), "spec: 1\n").ends_with("spec: 1\n"));
    assert_eq!(built_with(&patch("a in b", "a"), "spec: 1\n"), "unable to parse requirement: found 'b' expected: '('");
    assert_eq!(built_with(&patch("a=b c", "a"), "spec: 1\n"), "found 'c', expected: ',' or 'end of string'");
}

#[test]
fn types_are_for_secrets() {
    let text = "=== /o/kustomization.yaml\nconfigMapGenerator: [{name: a, type: b}]\n";
    assert_eq!(run(text, "/o").unwrap_err().to_string(), "invalid Kustomization: json: unknown field \"type\"");
    let text = "=== /o/kustomization.yaml\nsecretGenerator: [{name: a, literals: b}]\n";
    assert_eq!(
        run(text, "/o").unwrap_err().to_string(),
        "invalid Kustomization: json: cannot unmarshal string into Go struct field \
         SecretArgs.secretGenerator.GeneratorArgs.KvPairSources.literals of type []string"
    );
}

#[test]
fn a_value_added_in_several_places_is_one_value() {
    let object = "spec: {selector: {app: a}}\n";
    let text = |overlay: &str| {
        format!(
            "=== /o/kustomization.yaml\nresources: [../b]\n{overlay}\n=== /b/kustomization.yaml\nresources: [r.yaml]\n\
             labels: [{{pairs: {{l: one}}, includeSelectors: true}}]\n=== /b/r.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n{object}"
        )
    };
    let expected = "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    l: two\n  name: a\nspec:\n  selector:\n    app: a\n    l: two\n";
    for overlay in [
        "labels: [{pairs: {l: two}}]",
        "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: a, labels: {l: two}}}'}]",
        "replacements: [{sourceValue: two, targets: [{select: {kind: Service}, fieldPaths: [metadata.labels.l]}]}]",
    ] {
        assert_eq!(run(&text(overlay), "/o").unwrap(), expected, "{overlay}");
    }
    let json = "patches: [{target: {kind: Service}, patch: '[{\"op\": \"replace\", \"path\": \"/metadata/labels/l\", \"value\": \"two\"}]'}]";
    assert!(run(&text(json), "/o").unwrap().contains("    l: one\n"), "a JSON patch makes everything anew");
}
