//! Condition types and reasons, with upstream's words.

use flux_api::{FluxObject, meta::Condition};
use flux_runtime::{Attempt, Halt, conditions};

use crate::helm::BuildReason;

pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
pub const FETCH_FAILED: &str = "FetchFailed";
pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
pub const SOURCE_VERIFIED: &str = "SourceVerified";
pub const BUILD_FAILED: &str = "BuildFailed";

/// Conditions that tell of a failure, and whose end is worth an event.
pub const FAILURES: &[&str] = &[FETCH_FAILED, INCLUDE_UNAVAILABLE, STORAGE_OPERATION_FAILED];

/// Why an attempt ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Succeeded,
    NewArtifact,
    UrlInvalid,
    AuthenticationFailed,
    InvalidProviderConfiguration,
    GitOperationFailed,
    EmptyGitRepository,
    NotFound,
    NoArtifact,
    CopyFailure,
    DirectoryCreationFailed,
    ArchiveOperationFailed,
    SourceIgnoreError,
    GarbageCollectionSucceeded,
    GarbageCollectionFailed,
    ArtifactVerificationFailed,
    ArtifactUpToDate,
    IncludeChange,
    NewRevision,
    Failed,
    IndexationFailed,
    SourceUnavailable,
    UnsupportedSourceKind,
    NoSourceArtifact,
    ReadOperationFailed,
    NewChart,
    ChartPullSucceeded,
    ChartPackageSucceeded,
    /// A chart that was not built.
    Build(BuildReason),
    /// A field that this version does not know how to honour; not a reason of upstream's.
    UnsupportedField,
}

impl Reason {
    /// As it stands in conditions and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::NewArtifact => "NewArtifact",
            Self::UrlInvalid => "URLInvalid",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::InvalidProviderConfiguration => "InvalidProviderConfiguration",
            Self::GitOperationFailed => "GitOperationFailed",
            Self::EmptyGitRepository => "EmptyGitRepository",
            Self::NotFound => "NotFound",
            Self::NoArtifact => "NoArtifact",
            Self::CopyFailure => "CopyFailure",
            Self::DirectoryCreationFailed => "DirectoryCreationFailed",
            Self::ArchiveOperationFailed => "ArchiveOperationFailed",
            Self::SourceIgnoreError => "SourceIgnoreError",
            Self::GarbageCollectionSucceeded => "GarbageCollectionSucceeded",
            Self::GarbageCollectionFailed => "GarbageCollectionFailed",
            Self::ArtifactVerificationFailed => "ArtifactVerificationFailed",
            Self::ArtifactUpToDate => "ArtifactUpToDate",
            Self::IncludeChange => "IncludeChange",
            Self::NewRevision => "NewRevision",
            Self::Failed => "Failed",
            Self::IndexationFailed => "IndexationFailed",
            Self::SourceUnavailable => "SourceUnavailable",
            Self::UnsupportedSourceKind => "UnsupportedSourceKind",
            Self::NoSourceArtifact => "NoSourceArtifact",
            Self::ReadOperationFailed => "ReadOperationFailed",
            Self::NewChart => "NewChart",
            Self::ChartPullSucceeded => "ChartPullSucceeded",
            Self::ChartPackageSucceeded => "ChartPackageSucceeded",
            Self::Build(reason) => reason.as_str(),
            Self::UnsupportedField => "UnsupportedField",
        }
    }
}

/// A step that failed: the condition that shows it, and what the frame is told.
#[derive(Debug)]
pub struct Failure {
    /// Boxed: results that carry a failure stay small.
    pub condition: Box<Condition>,
    pub halt: Halt,
}

impl Failure {
    /// Tried again, later and later.
    pub fn retry(kind: &str, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let condition = conditions::truthy(kind, reason.as_str(), message.clone());
        Self { condition: Box::new(condition), halt: Halt::failed(reason.as_str(), message) }
    }

    /// Needs an edit.
    pub fn stalled(kind: &str, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let condition = conditions::truthy(kind, reason.as_str(), message.clone());
        Self { condition: Box::new(condition), halt: Halt::stalled(reason.as_str(), message) }
    }

    /// Waits for another object.
    pub fn waiting(kind: &str, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let condition = conditions::truthy(kind, reason.as_str(), message.clone());
        Self { condition: Box::new(condition), halt: Halt::waiting(reason.as_str(), message) }
    }

    /// A fetch that failed.
    pub fn fetch(reason: Reason, message: impl Into<String>) -> Self {
        Self::retry(FETCH_FAILED, reason, message)
    }

    /// A write to the store that failed.
    pub fn storage(reason: Reason, message: impl Into<String>) -> Self {
        Self::retry(STORAGE_OPERATION_FAILED, reason, message)
    }

    /// Shows the failure on the object.
    pub fn record<K: FluxObject>(self, at: &mut Attempt<K>) -> Halt {
        at.conditions().set(*self.condition);
        self.halt
    }
}
