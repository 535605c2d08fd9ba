//! Repositories made for a scenario: one cluster `test` and as many units as it needs.

use std::fmt::Write as _;

use anyhow::Result;

use crate::e2e::demo::Repository;

/// The only cluster of a synthetic repository.
pub const CLUSTER: &str = "test";

/// Options of a unit that differ from scenario to scenario.
#[derive(Clone, Copy)]
pub struct UnitOptions {
    pub interval: &'static str,
    pub wait: bool,
    pub timeout: &'static str,
}

impl Default for UnitOptions {
    fn default() -> Self {
        Self { interval: "10m", wait: false, timeout: "5m" }
    }
}

/// A Kustomization `name` over `./apps/NAME`, pruning.
pub fn unit(name: &str, options: UnitOptions) -> String {
    let UnitOptions { interval, wait, timeout } = options;
    format!(
        "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: {name}\n  \
         namespace: flux-system\nspec:\n  interval: {interval}\n  timeout: {timeout}\n  prune: true\n  wait: {wait}\n  \
         path: ./apps/{name}\n  targetNamespace: default\n  sourceRef:\n    kind: GitRepository\n    name: flux-system\n"
    )
}

/// A ConfigMap with one value.
pub fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: {value:?}\n")
}

/// A Deployment of one replica.
pub fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 1\n  selector:\n    \
         matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    spec:\n      \
         containers:\n      - name: main\n        image: {image}\n"
    )
}

/// A repository whose cluster declares the units; their folders are written by the caller.
pub fn repository(units: &[(String, UnitOptions)]) -> Result<Repository> {
    let repository = Repository::empty()?;
    declare(&repository, units)?;
    Ok(repository)
}

/// Writes the units of the cluster anew.
pub fn declare(repository: &Repository, units: &[(String, UnitOptions)]) -> Result<()> {
    let mut text = String::new();
    for (name, options) in units {
        let _ = write!(text, "{}", unit(name, *options));
    }
    repository.write(&format!("clusters/{CLUSTER}/units.yaml"), &text)
}
