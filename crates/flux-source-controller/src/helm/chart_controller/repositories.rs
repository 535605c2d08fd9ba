//! The repositories that charts and their dependencies come from.

use std::sync::Arc;

use flux_api::{HelmRepository, SourceObject as _};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::HelmChartReconciler;
use crate::helm::dependencies::Repositories;
use crate::helm::download::Downloader;
use crate::helm::downloaders::{HttpRepository, OciRepository, StoredIndex};
use crate::helm::repository_controller::is_oci_type;
use crate::helm::secrets;
use crate::helm::url::{is_oci, normalize_url};
use crate::reason::{FETCH_FAILED, Failure, Reason};

impl HelmChartReconciler {
    /// The repository that a chart names.
    pub(super) async fn downloader(
        &self,
        repo: &HelmRepository,
        namespace: &str,
    ) -> Result<Arc<dyn Downloader>, Failure> {
        let stalled = |reason, message: String| Failure::stalled(FETCH_FAILED, reason, message);
        let client = |reason: &dyn std::fmt::Display| {
            stalled(Reason::Failed, format!("failed to construct Helm client: {reason}"))
        };
        let url = normalize_url(&repo.spec.url)
            .map_err(|error| stalled(Reason::UrlInvalid, format!("invalid Helm repository URL: {error}")))?;
        if is_oci_type(repo) {
            let provider = repo.spec.provider.as_deref().filter(|provider| *provider != "generic");
            if let Some(provider) = provider.filter(|_| repo.spec.secret_ref.is_none()) {
                let message = format!(
                    "spec.provider '{provider}' of HelmRepository '{}' is not supported yet; use 'generic' with a secretRef",
                    repo.metadata.name.as_deref().unwrap_or_default()
                );
                return Err(stalled(Reason::InvalidProviderConfiguration, message));
            }
            if !is_oci(&url) {
                return Err(client(&format!("invalid OCI registry URL: {url}")));
            }
        } else if is_oci(&url) {
            let reason = "'oci' URL scheme cannot be used with 'default' HelmRepository type";
            return Err(stalled(Reason::UrlInvalid, format!("invalid Helm repository URL: {reason}")));
        }
        let access = secrets::access(&self.client, repo, namespace, &url)
            .await
            .map_err(|error| Failure::fetch(Reason::AuthenticationFailed, error))?;
        if is_oci(&url) {
            return Ok(Arc::new(OciRepository::new(&url, access)));
        }
        let stored = repo.artifact().and_then(|artifact| StoredIndex::of(&self.storage, artifact));
        let repository = HttpRepository::new(&url, access, stored, self.indexes.clone(), self.limits);
        Ok(Arc::new(repository.map_err(|error| client(&error))?))
    }
}

/// The repositories that a chart's dependencies may come from: those of its namespace, and public ones.
pub(super) struct InNamespace<'a> {
    pub charts: &'a HelmChartReconciler,
    pub namespace: &'a str,
}

impl Repositories for InNamespace<'_> {
    fn repository<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn Downloader>, String>> {
        async move {
            self.charts.repositories.synced().await;
            let mut known: Vec<_> = self.charts.repositories.list();
            known.retain(|repo| {
                repo.metadata.namespace.as_deref() == Some(self.namespace)
                    && normalize_url(&repo.spec.url).is_ok_and(|known| known == url)
            });
            known.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
            let anonymous = || {
                let mut repo = HelmRepository::default();
                repo.spec.url = url.to_owned();
                repo.spec.type_ = is_oci(url).then_some(flux_api::source::HelmRepositoryType::Oci);
                Arc::new(repo)
            };
            let repo = known.into_iter().next().unwrap_or_else(anonymous);
            let found = self.charts.downloader(&repo, self.namespace).await;
            found.map_err(|failure| failure.condition.message)
        }
        .boxed()
    }
}
