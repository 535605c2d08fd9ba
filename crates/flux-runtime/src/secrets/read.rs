//! Secrets from the server.

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, Client};

use super::{SecretData, SecretError};

fn reason(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

/// A Secret by its name.
pub async fn get(client: &Client, namespace: &str, name: &str) -> Result<SecretData, SecretError> {
    let secret = format!("{namespace}/{name}");
    match Api::<Secret>::namespaced(client.clone(), namespace).get_opt(name).await {
        Ok(Some(found)) => Ok(found.into()),
        Ok(None) => Err(SecretError::NotFound { secret }),
        Err(error) => Err(SecretError::Get { secret, reason: reason(error) }),
    }
}

/// The image pull secrets of a service account, in its order.
pub async fn pull_secrets(client: &Client, namespace: &str, name: &str) -> Result<Vec<SecretData>, SecretError> {
    let account = format!("{namespace}/{name}");
    let found = match Api::<ServiceAccount>::namespaced(client.clone(), namespace).get_opt(name).await {
        Ok(Some(found)) => found,
        Ok(None) => return Err(SecretError::NoAccount { account }),
        Err(error) => return Err(SecretError::GetAccount { account, reason: reason(error) }),
    };
    let mut secrets = Vec::new();
    for reference in found.image_pull_secrets.unwrap_or_default() {
        let secret = get(client, namespace, &reference.name).await;
        secrets.push(
            secret.map_err(|error| SecretError::PullSecret { account: account.clone(), error: Box::new(error) })?,
        );
    }
    Ok(secrets)
}
