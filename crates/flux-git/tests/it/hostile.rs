//! Servers that hang, lie or never end.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use flux_git::{FetchOptions, GitError, Ref, Remote, fetch, resolve};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::servers::listen;

const SHORT: Duration = Duration::from_millis(400);
const ID: &str = "a0c14dc8580a23f79bc654faa79c4f62b46c2c22";

fn pkt(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

fn advertisement() -> String {
    let first = format!("{ID} refs/heads/main\0side-band-64k shallow ofs-delta\n");
    format!("{}0000{}0000", pkt("# service=git-upload-pack\n"), pkt(&first))
}

fn answer(kind: &str, body: impl Into<Body>) -> Response {
    let kind = format!("application/x-git-upload-pack-{kind}");
    Response::builder().header(CONTENT_TYPE, kind).body(body.into()).unwrap()
}

/// A server with a good advertisement and `pack` as its answer to a fetch.
async fn packing(pack: impl Fn() -> Body + Clone + Send + Sync + 'static) -> Remote {
    let router = Router::new()
        .route("/r/info/refs", axum::routing::get(|| async { answer("advertisement", advertisement()) }))
        .route(
            "/r/git-upload-pack",
            axum::routing::post(move || {
                let pack = pack.clone();
                async move { answer("result", pack()) }
            }),
        );
    Remote::new(format!("{}/r", listen(router).await), SHORT)
}

async fn fails(remote: &Remote) -> GitError {
    let scratch = tempfile::tempdir().unwrap();
    let options = FetchOptions { max_pack: 1 << 20, max_references: 1 << 20, ..FetchOptions::new(scratch.path()) };
    let start = Instant::now();
    let error = fetch(remote, &Ref::branch("main"), &options).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(3), "{error}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{error}");
    error
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            // Half of an answer's head, then nothing.
            let _ = tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 1024]).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n").await;
            open.push(socket);
        }
    });
    let error = resolve(&Remote::new(format!("http://{address}/r"), SHORT), &Ref::default()).await.unwrap_err();
    assert!(matches!(error, GitError::Timeout), "{error:?}");
    assert_eq!(error.to_string(), "context deadline exceeded");
}

#[tokio::test]
async fn a_pack_that_stops_ends_with_the_timeout() {
    let stuck = || {
        let head = Bytes::from(format!("{}{}", pkt("NAK\n"), pkt("\u{1}PACK")));
        Body::from_stream(
            futures::stream::iter([Ok::<_, Infallible>(head)])
                .chain(futures::stream::pending::<Result<_, Infallible>>()),
        )
    };
    assert!(matches!(fails(&packing(stuck).await).await, GitError::Timeout));
}

#[tokio::test]
async fn endless_answers_end_at_their_bound() {
    let endless = || {
        let packet = Bytes::from(pkt(&format!("\u{1}{}", "x".repeat(60_000))));
        let head = Bytes::from(pkt("NAK\n"));
        Body::from_stream(futures::stream::iter([Ok::<_, Infallible>(head)]).chain(futures::stream::repeat(Ok::<
            _,
            Infallible,
        >(
            packet
        ))))
    };
    assert!(matches!(fails(&packing(endless).await).await, GitError::TooLarge { .. }));
    let references = || {
        let line = Bytes::from(pkt(&format!("{ID} refs/heads/{}\n", "x".repeat(1000))));
        let head = Bytes::from(format!("{}0000", pkt("# service=git-upload-pack\n")));
        let body = futures::stream::iter([Ok::<_, Infallible>(head)]).chain(futures::stream::repeat(Ok(line)));
        answer("advertisement", Body::from_stream(body))
    };
    let url = listen(Router::new().fallback(move || async move { references() })).await;
    assert!(matches!(fails(&Remote::new(format!("{url}/r"), SHORT)).await, GitError::TooLarge { .. }));
}

#[tokio::test]
async fn lies_are_named() {
    let cases: &[(&str, &[u8])] = &[
        ("no pack", b""),
        ("garbage", b"garbage!"),
        ("not a pack", b"0008NAK\n0009\x01JUNK0000"),
        ("cut short", b"0008NAK\n0010\x01PACK\x00\x00\x00\x02\x00\x00\x00\x010000"),
        ("a bad checksum", b"0008NAK\n0025\x01PACK\x00\x00\x00\x02\x00\x00\x00\x00aaaaaaaaaaaaaaaaaaaa0000"),
        ("the third band", b"0008NAK\n000d\x03failed!!0000"),
        ("an error line", b"0011ERR go away\n"),
        ("a strange band", b"0008NAK\n0006\x09x0000"),
    ];
    for (name, body) in cases {
        let error = fails(&packing(move || Body::from(*body)).await).await;
        let expected = matches!(
            error,
            GitError::Network { .. }
                | GitError::Protocol { .. }
                | GitError::Remote { .. }
                | GitError::Repository { .. }
        );
        assert!(expected, "{name}: {error:?}");
    }
}

#[tokio::test]
async fn other_services_are_no_git_servers() {
    let check = async |response: fn() -> Response, part: &str| {
        let url = listen(Router::new().fallback(move || async move { response() })).await;
        let error = fails(&Remote::new(format!("{url}/r?token=canary"), SHORT)).await.to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("canary"), "{error}");
    };
    let html = || Response::builder().header(CONTENT_TYPE, "text/html").body(Body::from("<html>")).unwrap();
    check(html, "not a Git server: content type 'text/html'").await;
    let broken = || Response::builder().status(500).body(Body::empty()).unwrap();
    check(broken, "status code: 500").await;
    let forbidden = || {
        let plain = Response::builder().status(403).header(CONTENT_TYPE, "text/plain");
        plain.body(Body::from("no\x1b[31m entry\n")).unwrap()
    };
    check(forbidden, "authorization failed: no [31m entry").await;
    let sha256 = || {
        let body = format!(
            "{}0000{}{}0000",
            pkt("# service=git-upload-pack\n"),
            pkt("version 2\n"),
            pkt("object-format=sha256\n")
        );
        answer("advertisement", body)
    };
    check(sha256, "object format 'sha256'").await;
}
