//! Good attempts: artifacts, conditions, events, what is not fetched again.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::cluster::{Cluster, Repository, condition, git, revision};

#[tokio::test]
async fn a_commit_becomes_an_artifact() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    let commit = git(&repository.work, &["rev-parse", "HEAD"]);
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    let obj = cluster.ready("app").await;
    let expected = format!("main@sha1:{commit}");
    assert_eq!(revision(&obj), expected);
    let message = format!("stored artifact for revision '{expected}'");
    let good = Some(("True".into(), "Succeeded".into(), message.clone()));
    assert_eq!(condition(&obj, "Ready"), good);
    assert_eq!(condition(&obj, "ArtifactInStorage"), good);
    let status = obj.status.as_ref().unwrap();
    assert_eq!(status.conditions.len(), 2);
    let artifact = status.artifact.as_ref().unwrap();
    assert_eq!(artifact.path, format!("gitrepository/apps/app/{commit}.tar.gz"));
    assert_eq!(artifact.url, format!("http://localhost:1/{}", artifact.path));
    assert!(artifact.size > 0 && artifact.digest.starts_with("sha256:"));
    assert_eq!(obj.metadata.finalizers.as_deref(), Some(&["finalizers.fluxcd.io".to_owned()][..]));
    let content = cluster.content(&obj).await;
    assert_eq!(fs::read_to_string(content.path().join("a.yaml")).unwrap(), "a: 1\n");
    assert!(cluster.messages().contains(&"NewArtifact: stored artifact for commit 'first'".to_owned()));
    let event = cluster.events.lock().unwrap()[0].clone();
    assert_eq!(event.event.metadata["source.toolkit.fluxcd.io/revision"], expected);
    assert_eq!(event.event.metadata["source.toolkit.fluxcd.io/digest"], artifact.digest);
    cluster.stop().await;
}

#[tokio::test]
async fn an_unchanged_revision_is_not_fetched_and_writes_nothing() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}, "interval": "60ms"})).await;
    let first = cluster.ready("app").await;
    let packs = repository.packs();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let later = cluster.ready("app").await;
    assert_eq!(first.metadata.resource_version, later.metadata.resource_version);
    // One command lists references each time; none fetched a pack, which would be a second one.
    let looks = repository.state.requests.lock().unwrap().iter().filter(|path| path.ends_with("/info/refs")).count();
    assert!(looks >= 3, "{looks}");
    assert_eq!(repository.packs() - packs, looks - 1);
    let second = repository.commit("b.yaml", "b", "second");
    let obj = cluster.until("app", "the new commit", |obj| revision(obj).ends_with(&second)).await;
    assert!(cluster.content(&obj).await.path().join("b.yaml").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn changed_rules_make_a_new_artifact_of_the_same_commit() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    repository.write("docs/x.md", "x");
    repository.commit("apps/y.yaml", "y", "more");
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    let before = cluster.ready("app").await;
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}, "ignore": "/docs"})).await;
    let obj = cluster.ready("app").await;
    assert_eq!(revision(&obj), revision(&before));
    assert!(!cluster.content(&obj).await.path().join("docs").exists());
    assert_eq!(obj.status.as_ref().unwrap().observed_ignore.as_deref(), Some("/docs"));
    let spec = json!({"url": repository.url, "ref": {"branch": "main"}, "sparseCheckout": ["./apps"]});
    cluster.apply("app", spec).await;
    let obj =
        cluster.until("app", "sparse", |obj| obj.status.as_ref().unwrap().observed_sparse_checkout.len() == 1).await;
    let content = cluster.content(&obj).await;
    assert!(content.path().join("apps/y.yaml").exists() && !content.path().join("a.yaml").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn a_lost_or_damaged_artifact_is_made_again() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    cluster.apply("app", json!({"url": repository.url, "ref": {"branch": "main"}})).await;
    let obj = cluster.ready("app").await;
    let artifact = obj.status.as_ref().unwrap().artifact.clone().unwrap();
    let path = cluster.storage.local_path(&artifact.path).unwrap();
    fs::write(&path, "damaged").unwrap();
    cluster.request("app", "1").await;
    cluster.storage.verify(&artifact).unwrap();
    assert!(cluster.messages().iter().any(|m| m.starts_with(
        "ArtifactVerificationFailed: failed to verify integrity of artifact: computed digest doesn't match"
    )));
    fs::remove_dir_all(cluster.storage.root().join("gitrepository")).unwrap();
    cluster.request("app", "2").await;
    cluster.storage.verify(&artifact).unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn suspension_and_deletion() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    let spec = |suspend: bool| json!({"url": repository.url, "ref": {"branch": "main"}, "suspend": suspend});
    cluster.apply("app", spec(false)).await;
    let first = cluster.ready("app").await;
    cluster.apply("app", spec(true)).await;
    let second = repository.commit("b.yaml", "b", "second");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(revision(&cluster.api().get("app").await.unwrap()), revision(&first));
    cluster.apply("app", spec(false)).await;
    cluster.until("app", "resumed", |obj| revision(obj).ends_with(&second)).await;
    cluster.delete("app").await;
    assert!(!cluster.storage.root().join("gitrepository/apps/app").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn included_repositories_are_part_of_it_and_wake_it() {
    let cluster = Cluster::start().await;
    let (base, extra) = (Repository::new().await, Repository::new().await);
    extra.write("deploy/kept.yaml", "1");
    extra.commit("deploy/.sourceignore", "secret.yaml\n", "more");
    let include = json!([{"repository": {"name": "extra"}, "fromPath": "deploy", "toPath": "libs/extra"}]);
    let spec = json!({"url": base.url, "ref": {"branch": "main"}, "include": include});
    cluster.apply("app", spec).await;
    let (_, reason, message) = cluster.failed("app").await;
    assert_eq!(reason, "NotFound");
    assert!(message.starts_with("could not get resource for include 'extra': gitrepositories"), "{message}");
    cluster.apply("extra", json!({"url": extra.url, "ref": {"branch": "main"}})).await;
    let obj = cluster.ready("app").await;
    assert!(condition(&obj, "IncludeUnavailable").is_none());
    let content = cluster.content(&obj).await;
    assert!(content.path().join("a.yaml").exists() && content.path().join("libs/extra/kept.yaml").exists());
    let status = obj.status.as_ref().unwrap();
    assert_eq!((status.included_artifacts.len(), status.observed_include.len()), (1, 1));
    extra.write("deploy/secret.yaml", "x");
    let third = extra.commit("deploy/new.yaml", "1", "third");
    cluster.request("extra", "1").await;
    let obj = cluster
        .until("app", "the include's change", |obj| {
            obj.status.as_ref().unwrap().included_artifacts.first().is_some_and(|a| a.revision.ends_with(&third))
        })
        .await;
    let content = cluster.content(&obj).await;
    assert!(content.path().join("libs/extra/new.yaml").exists());
    assert!(!content.path().join("libs/extra/secret.yaml").exists(), "its rules hold where it is copied to");
    cluster.stop().await;
}
