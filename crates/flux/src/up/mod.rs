//! `flux up`: GitOps for a repository on this machine, without a cluster.
//!
//! The order of things: settings and state, the repository's head, one control plane per cluster, then progress until
//! everything is ready, and on until Ctrl-C. Only this module prints.

mod bootstrap;
mod cluster;
mod kubeconfig;
mod progress;
mod repository;
mod settings;
mod state;
mod tracker;
mod tree;
mod units;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use std::time::{Duration, Instant};

use clap::Args;
use flux_git::local::LocalTree;
use tokio::sync::{mpsc, watch as channel};
use tokio_util::sync::CancellationToken;

use self::bootstrap::Plan;
pub use self::bootstrap::is_component;
use self::cluster::{ClusterError, ControlPlane};
use self::progress::Progress;
pub use self::repository::Head;
use self::repository::{Repository, RepositoryError};
use self::settings::{Settings, SettingsError};
use self::state::{State, StateError};
use self::tracker::{CONFIRM, Tracker};
use self::tree::TreeFs;
use self::units::Unit;
use crate::controller::Setup;
use crate::controller::flags::FlagError;
use crate::controller::local::LocalSources;

/// Run GitOps for a repository on this machine: an embedded API server per cluster, the controllers, simulated workloads.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The root of a Git repository, or a plain directory
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only these directories below `clusters/`
    #[arg(long = "cluster", value_name = "NAME")]
    clusters: Vec<String>,
    /// End when everything is ready: exit 0, or 1 after the timeout, naming each unit that is not ready
    #[arg(long)]
    once: bool,
    /// How long `--once` waits
    #[arg(long, default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// Follow the files of the work tree instead of commits
    #[arg(long)]
    worktree: bool,
    /// Serve a URL from a directory on this machine
    #[arg(long = "map", value_name = "URL=DIR")]
    map: Vec<String>,
    /// Where objects, artifacts and the kubeconfig are kept [default: .flux in PATH]
    #[arg(long, env = "FLUX_UP_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Attempts that each controller makes at the same time
    #[arg(long)]
    concurrent: Option<usize>,
    /// Log what the controllers do to standard error: trace, debug, info or error
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log_level: String,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: flux_api::Duration = text.parse().map_err(|error: flux_api::DurationError| error.to_string())?;
    Ok(duration.std())
}

/// Why `flux up` could not start.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    #[error("`{path}` cannot be found")]
    Path { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("there is no directory `clusters/{name}`; there is: {known}")]
    NoCluster { name: String, known: String },
    #[error("`clusters/{cluster}/flux-system` cannot be built")]
    Root { cluster: String, source: flux_kustomize::Error },
    #[error("the arguments of Deployment `{deployment}` in `clusters/{cluster}/flux-system` are refused")]
    Arguments { cluster: String, deployment: String, source: FlagError },
    #[error("cannot read the commit")]
    Commit(#[from] flux_git::local::LocalError),
    #[error("cannot wait for Ctrl-C")]
    Signal(#[source] std::io::Error),
}

/// Runs until Ctrl-C, or until `--once` has its answer.
pub async fn run(arguments: Arguments) -> Result<ExitCode, UpError> {
    crate::logging::start(&arguments.log_level, crate::logging::Encoding::Console);
    let started = Instant::now();
    let root =
        arguments.path.canonicalize().map_err(|source| UpError::Path { path: arguments.path.clone(), source })?;
    let settings = Settings::load(&root, &arguments.map)?;
    let state = State::open(&arguments.state.clone().unwrap_or_else(|| root.join(".flux")))?;
    let state_root = state.root().canonicalize().unwrap_or_else(|_| state.root().to_owned());
    let repository = Repository::open(&root, arguments.worktree, state_root.join("snapshots.git"))?;
    let head = repository.head(&state_root)?;
    let mut up = Up::start(&arguments, &settings, state, state_root, repository, head).await?;
    let answer = up.watch(&arguments, started).await;
    up.stop().await;
    answer
}

/// Everything that runs.
struct Up {
    root: PathBuf,
    planes: Vec<ControlPlane>,
    progress: Progress,
    reports: mpsc::Receiver<(String, Vec<Unit>)>,
    trackers: Vec<Tracker>,
    shutdown: CancellationToken,
    state: State,
}

impl Up {
    async fn start(
        arguments: &Arguments,
        settings: &Settings,
        state: State,
        state_root: PathBuf,
        repository: Repository,
        head: Head,
    ) -> Result<Self, UpError> {
        let tree = LocalTree::open(&repository.commits, &head.commit)?;
        let clusters = clusters(&tree, &arguments.clusters)?;
        eprintln!("{}", first_line(&repository, &head));
        eprintln!("{}", flux_simulate::NOTICE);
        let shutdown = CancellationToken::new();
        let (head_sender, head_receiver) = channel::channel(head.clone());
        let unpacked = state.dir("unpacked")?;
        let workdirs = flux_artifact::Workdirs::open(&unpacked)
            .map_err(|source| StateError::Io { path: unpacked.clone(), source })?;
        let sources = local_sources(settings, &repository, head_receiver.clone(), workdirs);
        let starts =
            clusters.iter().map(|cluster| start_cluster(cluster, arguments, settings, &state, &tree, sources.clone()));
        let planes = futures::future::try_join_all(starts).await?;
        let files: Vec<_> = planes.iter().filter_map(|plane| Some((plane.name.clone(), plane.files()?))).collect();
        state.write("kubeconfig", kubeconfig::render(&files).as_bytes())?;
        eprintln!("► kubeconfig: {}", shown(&state.root().join("kubeconfig")));
        let (sender, reports) = mpsc::channel(64);
        let mut trackers = Vec::new();
        for plane in &planes {
            let tracker = Tracker::new(plane.client.clone(), commits(head_receiver.clone()), sources.follows());
            let (name, sender) = (plane.name.clone(), sender.clone());
            let report = move |units| {
                // A full channel means the picture is behind; the next report holds everything anyway.
                let _ = sender.try_send((name.clone(), units));
            };
            tokio::spawn(tracker.clone().run(plane.shutdown_token(), report));
            trackers.push(tracker);
        }
        let wakers: Vec<_> = planes.iter().map(|plane| plane.controllers.clone()).collect();
        tokio::spawn(wake_on_head(head_receiver, wakers, shutdown.clone()));
        let complain = |error: &RepositoryError| eprintln!("✗ {}", flux_diagnostics::one_line(error));
        tokio::spawn(repository::follow(repository.clone(), state_root, head_sender, complain, shutdown.clone()));
        Ok(Self { root: repository.root, planes, progress: Progress::new(), reports, trackers, shutdown, state })
    }

    /// Shows progress; ends at Ctrl-C, or with the answer of `--once`.
    async fn watch(&mut self, arguments: &Arguments, started: Instant) -> Result<ExitCode, UpError> {
        let deadline = tokio::time::sleep_until((started + arguments.timeout).into());
        tokio::pin!(deadline);
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(UpError::Signal)?;
        let mut announced = None;
        loop {
            tokio::select! {
                report = self.reports.recv() => {
                    let Some((cluster, units)) = report else { return Ok(ExitCode::SUCCESS) };
                    self.progress.update(&cluster, units, Instant::now());
                    self.progress.draw(Instant::now());
                }
                _ = tick.tick() => self.progress.draw(Instant::now()),
                () = &mut deadline, if arguments.once => return Ok(self.give_up(arguments)),
                _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
                _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
            }
            let settled = self.progress.all_settled(self.planes.len());
            match announced {
                None if settled && self.confirm().await => {
                    self.announce(started.elapsed(), arguments.once);
                    if arguments.once {
                        return Ok(ExitCode::SUCCESS);
                    }
                    announced = Some(true);
                }
                Some(true) if !settled => announced = Some(false),
                Some(false) if settled => announced = Some(true),
                _ => {}
            }
        }
    }

    /// A unit that was created a moment ago may not have been reported yet: ask the servers themselves.
    async fn confirm(&mut self) -> bool {
        let asked = futures::future::try_join_all(self.trackers.iter().map(Tracker::list));
        let Ok(Ok(lists)) = tokio::time::timeout(CONFIRM, asked).await else { return false };
        let settled = lists.iter().all(|units| !units.is_empty() && units.iter().all(|unit| unit.phase.settled()));
        for (plane, units) in self.planes.iter().zip(lists) {
            self.progress.update(&plane.name, units, Instant::now());
        }
        settled
    }

    fn announce(&mut self, took: Duration, once: bool) {
        self.progress.finish(Instant::now());
        if once {
            print!("{}", self.progress.table());
        }
        eprintln!("all {} units ready in {}", self.progress.count(), progress::seconds(took));
        if !once {
            self.how_to_go_on();
        }
    }

    fn how_to_go_on(&self) {
        let kubeconfig = shown(&self.state.root().join("kubeconfig"));
        eprintln!("export KUBECONFIG={kubeconfig}");
        let context = self.planes.first().map(|plane| plane.name.as_str()).unwrap_or_default();
        eprintln!("then, for example: kubectl --context {context} get kustomizations -A");
        eprintln!("watching {} for changes; Ctrl-C ends", shown(&self.root));
    }

    fn give_up(&mut self, arguments: &Arguments) -> ExitCode {
        self.progress.finish(Instant::now());
        print!("{}", self.progress.table());
        let units: Vec<String> = self
            .progress
            .unsettled()
            .map(|(cluster, unit)| {
                let why = if unit.message.is_empty() { "no controller has reported on it" } else { &unit.message };
                format!("✗ {cluster}: {} is {}: {}", unit.key(), unit.phase.word(), progress::printable(why))
            })
            .collect();
        eprintln!("{}", units.join("\n"));
        eprintln!("{} units are not ready after {}", units.len(), progress::seconds(arguments.timeout));
        ExitCode::FAILURE
    }

    async fn stop(self) {
        self.shutdown.cancel();
        futures::future::join_all(self.planes.into_iter().map(ControlPlane::stop)).await;
    }
}

fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Says what stands in for the branch that the repository's own objects name.
fn first_line(repository: &Repository, head: &Head) -> String {
    let commit = &head.commit[..head.commit.len().min(12)];
    let what = match repository.follow {
        repository::Follow::Commits => format!("HEAD ({} at {commit})", head.branch),
        repository::Follow::WorkTree => format!("the work tree ({}, snapshot {commit})", head.branch),
        repository::Follow::Directory => format!("the files of the directory (snapshot {commit})"),
    };
    format!("► {} of {} stands in for the branch of flux-system", what, shown(&repository.root))
}

/// The directories below `clusters/`, or the root as the cluster `default`.
fn clusters(tree: &LocalTree, wanted: &[String]) -> Result<Vec<String>, UpError> {
    let entries = tree.list("clusters")?.unwrap_or_default();
    let folders = entries.into_iter().filter(|entry| entry.kind == flux_git::local::TreeEntryKind::Dir);
    let mut known: Vec<String> = folders.map(|entry| entry.name).collect();
    if known.is_empty() {
        known.push(DEFAULT_CLUSTER.to_owned());
    }
    if wanted.is_empty() {
        return Ok(known);
    }
    match wanted.iter().find(|name| !known.contains(name)) {
        Some(name) => Err(UpError::NoCluster { name: name.clone(), known: known.join(", ") }),
        None => Ok(known.into_iter().filter(|name| wanted.contains(name)).collect()),
    }
}

/// Name of the one cluster of a repository without `clusters/`.
const DEFAULT_CLUSTER: &str = "default";

fn local_sources(
    settings: &Settings,
    repository: &Repository,
    head: channel::Receiver<Head>,
    workdirs: flux_artifact::Workdirs,
) -> LocalSources {
    let mut own = repository.remotes();
    own.push(bootstrap::DEFAULT_URL.to_owned());
    let mut others = Vec::new();
    for (url, dir) in &settings.map {
        match dir.canonicalize() {
            Ok(dir) if dir == repository.root => own.push(url.clone()),
            _ => others.push((url.clone(), dir.clone())),
        }
    }
    LocalSources::new(&repository.root, &repository.commits, own, others, head, workdirs)
}

async fn start_cluster(
    name: &str,
    arguments: &Arguments,
    settings: &Settings,
    state: &State,
    tree: &LocalTree,
    sources: LocalSources,
) -> Result<ControlPlane, UpError> {
    let plan = root_plan(name, tree)?;
    if !plan.provided.is_empty() {
        eprintln!(
            "► {name}: {} objects of Flux itself are provided by this process and not applied",
            plan.provided.len()
        );
    }
    let mut setup = Setup::in_process(state.dir(&format!("clusters/{name}"))?.join("artifacts"), sources);
    for (deployment, words) in &plan.arguments {
        setup.honour(deployment, words).map_err(|source| UpError::Arguments {
            cluster: name.to_owned(),
            deployment: deployment.clone(),
            source,
        })?;
    }
    if let Some(concurrent) = arguments.concurrent {
        setup.set_concurrent(concurrent);
    }
    let simulation = settings.simulation(name)?;
    Ok(ControlPlane::start(name, state, &plan, setup, simulation).await?)
}

/// Builds what `clusters/NAME/flux-system` declares.
fn root_plan(name: &str, tree: &LocalTree) -> Result<Plan, UpError> {
    let (folder, path) = match tree.entry(&format!("clusters/{name}"))? {
        Some(_) => (format!("/clusters/{name}/flux-system"), format!("./clusters/{name}")),
        None => ("/flux-system".to_owned(), "./".to_owned()),
    };
    if tree.list(folder.trim_start_matches('/'))?.is_none() {
        return Ok(bootstrap::plan(Vec::new(), &path));
    }
    let failed = |source| UpError::Root { cluster: name.to_owned(), source };
    let fs = TreeFs(tree.clone());
    let options = flux_kustomize::Options {
        load_restrictions: flux_kustomize::LoadRestrictions::None,
        ..flux_kustomize::Options::default()
    };
    let spec = flux_kustomize::flux::Spec::default();
    let built = flux_kustomize::flux::build(&fs, Path::new(&folder), &spec, None, &options).map_err(failed)?;
    Ok(bootstrap::plan(built.into_json().map_err(failed)?, &path))
}

/// The commit alone, for judging units.
fn commits(mut head: channel::Receiver<Head>) -> channel::Receiver<String> {
    let (sender, receiver) = channel::channel(head.borrow_and_update().commit.clone());
    tokio::spawn(async move {
        while head.changed().await.is_ok() {
            let commit = head.borrow_and_update().commit.clone();
            if sender.send(commit).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A new head wakes the sources that follow it, past any watch and without a write.
async fn wake_on_head(
    mut head: channel::Receiver<Head>,
    clusters: Vec<crate::controller::Controllers>,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = head.changed() => if changed.is_err() { return },
        }
        for controllers in &clusters {
            controllers.wake_local_sources();
        }
    }
}
