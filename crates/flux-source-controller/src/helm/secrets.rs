//! From a HelmRepository and its Secrets to what its server is told.

use std::time::Duration;

use flux_api::HelmRepository;
use flux_oci::{Connection, Credentials, Retry, Secret, Tls};
use flux_runtime::secrets::{self, SecretData, SecretError, Sensitive, TlsFiles};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::{Api, Client};

use super::registry_auth;
use super::url::is_oci;

/// How a repository is reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub connection: Connection,
    /// For the repository's own host, unless `pass_credentials`.
    pub credentials: Credentials,
    pub pass_credentials: bool,
    /// HTTP without TLS, for registries.
    pub insecure: bool,
}

/// The user agent of upstream's client.
const AGENT: &str = "flux/v2/helm/v4";

/// Reads the Secrets of a repository; `url` is its normalized address.
///
/// # Errors
/// Worded as upstream's, without any value of a Secret.
pub async fn access(client: &Client, repo: &HelmRepository, namespace: &str, url: &str) -> Result<Access, String> {
    let spec = &repo.spec;
    let timeout = spec.timeout.map_or(Duration::from_secs(60), |timeout| timeout.std());
    let mut access = Access {
        connection: Connection { timeout, user_agent: AGENT.into(), retry: Retry::default(), ..Connection::default() },
        pass_credentials: spec.pass_credentials,
        insecure: spec.insecure,
        ..Access::default()
    };
    if let Some(reference) = &spec.cert_secret_ref {
        let (_, data) = secret(client, namespace, &reference.name).await.map_err(|reason| {
            format!("failed to get TLS authentication secret '{namespace}/{}': {reason}", reference.name)
        })?;
        let files = secrets::tls_files(&data)
            .map_err(|error| format!("failed to construct Helm client's TLS config: {error}"))?;
        access.connection.tls = tls(files);
    }
    if let Some(reference) = &spec.secret_ref {
        let (kind, data) = secret(client, namespace, &reference.name).await.map_err(|reason| {
            format!("failed to get authentication secret '{namespace}/{}': {reason}", reference.name)
        })?;
        let methods = secrets::auth_methods(&data)
            .map_err(|error| format!("failed to detect authentication methods: {error}"))?;
        if let Some(basic) = methods.basic {
            access.credentials = Credentials::Basic { username: basic.username, password: text(&basic.password) };
        }
        if let Some(files) = methods.tls.filter(|_| access.connection.tls.is_empty()) {
            tracing::info!(
                "warning: specifying TLS authentication data via `.spec.secretRef` is deprecated, please use `.spec.certSecretRef` instead"
            );
            access.connection.tls = tls(files);
        }
        if is_oci(url) {
            access.credentials = registry_auth::credentials(url, &kind, &data)
                .map_err(|error| format!("failed to configure OCI registry authentication: {error}"))?;
        }
    }
    Ok(access)
}

async fn secret(client: &Client, namespace: &str, name: &str) -> Result<(String, SecretData), String> {
    match Api::<KubeSecret>::namespaced(client.clone(), namespace).get_opt(name).await {
        Ok(Some(secret)) => Ok((secret.type_.clone().unwrap_or_default(), secret.into())),
        Ok(None) => Err(format!("secrets \"{name}\" not found")),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => {
            Err(SecretError::Get { secret: format!("{namespace}/{name}"), reason: error.to_string() }.to_string())
        }
    }
}

fn text(value: &Sensitive) -> Secret {
    Secret::new(value.expose_text().into_owned())
}

fn tls(files: TlsFiles) -> Tls {
    let bytes = |value: Sensitive| value.expose().to_vec();
    Tls { ca: files.ca.map(bytes), certificate: files.certificate.map(bytes), key: files.key.as_ref().map(text) }
}
