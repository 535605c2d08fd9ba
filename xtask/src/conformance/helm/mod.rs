//! Suite `helm`: what the real Helm answers, against our engine.
//!
//! One file per part of the corpus. A part that a folder lacks has no cases.

mod charts;
mod context;
mod functions;
mod loading;
mod manifests;
mod semver;
mod storage;
mod values;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Case, Inputs};

/// Reads all parts.
pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let parts =
        [functions::load, semver::load, values::load, loading::load, manifests::load, storage::load, charts::load];
    for part in parts {
        cases.extend(part(inputs)?);
    }
    Ok(cases)
}

/// The lines of a JSONL file; none when the folder lacks it.
fn lines(path: &Path) -> Result<Vec<Value>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let parse = |line: &str| serde_json::from_str(line).with_context(|| format!("parse a line of {}", path.display()));
    text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}
