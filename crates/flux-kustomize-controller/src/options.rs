//! Flags of this controller beside the common ones.

use std::collections::BTreeSet;

use flux_apply::GroupKind;
use serde_json::Value;

/// The flags, with upstream's defaults.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--concurrent-ssa`: dry runs at the same time within one attempt.
    pub concurrent_ssa: usize,
    /// `--custom-apply-stage-kinds`.
    pub custom_stage: BTreeSet<GroupKind>,
    /// `--override-manager`: field managers whose changes are undone.
    pub override_managers: Vec<String>,
    /// `--no-remote-bases`: what lies outside the artifact is refused.
    pub no_remote_bases: bool,
    /// Gate `StrictPostBuildSubstitutions`.
    pub strict_substitutions: bool,
    /// Gate `AdditiveCELDependencyCheck`.
    pub additive_cel_dependency_check: bool,
    /// Gate `ExternalArtifact`.
    pub external_artifact: bool,
    /// Gate `DisableFailFastBehavior`, the other way round.
    pub fail_fast: bool,
    /// Gate `MigrateAPIVersion`.
    pub migrate_api_version: bool,
    /// Says which objects the process itself stands in for: they are neither applied nor pruned.
    pub provided: Option<fn(&Value) -> bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent_ssa: 4,
            custom_stage: BTreeSet::new(),
            override_managers: Vec::new(),
            no_remote_bases: false,
            strict_substitutions: true,
            additive_cel_dependency_check: false,
            external_artifact: false,
            fail_fast: true,
            migrate_api_version: false,
            provided: None,
        }
    }
}

impl Options {
    /// Sets the gates that `--feature-gates` names.
    #[must_use]
    pub fn with_gates(mut self, common: &flux_runtime::Options) -> Self {
        self.strict_substitutions = common.feature("StrictPostBuildSubstitutions", self.strict_substitutions);
        self.additive_cel_dependency_check =
            common.feature("AdditiveCELDependencyCheck", self.additive_cel_dependency_check);
        self.external_artifact = common.feature("ExternalArtifact", self.external_artifact);
        self.fail_fast = !common.feature("DisableFailFastBehavior", !self.fail_fast);
        self.migrate_api_version = common.feature("MigrateAPIVersion", self.migrate_api_version);
        self
    }
}
