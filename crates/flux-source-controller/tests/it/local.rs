//! URLs that are served from a repository on this machine.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use flux_source_controller::{LocalHead, UrlMapping};
use serde_json::json;

use crate::cluster::{Cluster, NAMESPACE, Repository, condition, git, revision};

#[tokio::test]
async fn a_mapped_url_follows_the_head_and_needs_no_secret() {
    let repository = Repository::new().await;
    let first = git(&repository.work, &["rev-parse", "HEAD"]);
    git(&repository.work, &["tag", "v1.0.0"]);
    let head = Arc::new(Mutex::new(LocalHead {
        repository: repository.work.clone(),
        branch: "main".into(),
        commit: first.clone(),
    }));
    let told = head.clone();
    let cluster = Cluster::with(|options| {
        options.url_map.push(UrlMapping {
            url: flux_git::normalize("https://github.com/org/ml-infrastructure"),
            repository: repository.work.clone(),
            head: Some(Arc::new(move || Some(told.lock().unwrap().clone()))),
        });
    })
    .await;
    let secret = json!({"name": "ml-infra-auth"});
    let url = "https://github.com/org/ml-infrastructure.git";
    cluster.apply("ml-infra", json!({"url": url, "ref": {"branch": "main"}, "secretRef": secret})).await;
    cluster
        .apply(
            "flux-system",
            json!({"url": "ssh://git@github.com/org/ml-infrastructure", "ref": {"branch": "release"}}),
        )
        .await;
    cluster.apply("tagged", json!({"url": url, "ref": {"tag": "v1.0.0"}})).await;
    let obj = cluster.ready("ml-infra").await;
    assert_eq!(revision(&obj), format!("main@sha1:{first}"));
    let (_, _, message) = condition(&obj, "Ready").unwrap();
    let place = repository.work.display();
    assert_eq!(
        message,
        format!(
            "stored artifact for revision 'main@sha1:{first}' (served from the local repository {place}; secretRef not used)"
        )
    );
    let root = cluster.ready("flux-system").await;
    assert_eq!(revision(&root), format!("main@sha1:{first}"), "HEAD stands in for its branch");
    assert!(condition(&root, "Ready").unwrap().2.ends_with(&format!("(served from the local repository {place})")));
    assert_eq!(revision(&cluster.ready("tagged").await), format!("v1.0.0@sha1:{first}"));
    assert_eq!(repository.state.requests.lock().unwrap().len(), 0, "nothing went over the network");

    let second = repository.commit("b.yaml", "b", "second");
    head.lock().unwrap().commit.clone_from(&second);
    let start = Instant::now();
    for (namespace, name) in cluster.options.followers.lock().unwrap().iter() {
        assert_eq!(namespace, NAMESPACE);
        assert!(cluster.ctx.waker.wake("GitRepository", namespace, name));
    }
    for name in ["ml-infra", "flux-system"] {
        cluster.until(name, "the new commit", |obj| revision(obj).ends_with(&second)).await;
    }
    assert!(start.elapsed().as_millis() < 2000, "{:?}", start.elapsed());
    assert!(revision(&cluster.api().get("tagged").await.unwrap()).ends_with(&first));
    cluster.delete("tagged").await;
    let followers = cluster.options.followers.clone();
    let start = Instant::now();
    while followers.lock().unwrap().len() != 2 {
        assert!(start.elapsed().as_secs() < 5, "{followers:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    cluster.stop().await;
}
