//! From an object and its secrets to a remote.

use flux_api::GitRepository;
use flux_git::{Auth, GitError, Location, Proxy, Remote, Secret, SshAuth, SshKeyError, Tls, check_ssh_key, redacted};
use flux_runtime::secrets::{self, SecretData, SecretError, Sensitive};
use kube::Client;
use url::Url;

use crate::reason::{FETCH_FAILED, Failure, Reason};

/// How messages name a secret.
struct SecretName<'a> {
    namespace: &'a str,
    name: &'a str,
}

impl std::fmt::Display for SecretName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The remote of an object, with the credentials of its secrets.
pub async fn remote(client: &Client, obj: &GitRepository, namespace: &str) -> Result<Remote, Failure> {
    let spec = &obj.spec;
    let proxy = match &spec.proxy_secret_ref {
        Some(reference) => Some(proxy(client, namespace, &reference.name).await?),
        None => None,
    };
    let url = Url::parse(&spec.url).map_err(|error| {
        let message = format!("failed to parse url '{}': {error}", redacted(&spec.url));
        Failure::stalled(FETCH_FAILED, Reason::UrlInvalid, message)
    })?;
    let mut remote = Remote { proxy, ..Remote::new(spec.url.clone(), obj.timeout().std()) };
    let data = match &spec.secret_ref {
        Some(reference) => Some(secret(client, namespace, &reference.name).await?),
        None => None,
    };
    if let Some(data) = &data {
        let name = SecretName { namespace, name: &data.name };
        if data.get("githubAppID").is_some_and(|id| !id.is_empty()) {
            let message = format!("secretRef '{name}' has github app data but provider is not set to github");
            return Err(Failure::fetch(Reason::InvalidProviderConfiguration, message));
        }
        (remote.auth, remote.tls) = credentials(data, url.scheme());
    }
    validate(&remote, url.scheme(), data.as_ref())?;
    Location::parse(&spec.url).map_err(|error| match error {
        GitError::Url { reason, .. } => {
            let message = format!("failed to parse url '{}': {reason}", redacted(&spec.url));
            Failure::stalled(FETCH_FAILED, Reason::UrlInvalid, message)
        }
        error => Failure::fetch(Reason::GitOperationFailed, error.to_string()),
    })?;
    Ok(remote)
}

async fn secret(client: &Client, namespace: &str, name: &str) -> Result<SecretData, Failure> {
    secrets::get(client, namespace, name).await.map_err(|error| {
        let why = match error {
            SecretError::NotFound { .. } => format!("secrets \"{name}\" not found"),
            SecretError::Get { reason, .. } => reason,
            other => other.to_string(),
        };
        let message = format!("failed to get secret '{}': {why}", SecretName { namespace, name });
        Failure::fetch(Reason::AuthenticationFailed, message)
    })
}

async fn proxy(client: &Client, namespace: &str, name: &str) -> Result<Proxy, Failure> {
    let failed = |error: SecretError| {
        Failure::fetch(Reason::AuthenticationFailed, format!("failed to configure proxy options: {error}"))
    };
    let data = secrets::get(client, namespace, name).await.map_err(failed)?;
    let proxy = secrets::proxy_url(&data).map_err(failed)?;
    Ok(Proxy {
        address: proxy.address.to_string(),
        username: proxy.username,
        password: proxy.password.map(|password| text(&password)),
    })
}

fn text(value: &Sensitive) -> Secret {
    Secret::new(value.expose_text().into_owned())
}

/// What the keys of a secret mean for a scheme.
fn credentials(data: &SecretData, scheme: &str) -> (Auth, Tls) {
    let value = |key: &str| data.get(key).filter(|value| !value.is_empty());
    let plain = |key: &str| value(key).map(|value| value.expose_text().into_owned());
    if scheme == "ssh" {
        let auth = SshAuth {
            identity: value("identity").map(text).unwrap_or_default(),
            passphrase: value("password").map(text),
            known_hosts: plain("known_hosts").unwrap_or_default(),
        };
        return (Auth::Ssh(auth), Tls::default());
    }
    let tls = Tls {
        ca: value("ca.crt").or_else(|| value("caFile")).map(|value| value.expose().to_vec()),
        certificate: value("tls.crt").map(|value| value.expose().to_vec()),
        key: value("tls.key").map(text),
    };
    let auth = match data.get("bearerToken") {
        Some(token) => Auth::Bearer(text(token)),
        None => Auth::Basic {
            username: plain("username").unwrap_or_default(),
            password: value("password").map(text).unwrap_or_default(),
        },
    };
    (auth, tls)
}

/// What can be told to be wrong without asking the server.
fn validate(remote: &Remote, scheme: &str, data: Option<&SecretData>) -> Result<(), Failure> {
    let invalid = |reason: String| {
        let message = format!("failed to configure authentication options: {reason}");
        Err(Failure::fetch(Reason::AuthenticationFailed, message))
    };
    match (&remote.auth, scheme) {
        (Auth::Basic { username, password }, "http" | "https") if username.is_empty() && !password.is_empty() => {
            invalid(format!("invalid '{scheme}' auth option: 'password' requires 'username' to be set"))
        }
        (Auth::Ssh(auth), "ssh") if auth.identity.is_empty() => {
            invalid("invalid 'ssh' auth option: 'identity' is required".into())
        }
        (Auth::Ssh(auth), "ssh") if auth.known_hosts.is_empty() => {
            invalid("invalid 'ssh' auth option: 'known_hosts' is required".into())
        }
        (Auth::Ssh(auth), "ssh") => match check_ssh_key(auth) {
            Err(SshKeyError::Encrypted) => {
                let name = data.map(|data| format!("{}/{}", data.namespace, data.name)).unwrap_or_default();
                let message = format!(
                    "SSH identity key is encrypted but no 'password' field was provided in the secret '{name}'"
                );
                Err(Failure::fetch(Reason::AuthenticationFailed, message))
            }
            Err(error) => {
                let message = format!(
                    "failed to checkout and determine revision: unable to construct auth method with options: {error}"
                );
                Err(Failure::fetch(Reason::GitOperationFailed, message))
            }
            Ok(()) => Ok(()),
        },
        (_, "ssh") => invalid("invalid 'ssh' auth option: 'identity' is required".into()),
        (_, "http" | "https") => Ok(()),
        (_, other) => invalid(format!("unknown transport '{other}'")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(url: &str, data: &[(&str, &str)]) -> (Auth, Result<(), String>) {
        let data = SecretData::new("ns", "s", data.iter().map(|(key, value)| (*key, *value)));
        let scheme = url.split(':').next().unwrap_or_default();
        let mut remote = Remote::new(url, Duration::from_secs(1));
        (remote.auth, remote.tls) = credentials(&data, scheme);
        let result = validate(&remote, scheme, Some(&data));
        (remote.auth, result.map_err(|failure| failure.condition.message))
    }

    #[test]
    fn keys_and_what_they_mean() {
        let (auth, result) = check("https://h/r", &[("username", "u"), ("password", "p")]);
        assert!(matches!(auth, Auth::Basic { username, .. } if username == "u") && result.is_ok());
        let (auth, _) = check("https://h/r", &[("bearerToken", "t"), ("username", "u")]);
        assert!(matches!(auth, Auth::Bearer(_)));
        let (_, result) = check("https://h/r", &[("password", "p")]);
        assert!(result.unwrap_err().ends_with("invalid 'https' auth option: 'password' requires 'username' to be set"));
        let (_, result) = check("ssh://h/r", &[("known_hosts", "x")]);
        assert!(result.unwrap_err().ends_with("'identity' is required"));
        let (_, result) = check("ssh://h/r", &[("identity", "x")]);
        assert!(result.unwrap_err().ends_with("'known_hosts' is required"));
        let (_, result) = check("ssh://h/r", &[("identity", "x"), ("known_hosts", "x")]);
        assert!(result.unwrap_err().contains("invalid private key"));
        let (_, result) = check("ftp://h/r", &[]);
        assert!(result.unwrap_err().ends_with("unknown transport 'ftp'"));
    }
}
