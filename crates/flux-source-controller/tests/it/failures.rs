//! What goes wrong is said, and the last good artifact stays.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::{Cluster, Repository, condition, revision};

#[tokio::test]
async fn a_failure_keeps_the_last_artifact_and_its_end_is_told() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    let good = cluster.ready("app").await;
    *repository.state.authorization.lock().unwrap() = Some("Basic dTpw".into());
    cluster.request("app", "1").await;
    let (obj, reason, message) = cluster.failed("app").await;
    assert_eq!(reason, "GitOperationFailed");
    let expected = format!(
        "failed to checkout and determine revision: unable to clone '{}': authentication required",
        repository.url
    );
    assert_eq!(message, expected);
    assert_eq!(condition(&obj, "FetchFailed"), Some(("True".into(), reason, message)));
    assert_eq!(condition(&obj, "Reconciling").map(|(_, reason, _)| reason).as_deref(), Some("ProgressingWithRetry"));
    assert_eq!(revision(&obj), revision(&good));
    *repository.state.authorization.lock().unwrap() = None;
    let obj = cluster.ready("app").await;
    assert!(condition(&obj, "FetchFailed").is_none() && condition(&obj, "Reconciling").is_none());
    let start = Instant::now();
    while !cluster
        .messages()
        .iter()
        .any(|message| message.starts_with("Succeeded: stored artifact for commit 'main@sha1:"))
    {
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", cluster.messages());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn secrets() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    *repository.state.authorization.lock().unwrap() = Some("Basic dTpw".into());
    let spec = |secret: &str| json!({"url": repository.url, "ref": {"branch": "main"}, "secretRef": {"name": secret}});
    cluster.apply("app", spec("login")).await;
    let (_, reason, message) = cluster.failed("app").await;
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("AuthenticationFailed", "failed to get secret 'apps/login': secrets \"login\" not found")
    );
    cluster.secret("login", json!({"username": "u", "password": "p"})).await;
    cluster.ready("app").await;
    cluster.secret("app-data", json!({"githubAppID": "1"})).await;
    cluster.apply("github", spec("app-data")).await;
    let (_, reason, message) = cluster.failed("github").await;
    assert_eq!(reason, "InvalidProviderConfiguration");
    assert_eq!(message, "secretRef 'apps/app-data' has github app data but provider is not set to github");
    cluster.secret("half", json!({"password": "canary"})).await;
    cluster.apply("half", spec("half")).await;
    let (obj, reason, message) = cluster.failed("half").await;
    assert_eq!(reason, "AuthenticationFailed");
    assert!(message.contains("'password' requires 'username' to be set"), "{message}");
    assert!(!format!("{:?}", obj.status).contains("canary"));
    let proxied = json!({"url": repository.url, "proxySecretRef": {"name": "none"}});
    cluster.apply("proxied", proxied).await;
    let (_, reason, message) = cluster.failed("proxied").await;
    assert_eq!(reason, "AuthenticationFailed");
    assert_eq!(message, "failed to configure proxy options: secret 'apps/none' not found");
    cluster.stop().await;
}

#[tokio::test]
async fn what_cannot_be_honoured_stalls_by_name() {
    let cluster = Cluster::start().await;
    let url = "https://example.invalid/r";
    let verify = json!({"mode": "HEAD", "secretRef": {"name": "keys"}});
    cluster.apply("verified", json!({"url": url, "verify": verify})).await;
    let (obj, reason, message) = cluster.failed("verified").await;
    assert_eq!(reason, "UnsupportedField");
    assert!(message.starts_with("spec.verify is not supported yet"), "{message}");
    assert_eq!(condition(&obj, "Stalled").map(|(status, ..)| status).as_deref(), Some("True"));
    assert_eq!(condition(&obj, "SourceVerified").map(|(status, ..)| status).as_deref(), Some("False"));
    assert_eq!(obj.status.as_ref().map(|status| status.observed_generation), obj.metadata.generation);
    cluster.apply("cloud", json!({"url": url, "provider": "azure"})).await;
    let (obj, reason, message) = cluster.failed("cloud").await;
    assert_eq!(reason, "InvalidProviderConfiguration");
    assert!(message.contains("spec.provider 'azure'"), "{message}");
    assert!(condition(&obj, "Stalled").is_some());
    cluster.stop().await;
}

#[tokio::test]
async fn references_that_are_not_there() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    let check = async |name: &str, more: serde_json::Value, expected: &str| {
        let mut spec = json!({"url": repository.url});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        cluster.apply(name, spec).await;
        let (_, reason, message) = cluster.failed(name).await;
        assert_eq!(reason, "GitOperationFailed");
        assert!(message.contains(expected), "{message}");
    };
    check("default", json!({}), "couldn't find remote ref \"refs/heads/master\"").await;
    check("range", json!({"ref": {"semver": ">=1"}}), "no match found for semver: >=1").await;
    check("name", json!({"ref": {"name": "refs/x/y"}}), "unable to resolve ref 'refs/x/y' to a specific commit").await;
    check(
        "sparse",
        json!({"ref": {"branch": "main"}, "sparseCheckout": ["nope"]}),
        "failed to sparse checkout directories : sparse checkout dir 'nope' does not exist in repository",
    )
    .await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_silent_server_ends_with_the_timeout_and_holds_nobody_up() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/r", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    cluster.apply("silent", json!({"url": silent, "timeout": "1s"})).await;
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    cluster.ready("app").await;
    let (_, reason, message) = cluster.failed("silent").await;
    assert_eq!(reason, "GitOperationFailed");
    assert_eq!(message, "failed to checkout and determine revision: context deadline exceeded");
    cluster.stop().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_written_to_keeps_the_last_artifact() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    let good = cluster.ready("app").await;
    let artifact = good.status.as_ref().unwrap().artifact.clone().unwrap();
    // A directory in the place of the next file makes the last step fail.
    let second = repository.commit("b.yaml", "b", "second");
    let place = cluster.storage.root().join(format!("gitrepository/apps/app/{second}.tar.gz"));
    std::fs::create_dir_all(place.join("x")).unwrap();
    cluster.request("app", "1").await;
    let (obj, reason, message) = cluster.failed("app").await;
    assert_eq!(reason, "ArchiveOperationFailed");
    assert!(message.starts_with("unable to archive artifact to storage: "), "{message}");
    assert_eq!(condition(&obj, "StorageOperationFailed").map(|(status, ..)| status).as_deref(), Some("True"));
    assert_eq!(condition(&obj, "ArtifactOutdated").map(|(_, reason, _)| reason).as_deref(), Some("NewRevision"));
    assert_eq!(obj.status.as_ref().unwrap().artifact.as_ref(), Some(&artifact));
    cluster.storage.verify(&artifact).unwrap();
    std::fs::remove_dir_all(&place).unwrap();
    let obj = cluster.ready("app").await;
    assert!(revision(&obj).ends_with(&second));
    assert!(condition(&obj, "StorageOperationFailed").is_none() && condition(&obj, "ArtifactOutdated").is_none());
    cluster.stop().await;
}
