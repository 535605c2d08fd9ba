//! Starting, serving and stopping.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use flux_store::Store;
use futures::future::BoxFuture;
use serde_json::json;

use crate::certificates::Certificates;
use crate::resources::Registry;
use crate::services::Allocator;
use crate::{Config, Identity, LocalService, StartError, Storage};

/// A running API server.
pub struct Server {
    shared: Arc<Shared>,
    address: Option<SocketAddr>,
    files: Option<ClientFiles>,
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
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) services: Allocator,
    /// Writes, for the garbage collector.
    pub(crate) notes: crate::controllers::Notes,
    pub(crate) certificates: Certificates,
    pub(crate) roles: crate::auth::RoleCache,
    pub(crate) openapi: crate::openapi::Cache,
    pub(crate) turns: crate::admission::Turns,
    pub(crate) quota_notes: std::sync::OnceLock<tokio::sync::mpsc::UnboundedSender<String>>,
    /// True once the server stops.
    pub(crate) stop: tokio::sync::watch::Sender<bool>,
    /// Counts changes of definitions, for watches of custom resources.
    pub(crate) gone: tokio::sync::watch::Sender<u64>,
}

/// The address a client on this machine uses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback =
        if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { IpAddr::from(Ipv6Addr::LOCALHOST) };
    if address.ip().is_unspecified() { SocketAddr::new(loopback, address.port()) } else { address }
}

impl Shared {
    pub(crate) fn ca_pem(&self) -> &str {
        &self.certificates.ca_pem
    }
}

impl Server {
    /// Opens the storage, writes the bootstrap objects, starts the controllers and the listener.
    pub fn start(config: Config) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(Self::open(config))
    }

    async fn open(config: Config) -> Result<Self, StartError> {
        let options = flux_store::Options { window: config.watch_window, ..flux_store::Options::default() };
        let store = match &config.storage {
            Storage::Memory => Store::memory(options),
            Storage::Redb(path) => Store::open(path, options)?,
        };
        let certificates = Certificates::prepare(&config)?;
        let services = Allocator::new(&config.service_cidr)?;
        let (stop, gone) = (tokio::sync::watch::Sender::new(false), tokio::sync::watch::Sender::new(0));
        let (notes, noted) = tokio::sync::mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            config,
            store,
            registry: Registry::new(),
            services,
            notes,
            certificates,
            roles: crate::auth::RoleCache::default(),
            openapi: crate::openapi::Cache::default(),
            turns: crate::admission::Turns::default(),
            quota_notes: std::sync::OnceLock::new(),
            stop,
            gone,
        });
        for resource in crate::resources::built_ins() {
            shared.store.ensure(&resource.table);
        }
        shared.load_definitions().await;
        shared.adopt_services().await;
        shared.bootstrap().await?;
        shared.start_controllers(noted).await;
        let (address, files) = match shared.config.listen {
            None => (None, None),
            Some(address) => {
                let bound = crate::listener::start(shared.clone(), address, &shared.certificates).await?;
                let (client_certificate_pem, client_key_pem) = shared.certificates.administrator()?;
                let server = format!("https://{}", reachable(bound));
                let ca_pem = shared.ca_pem().to_owned();
                (Some(bound), Some(ClientFiles { server, ca_pem, client_certificate_pem, client_key_pem }))
            }
        };
        Ok(Self { shared, address, files })
    }

    /// A service that acts as `identity`, for `kube::Client::new`.
    pub fn service(&self, identity: Identity) -> LocalService {
        LocalService { shared: self.shared.clone(), identity: Some(Arc::new(identity)) }
    }

    /// A service whose requests are authenticated by their own `Authorization` header, as over TLS.
    pub fn credential_service(&self) -> LocalService {
        LocalService { shared: self.shared.clone(), identity: None }
    }

    /// `https://ADDRESS` of the listener, if there is one.
    pub fn url(&self) -> Option<String> {
        self.address.map(|address| format!("https://{}", reachable(address)))
    }

    /// The certificate authority that signed the server's certificate.
    pub fn ca_pem(&self) -> &str {
        self.shared.ca_pem()
    }

    /// Address and credentials of an administrator; `None` without a listener.
    pub fn client_files(&self) -> Option<ClientFiles> {
        self.files.clone()
    }

    /// A kubeconfig whose only context has this name, for an administrator; `None` without a listener.
    pub fn kubeconfig(&self, context: &str) -> Option<String> {
        let files = self.files.as_ref()?;
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let cluster = json!({"server": files.server, "certificate-authority-data": base64(&files.ca_pem)});
        let user = json!({
            "client-certificate-data": base64(&files.client_certificate_pem),
            "client-key-data": base64(&files.client_key_pem),
        });
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": context, "preferences": {},
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": user}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        });
        Some(flux_yaml::emit_v2(&config))
    }

    /// Ends watches, stops controllers and the listener, and waits until the storage is on disk.
    pub fn shutdown(self) -> BoxFuture<'static, ()> {
        Box::pin(self.end())
    }

    async fn end(self) {
        self.shared.stop.send_replace(true);
        self.shared.store.close().await;
    }
}
