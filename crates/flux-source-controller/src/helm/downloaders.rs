//! Repositories that are asked: by HTTP with an index, and registries.

use std::future::Future;
use std::sync::Arc;

use ::url::Url;
use flux_artifact::Storage;
use flux_helm::index::{Index, IndexError};
use flux_oci::http::{Request, authorization, same_origin};
use flux_oci::{Credentials, Http, HttpError, OciError, Reference, Registry, chart};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::ChartLimits;
use super::cache::IndexCache;
use super::download::{
    DownloadError, Downloader, Found, download_url, index_version, is_exact, last_matching, oci_chart_url, oci_exact,
    oci_reference,
};
use super::secrets::Access;

/// Where an index that was stored lies, and what it is known by.
#[derive(Clone, Debug)]
pub struct StoredIndex {
    pub path: std::path::PathBuf,
    /// Path and digest of the artifact.
    pub key: String,
}

impl StoredIndex {
    pub fn of(storage: &Storage, artifact: &flux_api::Artifact) -> Option<Self> {
        let path = storage.local_path(&artifact.path)?;
        Some(Self { path, key: index_key(artifact) })
    }
}

/// What an index is known by in the cache: its path names the object, its digest the content.
pub fn index_key(artifact: &flux_api::Artifact) -> String {
    format!("{}@{}", artifact.path, artifact.digest)
}

/// A repository with an index.
pub struct HttpRepository {
    url: String,
    access: Access,
    http: Http,
    stored: Option<StoredIndex>,
    cache: IndexCache,
    limits: ChartLimits,
}

impl HttpRepository {
    /// `url` is normalized.
    ///
    /// # Errors
    /// Certificates that cannot be used.
    pub fn new(
        url: &str,
        access: Access,
        stored: Option<StoredIndex>,
        cache: IndexCache,
        limits: ChartLimits,
    ) -> Result<Self, HttpError> {
        let http = Http::new(&access.connection)?;
        Ok(Self { url: url.to_owned(), access, http, stored, cache, limits })
    }

    /// Fetches the index, as it is.
    ///
    /// # Errors
    /// What the server refuses, and more bytes than an index may have.
    pub async fn fetch_index(&self) -> Result<Vec<u8>, String> {
        let mut url = Url::parse(&self.url).map_err(|error| format!("parse {:?}: {error}", self.url))?;
        url.set_path(&format!("{}/index.yaml", url.path().trim_end_matches('/')));
        let limit = self.limits.index;
        self.get(&url, limit).await.map_err(|error| match error {
            GetError::TooLarge => format!("index exceeds the maximum index file size of {limit} bytes"),
            other => other.to_string(),
        })
    }

    async fn get(&self, url: &Url, limit: u64) -> Result<Vec<u8>, GetError> {
        let timeout = self.access.connection.timeout;
        tokio::time::timeout(timeout, self.get_untimed(url, limit)).await.unwrap_or(Err(GetError::Timeout))
    }

    async fn get_untimed(&self, url: &Url, limit: u64) -> Result<Vec<u8>, GetError> {
        let own = Url::parse(&self.url).is_ok_and(|own| same_origin(&own, url));
        let header = match &self.access.credentials {
            Credentials::Basic { username, password } if own || self.access.pass_credentials => {
                use base64::Engine as _;
                let text = format!("{username}:{}", password.expose());
                let text = base64::engine::general_purpose::STANDARD.encode(text);
                Some(authorization(&format!("Basic {text}"))?)
            }
            _ => None,
        };
        let pass_credentials = self.access.pass_credentials;
        let answer = self.http.send(Request { authorization: header, pass_credentials, ..Request::get(url) }).await?;
        if answer.status.as_u16() != 200 {
            return Err(GetError::Status { url: flux_oci::http::shown(url), status: answer.status.to_string() });
        }
        match answer.bytes(limit).await {
            Err(HttpError::TooLarge { .. }) => Err(GetError::TooLarge),
            other => Ok(other?),
        }
    }

    /// The index: the one in memory, the stored one, or the server's.
    async fn index(&self) -> Result<Arc<Index>, String> {
        let limits = self.limits;
        match &self.stored {
            Some(stored) => {
                let path = stored.path.clone();
                let read = async move {
                    let work = move || {
                        let bytes = std::fs::read(&path).map_err(|error| format!("failed to load index: {error}"))?;
                        parse_index(&bytes, &limits).map_err(|error| format!("failed to load index: {error}"))
                    };
                    blocking(work).await
                };
                self.cache.get(&stored.key, read).await
            }
            None => {
                let bytes = self.fetch_index().await.map_err(|error| format!("failed to cache index: {error}"))?;
                blocking(move || parse_index(&bytes, &limits).map_err(|error| format!("failed to load index: {error}")))
                    .await
            }
        }
    }
}

/// Reads an index.
///
/// # Errors
/// Texts that are none.
pub fn parse_index(bytes: &[u8], limits: &ChartLimits) -> Result<Arc<Index>, IndexError> {
    Index::parse_within(bytes, usize::try_from(limits.index).unwrap_or(usize::MAX)).map(Arc::new)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(format!("the work was cut off: {error}")))
}

#[derive(Debug, thiserror::Error)]
enum GetError {
    /// Worded as Helm's getter.
    #[error("failed to fetch {url} : {status}")]
    Status { url: String, status: String },
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("answer exceeds the limit")]
    TooLarge,
    #[error("context deadline exceeded")]
    Timeout,
}

impl Downloader for HttpRepository {
    fn chart_version<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<Found, DownloadError>> {
        async move {
            let index = self.index().await.map_err(DownloadError::External)?;
            index_version(&index, name, version).map_err(|error| DownloadError::Reference(error.to_string()))
        }
        .boxed()
    }

    fn download<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        async move {
            let url = download_url(&self.url, found)?;
            let parsed = Url::parse(&url).map_err(|error| format!("failed to parse {url} as URL: {error}"))?;
            if !matches!(parsed.scheme(), "http" | "https") {
                return Err(format!("scheme {:?} not supported", parsed.scheme()));
            }
            let limit = self.limits.chart;
            self.get(&parsed, limit).await.map_err(|error| match error {
                GetError::TooLarge => {
                    let name = parsed.path().rsplit('/').next().unwrap_or_default();
                    format!("size of chart '{name}' exceeds '{limit}' bytes limit")
                }
                other => other.to_string(),
            })
        }
        .boxed()
    }
}

/// Charts in a registry.
pub struct OciRepository {
    url: String,
    access: Access,
}

impl OciRepository {
    /// `url` is normalized.
    pub fn new(url: &str, access: Access) -> Self {
        Self { url: url.to_owned(), access }
    }

    fn registry(&self, reference: &Reference) -> Result<Registry, OciError> {
        Registry::new(reference, self.access.insecure, self.access.credentials.clone(), &self.access.connection)
    }

    async fn tags(&self, url: &str) -> Result<Vec<String>, String> {
        let fetched = async {
            let reference: Reference = url.parse().map_err(OciError::Reference)?;
            chart::chart_versions(&self.registry(&reference)?, &reference.repository).await
        };
        let tags = with_timeout(&self.access, fetched).await;
        let tags = tags.map_err(|error| format!("could not fetch tags for {url:?}: {error}"))?;
        if tags.is_empty() {
            return Err(format!("unable to locate any tags in provided repository: {url}"));
        }
        Ok(tags)
    }
}

async fn with_timeout<T>(access: &Access, work: impl Future<Output = Result<T, OciError>>) -> Result<T, OciError> {
    tokio::time::timeout(access.connection.timeout, work).await.unwrap_or(Err(OciError::Timeout))
}

impl Downloader for OciRepository {
    fn chart_version<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<Found, DownloadError>> {
        async move {
            let url = oci_chart_url(&self.url, name).map_err(DownloadError::External)?;
            if is_exact(version) {
                return Ok(oci_exact(&url, name, version));
            }
            let tags = self.tags(&url).await;
            let tags =
                tags.map_err(|error| DownloadError::External(format!("could not get tags for {name:?}: {error}")))?;
            let version = last_matching(&tags, version).map_err(DownloadError::External)?;
            Ok(oci_exact(&url, name, &version))
        }
        .boxed()
    }

    fn download<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        async move {
            let reference = oci_reference(found)?;
            let url = &found.urls[0];
            let pulled = async {
                // Tags have no `+`: a version with metadata is stored with `_`.
                let reference: Reference = chart_reference(&reference).parse().map_err(OciError::Reference)?;
                chart::pull_chart(&self.registry(&reference)?, &reference).await
            };
            let pulled = with_timeout(&self.access, pulled).await;
            Ok(pulled.map_err(|error| format!("failed to get '{url}': {error}"))?.archive)
        }
        .boxed()
    }
}

/// The reference with its tag as registries have it.
fn chart_reference(reference: &str) -> String {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => format!("{repository}:{}", flux_oci::tag_of_version(tag)),
        _ => reference.to_owned(),
    }
}
