//! The endpoints of a controller process: `/healthz` and `/readyz` on one address, `/metrics` on another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use flux_runtime::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// OpenMetrics text, as Prometheus asks for it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process can do its work; false until its caches are filled or its file server answers.
#[derive(Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn status(&self) -> (StatusCode, &'static str) {
        if self.0.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting")
        }
    }
}

/// Go's address form: `:8080` means every interface.
pub fn parse_address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}").parse().ok(),
        None => text.replace("localhost", "127.0.0.1").parse().ok(),
    }
}

/// Serves the health endpoints until `shutdown`.
pub async fn health(listener: TcpListener, readiness: Readiness, shutdown: CancellationToken) -> std::io::Result<()> {
    let ready = move || {
        let readiness = readiness.clone();
        async move { readiness.status() }
    };
    let router = Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// Serves the metrics until `shutdown`.
pub async fn metrics(listener: TcpListener, metrics: Metrics, shutdown: CancellationToken) -> std::io::Result<()> {
    let encode = move || {
        let text = metrics.encode();
        async move { ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response() }
    };
    let router = Router::new().route("/metrics", get(encode));
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_in_go() {
        assert_eq!(parse_address(":9440").unwrap().to_string(), "0.0.0.0:9440");
        assert_eq!(parse_address("127.0.0.1:1").unwrap().port(), 1);
        assert_eq!(parse_address("localhost:1").unwrap().to_string(), "127.0.0.1:1");
        assert!(parse_address("nonsense").is_none());
    }
}
