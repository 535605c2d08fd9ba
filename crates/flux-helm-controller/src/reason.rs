//! Reasons of the conditions and events of a HelmRelease, as upstream writes them.

macro_rules! reasons {
    ($($(#[$about:meta])* $name:ident = $text:literal,)+) => {
        /// Why a condition is as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$about])* $name,)+
        }

        impl Reason {
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The reason of that text.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    AccessDenied = "AccessDenied",
    ArtifactFailed = "ArtifactFailed",
    AwaitingTests = "AwaitingTests",
    ChartMutateError = "ChartMutateError",
    DependencyNotReady = "DependencyNotReady",
    DriftCorrected = "DriftCorrected",
    DriftCorrectionFailed = "DriftCorrectionFailed",
    DriftDetected = "DriftDetected",
    HealthCheckCanceled = "HealthCheckCanceled",
    HelmChartSyncErr = "HelmChartSyncErr",
    InstallFailed = "InstallFailed",
    InstallSucceeded = "InstallSucceeded",
    InvalidCelExpression = "InvalidCELExpression",
    InventoryBuildFailed = "InventoryBuildFailed",
    MissingRollbackTarget = "MissingRollbackTarget",
    NamespaceCheckSkipped = "NamespaceCheckSkipped",
    NoDriftDetected = "NoDriftDetected",
    PendingRelease = "PendingRelease",
    Progressing = "Progressing",
    ProgressingWithRetry = "ProgressingWithRetry",
    ReconcileError = "ReconcileError",
    RestClientError = "RESTClientError",
    RetriesExceeded = "RetriesExceeded",
    RollbackFailed = "RollbackFailed",
    RollbackSucceeded = "RollbackSucceeded",
    SourceNotReady = "SourceNotReady",
    StateError = "StateError",
    TestFailed = "TestFailed",
    TestSucceeded = "TestSucceeded",
    UninstallFailed = "UninstallFailed",
    UninstallSucceeded = "UninstallSucceeded",
    /// A field that this controller does not know how to honour yet; not one of upstream's.
    UnsupportedField = "UnsupportedField",
    UpgradeFailed = "UpgradeFailed",
    UpgradeSucceeded = "UpgradeSucceeded",
    ValuesError = "ValuesError",
}
