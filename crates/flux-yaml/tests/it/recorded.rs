//! Documents with what go-yaml v2 and v3 made of them.
//!
//! A `.cases` file holds, after `@@ input`, a text, and after each further `@@` line an outcome: `v2` is
//! sigs.k8s.io/yaml's way to JSON and back, `v3` a decode by go-yaml v3 printed the same way, `print` go-yaml
//! v3's printing of the nodes, `strict` the refusal of the strict v2 decoder. Errors begin with `ERR`.

use flux_yaml::*;

struct Recorded<'a> {
    input: &'a str,
    outcomes: Vec<(&'a str, &'a str)>,
}

fn read(text: &str) -> Vec<Recorded<'_>> {
    let mut cases = Vec::new();
    for section in text.split_terminator("@@ ").skip(1) {
        let (kind, body) = section.split_once('\n').unwrap();
        match kind {
            "input" => cases.push(Recorded { input: body, outcomes: Vec::new() }),
            kind => cases.last_mut().unwrap().outcomes.push((kind, body)),
        }
    }
    cases
}

fn outcome(kind: &str, input: &str) -> Result<String, Error> {
    let mut out = String::new();
    match kind {
        "v2" => return marshal_v2(&yaml_to_json(input)?),
        "strict" => return yaml_to_json_strict(input).map(|value| value.to_string()),
        "v3" => {
            for node in parse(input, &ParseOptions::default())? {
                out.push_str("---\n");
                out.push_str(&marshal_v2(&to_json(&node, Schema::V3)?)?);
            }
        }
        "print" => {
            let options = ParseOptions { expand_aliases: false, keep_comments: true, ..ParseOptions::default() };
            for document in parse_documents(input, &options)? {
                out.push_str("---\n");
                out.push_str(&emit_document_v3(&document, &EmitOptions::default()));
            }
        }
        other => panic!("unknown outcome {other}"),
    }
    Ok(out)
}

fn check(file: &str) {
    let cases = read(file);
    assert!(!cases.is_empty());
    for case in cases {
        for (kind, expect) in case.outcomes {
            let got = match outcome(kind, case.input) {
                Ok(text) => text,
                Err(error) => format!("ERR {error}\n"),
            };
            assert_eq!(got, expect, "{kind} of:\n{}", case.input);
        }
    }
}

#[test]
fn scalars() {
    check(include_str!("scalars.cases"));
}

#[test]
fn keys_merges_and_anchors() {
    check(include_str!("keys.cases"));
}

#[test]
fn block_style() {
    check(include_str!("blocks.cases"));
}

#[test]
fn flow_style() {
    check(include_str!("flow.cases"));
}

#[test]
fn syntax_errors() {
    check(include_str!("errors.cases"));
}

#[test]
fn quoting_and_folding() {
    check(include_str!("strings.cases"));
}

#[test]
fn comments_and_styles() {
    check(include_str!("comments.cases"));
}
