//! Reads the flags that all controllers share, in pflag's syntax.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::labels::Requirements;
use crate::options::Options;

/// Why a flag cannot be used. Worded as upstream's flag library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    #[error("invalid argument {value:?} for \"--{flag}\" flag: {reason}")]
    Invalid { flag: String, value: String, reason: String },
    #[error("feature-gate '{0}' not supported")]
    Gate(String),
    #[error("the interval jitter percentage must be a non-negative value and less than 100")]
    Jitter,
}

fn invalid(flag: &str, value: &str, reason: impl ToString) -> FlagError {
    FlagError::Invalid { flag: flag.into(), value: value.into(), reason: reason.to_string() }
}

impl Options {
    /// Sets one flag by its name without dashes; `false` when it is none of these.
    ///
    /// A boolean flag without a value is given as `true`.
    pub fn set(&mut self, flag: &str, value: &str) -> Result<bool, FlagError> {
        let duration = || -> Result<Duration, FlagError> {
            value
                .parse::<flux_api::Duration>()
                .map(|duration| duration.std())
                .map_err(|error| invalid(flag, value, error))
        };
        let number = || value.parse::<usize>().map_err(|error| invalid(flag, value, error));
        match flag {
            "concurrent" => self.concurrent = number()?,
            "interval-jitter-percentage" => {
                self.interval_jitter_percentage = value.parse().map_err(|error| invalid(flag, value, error))?;
                if self.interval_jitter_percentage >= 100 {
                    return Err(FlagError::Jitter);
                }
            }
            "min-retry-delay" => self.min_retry_delay = duration()?,
            "max-retry-delay" => self.max_retry_delay = duration()?,
            "requeue-dependency" => self.requeue_dependency = duration()?,
            "watch-all-namespaces" => {
                let all = boolean(flag, value)?;
                self.watch_namespace = (!all).then(|| self.runtime_namespace.clone());
            }
            "watch-label-selector" => self.watch_label_selector = selector(flag, value)?,
            "watch-configs-label-selector" => self.watch_configs_label_selector = selector(flag, value)?,
            "no-cross-namespace-refs" => self.no_cross_namespace_refs = boolean(flag, value)?,
            "default-service-account" => self.default_service_account = value.into(),
            "insecure-allow-http" => self.allow_http = boolean(flag, value)?,
            "feature-gates" => self.feature_gates.extend(gates(flag, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Refuses feature gates that the controller does not have.
    pub fn check_gates(&self, supported: &BTreeMap<String, bool>) -> Result<BTreeMap<String, bool>, FlagError> {
        let mut gates = supported.clone();
        for (name, enabled) in &self.feature_gates {
            *gates.get_mut(name).ok_or_else(|| FlagError::Gate(name.clone()))? = *enabled;
        }
        Ok(gates)
    }
}

fn boolean(flag: &str, value: &str) -> Result<bool, FlagError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(invalid(flag, value, format!("strconv.ParseBool: parsing {value:?}: invalid syntax"))),
    }
}

fn selector(flag: &str, value: &str) -> Result<String, FlagError> {
    Requirements::parse(value).map_err(|reason| invalid(flag, value, reason))?;
    Ok(value.to_owned())
}

fn gates(flag: &str, value: &str) -> Result<BTreeMap<String, bool>, FlagError> {
    let mut gates = BTreeMap::new();
    for pair in value.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, state) = pair
            .split_once('=')
            .ok_or_else(|| invalid(flag, value, format!("malformed pair, expect string=bool: {pair}")))?;
        gates.insert(name.trim().to_owned(), boolean(flag, state.trim())?);
    }
    Ok(gates)
}

/// The name of a controller's lease: with a selector its hash makes shards independent.
pub fn leader_election_id(base: &str, additions: &[&str]) -> String {
    if base.is_empty() || additions.is_empty() {
        return base.to_owned();
    }
    let mut hash = Sha256::new();
    for addition in additions {
        hash.update(addition.as_bytes());
    }
    let short: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{base}-{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_set_fields() {
        let mut options = Options::default();
        for (flag, value) in [
            ("concurrent", "10"),
            ("max-retry-delay", "5h"),
            ("no-cross-namespace-refs", "true"),
            ("feature-gates", "A=true,B=false"),
        ] {
            assert_eq!(options.set(flag, value), Ok(true), "{flag}");
        }
        assert_eq!((options.concurrent, options.max_retry_delay.as_secs()), (10, 18_000));
        assert!(options.no_cross_namespace_refs && options.feature("A", false) && !options.feature("B", true));
        assert_eq!(options.set("nothing-of-ours", ""), Ok(false));
        assert!(options.set("watch-label-selector", "a in x").is_err());
    }

    #[test]
    fn leases_are_told_apart() {
        assert_eq!(leader_election_id("foo", &[]), "foo");
        assert_eq!(leader_election_id("foo", &["bar"]), "foo-fcde2b2e");
    }
}
