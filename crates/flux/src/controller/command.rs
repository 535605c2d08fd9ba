//! `flux controller NAME...`: controllers as a process of their own, with upstream's flags, ports and endpoints.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::flags::{COMMON, FlagError, Flags, HELM, KUSTOMIZE, SOURCE};
use super::probes::{self, Readiness};
use super::setup::{Apart, FileServer, Setup, SetupError, spawn};

/// Run controllers against a Kubernetes API server, with upstream's flags.
///
/// Give one name or several (source, kustomize, helm), then the flags of the upstream controllers of these names.
#[derive(Args, Debug)]
#[command(disable_help_flag = false)]
pub struct Arguments {
    /// Names of controllers, then their flags
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "NAME... [--FLAG=VALUE...]"
    )]
    words: Vec<String>,
}

/// Why controllers could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("name a controller: source, kustomize, helm")]
    NoName,
    #[error("controller `{name}` is not available yet; there is: source, kustomize, helm")]
    NotYet { name: String },
    #[error("there is no controller `{name}`; there is: source, kustomize, helm")]
    Unknown { name: String },
    #[error(transparent)]
    Flag(#[from] FlagError),
    #[error("--{flag} is not available yet; leave it out")]
    FlagNotYet { flag: &'static str },
    #[error("leader election is not available yet; leave out --enable-leader-election and run one replica")]
    LeaderElection,
    #[error("cannot find out how to reach the API server")]
    Kubeconfig(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot make a client")]
    Client(#[from] kube::Error),
    #[error("`{address}` is not an address")]
    Address { address: String },
    #[error("cannot listen on `{address}`")]
    Listen { address: String, source: std::io::Error },
    #[error(transparent)]
    Storage(#[from] flux_artifact::OptionsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("cannot wait for signals")]
    Signal(#[source] std::io::Error),
}

/// Controllers that upstream has and this binary not yet.
const NOT_YET: &[&str] = &["notification", "image-reflector", "image-automation", "source-watcher"];

/// The controllers named, and their flags.
fn parse(words: &[String]) -> Result<(Vec<&str>, Flags), CommandError> {
    let split = words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len());
    let (names, flags) = words.split_at(split);
    let names: Vec<&str> = names.iter().map(|name| name.strip_suffix("-controller").unwrap_or(name)).collect();
    let mut known = vec![COMMON];
    for name in &names {
        match *name {
            "source" => known.push(SOURCE),
            "kustomize" => known.push(KUSTOMIZE),
            "helm" => known.push(HELM),
            name if NOT_YET.contains(&name) => return Err(CommandError::NotYet { name: name.to_owned() }),
            name => return Err(CommandError::Unknown { name: name.to_owned() }),
        }
    }
    if names.is_empty() {
        return Err(CommandError::NoName);
    }
    Ok((names, Flags::parse(flags, &known)?))
}

/// Runs until SIGTERM or Ctrl-C.
pub async fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let (names, flags) = parse(&arguments.words)?;
    for flag in ["ssh-kex-algos", "ssh-hostkey-algos"] {
        if !flags.list(flag).is_empty() {
            return Err(CommandError::FlagNotYet { flag });
        }
    }
    if flags.bool("enable-leader-election") == Some(true) {
        return Err(CommandError::LeaderElection);
    }
    let encoding = match flags.text("log-encoding") {
        Some("console") => crate::logging::Encoding::Console,
        _ => crate::logging::Encoding::Json,
    };
    crate::logging::start(flags.text("log-level").unwrap_or("info"), encoding);
    let client = client(&flags).await?;
    let shutdown = CancellationToken::new();
    let health = listen(flags.text("health-addr").unwrap_or(":9440")).await?;
    let metrics_address = flags.text("metrics-addr").map(str::to_owned).or_else(|| environment("METRICS_ADDR"));
    let metrics = listen(metrics_address.as_deref().unwrap_or(":8080")).await?;
    let readiness = Readiness::default();
    let mut tasks = JoinSet::new();
    let apart = Apart {
        source: names.contains(&"source").then(|| file_server(&flags)).transpose()?,
        kustomize: names.contains(&"kustomize"),
        helm: names.contains(&"helm"),
        namespace: environment("RUNTIME_NAMESPACE").unwrap_or_else(|| "flux-system".to_owned()),
        events_address: flags.text("events-addr").map(str::to_owned).or_else(|| environment("EVENTS_ADDR")),
    };
    let setup = Setup::apart(flags, apart);
    let controllers = spawn(&mut tasks, setup, &|_| client.clone(), shutdown.clone())?;
    tasks.spawn(log_end("health", probes::health(health, readiness.clone(), shutdown.clone())));
    tasks.spawn(log_end("metrics", probes::metrics(metrics, controllers.metrics(), shutdown.clone())));
    readiness.set();
    wait_for_signal().await?;
    shutdown.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(ExitCode::SUCCESS)
}

async fn log_end(what: &'static str, task: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "the {what} endpoint ended");
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn listen(text: &str) -> Result<TcpListener, CommandError> {
    let address = probes::parse_address(text).ok_or_else(|| CommandError::Address { address: text.to_owned() })?;
    let failed = |source| CommandError::Listen { address: text.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}

/// `--kubeconfig`, else what the environment gives: `KUBECONFIG`, the default file, or the Pod's service account.
async fn client(flags: &Flags) -> Result<Client, CommandError> {
    let config = match flags.text("kubeconfig") {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| CommandError::Kubeconfig(error.into()))?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
                .await
                .map_err(|error| CommandError::Kubeconfig(error.into()))?
        }
        None => Config::infer().await.map_err(|error| CommandError::Kubeconfig(error.into()))?,
    };
    Ok(Client::try_from(config)?)
}

/// Where the source controller keeps and serves artifacts: flags over environment over upstream's defaults.
fn file_server(flags: &Flags) -> Result<FileServer, CommandError> {
    let mut options = flux_artifact::Options::from_environment(environment);
    for flag in ["storage-path", "storage-addr", "storage-adv-addr"] {
        if let Some(value) = flags.text(flag) {
            options.set(flag, value)?;
        }
    }
    let advertised = options.advertised_address(environment("HOSTNAME").as_deref())?;
    let text = options.storage_address.clone();
    let address = probes::parse_address(&text).ok_or_else(|| CommandError::Address { address: text.clone() })?;
    let failed = |source| CommandError::Listen { address: text.clone(), source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(FileServer { storage: options.storage_path, advertised, listener: Arc::new(listener) })
}

async fn wait_for_signal() -> Result<(), CommandError> {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(CommandError::Signal)?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.map_err(CommandError::Signal),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn names_come_first_with_or_without_their_suffix() {
        let words = words("source kustomize-controller --concurrent=2 --storage-path=/data --no-remote-bases");
        let (names, flags) = parse(&words).unwrap();
        assert_eq!(names, ["source", "kustomize"]);
        assert_eq!(flags.int("concurrent"), Some(2));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let refused = |text: &str| parse(&words(text)).map(|_| ()).unwrap_err().to_string();
        assert!(refused("notification").contains("not available yet"));
        assert!(refused("nope").contains("there is no controller `nope`"));
        assert!(refused("--concurrent=1").contains("name a controller"));
        assert_eq!(refused("kustomize --storage-path=/data"), "unknown flag: --storage-path");
    }
}
