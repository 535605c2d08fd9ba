//! A registry that keeps charts in memory and does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use flux_oci::chart::{CONFIG, LAYER};
use flux_oci::{Connection, Credentials, OciError, Reference, Registry, Retry, digest_of};

/// What the registry asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    #[default]
    Nothing,
    Basic,
    Token,
}

/// Answers given before the right one, or instead of it.
#[derive(Clone)]
pub struct Fault {
    /// Part of the path it is for.
    pub path: &'static str,
    /// How often; `usize::MAX` for always.
    pub times: usize,
    pub answer: Arc<dyn Fn() -> Response + Send + Sync>,
}

#[derive(Default)]
pub struct Content {
    pub asks: Asks,
    pub tags: Vec<String>,
    /// Tags of one page.
    pub page: usize,
    /// By tag and by digest: media type and bytes.
    pub manifests: HashMap<String, (String, Vec<u8>)>,
    pub blobs: HashMap<String, Vec<u8>>,
    pub faults: Vec<Fault>,
    pub token_lives: u64,
    /// Method, path with query, and authorization of each request.
    pub requests: Vec<(String, Option<String>)>,
}

#[derive(Clone)]
pub struct TestRegistry {
    pub host: String,
    pub content: Arc<Mutex<Content>>,
}

impl TestRegistry {
    pub async fn start() -> Self {
        let content = Arc::new(Mutex::new(Content { page: 2, token_lives: 300, ..Content::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let host = listener.local_addr().expect("address").to_string();
        let registry = Self { host, content };
        let router = Router::new().fallback(answer).with_state(registry.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        registry
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        change(&mut self.content.lock().expect("lock"))
    }

    /// Pushes a chart whose archive is `archive`.
    pub fn push(&self, tag: &str, archive: &[u8]) -> String {
        let config = br#"{"name":"app","version":"1.0.0"}"#;
        let manifest = serde_manifest(CONFIG, config, LAYER, archive);
        let digest = digest_of(&manifest);
        self.with(|content| {
            content.blobs.insert(digest_of(config), config.to_vec());
            content.blobs.insert(digest_of(archive), archive.to_vec());
            let kept = ("application/vnd.oci.image.manifest.v1+json".to_owned(), manifest);
            content.manifests.insert(digest.clone(), kept.clone());
            content.manifests.insert(tag.to_owned(), kept);
            content.tags.push(tag.to_owned());
        });
        digest
    }

    pub fn fault(&self, path: &'static str, times: usize, answer: impl Fn() -> Response + Send + Sync + 'static) {
        self.with(|content| content.faults.push(Fault { path, times, answer: Arc::new(answer) }));
    }

    pub fn requests(&self) -> Vec<(String, Option<String>)> {
        self.with(|content| content.requests.clone())
    }

    pub fn reference(&self, tag: &str) -> Reference {
        format!("{}/charts/app:{tag}", self.host).parse().expect("reference")
    }

    pub fn client(&self, credentials: Credentials) -> Registry {
        Registry::new(&self.reference("x"), true, credentials, &connection()).expect("client")
    }

    pub async fn pull(&self, tag: &str) -> Result<flux_oci::ChartPull, OciError> {
        flux_oci::pull_chart(&self.client(Credentials::Anonymous), &self.reference(tag)).await
    }
}

/// Quick to try again, quick to give up.
pub fn connection() -> Connection {
    let retry = Retry { retries: 2, first: Duration::from_millis(1), longest: Duration::from_secs(2) };
    Connection { retry, timeout: Duration::from_secs(5), ..Connection::default() }
}

pub fn serde_manifest(config_type: &str, config: &[u8], layer_type: &str, layer: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"{config_type}","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"{layer_type}","digest":"{}","size":{}}}]}}"#,
        digest_of(config),
        config.len(),
        digest_of(layer),
        layer.len()
    )
    .into_bytes()
}

async fn answer(State(registry): State<TestRegistry>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    registry.with(|content| {
        content.requests.push((path.clone(), authorization.clone()));
        if let Some(fault) = content.faults.iter_mut().find(|fault| fault.times > 0 && path.contains(fault.path)) {
            fault.times = fault.times.saturating_sub(1).max(if fault.times == usize::MAX { usize::MAX } else { 0 });
            return (fault.answer)();
        }
        if path.starts_with("/token") {
            return token(content, &path, authorization.as_deref());
        }
        if let Some(refused) = refused(content, &registry.host, authorization.as_deref()) {
            return refused;
        }
        content_at(content, path.split('?').next().unwrap_or_default(), &path)
    })
}

fn token(content: &Content, path: &str, authorization: Option<&str>) -> Response {
    let known = authorization == Some("Basic dTpw") && path.contains("scope=repository%3Acharts%2Fapp%3Apull");
    if !known {
        return (StatusCode::UNAUTHORIZED, r#"{"errors":[{"code":"UNAUTHORIZED","message":"bad login"}]}"#)
            .into_response();
    }
    format!(r#"{{"token":"secret","expires_in":{}}}"#, content.token_lives).into_response()
}

fn refused(content: &Content, host: &str, authorization: Option<&str>) -> Option<Response> {
    let (wanted, challenge) = match content.asks {
        Asks::Nothing => return None,
        Asks::Basic => ("Basic dTpw", "Basic realm=\"r\"".to_owned()),
        Asks::Token => (
            "Bearer secret",
            format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:charts/app:pull\""),
        ),
    };
    if authorization == Some(wanted) {
        return None;
    }
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#;
    Some((StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)], body).into_response())
}

fn content_at(content: &Content, path: &str, full: &str) -> Response {
    let missing = || {
        let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}"#;
        (StatusCode::NOT_FOUND, body).into_response()
    };
    let Some(rest) = path.strip_prefix("/v2/charts/app/") else { return missing() };
    if rest == "tags/list" {
        let start = full.split_once("last=").map_or(0, |(_, last)| {
            content.tags.iter().position(|tag| tag == last).map_or(content.tags.len(), |at| at + 1)
        });
        let page: Vec<&String> = content.tags.iter().skip(start).take(content.page).collect();
        let body = format!(r#"{{"name":"charts/app","tags":{page:?}}}"#);
        return match page.last().filter(|_| start + page.len() < content.tags.len()) {
            Some(last) => {
                ([("link", format!("</v2/charts/app/tags/list?last={last}>; rel=\"next\""))], body).into_response()
            }
            None => body.into_response(),
        };
    }
    if let Some((media_type, bytes)) = rest.strip_prefix("manifests/").and_then(|name| content.manifests.get(name)) {
        let headers = [("content-type", media_type.clone()), ("docker-content-digest", digest_of(bytes))];
        return (headers, bytes.clone()).into_response();
    }
    match rest.strip_prefix("blobs/").and_then(|digest| content.blobs.get(digest)) {
        Some(blob) => Body::from(blob.clone()).into_response(),
        None => missing(),
    }
}
