//! One registry, spoken to by the distribution protocol.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderValue, LINK, WWW_AUTHENTICATE};
use serde::Deserialize;
use url::Url;

use crate::credentials::Credentials;
use crate::digest::{Verifier, digest_of};
use crate::error::{ApiError, OciError};
use crate::http::{Answer, Connection, Http, Request, authorization, same_origin, shown};
use crate::manifest::{ACCEPTED, Descriptor};
use crate::reference::Reference;
use crate::token::{Challenge, TokenAnswer};

const MAX_ERROR: usize = 16 << 10;
const MAX_TOKEN: u64 = 1 << 20;
/// Tokens of one client that are kept.
const MAX_TOKENS: usize = 256;

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a manifest.
    pub manifest: u64,
    /// Bytes of a page of tags.
    pub page: u64,
    /// Tags of a repository.
    pub tags: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, page: 16 << 20, tags: 500_000 }
    }
}

/// A manifest as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedManifest {
    /// `sha256:hex`, of the bytes unless another was asked for.
    pub digest: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

struct Token {
    header: HeaderValue,
    /// `None` for what does not end.
    ends: Option<Instant>,
}

/// A client of one registry. Tokens are kept as long as it lives.
pub struct Registry {
    http: Http,
    base: Url,
    credentials: Credentials,
    timeout: Duration,
    limits: Limits,
    /// By repository.
    tokens: Mutex<HashMap<String, Token>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TagPage {
    tags: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<ApiError>,
}

impl Registry {
    /// A client of a registry; `plain` speaks HTTP without TLS.
    ///
    /// # Errors
    /// Certificates or a proxy that cannot be used.
    pub fn new(
        reference: &Reference,
        plain: bool,
        credentials: Credentials,
        connection: &Connection,
    ) -> Result<Self, OciError> {
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{}/v2/", reference.host()))
            .map_err(|_| crate::ReferenceError::Registry(reference.registry.clone()))?;
        Ok(Self {
            http: Http::new(connection)?,
            base,
            credentials,
            timeout: connection.timeout,
            limits: Limits::default(),
            tokens: Mutex::default(),
        })
    }

    /// Other bounds than the usual ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn url(&self, repository: &str, rest: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{repository}/{rest}"));
        url
    }

    /// All tags of a repository, in the order of the registry.
    ///
    /// # Errors
    /// What the registry refuses, and answers that are not to be trusted.
    pub async fn tags(&self, repository: &str) -> Result<Vec<String>, OciError> {
        within(self.timeout, self.all_tags(repository)).await
    }

    async fn all_tags(&self, repository: &str) -> Result<Vec<String>, OciError> {
        let mut tags = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some(self.url(repository, "tags/list"));
        while let Some(url) = next {
            let refused = |reason| OciError::NextPage { repository: repository.to_owned(), reason };
            if !same_origin(&url, &self.base) {
                return Err(refused("it leads to another host"));
            }
            if !seen.insert(url.clone()) {
                return Err(refused("it was seen before"));
            }
            let answer = self.get(repository, &url, "application/json").await?;
            next = match answer.header(LINK.as_str()).and_then(next_link) {
                Some(link) => Some(url.join(link).map_err(|_| refused("it is no address"))?),
                None => None,
            };
            let page: TagPage = json(answer, self.limits.page).await?;
            let page = page.tags.unwrap_or_default();
            if page.is_empty() {
                break;
            }
            tags.extend(page);
            if tags.len() > self.limits.tags {
                return Err(OciError::TooManyTags { repository: repository.to_owned(), limit: self.limits.tags });
            }
        }
        Ok(tags)
    }

    /// The manifest at a tag or a digest.
    ///
    /// # Errors
    /// As [`Registry::tags`], and content that has another digest than was asked for, or than the registry says.
    pub async fn manifest(&self, repository: &str, wanted: &str) -> Result<FetchedManifest, OciError> {
        within(self.timeout, self.one_manifest(repository, wanted)).await
    }

    async fn one_manifest(&self, repository: &str, wanted: &str) -> Result<FetchedManifest, OciError> {
        let url = self.url(repository, &format!("manifests/{wanted}"));
        let answer = self.get(repository, &url, ACCEPTED).await?;
        let said = answer.header("docker-content-digest").map(str::to_owned);
        let media_type = answer.content_type().to_owned();
        let bytes = answer.bytes(self.limits.manifest).await?;
        let expected = if wanted.contains(':') { Some(wanted.to_owned()) } else { said };
        let digest = expected.unwrap_or_else(|| digest_of(&bytes));
        let mut verifier = Verifier::new(&digest).ok_or_else(|| OciError::BadDigest { digest: digest.clone() })?;
        verifier.update(&bytes);
        if !verifier.matches() {
            return Err(OciError::DigestMismatch { url: shown(&url), digest });
        }
        Ok(FetchedManifest { digest, media_type, bytes })
    }

    /// A blob of at most `limit` bytes, given to `take` piece by piece. What was given is worth nothing until this
    /// answers well: only then size and digest are right.
    ///
    /// # Errors
    /// As [`Registry::manifest`], and what `take` refuses.
    pub async fn blob_to(
        &self,
        repository: &str,
        blob: &Descriptor,
        limit: u64,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), OciError> {
        within(self.timeout, self.one_blob(repository, blob, limit, take)).await
    }

    async fn one_blob(
        &self,
        repository: &str,
        blob: &Descriptor,
        limit: u64,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), OciError> {
        if blob.size > limit {
            return Err(OciError::TooLarge { what: "blob", size: blob.size, limit });
        }
        let mut verifier =
            Verifier::new(&blob.digest).ok_or_else(|| OciError::BadDigest { digest: blob.digest.clone() })?;
        let url = self.url(repository, &format!("blobs/{}", blob.digest));
        let answer = self.get(repository, &url, "*/*").await?;
        let wrong_size = || OciError::SizeMismatch { url: shown(&url), expected: blob.size };
        if answer.content_length().is_some_and(|length| length != blob.size) {
            return Err(wrong_size());
        }
        // One more than is expected tells a longer one from the right one.
        let read = answer.read(blob.size.saturating_add(1), |piece| {
            verifier.update(piece);
            take(piece)
        });
        let count = match read.await {
            Err(crate::HttpError::TooLarge { .. }) => return Err(wrong_size()),
            other => other?,
        };
        if count != blob.size {
            return Err(wrong_size());
        }
        if !verifier.matches() {
            return Err(OciError::DigestMismatch { url: shown(&url), digest: blob.digest.clone() });
        }
        Ok(())
    }

    /// A whole blob of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Registry::blob_to`].
    pub async fn blob(&self, repository: &str, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, OciError> {
        let mut bytes = Vec::new();
        self.blob_to(repository, blob, limit, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(bytes)
    }

    /// A good answer, or the registry's error. A challenge is answered once.
    async fn get(&self, repository: &str, url: &Url, accept: &str) -> Result<Answer, OciError> {
        let request = |authorization| Request { accept, authorization, ..Request::get(url) };
        let answer = self.http.send(request(self.known(repository)?)).await?;
        if answer.status.as_u16() != 401 {
            return checked("GET", answer).await;
        }
        let Some(header) = self.answer_challenge(repository, url, &answer).await? else {
            return checked("GET", answer).await;
        };
        checked("GET", self.http.send(request(Some(header))).await?).await
    }

    /// What is known to be asked for in that repository.
    fn known(&self, repository: &str) -> Result<Option<HeaderValue>, OciError> {
        if let Credentials::Bearer(token) = &self.credentials {
            return Ok(Some(authorization(&format!("Bearer {}", token.expose()))?));
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(repository).filter(|token| token.ends.is_none_or(|ends| Instant::now() < ends));
        Ok(token.map(|token| token.header.clone()))
    }

    fn keep(&self, repository: &str, header: HeaderValue, ends: Option<Instant>) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(repository.to_owned(), Token { header, ends });
    }

    /// The header that the registry asks for; `None` when it asks for nothing we could answer.
    async fn answer_challenge(
        &self,
        repository: &str,
        url: &Url,
        refused: &Answer,
    ) -> Result<Option<HeaderValue>, OciError> {
        let headers = refused.headers.get_all(WWW_AUTHENTICATE).into_iter();
        let texts: Vec<&str> = headers.filter_map(|value| value.to_str().ok()).collect();
        if texts.is_empty() || matches!(self.credentials, Credentials::Bearer(_)) {
            return Ok(None);
        }
        let text = texts.join(", ");
        match Challenge::parse(&text) {
            Some(Challenge::Basic) => {
                let header = self.credentials.basic_header();
                let header = header.ok_or_else(|| OciError::NoCredentials { url: shown(url) })?;
                let header = authorization(&header)?;
                // A registry of this kind wants the same again.
                self.keep(repository, header.clone(), None);
                Ok(Some(header))
            }
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{repository}:pull"));
                let (token, lives) = self.fetch_token(&realm, service.as_deref(), &scope).await?;
                let header = authorization(&format!("Bearer {token}"))?;
                self.keep(repository, header.clone(), Instant::now().checked_add(lives));
                Ok(Some(header))
            }
            None => {
                let challenge = text.chars().take(200).collect();
                Err(OciError::Challenge { url: shown(url), challenge })
            }
        }
    }

    async fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<(String, Duration), OciError> {
        let refused = |reason| OciError::TokenServer { url: crate::http::shown_text(realm), reason };
        let mut url = Url::parse(realm).map_err(|_| refused("it is no address"))?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && self.base.scheme() == "http");
        if !secure {
            return Err(refused("it is not reached by TLS"));
        }
        // Credentials in the challenge are not used. A URL with a host can lose them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service))).append_pair("scope", scope);
        let header = match &self.credentials {
            Credentials::Refresh(token) => Some(authorization(&format!("Bearer {}", token.expose()))?),
            other => other.basic_header().map(|header| authorization(&header)).transpose()?,
        };
        let request = Request { accept: "application/json", authorization: header, ..Request::get(&url) };
        let answer = checked("GET", self.http.send(request).await?).await?;
        let answer: TokenAnswer = json(answer, MAX_TOKEN).await?;
        let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
        if token.is_empty() {
            return Err(OciError::NoToken { url: shown(&url) });
        }
        let lives = Duration::from_secs(answer.expires_in.unwrap_or(60).clamp(60, 86_400));
        // What ends while it is on its way is of no use.
        Ok((token, lives.mul_f64(0.9)))
    }
}

async fn within<T>(timeout: Duration, work: impl Future<Output = Result<T, OciError>>) -> Result<T, OciError> {
    tokio::time::timeout(timeout, work).await.unwrap_or(Err(OciError::Timeout))
}

/// The answer when it is a good one, else what the registry says is wrong.
async fn checked(method: &'static str, answer: Answer) -> Result<Answer, OciError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let (status, url) = (answer.status.as_u16(), shown(&answer.url));
    let body = answer.some(MAX_ERROR).await;
    let errors: Errors = serde_json::from_slice(&body).unwrap_or_default();
    let mut errors = errors.errors;
    errors.truncate(5);
    for error in &mut errors {
        error.message = error.message.chars().filter(|c| !c.is_control()).take(300).collect();
        error.code = error.code.chars().filter(|c| !c.is_control()).take(60).collect();
    }
    Err(OciError::Status { method, url, status, errors })
}

async fn json<T: serde::de::DeserializeOwned>(answer: Answer, limit: u64) -> Result<T, OciError> {
    let url = shown(&answer.url);
    let bytes = answer.bytes(limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| OciError::Invalid {
        url,
        reason: format!("no JSON of the expected shape at line {}, column {}", error.line(), error.column()),
    })
}

/// The target of `<...>; rel="next"`.
fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = |parameter: &str| {
            let parameter = parameter.trim();
            parameter.eq_ignore_ascii_case("rel=\"next\"") || parameter.eq_ignore_ascii_case("rel=next")
        };
        parameters.split(';').any(next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        assert_eq!(next_link("</v2/a/tags/list?last=x&n=2>; rel=\"next\""), Some("/v2/a/tags/list?last=x&n=2"));
        assert_eq!(next_link("<a>; rel=prev, <b>; x=1; rel=next"), Some("b"));
        assert_eq!(next_link("a; rel=next"), None);
        assert_eq!(next_link(""), None);
    }
}
