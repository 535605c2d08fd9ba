//! Many sources at once.

use serde_json::json;

use crate::cluster::{Cluster, Repository, git};

#[tokio::test]
async fn forty_objects_of_one_repository() {
    let (cluster, repository) = (Cluster::start().await, Repository::new().await);
    let commit = git(&repository.work, &["rev-parse", "HEAD"]);
    for number in 0..40 {
        cluster.apply(&format!("app-{number}"), json!({"url": repository.url, "ref": {"commit": commit}})).await;
    }
    for number in 0..40 {
        cluster.ready(&format!("app-{number}")).await;
    }
    // A hash never means anything else: looking again needs no server.
    let before = repository.state.requests.lock().unwrap().len();
    cluster.request("app-7", "1").await;
    assert_eq!(repository.state.requests.lock().unwrap().len(), before);
    let names = std::fs::read_dir(&cluster.options.scratch).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with("git-")).count(), 0);
    cluster.stop().await;
}
