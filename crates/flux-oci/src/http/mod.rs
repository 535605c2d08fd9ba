//! The plain client: GET and HEAD with redirects under control, bounded retries and bounded bodies.
//!
//! Credentials and client certificates go to the host that was asked and to no other. An answer of any status is an
//! answer; what it means is the caller's to say.

mod body;
mod clients;
mod error;
mod settings;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Method, StatusCode};
use url::Url;

pub use body::Answer;
pub use error::HttpError;
pub use settings::{Connection, Proxy, Retry, Tls};

use error::network;

const MAX_REDIRECTS: usize = 10;

/// A client for one set of certificates and one proxy. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: Client,
    /// Without the client's certificate, for other hosts.
    bare: Client,
    agent: HeaderValue,
    retry: Retry,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub method: Method,
    pub url: &'a Url,
    pub accept: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<HeaderValue>,
    /// Sends the credentials wherever a redirect leads.
    pub pass_credentials: bool,
}

impl<'a> Request<'a> {
    /// A GET without credentials.
    pub fn get(url: &'a Url) -> Self {
        Self { method: Method::GET, url, accept: "*/*", authorization: None, pass_credentials: false }
    }
}

/// The value of an `Authorization` header, marked so that nothing prints it.
///
/// # Errors
/// Characters that no header can have.
pub fn authorization(text: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| HttpError::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Scheme, host and port.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

impl Http {
    /// Clients of the same certificates and proxy share their connections.
    ///
    /// # Errors
    /// Certificates or a proxy that cannot be used.
    pub fn new(connection: &Connection) -> Result<Self, HttpError> {
        let (client, bare) = clients::pair(&connection.tls, connection.proxy.as_ref())?;
        let agent = HeaderValue::from_str(&connection.user_agent).unwrap_or(HeaderValue::from_static("flux/v2"));
        Ok(Self { client, bare, agent, retry: connection.retry })
    }

    /// Sends a request, follows redirects, and tries again what may be well in a moment.
    ///
    /// # Errors
    /// What came before any answer, and redirects that are refused.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, HttpError> {
        let mut attempt = 0;
        loop {
            let result = self.follow(&request).await;
            let wait = match &result {
                Ok(answer) if retryable(answer.status) => self.retry.wait(attempt, retry_after(&answer.headers)),
                Err(error) if error.may_pass() => self.retry.wait(attempt, None),
                _ => None,
            };
            let Some(wait) = wait else { return result };
            // The connection of an answer that nobody reads is closed.
            drop(result);
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn follow(&self, request: &Request<'_>) -> Result<Answer, HttpError> {
        let mut target = request.url.clone();
        let mut authorization = request.authorization.clone();
        let mut client = &self.client;
        for _ in 0..=MAX_REDIRECTS {
            let mut sent = client
                .request(request.method.clone(), target.clone())
                .header(USER_AGENT, self.agent.clone())
                .header(ACCEPT, request.accept);
            if let Some(value) = &authorization {
                sent = sent.header(AUTHORIZATION, value.clone());
            }
            let response = sent.send().await.map_err(|error| network(&request.method, &target, &error))?;
            if !redirects(response.status()) {
                return Ok(Answer::new(response, target));
            }
            let next = redirected(response.headers(), &target)?;
            if !same_origin(request.url, &next) && !request.pass_credentials {
                authorization = None;
                client = &self.bare;
            }
            target = next;
        }
        Err(HttpError::Redirect { url: shown(request.url), reason: "stopped after 10 redirects" })
    }
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Seconds; the form with a date is not in use among registries.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Where a redirect leads; never from https to http.
fn redirected(headers: &HeaderMap, from: &Url) -> Result<Url, HttpError> {
    let refused = |reason| HttpError::Redirect { url: shown(from), reason };
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| refused("redirect without a location"))?;
    let mut next = from.join(location).map_err(|_| refused("redirect to an invalid address"))?;
    if !matches!(next.scheme(), "http" | "https") || (from.scheme() == "https" && next.scheme() != "https") {
        return Err(refused("redirect to an insecure address refused"));
    }
    // Credentials that the redirect brings are not used. A URL with a host can lose them.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    Ok(next)
}

/// An address as messages show it: no credentials, no query, no fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// As [`shown`], of a text that may be no address at all.
pub fn shown_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "<invalid address>".to_owned(), |url| shown(&url))
}
