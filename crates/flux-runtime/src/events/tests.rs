use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

fn recorded(severity: Severity) -> Recorded {
    let object = ObjectIdentity {
        kind: "Kustomization".into(),
        namespace: "ns".into(),
        name: "app".into(),
        uid: "u".into(),
        api_version: "kustomize.toolkit.fluxcd.io/v1".into(),
        resource_version: "7".into(),
    };
    let metadata = [("kustomize.toolkit.fluxcd.io/revision".to_owned(), "main@sha1:1".to_owned())].into();
    Recorded {
        event: Event {
            object,
            severity,
            reason: "Progressing".into(),
            message: "Service/ns/web created".into(),
            metadata,
        },
        component: "kustomize-controller".into(),
        time: Timestamp::from_millisecond(1_700_000_000_123).expect("in range"),
    }
}

#[test]
fn the_body_is_upstreams() {
    let recorded = recorded(Severity::Info);
    let body = serde_json::to_value(post::body(&recorded, "host-1")).expect("json");
    assert_eq!(
        body,
        json!({
            "involvedObject": {"kind": "Kustomization", "namespace": "ns", "name": "app", "uid": "u",
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "resourceVersion": "7"},
            "severity": "info",
            "timestamp": "2023-11-14T22:13:20Z",
            "message": "Service/ns/web created",
            "reason": "Progressing",
            "metadata": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:1"},
            "reportingController": "kustomize-controller",
            "reportingInstance": "host-1",
        })
    );
}

#[test]
fn errors_are_warnings_in_kubernetes() {
    let object = kubernetes::object(&recorded(Severity::Error));
    assert_eq!((object.type_.as_deref(), object.count), (Some("Warning"), Some(1)));
    assert_eq!(object.metadata.namespace.as_deref(), Some("ns"));
    assert!(object.metadata.name.is_some_and(|name| name.starts_with("app.")));
    let annotations = object.metadata.annotations.expect("metadata");
    assert_eq!(annotations["kustomize.toolkit.fluxcd.io/revision"], "main@sha1:1");
}

/// A receiver that answers with each status in turn, and what it got.
async fn receiver(answers: Vec<u16>) -> (String, Arc<std::sync::Mutex<Vec<Value>>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let got: Arc<std::sync::Mutex<Vec<Value>>> = Arc::default();
    let log = got.clone();
    tokio::spawn(async move {
        for status in answers {
            let (mut stream, _) = listener.accept().await.expect("connection");
            let mut text = Vec::new();
            let body = loop {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).await.expect("read");
                text.extend_from_slice(&part[..count]);
                let all = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    break body.to_owned();
                }
            };
            log.lock().expect("log").push(serde_json::from_str(&body).expect("json"));
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("write");
        }
    });
    (address, got)
}

async fn post(answers: Vec<u16>, events: usize) -> usize {
    let expected = answers.len();
    let (address, got) = receiver(answers).await;
    let (sender, queue) = mpsc::channel(8);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(post::run(address, queue, shutdown.clone()));
    for _ in 0..events {
        sender.send(Arc::new(recorded(Severity::Info))).await.expect("queue");
    }
    for _ in 0..400 {
        if got.lock().expect("log").len() >= expected {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    shutdown.cancel();
    task.await.expect("ends");
    let count = got.lock().expect("log").len();
    count
}

#[tokio::test]
async fn a_duplicate_is_not_sent_again_and_a_failure_is() {
    // 429 ends the first event; 500 is tried once more.
    assert_eq!(post(vec![429, 500, 200], 2).await, 3);
}
