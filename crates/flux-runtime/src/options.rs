//! Flags that all controllers share, with upstream's defaults.

use std::collections::BTreeMap;
use std::time::Duration;

/// Common flags of the controllers (`--concurrent`, `--min-retry-delay`, ...).
#[derive(Clone, Debug)]
pub struct Options {
    /// Attempts that may run at the same time; work that only waits does not count.
    pub concurrent: usize,
    /// Percentage by which an interval is spread, 0 to 100.
    pub interval_jitter_percentage: u8,
    pub min_retry_delay: Duration,
    pub max_retry_delay: Duration,
    /// How long to wait for a missing dependency when no event arrives.
    pub requeue_dependency: Duration,
    /// The one namespace to watch; `None` watches all.
    pub watch_namespace: Option<String>,
    /// Label selector of the objects to reconcile (sharding); empty selects all.
    pub watch_label_selector: String,
    /// Label selector of the ConfigMaps and Secrets whose change wakes their users.
    pub watch_configs_label_selector: String,
    pub no_cross_namespace_refs: bool,
    /// Whether sources may be fetched over plain HTTP.
    pub allow_http: bool,
    /// Impersonated when an object names no service account; empty means none.
    pub default_service_account: String,
    /// Namespace of the controller itself (`RUNTIME_NAMESPACE`).
    pub runtime_namespace: String,
    pub feature_gates: BTreeMap<String, bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent: 4,
            interval_jitter_percentage: 5,
            min_retry_delay: Duration::from_millis(750),
            max_retry_delay: Duration::from_secs(15 * 60),
            requeue_dependency: Duration::from_secs(30),
            watch_namespace: None,
            watch_label_selector: String::new(),
            watch_configs_label_selector: "reconcile.fluxcd.io/watch=Enabled".into(),
            no_cross_namespace_refs: false,
            allow_http: true,
            default_service_account: String::new(),
            runtime_namespace: "flux-system".into(),
            feature_gates: BTreeMap::new(),
        }
    }
}

impl Options {
    /// The state of a feature gate, or `default` when the flag does not name it.
    pub fn feature(&self, name: &str, default: bool) -> bool {
        self.feature_gates.get(name).copied().unwrap_or(default)
    }

    /// The back-off after `failures` failures in a row: the minimum doubled each time, up to the maximum.
    pub fn retry_delay(&self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        self.min_retry_delay.saturating_mul(factor).min(self.max_retry_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delay_doubles_up_to_the_maximum() {
        let options = Options::default();
        assert_eq!(options.retry_delay(1), Duration::from_millis(750));
        assert_eq!(options.retry_delay(2), Duration::from_millis(1500));
        assert_eq!(options.retry_delay(40), Duration::from_secs(900));
        assert_eq!(options.retry_delay(0), Duration::from_millis(750));
    }
}
