//! The kinds of credentials a Secret may hold.

use super::{SecretData, SecretError, Sensitive, TlsFiles, tls_files};

/// User name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    pub username: String,
    pub password: Sensitive,
}

/// A private key and the hosts it may meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAuth {
    pub private_key: Sensitive,
    pub public_key: Option<Sensitive>,
    pub known_hosts: String,
    /// The passphrase of the key.
    pub password: Option<Sensitive>,
}

/// A GitHub App and one installation of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubApp {
    pub id: String,
    pub private_key: Sensitive,
    pub installation_id: Option<String>,
    pub installation_owner: Option<String>,
    pub base_url: Option<String>,
}

/// Everything found in one Secret.
#[derive(Clone, Debug, Default)]
pub struct AuthMethods {
    pub basic: Option<BasicAuth>,
    pub bearer: Option<Sensitive>,
    pub token: Option<Sensitive>,
    pub ssh: Option<SshAuth>,
    pub github_app: Option<GitHubApp>,
    pub tls: Option<TlsFiles>,
}

/// Reads all kinds of credentials. A kind that is missing is left out; a malformed one is an error.
pub fn auth_methods(secret: &SecretData) -> Result<AuthMethods, SecretError> {
    let full = |value: &Sensitive| !value.is_empty();
    Ok(AuthMethods {
        basic: optional(basic_auth(secret))?,
        bearer: optional(bearer_token(secret))?.filter(full),
        token: optional(token(secret))?.filter(full),
        ssh: optional(ssh_auth(secret))?,
        github_app: optional(github_app(secret))?,
        tls: optional(tls_files(secret))?,
    })
}

fn optional<T>(found: Result<T, SecretError>) -> Result<Option<T>, SecretError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_missing() || error.is_tls_shape() => Ok(None),
        Err(error) => Err(error),
    }
}

/// `username` and `password`; both or neither.
pub fn basic_auth(secret: &SecretData) -> Result<BasicAuth, SecretError> {
    let malformed = |present, missing| SecretError::BasicAuth { secret: secret.reference(), present, missing };
    match (secret.get("username"), secret.get("password")) {
        (Some(username), Some(password)) => {
            Ok(BasicAuth { username: username.expose_text().into_owned(), password: password.clone() })
        }
        (Some(_), None) => Err(malformed("username", "password")),
        (None, Some(_)) => Err(malformed("password", "username")),
        (None, None) => Err(SecretError::Key { secret: secret.reference(), key: "username" }),
    }
}

/// `bearerToken`.
pub fn bearer_token(secret: &SecretData) -> Result<Sensitive, SecretError> {
    secret.require("bearerToken").cloned()
}

/// `token`, of notification providers.
pub fn token(secret: &SecretData) -> Result<Sensitive, SecretError> {
    secret.require("token").cloned()
}

/// `identity` and `known_hosts`, with what may go along.
pub fn ssh_auth(secret: &SecretData) -> Result<SshAuth, SecretError> {
    Ok(SshAuth {
        private_key: secret.require("identity")?.clone(),
        known_hosts: secret.require("known_hosts")?.expose_text().into_owned(),
        public_key: secret.get("identity.pub").cloned(),
        password: secret.get("password").cloned(),
    })
}

/// The keys of a GitHub App.
pub fn github_app(secret: &SecretData) -> Result<GitHubApp, SecretError> {
    let text = |key: &str| secret.get(key).map(|value| value.expose_text().into_owned());
    let id = secret.require("githubAppID")?.expose_text().into_owned();
    let private_key = secret.require("githubAppPrivateKey")?.clone();
    let (owner, installation) = (text("githubAppInstallationOwner"), text("githubAppInstallationID"));
    if owner.is_some() == installation.is_some() {
        return Err(SecretError::Installation { secret: secret.reference() });
    }
    Ok(GitHubApp {
        id,
        private_key,
        installation_id: installation,
        installation_owner: owner,
        base_url: text("githubAppBaseURL"),
    })
}
