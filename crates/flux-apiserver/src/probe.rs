//! The answer to the health probe of test frameworks that start a storage server of their own beside the API server.
//!
//! This server keeps its objects itself, so nothing else of that protocol is served.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::RunError;

/// Says `{"health":"true"}` at these URLs (`http://HOST:PORT`) until the process ends.
///
/// # Errors
/// When a URL cannot be read or its address is taken.
pub async fn run_health_probe(urls: &[String]) -> Result<(), RunError> {
    let mut tasks = tokio::task::JoinSet::new();
    for url in urls {
        let address = address_of(url).ok_or_else(|| RunError::Url { url: url.clone() })?;
        let listener = TcpListener::bind(address).await.map_err(|source| RunError::Probe { address, source })?;
        tasks.spawn(answer(listener));
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

fn address_of(url: &str) -> Option<SocketAddr> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let address = match host.trim_matches(['[', ']']) {
        "localhost" => IpAddr::from(Ipv4Addr::LOCALHOST),
        other => other.parse().ok()?,
    };
    Some(SocketAddr::new(address, port.parse().ok()?))
}

async fn answer(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
            let known = matches!(request.uri().path(), "/health" | "/readyz" | "/livez");
            let mut response = Response::new(Full::new(Bytes::from_static(if known {
                br#"{"health":"true","reason":""}"#
            } else {
                b""
            })));
            if !known {
                *response.status_mut() = http::StatusCode::NOT_FOUND;
            }
            Ok::<_, std::convert::Infallible>(response)
        });
        tokio::spawn(async move {
            // A prober that hangs up is no failure of ours.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        assert_eq!(address_of("http://localhost:2379"), Some("127.0.0.1:2379".parse().unwrap()));
        assert_eq!(address_of("http://127.0.0.1:1/"), Some("127.0.0.1:1".parse().unwrap()));
        assert_eq!(address_of("unix:///x"), None);
    }
}
