use super::*;
use crate::storage::Retention;

async fn start() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("gitrepository/default/app");
    std::fs::create_dir_all(&object).unwrap();
    std::fs::write(object.join("a.tar.gz"), b"0123456789").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(object.join("a.tar.gz"), object.join("latest.tar.gz")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", object.join("outside")).unwrap();
    }
    let storage = Storage::new(dir.path(), "localhost", Retention::default()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, server(storage)).await });
    (dir, url)
}

#[tokio::test]
async fn files_ranges_and_conditions() {
    let (_dir, url) = start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let file = format!("{url}/gitrepository/default/app/a.tar.gz");
    let answer = client.get(&file).send().await.unwrap();
    assert_eq!(answer.headers()["content-length"], "10");
    assert_eq!(answer.headers()["content-type"], "application/gzip");
    let modified = answer.headers()["last-modified"].clone();
    assert!(modified.to_str().unwrap().ends_with("GMT"));
    assert_eq!(answer.text().await.unwrap(), "0123456789");

    let answer = client.get(&file).header("range", "bytes=2-4").send().await.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(answer.text().await.unwrap(), "234");
    assert_eq!(client.get(&file).header("range", "bytes=10-").send().await.unwrap().status(), 416);
    assert_eq!(client.get(&file).header("if-modified-since", modified).send().await.unwrap().status(), 304);
    let old = "Mon, 02 Jan 2006 15:04:05 GMT";
    assert_eq!(client.get(&file).header("if-modified-since", old).send().await.unwrap().status(), 200);
    let head = client.head(&file).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "10");
    assert_eq!(client.post(&file).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn lists_links_and_escapes() {
    let (_dir, url) = start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| client.get(format!("{url}{path}")).send();
    assert!(get("/").await.unwrap().text().await.unwrap().contains("<a href=\"gitrepository/\">"));
    assert_eq!(get("/gitrepository/default/app/latest.tar.gz").await.unwrap().text().await.unwrap(), "0123456789");
    for path in ["/nothing", "/gitrepository/default/app/outside", "/%2e%2e/x", "/..%2f..%2fetc/passwd", "/%zz"] {
        assert_eq!(get(path).await.unwrap().status(), 404, "{path}");
    }
}
