//! Workloads become ready without a kubelet, in stages that are data.
//!
//! The embedded API server has no controller manager, no scheduler and no kubelet. This crate plays their part
//! for one control plane: Deployments get ReplicaSets and Pods, Pods are placed on simulated nodes and become
//! ready after a short delay, claims are bound, load balancers get an address. **No container runs.**
//!
//! | part | module |
//! | --- | --- |
//! | nodes, stages, failing images and delays, as `.flux-up.yaml` gives them | [`config`] |
//! | what the API server told us, trimmed and indexed | `world` |
//! | the rules of each kind, pure: state in, writes out | `plan` |
//! | watches, timers and the writes themselves | `run` |
//!
//! ```no_run
//! # async fn example(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let shutdown = tokio_util::sync::CancellationToken::new();
//! let config = flux_simulate::Config::for_cluster("staging");
//! flux_simulate::run(client, config, shutdown).await?;
//! # Ok(()) }
//! ```

pub mod config;
mod error;
mod kinds;
mod plan;
mod quantity;
mod run;
mod world;

pub use config::{Config, Delays, NodeSpec, Stage, Taint};
pub use error::{ConfigError, Error};
pub use run::run;

/// The name under which every write of this crate appears in `managedFields`.
pub const FIELD_MANAGER: &str = "flux-simulate";

/// The label on every object that stands for something that does not exist: nodes, volumes.
pub const SIMULATED_LABEL: &str = "simulate.fluxcd.io/simulated";

/// What `flux up` prints, and what simulated nodes carry, so that nobody takes a green table for a running service.
pub const NOTICE: &str =
    "no container runs: nodes, Pods, volumes and addresses are simulated, their status is made up from the specs";
