//! Applies sets of objects: order, stages, drift, server-side apply, inventory, pruning and health.
//!
//! Behaves as upstream's `fluxcd/pkg/ssa`, with the differences that `docs/differences.md` names: the
//! inventory is announced before the first write, and health is watched instead of polled.
//!
//! ```text
//! normalize -> own (labels) -> [stage: dry run all -> apply drifted -> wait] x 4 -> prune -> health
//! ```
//!
//! Objects are [`serde_json::Value`]s; nothing here knows their kinds, save where Kubernetes itself is special.

mod apply;
mod changeset;
mod cleanup;
pub mod diff;
mod drift;
mod error;
mod health;
mod id;
mod ignore;
pub mod inventory;
mod kinds;
mod kube_config;
mod mapper;
pub mod mask;
pub mod metadata;
mod normalize;
mod order;
mod pointer;
mod prune;
mod read;
mod sanitize;
mod selector;
pub mod spec;
mod target;

pub use apply::{Applied, ApplyOptions, Manager, stages};
pub use changeset::{Action, ChangeSet, Entry};
pub use cleanup::{Cleanup, FieldManager, Operation};
pub use drift::{has_drifted, has_drifted_ignoring};
pub use error::{ApplyError, is_immutable_text, kube_text};
pub use health::{Health, HealthError, Rules, Subject, WaitOptions};
pub use id::{IdError, ObjectId};
pub use ignore::{CompiledRules, IgnoreRule};
pub use kinds::{
    GroupKind, is_class_definition, is_cluster_definition, is_crd, is_job, is_secret, jobs_with_ttl, parse_group_kinds,
};
pub use kube_config::{KubeConfigError, KubeConfigOptions, RemoteCluster, RemoteClusters};
pub use mapper::{Mapped, Mapper, MapperError};
pub use normalize::{normalize, normalize_all, normalize_dry_run, remove_invalid_ca_bundle, typed};
pub use order::sort;
pub use prune::{DeleteOptions, Pruned};
pub use read::{ReadError, read_objects};
pub use sanitize::{SanitizeError, sanitize_data};
pub use selector::{Selector, SelectorError, SelectorRegex};
pub use target::{Target, TargetError};
