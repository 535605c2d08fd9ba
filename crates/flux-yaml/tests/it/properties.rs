//! Laws over random values and texts.

use flux_yaml::*;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Strings with what quoting has to care about.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b c",
        " ",
        ":",
        ": ",
        "#",
        " #",
        "-",
        "- ",
        "?",
        ",",
        "[",
        "]",
        "{",
        "}",
        "&",
        "*",
        "!",
        "|",
        ">",
        "'",
        "\"",
        "%",
        "@",
        "`",
        "~",
        "=",
        "<<",
        "\n",
        "\n\n",
        "\n ",
        "\t",
        "\r",
        "\\",
        "0",
        "1.5",
        "0x1f",
        "1:30",
        "2020-01-01",
        "e",
        "_",
        "true",
        "no",
        "null",
        ".inf",
        "é",
        "\u{A0}",
        "\u{2028}",
        "\u{FEFF}",
        "\u{1F600}",
        "\u{7}",
        "---",
        "...",
        "long words to be folded somewhere behind the eightieth column ",
    ]);
    // A key `<<` is printed without quotes, and so read as a merge: upstream's fault.
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()).prop_map(|text| text.replace("<<", "<<."))
}

/// go-yaml v3 prints a text that starts with a tab as a block it cannot read again.
fn without_tabs(value: Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace('\t', "t")),
        Value::Array(items) => items.into_iter().map(without_tabs).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key.replace('\t', "t"), without_tabs(value))).collect()
        }
        other => other,
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (1u64 << 63..=u64::MAX).prop_map(Value::from),
        // Whole floats come back as integers, so none is made.
        (any::<i32>(), 1u32..1000, -20i32..10).prop_map(|(whole, part, exponent)| {
            let number = (f64::from(whole) + f64::from(part) / 1024.0) * 10f64.powi(exponent.min(0));
            Value::from(number)
        }),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..5).prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

/// Fragments that make up documents, valid or not.
fn document() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        ": ",
        "? ",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&x ",
        "*x",
        "!t ",
        "!!int ",
        "|",
        "|-",
        ">",
        "|2\n",
        "'q'",
        "\"d\"",
        "\"e\\n\"",
        "# c",
        "\n# c\n",
        "\n---\n",
        "\n...\n",
        "%YAML 1.1\n",
        "<<: ",
        "1",
        "\t",
        "\nk: v",
        "\n  c: d",
        "é",
        "'",
        "\"",
        "\\",
        "@",
        "!<tag:x> ",
        "\r\n",
        "\u{85}",
        "\u{2028}",
        "\u{FEFF}",
    ]);
    prop::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn printed_values_are_read_as_they_were(value in value()) {
        let printed = emit_v2(&value);
        let read = yaml_to_json_strict(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&value), "{}", printed);
        // Printing again changes nothing.
        prop_assert_eq!(emit_v2(&yaml_to_json_strict(&printed).unwrap()), printed);
    }

    #[test]
    fn printed_nodes_are_read_as_they_were(value in value()) {
        let value = without_tabs(value);
        let printed = emit_v3(&from_json(&value), &EmitOptions::default());
        let read = parse_one(&printed, &ParseOptions::default());
        let read = read.map(|node| to_json(&node.unwrap(), Schema::V3));
        prop_assert_eq!(read, Ok(Ok(value)), "{}", printed);
    }

    #[test]
    fn json_is_yaml(value in value()) {
        let text = value.to_string().replace('\u{2028}', "\\u2028");
        prop_assert_eq!(yaml_to_json_strict(&text), Ok(value));
    }

    #[test]
    fn any_text_is_read_or_refused(text in document()) {
        for schema in [Schema::Yaml11, Schema::V3] {
            for keep_comments in [false, true] {
                let options = ParseOptions { schema, keep_comments, ..ParseOptions::default() };
                if let Ok(documents) = parse_documents(&text, &options) {
                    for document in &documents {
                        _ = to_json(&document.root, schema);
                        _ = emit_document_v3(document, &EmitOptions::default());
                    }
                }
            }
        }
    }

    /// Comments never change what a document says.
    #[test]
    fn comments_do_not_matter(text in document()) {
        let read = |keep_comments| {
            let options = ParseOptions { keep_comments, ..ParseOptions::default() };
            parse(&text, &options).map(|nodes| nodes.iter().map(|node| to_json(node, Schema::V3)).collect::<Vec<_>>())
        };
        prop_assert_eq!(read(false), read(true));
    }

    #[test]
    fn decoding_never_fails_silently(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        match (decode(&bytes), std::str::from_utf8(&bytes)) {
            (Ok(text), Ok(plain)) => prop_assert_eq!(&*text, plain.trim_start_matches('\u{FEFF}')),
            (Err(_), Ok(_)) => prop_assert!(false, "text was refused"),
            _ => {}
        }
    }
}
