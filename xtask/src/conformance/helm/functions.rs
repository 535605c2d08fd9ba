//! Part `functions`: template snippets with their output or error.

use std::fs;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use flux_template::helm::{Options, Scope, Templates};
use flux_template::{Limits, Offline};
use serde_json::Value as Json;

use super::super::{Case, Inputs, Verdict};
use super::context::Context;

/// The stack of the conformance runner's threads, less what the runner uses.
const STACK: usize = 60 << 20;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let folder = inputs.dir.join("functions");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let read = |name: &str| -> Result<Json> {
        let path = inputs.fixture(&format!("functions/{name}"));
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    };
    let contexts = read("contexts.json")?;
    let capabilities = read("default-capabilities.json")?;
    let mut ready = std::collections::BTreeMap::new();
    for (name, recorded) in contexts.as_object().into_iter().flatten() {
        ready.insert(name.clone(), Arc::new(Context::new(recorded, &capabilities)?));
    }
    let mut cases = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(&folder)?.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort_by_key(fs::DirEntry::file_name);
    for entry in paths {
        let path = entry.path();
        let area = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if path.extension().is_none_or(|extension| extension != "jsonl") || area == "signatures" {
            continue;
        }
        for line in super::lines(&path)? {
            let id = line["id"].as_str().context("a snippet has an id")?;
            let context = line["context"].as_str().and_then(|name| ready.get(name)).context("a known context")?;
            let context = Arc::clone(context);
            cases.push(Case::new(format!("functions/{area}/{id}"), move || judge(&line, &context)));
        }
    }
    Ok(cases)
}

fn judge(line: &Json, context: &Context) -> Verdict {
    let answer = match run(line, context) {
        Ok(answer) => answer,
        Err(error) => return Verdict::Fail(format!("the case cannot be run: {error:#}")),
    };
    let template = line["template"].as_str().unwrap_or_default();
    let told = |verdict| match verdict {
        Verdict::Fail(why) => Verdict::Fail(format!("{template:?}: {why}")),
        other => other,
    };
    if line["nondeterministic"] == true {
        return match answer {
            Ok(_) => Verdict::Pass,
            Err(error) => told(Verdict::Fail(format!("failed: {error}"))),
        };
    }
    told(match (&line["output"], &line["error"], answer) {
        (Json::String(expected), _, Ok(actual)) => Verdict::same(expected, &actual),
        (_, Json::String(expected), Err(actual)) => Verdict::same(expected, &actual),
        (Json::String(expected), _, Err(error)) => Verdict::Fail(format!("expected {expected:?}, failed: {error:?}")),
        (_, expected, Ok(actual)) => Verdict::Fail(format!("expected the error {expected}, got {actual:?}")),
        (_, _, Err(error)) => Verdict::Fail(format!("neither output nor error is recorded; got {error:?}")),
    })
}

fn run(line: &Json, context: &Context) -> Result<Result<String, String>> {
    let texts = context.templates(line["template"].as_str().context("a snippet has a template")?, &line["files"]);
    let (root, sub) = context.scopes(&line["files"])?;
    let scope = |path: &str| {
        let subchart = path.starts_with("corpus/charts/sub/");
        let data = if subchart { &sub } else { &root };
        let base_path = if subchart { "corpus/charts/sub/templates" } else { "corpus/templates" };
        Scope { data: data.clone(), base_path: base_path.to_owned() }
    };
    let options = Options {
        strict: line["strict"] == true,
        lint: line["lint"] == true,
        limits: Limits { stack: STACK, ..Limits::default() },
    };
    let host = Offline { now: 1_760_000_000_000_000_000, random };
    let parsed = Templates::parse(texts.iter().map(|(path, text)| (path.as_str(), text.as_bytes())));
    let rendered = parsed.and_then(|templates| templates.render(&scope, &host, &options));
    let main = |files: Vec<(String, String)>| {
        let found = files.into_iter().find(|(path, _)| path == "corpus/templates/main.txt");
        found.map(|(_, text)| text).unwrap_or_default()
    };
    Ok(rendered.map(main).map_err(|error| error.to_string()))
}

/// Bytes that need not be secret: the answers of these cases are not compared.
fn random(buffer: &mut [u8]) {
    use std::hash::{BuildHasher as _, RandomState};
    for chunk in buffer.chunks_mut(8) {
        let bytes = RandomState::new().hash_one(0).to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
}
