//! The committed list of what a suite cannot do yet: `conformance/SUITE.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::inputs::repository_root;

/// Known failures, and cases that test the original program's inside only.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Known {
    /// Names of cases that fail today. A listed case that passes fails the run, so the list only shrinks.
    pub expected_failures: BTreeSet<String>,
    /// Case name to reason.
    pub skipped: BTreeMap<String, String>,
}

impl Known {
    pub fn load(suite: &str) -> Result<Self> {
        let path = list_path(suite);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path)?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }

    pub fn save(&self, suite: &str) -> Result<()> {
        let path = list_path(suite);
        if self.expected_failures.is_empty() && self.skipped.is_empty() {
            return if path.exists() { Ok(fs::remove_file(path)?) } else { Ok(()) };
        }
        fs::write(path, toml::to_string_pretty(self)?)?;
        Ok(())
    }
}

fn list_path(suite: &str) -> PathBuf {
    repository_root().join("conformance").join(format!("{}.toml", suite.replace('/', "-")))
}
