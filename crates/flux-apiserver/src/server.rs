//! Starting, serving and stopping.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::{Body, Config, Identity, LocalService, StartError};

/// A running API server.
pub struct Server {
    shared: Arc<Shared>,
    address: Option<SocketAddr>,
}

/// What a client needs to reach the server over TLS. The key is a secret: it is never printed.
#[derive(Clone)]
pub struct ClientFiles {
    /// `https://ADDRESS`.
    pub server: String,
    pub ca_pem: String,
    /// Certificate of a user in `system:masters`.
    pub client_certificate_pem: String,
    pub client_key_pem: String,
}

/// The state every request sees.
pub(crate) struct Shared {
    pub(crate) config: Config,
}

impl Shared {
    pub(crate) async fn answer<B>(&self, _request: Request<B>, _identity: Option<&Identity>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display + Send,
    {
        Response::new(Body::full("{}"))
    }
}

impl Server {
    /// Opens the storage, writes the bootstrap objects, starts the controllers and the listener.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Ok(Self { shared: Arc::new(Shared { config }), address: None })
    }

    /// A service that acts as `identity`, for `kube::Client::new`.
    pub fn service(&self, identity: Identity) -> LocalService {
        LocalService { shared: self.shared.clone(), identity: Arc::new(identity) }
    }

    /// `https://ADDRESS` of the listener, if there is one.
    pub fn url(&self) -> Option<String> {
        self.address.map(|address| format!("https://{address}"))
    }

    /// The certificate authority that signed the server's certificate.
    pub fn ca_pem(&self) -> &str {
        ""
    }

    /// Address and credentials of an administrator; `None` without a listener.
    pub fn client_files(&self) -> Option<ClientFiles> {
        None
    }

    /// A kubeconfig whose only context has this name, for an administrator; `None` without a listener.
    pub fn kubeconfig(&self, context: &str) -> Option<String> {
        let _ = (context, &self.shared.config);
        None
    }

    /// Ends watches, stops controllers and the listener, and waits until the storage is on disk.
    pub async fn shutdown(self) {}
}
