//! Flags of this controller beside the common ones.

use flux_apply::KubeConfigOptions;
use flux_helm::digest::Algorithm;

/// The flags, with upstream's defaults.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--override-manager`: field managers whose fields become ours before drift is looked for.
    pub override_managers: Vec<String>,
    /// `--snapshot-digest-algo`.
    pub snapshot_digest: Algorithm,
    /// `--insecure-kubeconfig-exec`, `--insecure-kubeconfig-tls`.
    pub kube_config: KubeConfigOptions,
    /// Gate `AdditiveCELDependencyCheck`.
    pub additive_cel_dependency_check: bool,
    /// Gate `ExternalArtifact`.
    pub external_artifact: bool,
    /// Gate `DisableChartDigestTracking`.
    pub disable_chart_digest_tracking: bool,
    /// Gate `DefaultToRetryOnFailure`.
    pub default_to_retry_on_failure: bool,
    /// Gate `UseHelm3Defaults`: client-side apply and hooks that are not post-rendered, unless a release says otherwise.
    pub use_helm3_defaults: bool,
}

impl Options {
    /// Sets the gates that `--feature-gates` names.
    #[must_use]
    pub fn with_gates(mut self, common: &flux_runtime::Options) -> Self {
        self.additive_cel_dependency_check =
            common.feature("AdditiveCELDependencyCheck", self.additive_cel_dependency_check);
        self.external_artifact = common.feature("ExternalArtifact", self.external_artifact);
        self.disable_chart_digest_tracking =
            common.feature("DisableChartDigestTracking", self.disable_chart_digest_tracking);
        self.default_to_retry_on_failure = common.feature("DefaultToRetryOnFailure", self.default_to_retry_on_failure);
        self.use_helm3_defaults = common.feature("UseHelm3Defaults", self.use_helm3_defaults);
        self
    }
}
