//! Charts and their repositories.
//!
//! Two controllers: HelmRepository keeps the index of a repository as an artifact, HelmChart builds one chart from
//! a repository, or from the artifact of another source. What they do with bytes and names is in pure functions;
//! only `repository_controller`, `chart_controller`, `secrets` and `downloaders` talk to anybody.
//!
//! ```text
//! repository: stored -> url -> secrets -> fetch index -> parse -> store
//! chart:      stored -> source -> (local | remote) build -> dependencies -> package -> store
//! ```

pub mod build;
mod cache;
pub mod chart_controller;
pub mod dependencies;
pub mod download;
mod downloaders;
pub mod local;
pub mod metadata;
pub mod reference;
pub mod registry_auth;
pub mod remote;
pub mod repository_controller;
mod secrets;
mod sources;
pub mod url;
pub mod values;

pub use build::{Build, BuildError, BuildOptions, BuildReason, Content};
pub use cache::{CacheOptions, IndexCache};
pub use chart_controller::HelmChartReconciler;
pub use repository_controller::HelmRepositoryReconciler;

/// Bounds of what repositories and sources bring, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartLimits {
    /// A packaged chart (`--helm-chart-max-size`).
    pub chart: u64,
    /// One file of a chart (`--helm-chart-file-max-size`).
    pub file: u64,
    /// The index of a repository (`--helm-index-max-size`).
    pub index: u64,
}

impl Default for ChartLimits {
    fn default() -> Self {
        Self { chart: 10 << 20, file: 5 << 20, index: 50 << 20 }
    }
}

impl ChartLimits {
    /// Bounds of charts that are loaded to be packaged.
    pub fn load(&self) -> flux_helm::chart::Limits {
        flux_helm::chart::Limits { file_bytes: self.file, ..flux_helm::chart::Limits::HELM_4_2 }
    }
}
