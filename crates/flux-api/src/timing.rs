//! Defaults and lower bounds of intervals and timeouts, as upstream's controllers apply them.

use crate::{Duration, GitRepository, Kustomization};

const SOURCE_TIMEOUT: Duration = Duration::from_secs(60);
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(30);

impl GitRepository {
    /// `spec.timeout`, by default 60 s.
    pub fn timeout(&self) -> Duration {
        self.spec.timeout.unwrap_or(SOURCE_TIMEOUT)
    }
}

impl Kustomization {
    /// `spec.timeout`, by default the interval less 30 s, never below 30 s.
    pub fn timeout(&self) -> Duration {
        let timeout = self
            .spec
            .timeout
            .unwrap_or_else(|| Duration::from(self.spec.interval.std().saturating_sub(SHORTEST_TIMEOUT.std())));
        timeout.max(SHORTEST_TIMEOUT)
    }

    /// `spec.retryInterval`, by default the interval.
    pub fn retry_interval(&self) -> Duration {
        self.spec.retry_interval.unwrap_or(self.spec.interval)
    }

    /// Namespace and name of the source; a reference without namespace means the object's own.
    pub fn source_key(&self) -> (&str, &str) {
        let reference = &self.spec.source_ref;
        let own = self.metadata.namespace.as_deref().unwrap_or_default();
        (reference.namespace.as_deref().unwrap_or(own), &reference.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kustomize::KustomizationSpec;

    #[test]
    fn timeouts_have_a_floor() {
        let unit = |interval: u64, timeout: Option<u64>| {
            let spec = KustomizationSpec {
                interval: Duration::from_secs(interval),
                timeout: timeout.map(Duration::from_secs),
                ..Default::default()
            };
            Kustomization::new("app", spec).timeout()
        };
        assert_eq!(unit(600, None), Duration::from_secs(570));
        assert_eq!(unit(40, None), Duration::from_secs(30));
        assert_eq!(unit(600, Some(1)), Duration::from_secs(30));
        assert_eq!(unit(600, Some(90)), Duration::from_secs(90));
    }
}
