//! Smart HTTP. Credentials go to the host of the address and to no other.

use std::sync::OnceLock;
use std::time::Duration;

use ::url::Url;
use futures::TryStreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use reqwest::{Certificate, Client, Identity, Response, StatusCode, redirect};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::auth::{Auth, Remote, Secret};
use crate::error::{GitError, one_line};
use crate::location::{Location, redacted};
use crate::wire::pkt::innermost;

const SERVICE: &str = "git-upload-pack";
const MAX_REDIRECTS: usize = 10;
const AGENT: &str = "git/2.0 (flux)";

type Body = Box<dyn AsyncRead + Send + Unpin>;

pub(super) struct HttpSession {
    client: Client,
    /// The repository's address, after redirects.
    base: Url,
    authorization: Option<HeaderValue>,
    body: Body,
    url: String,
}

impl HttpSession {
    /// Asks for the advertisement, following redirects.
    pub(super) async fn open(remote: &Remote, location: &Location, url: &str) -> Result<Self, GitError> {
        let mut authorization = authorization(&remote.auth, location)?;
        let mut client = client(remote, true)?;
        let mut base = location.url().clone();
        base.set_query(None);
        base.set_fragment(None);
        let mut target = append(&base, &format!("info/refs?service={SERVICE}"));
        for _ in 0..=MAX_REDIRECTS {
            let mut request = client.get(target.clone()).header("Git-Protocol", "version=2").header(USER_AGENT, AGENT);
            if let Some(value) = &authorization {
                request = request.header(AUTHORIZATION, value.clone());
            }
            let answer = request.header(ACCEPT, "*/*").send().await.map_err(|error| network(url, &error))?;
            if answer.status().is_redirection() {
                let next = redirected(&answer, &target, url)?;
                if !same_host(&target, &next) {
                    authorization = None;
                    client = self::client(remote, false)?;
                }
                target = next;
                continue;
            }
            let answer = checked(answer, url).await?;
            let kind = content_type(&answer);
            if kind != format!("application/x-{SERVICE}-advertisement") {
                let reason = format!("not a Git server: content type '{}'", one_line(&kind));
                return Err(GitError::Protocol { url: url.to_owned(), reason });
            }
            let base = strip_service(&target).unwrap_or(base);
            return Ok(Self { client, base, authorization, body: stream(answer), url: url.to_owned() });
        }
        Err(GitError::Network { url: url.to_owned(), reason: format!("stopped after {MAX_REDIRECTS} redirects") })
    }

    pub(super) async fn send(&mut self, body: Vec<u8>) -> Result<(), GitError> {
        let mut request = self
            .client
            .post(append(&self.base, SERVICE))
            .header("Git-Protocol", "version=2")
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, format!("application/x-{SERVICE}-request"))
            .header(ACCEPT, format!("application/x-{SERVICE}-result"))
            .body(body);
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let answer = request.send().await.map_err(|error| network(&self.url, &error))?;
        let answer = checked(answer, &self.url).await?;
        if content_type(&answer) != format!("application/x-{SERVICE}-result") {
            let reason = format!("unexpected content type '{}'", one_line(&content_type(&answer)));
            return Err(GitError::Protocol { url: self.url.clone(), reason });
        }
        self.body = stream(answer);
        Ok(())
    }

    pub(super) fn reader(&mut self) -> &mut (dyn AsyncRead + Send + Unpin) {
        &mut self.body
    }
}

fn content_type(answer: &Response) -> String {
    answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn append(base: &Url, rest: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.set_query(query);
    url
}

/// The repository's address from that of its advertisement.
fn strip_service(target: &Url) -> Option<Url> {
    let path = target.path().strip_suffix("/info/refs")?.to_owned();
    let mut base = target.clone();
    base.set_path(&path);
    base.set_query(None);
    Some(base)
}

fn same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

/// Where a redirect leads; never from https to http.
fn redirected(answer: &Response, from: &Url, url: &str) -> Result<Url, GitError> {
    let refused = |reason: &str| GitError::Network { url: url.to_owned(), reason: reason.to_owned() };
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| refused("redirect without a location"))?;
    let mut next = from.join(location).map_err(|_| refused("redirect to an invalid address"))?;
    if !matches!(next.scheme(), "http" | "https") || (from.scheme() == "https" && next.scheme() != "https") {
        return Err(refused("redirect to an insecure address refused"));
    }
    if strip_service(&next).is_none() {
        return Err(refused("redirect to another service refused"));
    }
    // Credentials that the redirect brings are not used.
    let _ = next.set_username("");
    let _ = next.set_password(None);
    Ok(next)
}

async fn checked(answer: Response, url: &str) -> Result<Response, GitError> {
    let url = url.to_owned();
    let shown = redacted(answer.url().as_str());
    match answer.status() {
        StatusCode::OK => Ok(answer),
        StatusCode::UNAUTHORIZED => {
            Err(GitError::Authentication { url, reason: with_body("authentication required", answer).await })
        }
        StatusCode::FORBIDDEN => {
            Err(GitError::Authentication { url, reason: with_body("authorization failed", answer).await })
        }
        StatusCode::NOT_FOUND => Err(GitError::RepositoryNotFound { url, reason: "repository not found" }),
        status => Err(GitError::Status { url, request: shown, status: status.as_u16() }),
    }
}

/// The reason and the first line of what the server says, if that is plain text.
async fn with_body(reason: &str, answer: Response) -> String {
    if !content_type(&answer).starts_with("text/plain") {
        return reason.to_owned();
    }
    let mut body = stream(answer);
    let text = String::from_utf8_lossy(&super::read_some(&mut body, 256).await).into_owned();
    match one_line(&text) {
        line if line.is_empty() => reason.to_owned(),
        line => format!("{reason}: {line}"),
    }
}

fn stream(answer: Response) -> Body {
    let bytes = answer.bytes_stream().map_err(std::io::Error::other);
    Box::new(StreamReader::new(Box::pin(bytes)))
}

fn network(url: &str, error: &reqwest::Error) -> GitError {
    GitError::Network { url: url.to_owned(), reason: innermost(error) }
}

fn authorization(auth: &Auth, location: &Location) -> Result<Option<HeaderValue>, GitError> {
    use base64::Engine as _;
    let basic = |user: &str, password: &str| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
    };
    let from_url = || {
        let password = location.password.as_deref().unwrap_or_default();
        (location.user.is_some() || !password.is_empty())
            .then(|| basic(location.user.as_deref().unwrap_or_default(), password))
    };
    let text = match auth {
        Auth::None => from_url(),
        Auth::Basic { username, password } if username.is_empty() && password.is_empty() => from_url(),
        Auth::Basic { username, password } => Some(basic(username, password.expose())),
        Auth::Bearer(token) => Some(format!("Bearer {}", token.expose())),
        Auth::Ssh(_) => {
            return Err(GitError::Credentials { reason: "an SSH key cannot be used over HTTP".into() });
        }
    };
    let Some(text) = text else { return Ok(None) };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| GitError::Credentials { reason: "credentials hold characters that no header can".into() })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A client for the remote; one without any settings of its own is shared.
fn client(remote: &Remote, with_identity: bool) -> Result<Client, GitError> {
    static SHARED: OnceLock<Client> = OnceLock::new();
    let plain = remote.tls.is_empty() && remote.proxy.is_none();
    if plain && let Some(client) = SHARED.get() {
        return Ok(client.clone());
    }
    let bad = |reason: String| GitError::Credentials { reason };
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(1);
    if let Some(ca) = &remote.tls.ca {
        let certificates = Certificate::from_pem_bundle(ca).map_err(|error| bad(innermost(&error)))?;
        if certificates.is_empty() {
            return Err(bad("failed to append certificates from PEM: no certificate found".into()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    match (&remote.tls.certificate, &remote.tls.key) {
        (Some(certificate), Some(key)) if with_identity => {
            let mut pem = certificate.clone();
            pem.push(b'\n');
            pem.extend_from_slice(key.expose().as_bytes());
            builder = builder.identity(Identity::from_pem(&pem).map_err(|error| bad(innermost(&error)))?);
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(bad("a client certificate and its key are needed together".into()));
        }
        _ => {}
    }
    if let Some(proxy) = &remote.proxy {
        let mut all = reqwest::Proxy::all(&proxy.address).map_err(|_| bad("the proxy's address is invalid".into()))?;
        if let Some(user) = &proxy.username {
            all = all.basic_auth(user, proxy.password.as_ref().map_or("", Secret::expose));
        }
        builder = builder.proxy(all);
    }
    let client = builder.build().map_err(|error| bad(innermost(&error)))?;
    Ok(if plain { SHARED.get_or_init(|| client).clone() } else { client })
}
