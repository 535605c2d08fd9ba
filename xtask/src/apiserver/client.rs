//! A small HTTPS client, so that figures are the server's and not a library's.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How a server is reached.
#[derive(Clone)]
pub struct Api {
    address: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    token: Arc<str>,
}

impl Api {
    /// `url` is `https://ADDRESS`; the authority is taken from a kubeconfig.
    pub fn new(url: &str, kubeconfig: &Path, token: &str) -> Result<Self> {
        let config = flux_yaml::yaml_to_json(&std::fs::read_to_string(kubeconfig)?)?;
        let data = config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().context("an authority")?;
        let pem = base64::engine::general_purpose::STANDARD.decode(data)?;
        Self::with_authority(url, &pem, token)
    }

    pub fn with_authority(url: &str, pem: &[u8], token: &str) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = url.strip_prefix("https://").context("an https URL")?.trim_end_matches('/').to_owned();
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).to_owned();
        let name = ServerName::try_from(host)?;
        Ok(Self { address, name, connector: TlsConnector::from(Arc::new(config)), token: token.into() })
    }

    /// A connection for one request after another.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { sender, api: self.clone() })
    }
}

/// An open connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    api: Api,
}

impl Connection {
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<http::Response<hyper::body::Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.api.address)
            .header("user-agent", "campaign/1.0")
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", self.api.token));
        if !body.is_empty() {
            request = request.header("content-type", content_type);
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body))?).await?)
    }

    /// Sends a request and reads the whole answer.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(u16, Bytes)> {
        let response = self.send(method, path, content_type, body.into()).await?;
        let code = response.status().as_u16();
        Ok((code, response.into_body().collect().await?.to_bytes()))
    }

    pub async fn get(&mut self, path: &str) -> Result<(u16, Bytes)> {
        self.call("GET", path, "", Bytes::new()).await
    }

    /// Sends a document as JSON and reads the answer as JSON.
    pub async fn json(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let (code, bytes) = self.call(method, path, "application/json", body).await?;
        Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// Opens a watch; the connection is its own from then on.
    pub async fn watch(mut self, path: &str) -> Result<Stream> {
        let response = self.send("GET", path, "", Bytes::new()).await?;
        anyhow::ensure!(response.status() == 200, "the watch is refused with {}", response.status());
        Ok(Stream { body: response.into_body(), buffer: Vec::new(), _connection: self })
    }
}

/// An open watch.
pub struct Stream {
    body: hyper::body::Incoming,
    buffer: Vec<u8>,
    _connection: Connection,
}

impl Stream {
    /// The next event; `None` when the server ended the stream or died.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return serde_json::from_slice(&line).ok();
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}
