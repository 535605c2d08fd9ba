//! Credentials for registries, from Secrets.

use flux_oci::{Credentials, DockerConfig, Secret};
use flux_runtime::secrets::SecretData;

use super::url::Parts;

/// The type of Secrets that hold a Docker configuration.
pub const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";

/// Why a Secret holds no credentials for a registry. Worded as upstream; no value is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryAuthError {
    #[error("unable to parse registry URL '{url}' while reconciling Secret '{secret}': {reason}")]
    Url { url: String, secret: String, reason: String },
    #[error("unable to load Docker config from Secret '{secret}': {reason}")]
    Config { secret: String, reason: String },
    #[error("no auth config for '{host}' in the docker-registry Secret '{secret}'")]
    NoHost { host: String, secret: String },
    #[error("invalid '{secret}' secret data: required fields 'username' and 'password'")]
    Incomplete { secret: String },
}

/// What a Secret of that type says about the registry at `url`.
///
/// # Errors
/// What cannot be used.
pub fn credentials(url: &str, kind: &str, secret: &SecretData) -> Result<Credentials, RegistryAuthError> {
    let name = || secret.name.clone();
    let parts = Parts::parse(url).map_err(|error| RegistryAuthError::Url {
        url: url.to_owned(),
        secret: name(),
        reason: error.to_string(),
    })?;
    let text = |key: &str| secret.get(key).map(|value| value.expose_text().into_owned()).unwrap_or_default();
    let found = if kind == DOCKER_CONFIG {
        let bytes = secret.get(".dockerconfigjson").map(|value| value.expose().to_vec()).unwrap_or_default();
        let config = DockerConfig::parse(&bytes)
            .map_err(|error| RegistryAuthError::Config { secret: name(), reason: error.to_string() })?;
        let host = parts.host();
        let found = config.get(host).cloned();
        found.ok_or_else(|| RegistryAuthError::NoHost { host: host.to_owned(), secret: name() })?
    } else {
        Credentials::Basic { username: text("username"), password: Secret::new(text("password")) }
    };
    match found {
        Credentials::Basic { username, password } if username.is_empty() && password.is_empty() => {
            Ok(Credentials::Anonymous)
        }
        Credentials::Basic { username, password } if username.is_empty() || password.is_empty() => {
            Err(RegistryAuthError::Incomplete { secret: name() })
        }
        other => Ok(other),
    }
}
