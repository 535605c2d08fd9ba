//! Whole renders: the language, hostile templates, properties.

mod hostile;
mod language;
mod properties;

use crate::helm::{Options, Scope, Templates, capabilities, files};
use crate::{Error, Limits, Offline, Value};

/// A host whose random bytes repeat.
fn host() -> Offline {
    Offline {
        now: 1_760_000_000_000_000_000,
        random: |bytes| (0u8..).zip(bytes).for_each(|(at, byte)| *byte = at.wrapping_mul(37)),
    }
}

fn scope() -> Value {
    let values = serde_json::json!({
        "n": 42, "big": 1000000, "s": "text", "t": true, "nul": null, "list": ["a", "b"], "map": {"b": 1, "a": {"x": 1.5}},
    });
    let kube = crate::helm::KubeVersion {
        version: "v1.34.0-gke.1".into(),
        normalized: "v1.34.0".into(),
        major: "1".into(),
        minor: "34".into(),
    };
    Value::map([
        ("Values", Value::named_values(values.as_object().unwrap())),
        ("Files", files([("conf/a.txt", b"one\ntwo\n".as_slice()), ("conf/b.bin", b"\xff\x00")])),
        ("Capabilities", capabilities(&kube, &["v1".to_owned(), "apps/v1".to_owned()], "v4.2.1")),
    ])
}

fn render_with(template: &str, options: &Options) -> Result<String, Error> {
    let templates = Templates::parse([("c/templates/a.txt", template.as_bytes())])?;
    let data = scope();
    let scope = |_: &str| Scope { data: data.clone(), base_path: "c/templates".to_owned() };
    Ok(templates.render(&scope, &host(), options)?.remove(0).1)
}

fn render(template: &str) -> Result<String, Error> {
    render_with(template, &Options::default())
}

#[track_caller]
fn check(template: &str, expect: &str) {
    match render(template) {
        Ok(text) => assert_eq!(text, expect, "{template}"),
        Err(error) => panic!("{template}: {error}"),
    }
}

#[track_caller]
fn check_error(template: &str, expect: &str) {
    match render(template) {
        Ok(text) => panic!("{template}: {text}"),
        Err(error) => assert_eq!(error.to_string(), expect, "{template}"),
    }
}

/// Limits that a hostile template meets soon.
fn small() -> Options {
    let limits = Limits { steps: 2_000_000, memory: 32 << 20, output: 8 << 20, ..Limits::default() };
    Options { limits, ..Options::default() }
}
