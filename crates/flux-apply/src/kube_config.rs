//! Other clusters: clients made of the kubeconfigs in Secrets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use flux_api::meta::KubeConfigReference;
use k8s_openapi::api::core::v1::Secret;
use kube::config::{KubeConfigOptions as Selection, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt as _};

use crate::error::kube_text;
use crate::mapper::Mapper;

/// Clusters whose clients are kept beside those in use.
const KEPT: usize = 64;
/// A kubeconfig holds a few certificates.
const MAX_SIZE: usize = 1 << 20;
/// Where a Secret has its kubeconfig when no key is named.
const KEYS: [&str; 2] = ["value", "value.yaml"];

/// What kubeconfigs may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KubeConfigOptions {
    /// `--insecure-kubeconfig-exec`: programs that print credentials are run.
    pub exec: bool,
    /// `--insecure-kubeconfig-tls`: servers need not prove who they are.
    pub insecure_tls: bool,
}

/// Why another cluster cannot be reached. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeConfigError {
    #[error("could not get KubeConfig secret '{secret}': {message}")]
    Secret { secret: String, message: String, not_found: bool },
    #[error("KubeConfig secret '{secret}' does not contain a '{key}' key with data")]
    Key { secret: String, key: String },
    #[error("KubeConfig secret '{secret}' does not contain a 'value' or 'value.yaml' key with data")]
    NoKey { secret: String },
    #[error("failed to load KubeConfig from secret '{secret}': {message}")]
    Load { secret: String, message: String },
    #[error("exactly one of .spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be set")]
    Reference,
    #[error("spec.kubeConfig.configMapRef is not supported yet")]
    ConfigMap,
}

impl KubeConfigError {
    /// True when the Secret is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Secret { not_found: true, .. })
    }

    /// True when only an edit of the object can mend it.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Reference | Self::ConfigMap)
    }
}

/// Another cluster, with what is known of its kinds.
#[derive(Clone)]
pub struct RemoteCluster {
    pub client: Client,
    pub mapper: Mapper,
    /// The Secret's key and state: another state is another cluster to all caches.
    pub id: Arc<str>,
}

/// The clusters in use. Clones share them.
#[derive(Clone, Default)]
pub struct RemoteClusters {
    options: KubeConfigOptions,
    known: Arc<Mutex<VecDeque<RemoteCluster>>>,
}

impl RemoteClusters {
    pub fn new(options: KubeConfigOptions) -> Self {
        Self { options, known: Arc::default() }
    }

    /// The cluster that an object in `namespace` refers to. The Secret is read afresh, the client kept while it is the same.
    ///
    /// # Errors
    /// A Secret that is not there, or holds no kubeconfig that can be used.
    pub async fn find(
        &self,
        local: &Client,
        namespace: &str,
        reference: &KubeConfigReference,
    ) -> Result<RemoteCluster, KubeConfigError> {
        let named = match (&reference.secret_ref, &reference.config_map_ref) {
            (Some(named), None) => named,
            (None, Some(_)) => return Err(KubeConfigError::ConfigMap),
            _ => return Err(KubeConfigError::Reference),
        };
        let secret = format!("{namespace}/{}", named.name);
        let api: Api<Secret> = Api::namespaced(local.clone(), namespace);
        let found = api.get(&named.name).await.map_err(|error| KubeConfigError::Secret {
            secret: secret.clone(),
            message: kube_text(&error),
            not_found: matches!(&error, kube::Error::Api(status) if status.is_not_found()),
        })?;
        let key = named.key.as_deref().filter(|key| !key.is_empty());
        let version = found.resource_version().unwrap_or_default();
        let id = format!("{secret}/{}@{}.{version}", key.unwrap_or_default(), found.uid().unwrap_or_default());
        if let Some(known) = self.known(&id) {
            return Ok(known);
        }
        let text = kube_config(&secret, &found, key)?;
        let client = client(&text, self.options)
            .await
            .map_err(|message| KubeConfigError::Load { secret: secret.clone(), message })?;
        let cluster = RemoteCluster { client, mapper: Mapper::default(), id: id.into() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back(cluster.clone());
        if known.len() > KEPT {
            known.pop_front();
        }
        Ok(cluster)
    }

    fn known(&self, id: &str) -> Option<RemoteCluster> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().position(|cluster| &*cluster.id == id)?;
        let cluster = known.remove(at)?;
        known.push_back(cluster.clone());
        Some(cluster)
    }
}

fn kube_config(secret: &str, found: &Secret, key: Option<&str>) -> Result<String, KubeConfigError> {
    let secret = secret.to_owned();
    let data = |key: &str| found.data.as_ref().and_then(|data| data.get(key));
    let bytes = match key {
        Some(key) => data(key).ok_or_else(|| KubeConfigError::Key { secret: secret.clone(), key: key.to_owned() })?,
        None => {
            let found = KEYS.iter().find_map(|key| data(key));
            found.ok_or_else(|| KubeConfigError::NoKey { secret: secret.clone() })?
        }
    };
    if bytes.0.len() > MAX_SIZE {
        return Err(KubeConfigError::Load { secret, message: format!("it is larger than {MAX_SIZE} bytes") });
    }
    Ok(String::from_utf8_lossy(&bytes.0).into_owned())
}

/// Errors tell no content: what stands in a kubeconfig is a credential.
async fn client(text: &str, options: KubeConfigOptions) -> Result<Client, String> {
    let parsed = Kubeconfig::from_yaml(text).map_err(|_| "it is no kubeconfig".to_owned())?;
    let config = Config::from_custom_kubeconfig(sanitized(parsed, options), &Selection::default()).await;
    let config = config.map_err(|error| error.to_string())?;
    Client::try_from(config).map_err(|error| kube_text(&error))
}

/// Leaves what names the server and proves who asks; nothing that reads this machine's files, runs its programs or
/// acts as somebody else.
fn sanitized(mut config: Kubeconfig, options: KubeConfigOptions) -> Kubeconfig {
    for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.certificate_authority = None;
        if !options.insecure_tls {
            cluster.insecure_skip_tls_verify = None;
        }
    }
    for user in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        (user.token_file, user.client_certificate, user.client_key) = (None, None, None);
        (user.auth_provider, user.impersonate, user.impersonate_groups) = (None, None, None);
        if !options.exec {
            user.exec = None;
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {server: 'https://1.2.3.4', insecure-skip-tls-verify: true, certificate-authority: /etc/hostname}
contexts:
- {name: x, context: {cluster: c, user: u}}
current-context: x
users:
- name: u
  user: {username: exp, password: some-password, tokenFile: /etc/passwd, exec: {apiVersion: client.authentication.k8s.io/v1, command: id}}
";

    #[test]
    fn nothing_reads_this_machine() {
        let safe = sanitized(Kubeconfig::from_yaml(TEXT).unwrap(), KubeConfigOptions::default());
        let cluster = safe.clusters[0].cluster.as_ref().unwrap();
        assert_eq!((&cluster.certificate_authority, cluster.insecure_skip_tls_verify), (&None, None));
        assert_eq!(cluster.server.as_deref(), Some("https://1.2.3.4"));
        let user = safe.auth_infos[0].auth_info.as_ref().unwrap();
        assert!(user.token_file.is_none() && user.exec.is_none());
        assert_eq!(user.username.as_deref(), Some("exp"));
        let all = KubeConfigOptions { exec: true, insecure_tls: true };
        let kept = sanitized(Kubeconfig::from_yaml(TEXT).unwrap(), all);
        assert!(kept.auth_infos[0].auth_info.as_ref().unwrap().exec.is_some());
        assert_eq!(kept.clusters[0].cluster.as_ref().unwrap().insecure_skip_tls_verify, Some(true));
    }

    #[tokio::test]
    async fn errors_keep_credentials_to_themselves() {
        for text in ["users: [{name: u, user: {password: hush}", "password: hush", "- hush", ""] {
            let error = client(text, KubeConfigOptions::default()).await.err().unwrap();
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
