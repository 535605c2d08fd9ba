//! `flux server`: the API server alone, started with the flags of `kube-apiserver`.
//!
//! Under the names `kube-apiserver` and `etcd` the program is what test frameworks start in their place.

mod ignored;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use flux_apiserver::{RunError, ServerOptions, run_health_probe, run_server};

/// Serve the Kubernetes API from this process, with the flags of kube-apiserver.
#[derive(clap::Args)]
pub struct Arguments {
    /// Address to listen on; one that other machines reach needs certificates and authentication.
    #[arg(long, default_value = "127.0.0.1")]
    bind_address: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 6443)]
    secure_port: u16,
    /// Folder of keys and certificates; `apiserver.crt` and `apiserver.key` in it are served.
    #[arg(long)]
    cert_dir: Option<PathBuf>,
    #[arg(long, requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    #[arg(long, requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// Authorities of client certificates, in PEM.
    #[arg(long)]
    client_ca_file: Option<PathBuf>,
    /// Range of cluster IPs.
    #[arg(long, default_value = "10.96.0.0/12")]
    service_cluster_ip_range: String,
    /// Lines of TOKEN,USER,UID,"GROUPS".
    #[arg(long)]
    token_auth_file: Option<PathBuf>,
    #[arg(long, value_delimiter = ',', default_value = "RBAC")]
    authorization_mode: Vec<String>,
    #[arg(long, default_value = "true", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    anonymous_auth: bool,
    /// `iss` of service-account tokens; of several the first.
    #[arg(long)]
    service_account_issuer: Vec<String>,
    /// Admission plugins that are not to run, such as ServiceAccount.
    #[arg(long, value_delimiter = ',')]
    disable_admission_plugins: Vec<String>,
    /// Storage file; without one nothing outlives the process.
    #[arg(long)]
    storage: Option<PathBuf>,
    /// Where the administrator's kubeconfig is written.
    #[arg(long)]
    write_kubeconfig: Option<PathBuf>,
    #[arg(short = 'v', long = "v", hide = true)]
    verbosity: Option<u8>,
}

/// The program under the name `kube-apiserver`.
#[derive(clap::Parser)]
#[command(name = "kube-apiserver", version)]
struct KubeApiserver {
    #[command(flatten)]
    arguments: Arguments,
}

/// The program under the name `etcd`: it answers the health probe, and nothing else.
#[derive(clap::Parser)]
#[command(name = "etcd", version)]
struct Etcd {
    /// URLs to answer at.
    #[arg(long, value_delimiter = ',', default_value = "http://localhost:2379")]
    listen_client_urls: Vec<String>,
}

/// The command line without flags of upstream's that change nothing here.
pub fn known_arguments(arguments: impl Iterator<Item = String>) -> Vec<String> {
    ignored::without(arguments, &ignored::KUBE_APISERVER)
}

/// Runs as `kube-apiserver`.
pub async fn run_as_kube_apiserver() -> Result<ExitCode, RunError> {
    run(KubeApiserver::parse_from(known_arguments(std::env::args())).arguments).await
}

/// Runs as `etcd`.
pub async fn run_as_etcd() -> Result<ExitCode, RunError> {
    let Etcd { listen_client_urls } = Etcd::parse_from(ignored::without(std::env::args(), &ignored::ETCD));
    tokio::select! {
        outcome = run_health_probe(&listen_client_urls) => outcome.map(|()| ExitCode::SUCCESS),
        () = ended() => Ok(ExitCode::SUCCESS),
    }
}

/// Runs the server until the process is asked to end.
pub async fn run(arguments: Arguments) -> Result<ExitCode, RunError> {
    let server = run_server(ServerOptions {
        bind_address: arguments.bind_address,
        secure_port: arguments.secure_port,
        cert_dir: arguments.cert_dir,
        tls: arguments.tls_cert_file.zip(arguments.tls_private_key_file),
        client_ca_file: arguments.client_ca_file,
        service_cluster_ip_range: arguments.service_cluster_ip_range,
        token_auth_file: arguments.token_auth_file,
        authorization_mode: arguments.authorization_mode,
        anonymous_auth: arguments.anonymous_auth,
        service_account_issuer: arguments.service_account_issuer.into_iter().next(),
        disabled_admission: arguments.disable_admission_plugins,
        storage: arguments.storage,
        kubeconfig: arguments.write_kubeconfig,
        recorded_controllers: false,
    })
    .await?;
    if let Some(url) = server.url() {
        eprintln!("serving the Kubernetes API at {url}");
    }
    ended().await;
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Resolves when the process is asked to end.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals the process runs until it is killed.
    let _ = tokio::signal::ctrl_c().await;
}
