//! The server as a program: from the flags of `kube-apiserver` to a running server and its files.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::{Authorization, Config, Identity, Server, StartError, StaticToken, Storage};

/// What a program that is the server is told.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub bind_address: IpAddr,
    /// 0 takes a free port.
    pub secure_port: u16,
    /// Folder of keys and certificates; `apiserver.crt` and `apiserver.key` in it are served when they are there.
    pub cert_dir: Option<PathBuf>,
    /// Serving certificate and key, before those of `cert_dir`.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub client_ca_file: Option<PathBuf>,
    pub service_cluster_ip_range: String,
    /// `TOKEN,USER,UID[,"GROUP,GROUP"]`, one a line.
    pub token_auth_file: Option<PathBuf>,
    /// `RBAC` or `AlwaysAllow`, among others; the last known one counts.
    pub authorization_mode: Vec<String>,
    pub anonymous_auth: bool,
    pub service_account_issuer: Option<String>,
    /// Upstream's names of admission plugins that are not to run.
    pub disabled_admission: Vec<String>,
    /// Storage file; without one nothing outlives the process.
    pub storage: Option<PathBuf>,
    /// Where the administrator's kubeconfig is written.
    pub kubeconfig: Option<PathBuf>,
    /// Only the four controllers of the recorded server.
    pub recorded_controllers: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            bind_address: IpAddr::from([127, 0, 0, 1]),
            secure_port: 6443,
            cert_dir: None,
            tls: None,
            client_ca_file: None,
            service_cluster_ip_range: "10.96.0.0/12".to_owned(),
            token_auth_file: None,
            authorization_mode: vec!["RBAC".to_owned()],
            anonymous_auth: true,
            service_account_issuer: None,
            disabled_admission: Vec::new(),
            storage: None,
            kubeconfig: None,
            recorded_controllers: false,
        }
    }
}

/// Why the program could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("`{path}` cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` cannot be written")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` line {line} has fewer than three columns")]
    Tokens { path: PathBuf, line: usize },
    #[error("`{address}` can be reached from other machines: {missing}")]
    Exposed { address: IpAddr, missing: &'static str },
    #[error("`{url}` is no address to listen on")]
    Url { url: String },
    #[error("the health probe cannot listen on {address}")]
    Probe {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

/// Starts a server as a program is told to; it runs until it is shut down.
///
/// # Errors
/// When a file cannot be read or written, or the server cannot start.
pub async fn run_server(options: ServerOptions) -> Result<Server, RunError> {
    check_exposure(&options)?;
    let kubeconfig = options.kubeconfig.clone();
    let server = Server::start(config(options)?).await?;
    if let (Some(path), Some(text)) = (kubeconfig, server.kubeconfig("flux")) {
        write_private(&path, &text)?;
    }
    Ok(server)
}

/// An address that others reach needs a certificate they can know, a way to tell who they are, and rules for them.
fn check_exposure(options: &ServerOptions) -> Result<(), RunError> {
    let address = options.bind_address;
    if address.is_loopback() {
        return Ok(());
    }
    let serves_own = options.tls.is_some() || options.cert_dir.as_deref().and_then(serving_in).is_some();
    let missing = if !serves_own {
        "give `--tls-cert-file` and `--tls-private-key-file`, or both files in `--cert-dir`"
    } else if options.client_ca_file.is_none() && options.token_auth_file.is_none() {
        "give `--client-ca-file` or `--token-auth-file`, so that clients can be told apart"
    } else if options.authorization_mode.last().is_some_and(|mode| mode == "AlwaysAllow") {
        "`--authorization-mode=AlwaysAllow` is for this machine alone"
    } else {
        return Ok(());
    };
    Err(RunError::Exposed { address, missing })
}

fn config(options: ServerOptions) -> Result<Config, RunError> {
    let mut config = Config {
        listen: Some(SocketAddr::new(options.bind_address, options.secure_port)),
        serving: options.tls.or_else(|| options.cert_dir.as_deref().and_then(serving_in)),
        state_dir: options.cert_dir,
        client_ca_file: options.client_ca_file,
        service_cidr: options.service_cluster_ip_range,
        anonymous: options.anonymous_auth,
        disabled_admission: options.disabled_admission,
        ..Config::default()
    };
    if let Some(path) = options.token_auth_file {
        config.tokens = tokens(&path)?;
    }
    if options.authorization_mode.last().is_some_and(|mode| mode == "AlwaysAllow") {
        config.authorization = Authorization::AlwaysAllow;
    }
    if let Some(issuer) = options.service_account_issuer {
        config.issuer = issuer;
    }
    if let Some(path) = options.storage {
        config.storage = Storage::Redb(path);
    }
    if options.recorded_controllers {
        config.controllers = crate::Controllers::recorded();
    }
    Ok(config)
}

fn serving_in(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let pair = (dir.join("apiserver.crt"), dir.join("apiserver.key"));
    (pair.0.exists() && pair.1.exists()).then_some(pair)
}

/// Reads a token file: CSV with optional quotes around the groups.
fn tokens(path: &Path) -> Result<Vec<StaticToken>, RunError> {
    let text = std::fs::read_to_string(path).map_err(|source| RunError::Read { path: path.to_owned(), source })?;
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut parts = line.splitn(4, ',').map(str::trim);
        let (Some(token), Some(user), Some(uid)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(RunError::Tokens { path: path.to_owned(), line: index + 1 });
        };
        let groups = parts.next().unwrap_or("").trim_matches('"');
        let groups = groups.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned);
        let identity = Identity { uid: uid.to_owned(), ..Identity::user(user) }.with_groups(groups);
        out.push(StaticToken::new(token, identity));
    }
    Ok(out)
}

/// Writes a file only its owner may read.
fn write_private(path: &Path, text: &str) -> Result<(), RunError> {
    let wrong = |source| RunError::Write { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(wrong)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(wrong)
}
