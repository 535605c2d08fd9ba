//! The storage flags of a source controller, with upstream's names, defaults and environment variables.

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::{Algorithm, UnsupportedAlgorithm};

/// Where artifacts are stored, served and how long they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--storage-path`, `STORAGE_PATH`.
    pub storage_path: PathBuf,
    /// `--storage-addr`, `STORAGE_ADDRESS`: where the file server listens.
    pub storage_address: String,
    /// `--storage-adv-addr`, `STORAGE_ADV_ADDR`: what consumers are told; empty to derive it.
    pub storage_adv_address: String,
    /// `--artifact-retention-ttl`.
    pub retention_ttl: Duration,
    /// `--artifact-retention-records`.
    pub retention_records: usize,
    /// `--artifact-digest-algo`.
    pub digest_algorithm: Algorithm,
}

/// Why flags or addresses cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("invalid argument {value:?} for \"--{flag}\" flag: {reason}")]
    Flag { flag: String, value: String, reason: String },
    #[error("flag needs an argument: --{flag}")]
    NoValue { flag: String },
    #[error("invalid storage address {address:?}: {reason}")]
    Address { address: String, reason: &'static str },
    #[error("0.0.0.0 specified in storage addr but hostname is invalid")]
    Hostname,
    #[error(transparent)]
    Algorithm(#[from] UnsupportedAlgorithm),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            storage_path: "/data".into(),
            storage_address: ":9090".into(),
            storage_adv_address: String::new(),
            retention_ttl: Duration::from_secs(60),
            retention_records: 2,
            digest_algorithm: Algorithm::Sha256,
        }
    }
}

impl Options {
    /// The defaults, changed by the environment; empty variables count as unset.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut options = Self::default();
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("STORAGE_PATH") {
            options.storage_path = path.into();
        }
        if let Some(address) = set("STORAGE_ADDRESS") {
            options.storage_address = address;
        }
        if let Some(address) = set("STORAGE_ADV_ADDR") {
            options.storage_adv_address = address;
        }
        options
    }

    /// Sets one flag by its name without dashes; `false` when it is none of these flags.
    pub fn set(&mut self, flag: &str, value: &str) -> Result<bool, OptionsError> {
        let bad = |reason: &str| OptionsError::Flag { flag: flag.into(), value: value.into(), reason: reason.into() };
        match flag {
            "storage-path" => self.storage_path = value.into(),
            "storage-addr" => self.storage_address = value.into(),
            "storage-adv-addr" => self.storage_adv_address = value.into(),
            "artifact-retention-ttl" => {
                let ttl: flux_api::Duration = value.parse().map_err(|_| bad("invalid duration"))?;
                self.retention_ttl = ttl.std();
            }
            "artifact-retention-records" => {
                self.retention_records = value.parse().map_err(|_| bad("invalid syntax"))?;
            }
            "artifact-digest-algo" => self.digest_algorithm = value.parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a command line over the environment: `--flag=value` or `--flag value`. Other arguments are left alone.
    pub fn from_flags<S: AsRef<str>>(
        arguments: &[S],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, OptionsError> {
        let mut options = Self::from_environment(variable);
        let mut arguments = arguments.iter().map(AsRef::as_ref);
        while let Some(argument) = arguments.next() {
            let Some(flag) = argument.strip_prefix("--") else { continue };
            if let Some((flag, value)) = flag.split_once('=') {
                options.set(flag, value)?;
            } else if Self::default().set(flag, "").is_ok_and(|known| !known) {
                continue;
            } else {
                let value = arguments.next().ok_or_else(|| OptionsError::NoValue { flag: flag.into() })?;
                options.set(flag, value)?;
            }
        }
        Ok(options)
    }

    /// The address consumers are told: the advertised one, or the listening one with its wildcard host replaced
    /// by the name of the machine (`HOSTNAME`, else what the system says).
    pub fn advertised_address(&self, hostname: Option<&str>) -> Result<String, OptionsError> {
        if !self.storage_adv_address.is_empty() {
            return Ok(self.storage_adv_address.clone());
        }
        let address = || self.storage_address.clone();
        let (host, port) = self
            .storage_address
            .rsplit_once(':')
            .ok_or_else(|| OptionsError::Address { address: address(), reason: "missing port in address" })?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bracketed.is_none() && host.contains(':') {
            return Err(OptionsError::Address { address: address(), reason: "too many colons in address" });
        }
        match bracketed.unwrap_or(host) {
            "" => Ok(format!("localhost:{port}")),
            "0.0.0.0" => {
                let system = || rustix::system::uname().nodename().to_str().ok().map(ToOwned::to_owned);
                let name = hostname.filter(|name| !name.is_empty()).map(ToOwned::to_owned).or_else(system);
                let name = name.filter(|name| !name.is_empty()).ok_or(OptionsError::Hostname)?;
                Ok(format!("{name}:{port}"))
            }
            _ => Ok(format!("{host}:{port}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_over_the_environment() {
        let variable = |name: &str| (name == "STORAGE_PATH").then(|| "/env".to_owned());
        let read = |arguments: &[&str]| Options::from_flags(arguments, variable);
        assert_eq!(read(&[]).unwrap().storage_path, PathBuf::from("/env"));
        let options =
            read(&["--storage-path", "/flag", "--log-level", "debug", "--artifact-retention-ttl=5m"]).unwrap();
        assert_eq!(options.storage_path, PathBuf::from("/flag"));
        assert_eq!(options.retention_ttl, Duration::from_secs(300));
        assert!(read(&["--artifact-digest-algo=md5"]).is_err());
        assert!(read(&["--artifact-retention-records"]).is_err());
        assert!(read(&["--artifact-retention-records=-1"]).is_err());
    }

    #[test]
    fn addresses_are_derived() {
        let advertised = |address: &str, host| {
            Options { storage_address: address.into(), ..Options::default() }.advertised_address(host)
        };
        assert_eq!(advertised(":9090", None).unwrap(), "localhost:9090");
        assert_eq!(advertised("[::1]:9090", None).unwrap(), "[::1]:9090");
        assert_eq!(advertised("0.0.0.0:1", Some("pod")).unwrap(), "pod:1");
        assert!(advertised("0.0.0.0:1", None).is_ok());
        assert!(advertised("nothing", None).is_err());
        assert!(advertised("::1:90", None).is_err());
    }
}
