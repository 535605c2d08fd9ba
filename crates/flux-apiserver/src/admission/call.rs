//! Calling a webhook: one HTTPS request, bounded in time and size.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::object::{list_at, text, text_at};
use crate::server::Shared;

const ANSWER_MAX: usize = 3 << 20;
const DEFAULT_SECONDS: u64 = 10;

/// Where a webhook is.
struct Target {
    host: String,
    port: u16,
    path: String,
    /// Where to connect when the host is a service.
    address: Option<SocketAddr>,
}

/// Sends a review and reads the answer; the error is upstream's text behind `failed calling webhook`.
pub(super) async fn call(shared: &Arc<Shared>, webhook: &Value, review: &Value) -> Result<Value, String> {
    let config = &webhook["clientConfig"];
    let seconds = webhook.get("timeoutSeconds").and_then(Value::as_u64).unwrap_or(DEFAULT_SECONDS);
    let target = target(shared, config).await?;
    let separator = if target.path.contains('?') { '&' } else { '?' };
    let path = format!("{}{separator}timeout={seconds}s", target.path);
    let shown = format!("failed to call webhook: Post \"https://{}:{}{path}\"", target.host, target.port);
    let sent = send(config, &target, &path, review);
    match tokio::time::timeout(Duration::from_secs(seconds), sent).await {
        Err(_) => Err(format!("{shown}: context deadline exceeded")),
        Ok(Err(why)) => Err(format!("{shown}: {why}")),
        Ok(Ok((200, body))) => serde_json::from_slice(&body).map_err(|error| format!("{shown}: {error}")),
        Ok(Ok((code, body))) => {
            let said: String = String::from_utf8_lossy(&body).trim().chars().take(500).collect();
            let said = if said.is_empty() { "the server could not handle the request".to_owned() } else { said };
            Err(format!("failed to call webhook: {said} (status {code})"))
        }
    }
}

async fn target(shared: &Arc<Shared>, config: &Value) -> Result<Target, String> {
    if let Some(url) = config.get("url").and_then(Value::as_str) {
        let uri: http::Uri = url.parse().map_err(|_| format!("the URL {url} cannot be read"))?;
        let host = uri.host().ok_or("the URL names no host")?.to_owned();
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        return Ok(Target { host, port: uri.port_u16().unwrap_or(443), path, address: None });
    }
    let service = &config["service"];
    let (space, name) = (text(service, "namespace"), text(service, "name"));
    let port = service.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()).unwrap_or(443);
    let path = Some(text(service, "path")).filter(|path| !path.is_empty()).unwrap_or("/");
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let address = endpoint(shared, space, name, port).await?;
    Ok(Target { host: format!("{name}.{space}.svc"), port, path, address: Some(address) })
}

/// An address behind a service: of a slice, else of the older list.
async fn endpoint(shared: &Arc<Shared>, space: &str, name: &str, port: u16) -> Result<SocketAddr, String> {
    let missing = || format!("failed to call webhook: service {} not found", crate::status::go_quote(name));
    let services = shared.registry.find("", "v1", "services").ok_or_else(missing)?;
    let service = shared.load(&services, space, name).await.ok_or_else(missing)?;
    let wanted = list_at(&service, "/spec/ports")
        .iter()
        .find(|own| own.get("port").and_then(Value::as_u64) == Some(port.into()));
    let wanted = wanted.map_or("", |own| text(own, "name"));
    let mut found = Vec::new();
    if let Some(slices) = shared.registry.find("discovery.k8s.io", "v1", "endpointslices") {
        for slice in shared.all(&slices, space).await {
            if text_at(&slice, "/metadata/labels/kubernetes.io~1service-name") != name {
                continue;
            }
            let ready = list_at(&slice, "/endpoints")
                .iter()
                .filter(|one| one.pointer("/conditions/ready") != Some(&Value::Bool(false)));
            let addresses: Vec<&str> =
                ready.flat_map(|one| list_at(one, "/addresses")).filter_map(Value::as_str).collect();
            found.extend(pairs(&addresses, list_at(&slice, "/ports"), wanted));
        }
    }
    if found.is_empty()
        && let Some(kinds) = shared.registry.find("", "v1", "endpoints")
        && let Some(endpoints) = shared.load(&kinds, space, name).await
    {
        for subset in list_at(&endpoints, "/subsets") {
            let addresses: Vec<&str> = list_at(subset, "/addresses").iter().map(|one| text(one, "ip")).collect();
            found.extend(pairs(&addresses, list_at(subset, "/ports"), wanted));
        }
    }
    let none = format!("no endpoints available for service {}", crate::status::go_quote(name));
    found.into_iter().next().ok_or(none)
}

fn pairs(addresses: &[&str], ports: &[Value], wanted: &str) -> Vec<SocketAddr> {
    let port = ports.iter().find(|own| text(own, "name") == wanted).or(ports.first());
    let Some(port) =
        port.and_then(|own| own.get("port")).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok())
    else {
        return Vec::new();
    };
    addresses.iter().filter_map(|address| Some(SocketAddr::new(address.parse().ok()?, port))).collect()
}

async fn send(config: &Value, target: &Target, path: &str, review: &Value) -> Result<(u16, Bytes), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let connected = match target.address {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((target.host.as_str(), target.port)).await,
    };
    let stream = connected.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            format!("dial tcp {}:{}: connect: connection refused", target.host, target.port)
        }
        _ => format!("dial tcp: {error}"),
    })?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls(config)?));
    let name = ServerName::try_from(target.host.clone()).map_err(|error| words(&error))?;
    let stream =
        connector.connect(name, stream).await.map_err(|error| format!("tls: failed to verify certificate: {error}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    let driver = tokio::spawn(connection);
    let request = Request::post(path)
        .header("host", format!("{}:{}", target.host, target.port))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(Full::new(Bytes::from(review.to_string())))
        .map_err(|error| words(&error))?;
    let response = sender.send_request(request).await.map_err(|error| words(&error))?;
    let code = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|error| words(&error))?;
    driver.abort();
    Ok((code, body.to_bytes()))
}

fn tls(config: &Value) -> Result<rustls::ClientConfig, String> {
    let bundle = text(config, "caBundle");
    let pem = base64::engine::general_purpose::STANDARD.decode(bundle).map_err(|error| error.to_string())?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
