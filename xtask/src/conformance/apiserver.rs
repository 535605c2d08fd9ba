//! Suite `apiserver`: HTTP programs recorded against the real kube-apiserver, replayed in process.
//!
//! Every program gets a server of its own, on an empty store, with the recorded server's controllers only.

mod compare;
mod program;
mod transport;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use flux_apiserver::Server;
use serde_json::Value;

use super::{Case, Inputs};
pub(super) use program::config;

/// The CustomResourceDefinitions that programs name in their setup.
pub(super) type Definitions = BTreeMap<String, Value>;

/// Installs what a program or transcript needs before its first step.
pub(super) async fn prepare(server: &Server, setup: &Value, definitions: &Definitions) -> Result<()> {
    program::Run::new(server).setup(setup, definitions).await
}

/// Reads the programs of all areas but `kubectl`.
pub(super) fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let definitions = Arc::new(definitions(inputs)?);
    let mut files: Vec<_> = std::fs::read_dir(&inputs.dir)?
        .collect::<std::io::Result<Vec<_>>>()?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let area = name.split('.').next().unwrap_or("");
        if !name.contains(".jsonl") || matches!(area, "crds" | "kubectl") {
            continue;
        }
        for program in lines(&file)? {
            let name = program["name"].as_str().unwrap_or("").to_owned();
            let definitions = definitions.clone();
            let program = Arc::new(program);
            cases.push(Case::new(name, move || program::run(&program, &definitions)));
        }
    }
    Ok(cases)
}

pub(super) fn definitions(inputs: &Inputs) -> Result<Definitions> {
    let file = inputs.fixture("crds.jsonl.gz");
    let mut out = Definitions::new();
    for definition in lines(&file)? {
        out.insert(definition["metadata"]["name"].as_str().unwrap_or("").to_owned(), definition);
    }
    Ok(out)
}

/// The JSON values of a file, one a line, compressed or not.
pub(super) fn lines(file: &Path) -> Result<Vec<Value>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let mut text = String::new();
    if file.extension().is_some_and(|ext| ext == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    let rows = text.lines().filter(|line| !line.trim().is_empty());
    rows.map(|line| serde_json::from_str(line).with_context(|| format!("read {}", file.display()))).collect()
}
