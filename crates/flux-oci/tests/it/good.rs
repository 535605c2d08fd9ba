//! What works.

use flux_oci::chart::chart_versions;
use flux_oci::{Credentials, Secret};

use crate::registry::{Asks, TestRegistry};

fn login() -> Credentials {
    Credentials::Basic { username: "u".into(), password: Secret::new("p") }
}

#[tokio::test]
async fn a_chart_is_pulled_by_tag_and_by_digest() {
    let registry = TestRegistry::start().await;
    let digest = registry.push("1.0.0_meta", b"archive");
    let pulled = registry.pull("1.0.0_meta").await.expect("pulled");
    assert_eq!((pulled.archive.as_slice(), &pulled.digest), (b"archive".as_slice(), &digest));
    let mut reference = registry.reference("x");
    (reference.tag, reference.digest) = (None, Some(digest));
    let pulled = flux_oci::pull_chart(&registry.client(Credentials::Anonymous), &reference).await.expect("pulled");
    assert_eq!(pulled.archive, b"archive");
    // As it stands in a chart's version.
    reference.digest = None;
    reference.tag = Some("1.0.0+meta".into());
    assert!(flux_oci::pull_chart(&registry.client(Credentials::Anonymous), &reference).await.is_ok());
}

#[tokio::test]
async fn all_pages_of_tags_are_read() {
    let registry = TestRegistry::start().await;
    registry
        .with(|content| content.tags = ["1.0.0", "1.2.0", "latest", "1.10.0", "1.3.0_a"].map(str::to_owned).to_vec());
    let client = registry.client(Credentials::Anonymous);
    assert_eq!(client.tags("charts/app").await.expect("tags").len(), 5);
    assert_eq!(registry.requests().len(), 3);
    let versions = chart_versions(&client, "charts/app").await.expect("versions");
    assert_eq!(versions, ["1.10.0", "1.3.0+a", "1.2.0", "1.0.0"]);
}

#[tokio::test]
async fn a_token_is_fetched_once() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    registry.with(|content| content.asks = Asks::Token);
    let client = registry.client(login());
    for _ in 0..2 {
        flux_oci::pull_chart(&client, &registry.reference("1.0.0")).await.expect("pulled");
    }
    let requests = registry.requests();
    assert_eq!(requests.iter().filter(|(path, _)| path.starts_with("/token")).count(), 1);
    // The login is for the token server, the token for the registry.
    let login =
        |(path, sent): &&(String, Option<String>)| sent.as_deref() == Some("Basic dTpw") && !path.starts_with("/token");
    assert_eq!(requests.iter().find(login), None);
}

#[tokio::test]
async fn basic_credentials_are_sent_when_asked_for() {
    let registry = TestRegistry::start().await;
    registry.push("1.0.0", b"archive");
    registry.with(|content| content.asks = Asks::Basic);
    let client = registry.client(login());
    flux_oci::pull_chart(&client, &registry.reference("1.0.0")).await.expect("pulled");
    let requests = registry.requests();
    assert_eq!(requests[0].1, None);
    assert_eq!(requests[1].1.as_deref(), Some("Basic dTpw"));
    assert_eq!(requests.len(), 3);
    let error = flux_oci::pull_chart(&registry.client(Credentials::Anonymous), &registry.reference("1.0.0")).await;
    let error = error.expect_err("refused");
    assert!(error.is_authentication() && error.to_string().ends_with("basic credential not found"), "{error}");
}

#[tokio::test]
async fn an_index_leads_to_its_chart() {
    let registry = TestRegistry::start().await;
    let digest = registry.push("real", b"archive");
    let other = crate::registry::serde_manifest("application/vnd.oci.image.config.v1+json", b"{}", "x", b"x");
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"{}","size":1}},{{"mediaType":"m","digest":"{digest}","size":1}}]}}"#,
        flux_oci::digest_of(&other)
    );
    registry.with(|content| {
        content.manifests.insert(flux_oci::digest_of(&other), ("m".into(), other));
        content
            .manifests
            .insert("1.0.0".into(), ("application/vnd.oci.image.index.v1+json".into(), index.into_bytes()));
    });
    assert_eq!(registry.pull("1.0.0").await.expect("pulled").digest, digest);
}
