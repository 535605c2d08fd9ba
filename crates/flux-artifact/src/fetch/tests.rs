use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::*;
use crate::storage::Retention;

fn source() -> (tempfile::TempDir, Storage, Artifact) {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("apps")).unwrap();
    fs::write(tree.join("apps/a.yaml"), "kind: A\n").unwrap();
    let root = dir.path().join("store");
    fs::create_dir(&root).unwrap();
    let storage = Storage::new(&root, "localhost", Retention::default()).unwrap();
    let mut artifact = storage.new_artifact("GitRepository", "default", "app", "main@sha1:0", "a.tar.gz");
    storage.archive(&mut artifact, &tree, None).unwrap();
    (dir, storage, artifact)
}

fn quick() -> FetchOptions {
    FetchOptions { retry_wait: Duration::from_millis(1), ..FetchOptions::default() }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn the_store_is_read_directly_and_shared() {
    let (dir, storage, artifact) = source();
    let fetcher = Fetcher::local(storage, dir.path().join("scratch"), quick()).unwrap();
    let (a, b) = tokio::join!(fetcher.fetch(&artifact), fetcher.fetch(&artifact));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(Arc::ptr_eq(&a, &b));
    assert_eq!(fs::read_to_string(a.path().join("apps/a.yaml")).unwrap(), "kind: A\n");
    assert_eq!(a.digest(), artifact.digest);
}

#[tokio::test]
async fn equal_content_of_two_stores_is_unpacked_once() {
    let ((dir, first, artifact), (_other, second, same)) = (source(), source());
    assert_eq!(artifact.digest, same.digest);
    let workdirs = Workdirs::open(dir.path().join("scratch")).unwrap();
    let first = Fetcher::local_into(first, workdirs.clone(), quick()).fetch(&artifact).await.unwrap();
    let second = Fetcher::local_into(second, workdirs, quick()).fetch(&same).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn unused_content_goes() {
    let (dir, storage, artifact) = source();
    let tree = dir.path().join("tree");
    fs::write(tree.join("b"), "b").unwrap();
    let mut second = storage.new_artifact("GitRepository", "default", "app", "main@sha1:1", "b.tar.gz");
    storage.archive(&mut second, &tree, None).unwrap();
    let fetcher = Fetcher::local_into(storage, Workdirs::open(dir.path().join("scratch")).unwrap().keeping(1), quick());
    let first = fetcher.fetch(&artifact).await.unwrap();
    let path = first.path().to_owned();
    drop(first);
    assert!(path.exists(), "kept for the next user");
    fetcher.fetch(&second).await.unwrap();
    for _ in 0..200 {
        if !path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} is still there", path.display());
}

#[tokio::test]
async fn a_changed_file_is_never_handed_out() {
    let (dir, storage, mut artifact) = source();
    let fetcher = Fetcher::local(storage.clone(), dir.path().join("scratch"), quick()).unwrap();
    artifact.digest = format!("sha256:{}", "0".repeat(64));
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::DigestMismatch { .. })));
    assert_eq!(fs::read_dir(dir.path().join("scratch")).unwrap().count(), 0);
    artifact.digest = String::new();
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::EmptyDigest)));
    artifact.digest = "sha1:4c624b40731c876b23d36fe732833ea8261f7f00".into();
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::BadDigest { .. })));
    storage.remove(&artifact).unwrap();
    artifact.digest = format!("sha256:{}", "0".repeat(64));
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::NotFound)));
}

#[tokio::test]
async fn http_with_retries() {
    let (dir, storage, mut artifact) = source();
    let failures = Arc::new(AtomicU32::new(2));
    let bytes = fs::read(storage.local_path(&artifact.path).unwrap()).unwrap();
    let counted = failures.clone();
    let flaky = move || {
        let ok = counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err();
        let bytes = bytes.clone();
        async move { if ok { (StatusCode::OK, bytes) } else { (StatusCode::SERVICE_UNAVAILABLE, Vec::new()) } }
    };
    let url = serve(Router::new().route("/a.tar.gz", get(flaky)).merge(Router::new())).await;
    artifact.url = format!("{url}/a.tar.gz");
    let fetcher = Fetcher::http(dir.path().join("scratch"), quick()).unwrap();
    let workdir = fetcher.fetch(&artifact).await.unwrap();
    assert!(workdir.path().join("apps/a.yaml").is_file());
    assert_eq!(failures.load(Ordering::SeqCst), 0);

    let other = |change: fn(&mut FetchOptions)| {
        let mut options = quick();
        change(&mut options);
        Fetcher::http(dir.path().join("other"), options).unwrap()
    };
    let small = other(|options| options.max_download = Some(1));
    assert!(matches!(small.fetch(&artifact).await, Err(FetchError::TooLarge { limit: 1 })));
    let tight = other(|options| options.limits.bytes = Some(1));
    assert!(matches!(tight.fetch(&artifact).await, Err(FetchError::Unpack(_))));
    artifact.digest = format!("sha256:{}", "1".repeat(64));
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::DigestMismatch { .. })));
    artifact.url = format!("{url}/nothing");
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::NotFound)));
}

#[tokio::test]
async fn the_host_can_be_replaced() {
    let (dir, storage, mut artifact) = source();
    let url = serve(crate::server(storage)).await;
    artifact.url = artifact.url.replace("localhost", "source-controller.flux-system.svc.cluster.local.");
    let host = url.trim_start_matches("http://").to_owned();
    let options = FetchOptions { host: Some(host), retries: 0, ..quick() };
    let fetcher = Fetcher::http(dir.path().join("scratch"), options).unwrap();
    fetcher.fetch(&artifact).await.unwrap();
    artifact.url = "file:///etc/passwd".into();
    artifact.digest = format!("sha256:{}", "2".repeat(64));
    assert!(matches!(fetcher.fetch(&artifact).await, Err(FetchError::Url { .. })));
}
