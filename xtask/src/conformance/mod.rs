//! `cargo xtask conformance SUITE`: runs recorded behaviour of the original programs against our engines.
//!
//! One file per suite. A suite turns a folder into cases; the frame unpacks archives, runs the cases,
//! compares the failing ones with the committed list and prints the closing line.

#[cfg(feature = "apiserver")]
mod apiserver;
#[cfg(feature = "artifact")]
mod artifact_storage;
#[cfg(feature = "apply")]
mod cases_ssa;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "runtime")]
mod conditions;
#[cfg(feature = "api")]
mod crds;
#[cfg(feature = "envsubst")]
mod envsubst;
mod frame;
#[cfg(feature = "health")]
mod health_cel;
#[cfg(feature = "helm")]
mod helm;
#[cfg(feature = "release")]
mod helm_cluster;
#[cfg(feature = "release")]
mod helm_release;
#[cfg(feature = "source")]
mod helm_source;
#[cfg(feature = "release")]
mod helm_values;
pub(crate) mod inputs;
mod known;
#[cfg(feature = "health")]
mod kstatus;
#[cfg(feature = "apiserver")]
mod kubectl;
#[cfg(feature = "kustomize")]
mod kustomize;
#[cfg(feature = "kustomize")]
mod kustomize_build;
#[cfg(feature = "runtime")]
mod secrets;
#[cfg(feature = "archive")]
mod sourceignore;
#[cfg(feature = "merge")]
mod ssa;
#[cfg(any(
    feature = "apply",
    feature = "archive",
    feature = "artifact",
    feature = "release",
    feature = "runtime",
    feature = "source"
))]
mod table;

use std::path::PathBuf;

pub use frame::run;
pub use inputs::{Inputs, repository_root};

/// What came of one case.
pub enum Verdict {
    Pass,
    /// The first difference, for a person to read.
    Fail(String),
    /// Why the case cannot run here.
    Skip(String),
}

impl Verdict {
    /// Passes when both texts are equal, else fails naming the first line that differs.
    pub fn same_text(expected: &str, actual: &str) -> Self {
        if expected == actual {
            return Self::Pass;
        }
        let mut left = expected.lines();
        let mut right = actual.lines();
        let mut line = 0;
        loop {
            line += 1;
            match (left.next(), right.next()) {
                (None, None) => return Self::Fail("texts differ only in their line ends".into()),
                (a, b) if a == b => {}
                (a, b) => return Self::Fail(format!("line {line}: expected {a:?}, got {b:?}")),
            }
        }
    }

    /// Passes when both values are equal, else fails with both printed.
    pub fn same<T: PartialEq + std::fmt::Debug>(expected: &T, actual: &T) -> Self {
        if expected == actual { Self::Pass } else { Self::Fail(format!("expected {expected:?}, got {actual:?}")) }
    }
}

/// One recorded case, ready to run. `name` is `FOLDER/NAME` or the case's id.
pub struct Case {
    pub name: String,
    pub run: Box<dyn Fn() -> Verdict + Send + Sync>,
}

impl Case {
    pub fn new(name: impl Into<String>, run: impl Fn() -> Verdict + Send + Sync + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// Reads the cases of a suite from the folder handed in.
pub type Load = fn(&Inputs) -> anyhow::Result<Vec<Case>>;

/// The arguments of the command.
pub struct Arguments {
    pub suite: String,
    pub dir: Option<PathBuf>,
    pub only: Option<String>,
    /// Rewrites the list of known failures; for developers after an engine got better.
    pub write_list: bool,
}

/// The loader of a suite, or an error that lists the suites of this build.
fn loader(suite: &str) -> anyhow::Result<Load> {
    let found: Option<Load> = match suite {
        #[cfg(feature = "apiserver")]
        "apiserver" => Some(apiserver::load),
        #[cfg(feature = "apiserver")]
        "kubectl" => Some(kubectl::load),
        #[cfg(feature = "artifact")]
        "cases/artifact-storage" => Some(artifact_storage::load),
        #[cfg(feature = "archive")]
        "cases/sourceignore" => Some(sourceignore::load),
        #[cfg(feature = "apply")]
        "cases/ssa" => Some(cases_ssa::load),
        #[cfg(feature = "runtime")]
        "cases/conditions" => Some(conditions::load),
        #[cfg(feature = "runtime")]
        "cases/secrets" => Some(secrets::load),
        #[cfg(feature = "envsubst")]
        "cases/envsubst" => Some(envsubst::load),
        #[cfg(feature = "helm")]
        "helm" => Some(helm::load),
        #[cfg(feature = "release")]
        "cases/helm-release" => Some(helm_release::load),
        #[cfg(feature = "release")]
        "cases/helm-values" => Some(helm_values::load),
        #[cfg(feature = "source")]
        "cases/helm-source" => Some(helm_source::load),
        #[cfg(feature = "kustomize")]
        "cases/kustomize-build" => Some(kustomize_build::load),
        #[cfg(feature = "kustomize")]
        "kustomize" => Some(kustomize::load),
        #[cfg(feature = "merge")]
        "ssa" => Some(ssa::load),
        #[cfg(feature = "cli")]
        "cli" => Some(cli::load),
        #[cfg(feature = "api")]
        "crds" => Some(crds::load),
        #[cfg(feature = "health")]
        "cases/health-cel" => Some(health_cel::load),
        #[cfg(feature = "health")]
        "cases/kstatus" => Some(kstatus::load),
        _ => None,
    };
    found.ok_or_else(|| anyhow::anyhow!("unknown suite `{suite}`, or its engine was left out of this build"))
}
