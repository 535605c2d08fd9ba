//! HelmRepository: indexes as they should be, and as they should not.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use flux_api::{FluxObject as _, HelmRepository};
use serde_json::json;

use crate::cluster::Cluster;
use crate::helm_server::HelmServer;

#[tokio::test]
async fn an_index_becomes_an_artifact() {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    server.serve(&[("app", "1.0.0")]);
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url()})).await;
    let obj = cluster.ready_as::<HelmRepository>("repo").await;
    let status = obj.status.as_ref().expect("status");
    let artifact = status.artifact.as_ref().expect("artifact");
    let bytes = server.with(|content| content.files["/charts/index.yaml"].clone());
    assert_eq!(artifact.revision, flux_oci::digest_of(&bytes));
    let hex = artifact.revision.strip_prefix("sha256:").expect("digest");
    assert_eq!(artifact.path, format!("helmrepository/apps/repo/index-{hex}.yaml"));
    assert_eq!(status.url.as_deref(), Some("http://localhost:1/helmrepository/apps/repo/index.yaml"));
    assert_eq!(cluster.bytes(artifact), bytes);
    let ready = obj.condition("Ready").expect("ready");
    assert_eq!(ready.reason, "Succeeded");
    assert_eq!(ready.message, format!("stored artifact: revision '{}'", artifact.revision));
    let event = format!("NewArtifact: stored fetched index of size {}B from '{}'", bytes.len(), server.url());
    assert!(cluster.messages().contains(&event), "{:?}", cluster.messages());
    // The same index again: nothing is stored, nothing is told.
    let events = cluster.messages().len();
    let again = cluster.request_as::<HelmRepository>("repo", "1").await;
    assert_eq!(again.status.expect("status").artifact, status.artifact);
    assert_eq!(cluster.messages().len(), events);
    // Another one.
    server.serve(&[("app", "1.0.0"), ("app", "1.1.0")]);
    let other = cluster.request_as::<HelmRepository>("repo", "2").await;
    assert_ne!(other.status.expect("status").artifact.expect("artifact").revision, artifact.revision);
    cluster.stop().await;
}

#[tokio::test]
async fn registries_are_only_data() {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    server.serve(&[("app", "1.0.0")]);
    cluster.apply_as::<HelmRepository>("oci", json!({"type": "oci", "url": "oci://example.com/charts"})).await;
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url()})).await;
    let before = cluster.ready_as::<HelmRepository>("repo").await;
    let path = before.status.expect("status").artifact.expect("artifact").path;
    let oci = cluster.api_of::<HelmRepository>().get("oci").await.expect("read");
    let status = oci.status.clone().unwrap_or_default();
    assert!(oci.metadata.finalizers.is_none() && status.conditions.is_empty() && status.url.is_none(), "{oci:?}");
    // One that becomes a registry loses what it had.
    cluster.apply_as::<HelmRepository>("repo", json!({"type": "oci", "url": "oci://example.com/charts"})).await;
    let bare = |obj: &HelmRepository| {
        obj.metadata.finalizers.as_ref().is_none_or(Vec::is_empty)
            && obj.status.as_ref().is_none_or(|status| status.artifact.is_none() && status.conditions.is_empty())
    };
    cluster.until_as::<HelmRepository>("repo", "it is bare", bare).await;
    assert!(!cluster.storage.local_path(&path).expect("path").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn credentials_are_those_of_the_secret() {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    server.serve(&[("app", "1.0.0")]);
    server.with(|content| content.authorization = Some("Basic dTpw".into()));
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url(), "secretRef": {"name": "login"}})).await;
    let (_, message) = cluster.failed_as::<HelmRepository>("repo", "AuthenticationFailed").await;
    assert_eq!(message, "failed to get authentication secret 'apps/login': secrets \"login\" not found");
    cluster.secret("login", json!({"username": "u", "password": "p"})).await;
    cluster.ready_as::<HelmRepository>("repo").await;
    cluster.secret("half", json!({"username": "u"})).await;
    cluster.apply_as::<HelmRepository>("half", json!({"url": server.url(), "secretRef": {"name": "half"}})).await;
    let (_, message) = cluster.failed_as::<HelmRepository>("half", "AuthenticationFailed").await;
    assert_eq!(
        message,
        "failed to detect authentication methods: secret 'apps/half': malformed basic auth - has 'username' but missing 'password'"
    );
    cluster.secret("certs", json!({"ca.crt": "no certificate"})).await;
    cluster.apply_as::<HelmRepository>("certs", json!({"url": server.url(), "certSecretRef": {"name": "certs"}})).await;
    let (_, message) = cluster.failed_as::<HelmRepository>("certs", "AuthenticationFailed").await;
    assert_eq!(message, "failed to construct Helm client's TLS config: failed to parse CA certificate");
    cluster.stop().await;
}

#[tokio::test]
async fn a_bad_repository_harms_only_itself() {
    let (cluster, server, other) = (Cluster::start().await, HelmServer::start().await, HelmServer::start().await);
    server.serve(&[("app", "1.0.0")]);
    cluster.apply_as::<HelmRepository>("good", json!({"url": server.url()})).await;
    for (name, body) in [
        ("empty", ""),
        ("html", "<html>"),
        ("versionless", "entries: {}\n"),
        ("twice", "apiVersion: v1\nentries:\n  a:\n  - name: a\n  a:\n  - name: a\n"),
        (
            "bomb",
            "apiVersion: v1\nx: &x [1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x,*x]\nz: &z [*y,*y,*y,*y,*y,*y,*y,*y]\nv: [*z,*z,*z,*z,*z,*z,*z,*z]\n",
        ),
    ] {
        other.put(&format!("/{name}/index.yaml"), body.as_bytes().to_vec());
        cluster.apply_as::<HelmRepository>(name, json!({"url": format!("http://{}/{name}", other.host)})).await;
        let (obj, message) = cluster.failed_as::<HelmRepository>(name, "IndexationFailed").await;
        assert!(
            message.starts_with("failed to load Helm repository from index YAML: failed to load index: "),
            "{message}"
        );
        assert_eq!(obj.condition("FetchFailed").expect("condition").status, "True");
    }
    other.fault("/busy/index.yaml", || StatusCode::SERVICE_UNAVAILABLE.into_response());
    other.fault("/huge/index.yaml", || {
        ([("content-length", (51 << 20).to_string())], vec![b' '; 51 << 20]).into_response()
    });
    for (name, wanted) in [
        ("busy", "503 Service Unavailable"),
        ("missing", "404 Not Found"),
        ("huge", "index exceeds the maximum index file size of 52428800 bytes"),
    ] {
        let url = format!("http://{}/{name}", other.host);
        cluster.apply_as::<HelmRepository>(name, json!({"url": url})).await;
        let (_, message) = cluster.failed_as::<HelmRepository>(name, "Failed").await;
        let prefix = "failed to fetch Helm repository index: failed to cache index to temporary file: ";
        assert!(message.starts_with(prefix) && message.ends_with(wanted), "{message}");
    }
    cluster.ready_as::<HelmRepository>("good").await;
    cluster.stop().await;
}

#[tokio::test]
async fn hostile_entries_are_passed_over() {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    let index = "apiVersion: v1\nentries:\n  app:\n  - null\n  - name: ../../app\n    version: 9.0.0\n    apiVersion: v2\n  - name: app\n    version: 1..0\n    apiVersion: v2\n  - name: app\n    apiVersion: v2\n    version: 1.0.0\n    urls: [app-1.0.0.tgz]\n";
    server.serve(&[("app", "1.0.0")]);
    server.put("/charts/index.yaml", index.as_bytes().to_vec());
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url()})).await;
    cluster.ready_as::<HelmRepository>("repo").await;
    cluster
        .apply_as::<flux_api::HelmChart>(
            "app",
            json!({"chart": "app", "sourceRef": {"kind": "HelmRepository", "name": "repo"}}),
        )
        .await;
    let chart = cluster.ready_as::<flux_api::HelmChart>("app").await;
    assert_eq!(chart.status.expect("status").artifact.expect("artifact").revision, "1.0.0");
    cluster.stop().await;
}

#[tokio::test]
async fn redirects_take_no_credentials_along() {
    let (cluster, server, other) = (Cluster::start().await, HelmServer::start().await, HelmServer::start().await);
    other.serve(&[("app", "1.0.0")]);
    let target = format!("{}/index.yaml", other.url());
    server.fault("/charts/index.yaml", move || (StatusCode::FOUND, [("location", target.clone())]).into_response());
    cluster.secret("login", json!({"username": "u", "password": "p"})).await;
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url(), "secretRef": {"name": "login"}})).await;
    cluster.ready_as::<HelmRepository>("repo").await;
    let sent = |server: &HelmServer| server.with(|content| content.requests.iter().any(|(_, sent)| sent.is_some()));
    assert!(sent(&server) && !sent(&other));
    let spec = json!({"url": server.url(), "secretRef": {"name": "login"}, "passCredentials": true});
    cluster.apply_as::<HelmRepository>("all", spec).await;
    cluster.ready_as::<HelmRepository>("all").await;
    assert!(sent(&other), "it was asked to");
    cluster.stop().await;
}
