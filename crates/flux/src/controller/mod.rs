//! Running controllers: in process for `flux up`, and as `flux controller NAME...` against any Kubernetes.

mod command;
pub mod flags;
pub mod local;
mod probes;
mod setup;

pub use command::{Arguments, run};
pub use setup::{Controllers, IN_PROCESS, Setup, SetupError, spawn};
