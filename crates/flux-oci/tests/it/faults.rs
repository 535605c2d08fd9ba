//! What a registry can do wrong: a typed error each time, and no secret for anybody else.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use flux_oci::chart::{CONFIG, LAYER, MAX_CHART};
use flux_oci::{Credentials, HttpError, OciError, Secret, digest_of};

use crate::registry::{Asks, TestRegistry, serde_manifest};

#[tokio::test]
async fn busy_registries_are_asked_again() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    registry.fault("/manifests/", 2, || StatusCode::SERVICE_UNAVAILABLE.into_response());
    registry.fault("/blobs/", 1, || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response());
    let start = Instant::now();
    registry.pull("1.0.0").await.expect("pulled");
    assert!(start.elapsed() >= Duration::from_secs(1), "the registry said when");
}

#[tokio::test]
async fn retries_are_bounded() {
    let registry = TestRegistry::start().await;
    registry.fault("/manifests/", usize::MAX, || StatusCode::TOO_MANY_REQUESTS.into_response());
    let error = registry.pull("1.0.0").await.expect_err("refused");
    assert!(matches!(error, OciError::Status { status: 429, .. }), "{error}");
    let url = format!("http://{}/v2/charts/app/manifests/1.0.0", registry.host);
    assert_eq!(error.to_string(), format!("GET {url:?}: response status code 429: Too Many Requests"));
    assert_eq!(registry.requests().len(), 3);
    // Who is told to wait for an hour does not wait at all.
    let registry = TestRegistry::start().await;
    registry.fault("/manifests/", usize::MAX, || {
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response()
    });
    registry.pull("1.0.0").await.expect_err("refused");
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn the_registrys_words_are_passed_on() {
    let registry = TestRegistry::start().await;
    let error = registry.pull("1.0.0").await.expect_err("missing");
    let text = error.to_string();
    assert!(text.ends_with("response status code 404: name unknown: repository name not known to registry"), "{text}");
    registry.with(|content| content.asks = Asks::Token);
    let wrong = Credentials::Basic { username: "u".into(), password: Secret::new("hunter2") };
    let client = registry.client(wrong);
    let error = client.tags("charts/app").await.expect_err("refused");
    let text = error.to_string();
    assert!(error.is_authentication() && text.ends_with("response status code 401: unauthorized: bad login"), "{text}");
    assert!(!format!("{error:?}").contains("hunter2") && !text.contains("scope"), "{text}");
}

#[tokio::test]
async fn content_must_have_its_digest() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    registry.with(|content| {
        content.blobs.insert(digest_of(b"archive"), b"archivf".to_vec());
    });
    let error = registry.pull("1.0.0").await.expect_err("damaged");
    assert!(matches!(error, OciError::DigestMismatch { .. }), "{error}");
    registry.with(|content| {
        content.blobs.insert(digest_of(b"archive"), b"archive, and more".to_vec());
    });
    let error = registry.pull("1.0.0").await.expect_err("longer");
    assert!(matches!(error, OciError::SizeMismatch { expected: 7, .. }), "{error}");
    registry.fault("/manifests/", 1, || {
        ([("docker-content-digest", format!("sha256:{}", "0".repeat(64)))], "{}").into_response()
    });
    let error = registry.pull("1.0.0").await.expect_err("another manifest");
    assert!(matches!(error, OciError::DigestMismatch { .. }), "{error}");
}

#[tokio::test]
async fn bodies_that_break_off() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    registry.fault("/blobs/", 1, || {
        let begins = futures::stream::once(async { Ok(b"arch".to_vec()) });
        let breaks = futures::stream::once(async {
            // The beginning is to be on its way.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(std::io::Error::other("gone"))
        });
        Body::from_stream(futures::StreamExt::chain(begins, breaks)).into_response()
    });
    let error = registry.pull("1.0.0").await.expect_err("cut off");
    assert!(matches!(error, OciError::Http(HttpError::Body { .. })), "{error}");
}

#[tokio::test]
async fn sizes_are_bounded() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    let huge = format!(
        r#"{{"config":{{"mediaType":"{CONFIG}","digest":"d","size":1}},"layers":[{{"mediaType":"{LAYER}","digest":"{}","size":{}}}]}}"#,
        digest_of(b"archive"),
        MAX_CHART + 1
    );
    registry.with(|content| {
        content.manifests.insert("huge".into(), ("m".into(), huge.into_bytes()));
        content.manifests.insert("big".into(), ("m".into(), vec![b' '; 5 << 20]));
    });
    let error = registry.pull("huge").await.expect_err("too large");
    assert!(matches!(error, OciError::TooLarge { what: "chart", .. }), "{error}");
    let error = registry.pull("big").await.expect_err("too large");
    assert!(matches!(error, OciError::Http(HttpError::TooLarge { .. })), "{error}");
}

#[tokio::test]
async fn what_is_no_chart() {
    let registry = TestRegistry::start().await;
    let image = "application/vnd.oci.image.config.v1+json";
    for (tag, manifest) in [
        ("image", serde_manifest(image, b"{}", "application/vnd.oci.image.layer.v1.tar+gzip", b"x")),
        ("layer", serde_manifest(CONFIG, b"{}", "application/octet-stream", b"x")),
        ("text", b"<html>".to_vec()),
        ("index", br#"{"manifests":[]}"#.to_vec()),
        ("null", b"null".to_vec()),
        ("list", br#"{"layers":7}"#.to_vec()),
    ] {
        registry.with(|content| content.manifests.insert(tag.into(), ("m".into(), manifest)));
    }
    let text = async |tag: &str| registry.pull(tag).await.expect_err(tag).to_string();
    assert!(text("image").await.starts_with("could not load config with mediatype"));
    assert!(text("layer").await.starts_with("manifest does not contain a layer"));
    assert!(text("text").await.contains("no manifest"));
    assert!(text("index").await.ends_with("names no chart"));
    assert!(text("null").await.contains("no manifest"));
    assert!(text("list").await.contains("no manifest"));
}

#[tokio::test]
async fn redirects_take_no_credentials_along() {
    let (registry, other) = (TestRegistry::start().await, TestRegistry::start().await);
    registry.push("1.0.0", b"archive");
    other.push("1.0.0", b"archive");
    registry.with(|content| content.asks = Asks::Basic);
    let target = format!("http://{}/v2/charts/app/blobs/{}", other.host, digest_of(b"archive"));
    registry.fault("/blobs/", usize::MAX, move || {
        (StatusCode::TEMPORARY_REDIRECT, [("location", target.clone())]).into_response()
    });
    let client = registry.client(Credentials::Basic { username: "u".into(), password: Secret::new("p") });
    flux_oci::pull_chart(&client, &registry.reference("1.0.0")).await.expect("pulled");
    assert!(registry.requests().iter().any(|(path, sent)| path.contains("/blobs/") && sent.is_some()));
    assert_eq!(other.requests().iter().find(|(_, sent)| sent.is_some()), None);
    assert_eq!(other.requests().len(), 1);
}

#[tokio::test]
async fn redirects_end() {
    let registry = TestRegistry::start().await;
    registry.fault("/manifests/", usize::MAX, || {
        (StatusCode::FOUND, [("location", "/v2/charts/app/manifests/1")]).into_response()
    });
    let error = registry.pull("1.0.0").await.expect_err("round and round");
    assert!(error.to_string().ends_with("stopped after 10 redirects"), "{error}");
    let registry = TestRegistry::start().await;
    registry
        .fault("/manifests/", usize::MAX, || (StatusCode::FOUND, [("location", "file:///etc/passwd")]).into_response());
    let error = registry.pull("1.0.0").await.expect_err("refused");
    assert!(error.to_string().ends_with("redirect to an insecure address refused"), "{error}");
}

#[tokio::test]
async fn pages_of_tags_do_not_lead_astray() {
    let registry = TestRegistry::start().await;
    let client = registry.client(Credentials::Anonymous);
    registry.fault("/tags/", 1, || {
        ([("link", "<https://elsewhere.example/v2/x>; rel=\"next\"")], r#"{"tags":["1.0.0"]}"#).into_response()
    });
    let error = client.tags("charts/app").await.expect_err("refused");
    assert!(error.to_string().ends_with("it leads to another host"), "{error}");
    registry.fault("/tags/", usize::MAX, || {
        ([("link", "</v2/charts/app/tags/list>; rel=\"next\"")], r#"{"tags":["1.0.0"]}"#).into_response()
    });
    let error = client.tags("charts/app").await.expect_err("refused");
    assert!(error.to_string().ends_with("it was seen before"), "{error}");
}

#[tokio::test]
async fn token_servers_are_checked() {
    let registry = TestRegistry::start().await;
    let client = registry.client(Credentials::Basic { username: "u".into(), password: Secret::new("p") });
    let challenge = |realm: &str| {
        let header = format!("Bearer realm=\"{realm}\"");
        move || (StatusCode::UNAUTHORIZED, [("www-authenticate", header.clone())]).into_response()
    };
    registry.fault("/tags/", 1, challenge("ftp://elsewhere.example/t"));
    let error = client.tags("charts/app").await.expect_err("refused");
    assert!(matches!(error, OciError::TokenServer { .. }), "{error}");
    registry.fault("/tags/", 1, challenge(&format!("http://{}/token?x", registry.host)));
    registry.fault("/token", 1, || r#"{"nothing":1}"#.into_response());
    let error = client.tags("charts/app").await.expect_err("no token");
    assert!(matches!(error, OciError::NoToken { .. }), "{error}");
    registry.fault("/tags/", 1, || (StatusCode::UNAUTHORIZED, [("www-authenticate", "Negotiate")]).into_response());
    let error = client.tags("charts/app").await.expect_err("unknown");
    assert!(matches!(error, OciError::Challenge { .. }), "{error}");
}

#[tokio::test]
async fn who_does_not_answer_in_time() {
    let registry = TestRegistry::start().await;
    let connection = flux_oci::Connection { timeout: Duration::from_millis(50), ..crate::registry::connection() };
    registry.fault("/tags/", usize::MAX, || {
        Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>()).into_response()
    });
    let client =
        flux_oci::Registry::new(&registry.reference("x"), true, Credentials::Anonymous, &connection).expect("client");
    assert!(matches!(client.tags("charts/app").await, Err(OciError::Timeout)));
    // Nobody listens there.
    let reference = "127.0.0.1:1/charts/app:1".parse().expect("reference");
    let client = flux_oci::Registry::new(&reference, true, Credentials::Anonymous, &crate::registry::connection())
        .expect("client");
    let error = client.tags("charts/app").await.expect_err("nobody");
    assert!(error.to_string().starts_with("Get \"http://127.0.0.1:1/v2/charts/app/tags/list\": "), "{error}");
}
