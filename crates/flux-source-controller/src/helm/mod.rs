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

/// The most bytes of a packaged chart.
pub const MAX_CHART: u64 = 10 << 20;
/// The most bytes of one file of a chart in a folder.
pub const MAX_CHART_FILE: u64 = 5 << 20;

/// Bounds of charts that are loaded to be packaged.
pub const LIMITS: flux_helm::chart::Limits = flux_helm::chart::Limits::HELM_4_2;
