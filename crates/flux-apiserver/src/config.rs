//! What a server is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::Identity;

/// Where objects are kept.
#[derive(Clone, Debug, Default)]
pub enum Storage {
    /// Nothing outlives the process.
    #[default]
    Memory,
    /// A redb file; every acknowledged write is on disk.
    Redb(PathBuf),
}

/// How requests are authorized after authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    #[default]
    Rbac,
    AlwaysAllow,
}

/// Which of upstream's controllers run inside the server.
#[derive(Clone, Copy, Debug)]
pub struct Controllers {
    /// Empties and removes namespaces that are being deleted.
    pub namespace: bool,
    /// Deletes dependents of absent owners; background, foreground and orphan deletion.
    pub garbage_collector: bool,
    /// Creates the ServiceAccount `default` in each namespace.
    pub service_account: bool,
    /// Publishes the ConfigMap `kube-root-ca.crt` in each namespace.
    pub root_ca: bool,
    /// Counts what namespaces with ResourceQuotas use; without it quotas bound nothing, as upstream has it.
    pub resource_quota: bool,
    /// Fills the rules of ClusterRoles that have an `aggregationRule`.
    pub clusterrole_aggregation: bool,
}

impl Controllers {
    /// The four controllers of the recorded server.
    pub fn recorded() -> Self {
        Self {
            namespace: true,
            garbage_collector: true,
            service_account: true,
            root_ca: false,
            resource_quota: false,
            clusterrole_aggregation: true,
        }
    }
}

impl Default for Controllers {
    fn default() -> Self {
        Self { root_ca: true, resource_quota: true, ..Self::recorded() }
    }
}

/// A user known by a fixed bearer token. The token is never printed.
#[derive(Clone)]
pub struct StaticToken {
    pub(crate) token: String,
    pub(crate) identity: Identity,
}

impl StaticToken {
    pub fn new(token: impl Into<String>, identity: Identity) -> Self {
        Self { token: token.into(), identity }
    }
}

impl std::fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticToken").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// What a server is started with. The default is an empty server in memory without an address.
#[derive(Clone, Debug)]
pub struct Config {
    pub storage: Storage,
    /// Range of cluster IPs, in CIDR form.
    pub service_cidr: String,
    /// Address of the TLS listener; port 0 takes a free one. `None` serves in process only.
    pub listen: Option<SocketAddr>,
    /// Folder of the certificate authority and keys, so that they outlive the process. `None` makes new ones.
    pub state_dir: Option<PathBuf>,
    /// Serving certificate and key, in PEM; `None` makes one signed by the server's own authority.
    pub serving: Option<(PathBuf, PathBuf)>,
    /// Authorities of client certificates beside the server's own, in PEM.
    pub client_ca_file: Option<PathBuf>,
    /// Name of the cluster in kubeconfigs.
    pub cluster_name: String,
    pub controllers: Controllers,
    pub tokens: Vec<StaticToken>,
    pub authorization: Authorization,
    /// Upstream's names of admission plugins that are not to run.
    pub disabled_admission: Vec<String>,
    /// Whether requests without credentials are taken as `system:anonymous`.
    pub anonymous: bool,
    /// `iss` of service-account tokens.
    pub issuer: String,
    /// Events older than this are removed.
    pub event_ttl: Duration,
    /// Events kept at most; the oldest go first.
    pub event_cap: usize,
    /// Changes kept per resource for watches that start in the past.
    pub watch_window: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            service_cidr: "10.96.0.0/12".to_owned(),
            listen: None,
            state_dir: None,
            serving: None,
            client_ca_file: None,
            cluster_name: "flux".to_owned(),
            controllers: Controllers::default(),
            tokens: Vec::new(),
            authorization: Authorization::Rbac,
            disabled_admission: Vec::new(),
            anonymous: true,
            issuer: "https://kubernetes.default.svc.cluster.local".to_owned(),
            event_ttl: Duration::from_secs(3600),
            event_cap: 20_000,
            watch_window: 4096,
        }
    }
}

impl Config {
    /// Whether an admission plugin, by upstream's name, runs.
    pub(crate) fn admits(&self, plugin: &str) -> bool {
        !self.disabled_admission.iter().any(|own| own == plugin)
    }
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the storage cannot be opened")]
    Storage(#[from] flux_store::OpenError),
    #[error("a stored object of `{resource}` cannot be read")]
    Stored {
        resource: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("address {address} cannot be listened on")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("certificates cannot be made")]
    Certificates(#[source] rcgen::Error),
    #[error("the TLS configuration is refused")]
    Tls(#[source] rustls::Error),
    #[error("`{path}` cannot be read or written")]
    State {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` does not hold a usable {what}")]
    BadState { path: PathBuf, what: &'static str },
    #[error("service range `{0}` is not an IPv4 CIDR")]
    ServiceRange(String),
    #[error("a bootstrap object was refused: {0}")]
    Bootstrap(String),
}
