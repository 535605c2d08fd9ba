//! What a HelmRelease asks for, defaults included. Pure; as upstream's accessors.

use std::time::Duration;

use flux_api::HelmRelease;
use flux_api::helm::{
    ActionStrategy, ActionStrategyName, ChartNameChangeStrategy, CrdsPolicy, DriftDetectionMode, InstallRemediation,
    RemediationStrategy, UpgradeRemediation, WaitStrategyName,
};
use flux_helm::post_render::Strategy;
use flux_helm::release::state::{self, Remediation};

/// How long an action may take when nothing is said.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How soon `RetryOnFailure` tries again when nothing is said.
const RETRY: Duration = Duration::from_secs(300);
/// Revisions kept in storage when nothing is said.
const HISTORY: usize = 5;

/// What a release action is called in the status.
pub const INSTALL: &str = "install";
pub const UPGRADE: &str = "upgrade";

/// The namespace of the object itself.
pub fn own_namespace(obj: &HelmRelease) -> &str {
    obj.metadata.namespace.as_deref().unwrap_or_default()
}

fn own_name(obj: &HelmRelease) -> &str {
    obj.metadata.name.as_deref().unwrap_or_default()
}

/// `[targetNamespace-]name` unless it is given; not yet shortened.
pub fn release_name(obj: &HelmRelease) -> String {
    match (&obj.spec.release_name, &obj.spec.target_namespace) {
        (Some(name), _) => name.clone(),
        (None, Some(namespace)) => format!("{namespace}-{}", own_name(obj)),
        (None, None) => own_name(obj).to_owned(),
    }
}

/// The name as Helm stores it: at most 53 characters.
pub fn short_release_name(obj: &HelmRelease) -> String {
    flux_helm::release::shorten_name(&release_name(obj))
}

pub fn release_namespace(obj: &HelmRelease) -> &str {
    obj.spec.target_namespace.as_deref().unwrap_or_else(|| own_namespace(obj))
}

/// Where the records are kept: by default with the object, not with the release.
pub fn storage_namespace(obj: &HelmRelease) -> &str {
    obj.spec.storage_namespace.as_deref().unwrap_or_else(|| own_namespace(obj))
}

/// The name of the HelmChart made for the object.
pub fn chart_name(obj: &HelmRelease) -> String {
    format!("{}-{}", own_namespace(obj), own_name(obj))
}

/// The namespace of the HelmChart made for the object: its source's.
pub fn chart_namespace(obj: &HelmRelease) -> &str {
    let source = obj.spec.chart.as_ref().map(|chart| &chart.spec.source_ref);
    source.and_then(|source| source.namespace.as_deref()).unwrap_or_else(|| own_namespace(obj))
}

/// The timeout of an action: its own, or that of all.
pub fn timeout(obj: &HelmRelease, own: Option<flux_api::Duration>) -> Duration {
    own.or(obj.spec.timeout).map_or(TIMEOUT, |timeout| timeout.std())
}

/// Revisions to keep in storage; zero keeps all.
pub fn max_history(obj: &HelmRelease) -> usize {
    obj.spec.max_history.map_or(HISTORY, |max| usize::try_from(max).unwrap_or_default())
}

fn retry(strategy: Option<&ActionStrategy>, by_default: bool) -> Option<Duration> {
    match strategy {
        None => by_default.then_some(RETRY),
        Some(strategy) if strategy.name == ActionStrategyName::RetryOnFailure => {
            Some(strategy.retry_interval.map_or(RETRY, |interval| interval.std()))
        }
        Some(_) => None,
    }
}

/// The interval of `RetryOnFailure` at install, when that is the strategy.
pub fn install_retry(obj: &HelmRelease, by_default: bool) -> Option<Duration> {
    retry(obj.spec.install.as_ref().and_then(|install| install.strategy.as_ref()), by_default)
}

/// The interval of `RetryOnFailure` at upgrade, when that is the strategy.
pub fn upgrade_retry(obj: &HelmRelease, by_default: bool) -> Option<Duration> {
    retry(obj.spec.upgrade.as_ref().and_then(|upgrade| upgrade.strategy.as_ref()), by_default)
}

/// What the last attempted action is called; empty before the first.
pub fn last_action(obj: &HelmRelease) -> &str {
    obj.status.as_ref().and_then(|status| status.last_attempted_release_action.as_deref()).unwrap_or_default()
}

/// The interval of `RetryOnFailure` of the action that was attempted last.
pub fn active_retry(obj: &HelmRelease, by_default: bool) -> Option<Duration> {
    match last_action(obj) {
        INSTALL => install_retry(obj, by_default),
        UPGRADE => upgrade_retry(obj, by_default),
        _ => None,
    }
}

fn ignores_test_failures(obj: &HelmRelease) -> bool {
    obj.spec.test.as_ref().is_some_and(|test| test.ignore_failures)
}

/// The remediation of installs.
pub fn install_remediation(obj: &HelmRelease) -> Remediation {
    let none = InstallRemediation::default();
    let spec = obj.spec.install.as_ref().and_then(|install| install.remediation.as_ref()).unwrap_or(&none);
    Remediation {
        strategy: state::RemediationStrategy::Uninstall,
        failures: obj.status.as_ref().map_or(0, |status| status.install_failures),
        retries: spec.retries,
        last_failure: spec.remediate_last_failure.unwrap_or(false),
        ignore_test_failures: spec.ignore_test_failures.unwrap_or_else(|| ignores_test_failures(obj)),
    }
}

/// The remediation of upgrades.
pub fn upgrade_remediation(obj: &HelmRelease) -> Remediation {
    let none = UpgradeRemediation::default();
    let spec = obj.spec.upgrade.as_ref().and_then(|upgrade| upgrade.remediation.as_ref()).unwrap_or(&none);
    let strategy = match spec.strategy {
        Some(RemediationStrategy::Uninstall) => state::RemediationStrategy::Uninstall,
        _ => state::RemediationStrategy::Rollback,
    };
    Remediation {
        strategy,
        failures: obj.status.as_ref().map_or(0, |status| status.upgrade_failures),
        retries: spec.retries,
        last_failure: spec.remediate_last_failure.unwrap_or(spec.retries > 0),
        ignore_test_failures: spec.ignore_test_failures.unwrap_or_else(|| ignores_test_failures(obj)),
    }
}

/// The remediation of the action that was attempted last.
pub fn active_remediation(obj: &HelmRelease) -> Option<Remediation> {
    match last_action(obj) {
        INSTALL => Some(install_remediation(obj)),
        UPGRADE => Some(upgrade_remediation(obj)),
        _ => None,
    }
}

/// What decides about the next action.
pub fn policy(obj: &HelmRelease, retry_by_default: bool, force: bool) -> state::Policy {
    state::Policy {
        force,
        retry_on_failure: active_retry(obj, retry_by_default).is_some(),
        install_exhausted: install_remediation(obj).exhausted(),
        upgrade_exhausted: upgrade_remediation(obj).exhausted(),
        remediation: active_remediation(obj),
        ignore_test_failures: ignores_test_failures(obj),
    }
}

/// True when changes in the cluster are looked for.
pub fn detects_drift(obj: &HelmRelease) -> bool {
    matches!(drift_mode(obj), DriftDetectionMode::Enabled | DriftDetectionMode::Warn)
}

pub fn drift_mode(obj: &HelmRelease) -> DriftDetectionMode {
    let mode = obj.spec.drift_detection.as_ref().and_then(|drift| drift.mode.clone());
    mode.unwrap_or(DriftDetectionMode::Disabled)
}

/// True when a chart of another name is a release of its own.
pub fn reinstalls_for_chart_name(obj: &HelmRelease) -> bool {
    let strategy = obj.spec.upgrade.as_ref().and_then(|upgrade| upgrade.chart_name_change_strategy.clone());
    strategy != Some(ChartNameChangeStrategy::InPlaceUpdate)
}

/// How hooks take part in post-rendering.
pub fn post_render_strategy(obj: &HelmRelease, helm3: bool) -> Strategy {
    let word = obj.spec.post_render_strategy.as_ref().map(|strategy| strategy.to_string());
    let default = if helm3 { Strategy::from_word("nohooks") } else { None }.unwrap_or_default();
    word.and_then(|word| Strategy::from_word(&word)).unwrap_or(default)
}

/// How readiness is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Hooks alone.
    HookOnly,
    /// By kstatus.
    Poller,
    /// By Helm 3's rules.
    Legacy,
}

/// The way to wait: `disabled` is the action's `disableWait`.
pub fn wait_strategy(named: Option<&WaitStrategyName>, disabled: bool, helm3: bool) -> Wait {
    match named {
        _ if disabled => Wait::HookOnly,
        Some(WaitStrategyName::Legacy) => Wait::Legacy,
        Some(_) => Wait::Poller,
        None if helm3 => Wait::Legacy,
        None => Wait::Poller,
    }
}

/// What to do with the chart's definitions. Upstream's documents say that upgrades skip them; its code creates them.
pub fn crds_policy(named: Option<&CrdsPolicy>) -> CrdsPolicy {
    named.cloned().unwrap_or(CrdsPolicy::Create)
}
