//! Reasons of the conditions of a Kustomization, as upstream writes them.

/// Why a condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    AccessDenied,
    ArtifactFailed,
    BuildFailed,
    DependencyNotReady,
    HealthCheckCanceled,
    HealthCheckFailed,
    InvalidCelExpression,
    Progressing,
    PruneFailed,
    ReconciliationFailed,
    ReconciliationSucceeded,
    Succeeded,
    /// A field that this controller does not know how to honour yet; not one of upstream's.
    UnsupportedField,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDenied",
            Self::ArtifactFailed => "ArtifactFailed",
            Self::BuildFailed => "BuildFailed",
            Self::DependencyNotReady => "DependencyNotReady",
            Self::HealthCheckCanceled => "HealthCheckCanceled",
            Self::HealthCheckFailed => "HealthCheckFailed",
            Self::InvalidCelExpression => "InvalidCELExpression",
            Self::Progressing => "Progressing",
            Self::PruneFailed => "PruneFailed",
            Self::ReconciliationFailed => "ReconciliationFailed",
            Self::ReconciliationSucceeded => "ReconciliationSucceeded",
            Self::Succeeded => "Succeeded",
            Self::UnsupportedField => "UnsupportedField",
        }
    }
}
