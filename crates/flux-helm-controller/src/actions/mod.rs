//! What can be done to a release: one action, one file. An action works on the cluster and on the records; what came
//! of it is told to the object afterwards, by [`crate::report`].

pub mod crds;
pub mod drift;
pub mod install;
pub mod rollback;
pub mod test;
pub mod uninstall;
pub mod unlock;
pub mod upgrade;

use flux_api::HelmRelease;
use flux_helm::Values;

use crate::hooks::HookError;
use crate::objects::ObjectError;
use crate::render::RenderStepError;
use crate::spec;
use crate::storage::StoreError;
use crate::work::WaitError;

/// Why an action failed. Worded as Helm.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    #[error("failed to apply CustomResourceDefinitions: {0}")]
    Crds(#[from] crds::CrdError),
    #[error("release name check failed: {0}")]
    Name(String),
    #[error("{0}")]
    Render(#[from] RenderStepError),
    #[error("unable to build kubernetes objects from {which} manifest: {source}")]
    Build { which: &'static str, source: ObjectError },
    #[error("unable to continue with {action}: {source}")]
    Continue { action: &'static str, source: ObjectError },
    #[error("failed {event}: {source}")]
    Hook { event: &'static str, source: HookError },
    #[error("{event} hooks failed: {source}")]
    UpgradeHook { event: &'static str, source: HookError },
    #[error(transparent)]
    BareHook(HookError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("failed to create resource: {0}")]
    CreateDuringUpdate(ObjectError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("\"{name}\" has no deployed releases")]
    NotDeployed { name: String },
    #[error("another operation (install/upgrade/rollback) is in progress")]
    Pending,
    #[error("release has no {version} version")]
    NoVersion { version: i64 },
    #[error("release {name} failed: {source}")]
    RollbackWait { name: String, source: WaitError },
    #[error("failed to rebuild old values: {0}")]
    OldValues(flux_helm::values::CoalesceError),
    #[error("uninstall: Release not loaded: {name}: release: not found")]
    NotFound { name: String },
    #[error("the release named \"{name}\" is already deleted")]
    AlreadyDeleted { name: String },
    #[error("failed to delete release: {name}")]
    Delete { name: String },
    #[error("uninstallation completed with {} error(s): {}", .0.len(), .0.join("; "))]
    Completed(Vec<String>),
    #[error("{0}")]
    Mismatch(String),
    #[error(
        "an error occurred while cleaning up resources. original {action} error: {original}: unable to cleanup resources: {cleanup}"
    )]
    Cleanup { action: &'static str, original: Box<ActionError>, cleanup: ObjectError },
    /// A panic.
    #[error("internal error: {0}")]
    Defect(String),
}

impl ActionError {
    /// True when a newer trigger ended the action.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Wait(WaitError::Interrupted) | Self::RollbackWait { source: WaitError::Interrupted, .. })
    }
}

/// The actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unlock,
    Install,
    Upgrade,
    Test,
    Rollback,
    /// Because a release failed.
    UninstallRemediation,
    /// Because the object goes, or its release moves.
    Uninstall,
    CorrectDrift,
}

/// What actions have in common for the loop: each type happens at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Release,
    Remediate,
    Test,
    Unlock,
    DriftCorrection,
}

impl Kind {
    /// The name in conditions and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unlock => "unlock",
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Test => "test",
            Self::Rollback => "rollback",
            Self::UninstallRemediation | Self::Uninstall => "uninstall",
            Self::CorrectDrift => "correct cluster drift",
        }
    }

    pub fn action_type(self) -> Type {
        match self {
            Self::Install | Self::Upgrade | Self::Uninstall => Type::Release,
            Self::Rollback | Self::UninstallRemediation => Type::Remediate,
            Self::Test => Type::Test,
            Self::Unlock => Type::Unlock,
            Self::CorrectDrift => Type::DriftCorrection,
        }
    }

    /// How long the action may take.
    pub fn timeout(self, obj: &HelmRelease) -> std::time::Duration {
        let spec = &obj.spec;
        let own = match self {
            Self::Install => spec.install.as_ref().and_then(|install| install.timeout),
            Self::Upgrade => spec.upgrade.as_ref().and_then(|upgrade| upgrade.timeout),
            Self::Test => spec.test.as_ref().and_then(|test| test.timeout),
            Self::Rollback => spec.rollback.as_ref().and_then(|rollback| rollback.timeout),
            Self::UninstallRemediation | Self::Uninstall => {
                spec.uninstall.as_ref().and_then(|uninstall| uninstall.timeout)
            }
            Self::Unlock | Self::CorrectDrift => None,
        };
        spec::timeout(obj, own)
    }
}

/// True when the loop may run an action after those of the types that it ran already.
pub fn must_continue(next: Type, previous: &[Type]) -> bool {
    !previous.contains(&next)
}

/// True when the loop ends after an action.
pub fn must_stop(done: Type) -> bool {
    done == Type::Remediate
}

/// What the record of a release keeps of the values: nothing when there are none.
fn stored(values: &Values) -> Option<Values> {
    (!values.is_empty()).then(|| values.clone())
}
