//! Command-line flags as upstream's controllers take them (Go's pflag syntax): `--name=value`, `--name value`, `--switch`.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a flag's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Duration,
    Text,
    /// May be given several times, or as a comma-separated list.
    List,
    /// `Gate=true,Other=false`
    Gates,
}

/// A flag that a controller knows.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub name: &'static str,
    pub kind: Kind,
}

const fn flag(name: &'static str, kind: Kind) -> Flag {
    Flag { name, kind }
}

/// Flags of every controller.
pub const COMMON: &[Flag] = &[
    flag("concurrent", Kind::Int),
    flag("default-service-account", Kind::Text),
    flag("enable-leader-election", Kind::Bool),
    flag("events-addr", Kind::Text),
    flag("feature-gates", Kind::Gates),
    flag("health-addr", Kind::Text),
    flag("interval-jitter-percentage", Kind::Int),
    flag("kube-api-burst", Kind::Int),
    flag("kube-api-qps", Kind::Float),
    flag("kubeconfig", Kind::Text),
    flag("leader-election-lease-duration", Kind::Duration),
    flag("leader-election-release-on-cancel", Kind::Bool),
    flag("leader-election-renew-deadline", Kind::Duration),
    flag("leader-election-retry-period", Kind::Duration),
    flag("log-encoding", Kind::Text),
    flag("log-level", Kind::Text),
    flag("max-retry-delay", Kind::Duration),
    flag("metrics-addr", Kind::Text),
    flag("min-retry-delay", Kind::Duration),
    flag("requeue-dependency", Kind::Duration),
    flag("token-cache-max-duration", Kind::Duration),
    flag("token-cache-max-size", Kind::Int),
    flag("watch-all-namespaces", Kind::Bool),
    flag("watch-configs-label-selector", Kind::Text),
    flag("watch-label-selector", Kind::Text),
];

/// Flags of the source controller alone.
pub const SOURCE: &[Flag] = &[
    flag("artifact-digest-algo", Kind::Text),
    flag("artifact-retention-records", Kind::Int),
    flag("artifact-retention-ttl", Kind::Duration),
    flag("helm-cache-max-size", Kind::Int),
    flag("helm-cache-purge-interval", Kind::Text),
    flag("helm-cache-ttl", Kind::Text),
    flag("helm-chart-file-max-size", Kind::Int),
    flag("helm-chart-max-size", Kind::Int),
    flag("helm-index-max-size", Kind::Int),
    flag("ssh-hostkey-algos", Kind::List),
    flag("ssh-kex-algos", Kind::List),
    flag("storage-addr", Kind::Text),
    flag("storage-adv-addr", Kind::Text),
    flag("storage-path", Kind::Text),
];

/// Flags of the kustomize controller alone.
pub const KUSTOMIZE: &[Flag] = &[
    flag("concurrent-ssa", Kind::Int),
    flag("custom-apply-stage-kinds", Kind::Text),
    flag("default-decryption-service-account", Kind::Text),
    flag("default-kubeconfig-service-account", Kind::Text),
    flag("http-retry", Kind::Int),
    flag("insecure-kubeconfig-exec", Kind::Bool),
    flag("insecure-kubeconfig-tls", Kind::Bool),
    flag("no-cross-namespace-refs", Kind::Bool),
    flag("no-remote-bases", Kind::Bool),
    flag("override-manager", Kind::List),
    flag("sops-age-secret", Kind::Text),
    flag("sops-vault-configmap", Kind::Text),
];

/// Flags of the helm controller alone.
pub const HELM: &[Flag] = &[
    flag("default-kubeconfig-service-account", Kind::Text),
    flag("graceful-shutdown-timeout", Kind::Duration),
    flag("http-retry", Kind::Int),
    flag("http-timeout", Kind::Duration),
    flag("insecure-kubeconfig-exec", Kind::Bool),
    flag("insecure-kubeconfig-tls", Kind::Bool),
    flag("no-cross-namespace-refs", Kind::Bool),
    flag("oom-watch-current-memory-path", Kind::Text),
    flag("oom-watch-interval", Kind::Duration),
    flag("oom-watch-max-memory-path", Kind::Text),
    flag("override-manager", Kind::List),
    flag("snapshot-digest-algo", Kind::Text),
];

/// Why flags were refused; the texts are pflag's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagError {
    #[error("unknown flag: --{name}")]
    Unknown { name: String },
    #[error("flag needs an argument: --{name}")]
    NoValue { name: String },
    #[error("invalid argument {value:?} for \"--{name}\" flag: {expected} expected")]
    Value { name: String, value: String, expected: &'static str },
    #[error("unexpected argument {value:?}; flags start with `--`")]
    Positional { value: String },
}

/// Flags that were given, checked against what the controllers know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Flags {
    /// Parses `arguments`; every flag must be one of `known`, and every value of its kind.
    pub fn parse(arguments: &[String], known: &[&[Flag]]) -> Result<Self, FlagError> {
        let mut flags = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some(text) = argument.strip_prefix("--") else {
                return Err(FlagError::Positional { value: argument.clone() });
            };
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            let flag = known.iter().copied().flatten().find(|flag| flag.name == name);
            let flag = flag.ok_or_else(|| FlagError::Unknown { name: name.to_owned() })?;
            let value = match (value, flag.kind) {
                (Some(value), _) => value,
                (None, Kind::Bool) => "true".to_owned(),
                (None, _) => rest.next().cloned().ok_or_else(|| FlagError::NoValue { name: name.to_owned() })?,
            };
            check(flag, &value)?;
            flags.given.entry(flag.name).or_default().push(value);
        }
        Ok(flags)
    }

    /// Sets a flag that the caller knows to exist.
    pub fn set(&mut self, name: &'static str, value: impl ToString) {
        self.given.insert(name, vec![value.to_string()]);
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.last().map(String::as_str)
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.given.get(name).into_iter().flatten();
        values.flat_map(|value| value.split(',')).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        parse_bool(self.text(name)?)
    }

    pub fn int(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub fn duration(&self, name: &str) -> Option<Duration> {
        parse_duration(self.text(name)?)
    }

    pub fn gates(&self) -> BTreeMap<String, bool> {
        let pairs = self.list("feature-gates");
        let pair =
            |pair: &String| pair.split_once('=').map(|(gate, on)| (gate.to_owned(), parse_bool(on) == Some(true)));
        pairs.iter().filter_map(pair).collect()
    }
}

fn check(flag: &Flag, value: &str) -> Result<(), FlagError> {
    let (good, expected) = match flag.kind {
        Kind::Bool => (parse_bool(value).is_some(), "true or false"),
        Kind::Int => (value.parse::<u64>().is_ok(), "a whole number"),
        Kind::Float => (value.parse::<f64>().is_ok(), "a number"),
        Kind::Duration => (parse_duration(value).is_some(), "a duration such as 1m30s"),
        Kind::Gates => {
            let good = |pair: &str| pair.split_once('=').is_some_and(|(_, on)| parse_bool(on).is_some());
            (value.split(',').all(good), "Gate=true pairs")
        }
        Kind::Text | Kind::List => (true, ""),
    };
    if good {
        return Ok(());
    }
    Err(FlagError::Value { name: flag.name.to_owned(), value: value.to_owned(), expected })
}

/// The words of Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let duration: flux_api::Duration = text.parse().ok()?;
    Some(duration.std())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags, FlagError> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Flags::parse(&arguments, &[COMMON, KUSTOMIZE])
    }

    #[test]
    fn values_come_after_an_equals_sign_or_as_the_next_word() {
        let flags =
            parse(&["--concurrent=8", "--log-level", "debug", "--no-remote-bases", "--requeue-dependency=1m5s"]);
        let flags = flags.unwrap();
        assert_eq!(flags.int("concurrent"), Some(8));
        assert_eq!(flags.text("log-level"), Some("debug"));
        assert_eq!(flags.bool("no-remote-bases"), Some(true));
        assert_eq!(flags.duration("requeue-dependency"), Some(Duration::from_secs(65)));
        assert_eq!(flags.int("http-retry"), None);
    }

    #[test]
    fn the_arguments_of_upstreams_deployment_are_taken() {
        let arguments = [
            "--events-addr=http://notification-controller.flux-system.svc.cluster.local./",
            "--watch-all-namespaces",
            "--log-level=info",
            "--log-encoding=json",
            "--enable-leader-election",
            "--feature-gates=ExternalArtifact=true,StrictPostBuildSubstitutions=false",
        ];
        let gates = parse(&arguments).unwrap().gates();
        assert_eq!(gates["ExternalArtifact"], true);
        assert_eq!(gates["StrictPostBuildSubstitutions"], false);
    }

    #[test]
    fn wrong_flags_are_named() {
        assert_eq!(parse(&["--nope"]), Err(FlagError::Unknown { name: "nope".into() }));
        assert_eq!(parse(&["--storage-path=/data"]), Err(FlagError::Unknown { name: "storage-path".into() }));
        assert_eq!(parse(&["--concurrent"]), Err(FlagError::NoValue { name: "concurrent".into() }));
        let error = parse(&["--concurrent=many"]).unwrap_err();
        assert_eq!(error.to_string(), "invalid argument \"many\" for \"--concurrent\" flag: a whole number expected");
    }
}
