//! From flags to running controllers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flux_artifact::{FetchOptions, Fetcher, Retention, Storage};
use flux_runtime::{ControllerContext, EventRecorder, Metrics, Waker};
use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::flags::{COMMON, FlagError, Flags, HELM, KUSTOMIZE, SOURCE};
use super::local::LocalSources;

pub const SOURCE_CONTROLLER: &str = "source-controller";
pub const KUSTOMIZE_CONTROLLER: &str = "kustomize-controller";
pub const HELM_CONTROLLER: &str = "helm-controller";
/// What `flux up` runs.
pub const IN_PROCESS: &[&str] = &[SOURCE_CONTROLLER, KUSTOMIZE_CONTROLLER, HELM_CONTROLLER];

/// Flags that place a process in a cluster; inside `flux up` they have no meaning.
const PLACE_FLAGS: &[&str] = &["--events-addr", "--health-addr", "--kubeconfig", "--metrics-addr", "--storage-"];

/// Why controllers cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the artifact storage cannot be used")]
    Storage(#[from] flux_artifact::StorageError),
    #[error(transparent)]
    Algorithm(#[from] flux_artifact::UnsupportedAlgorithm),
    #[error(transparent)]
    SnapshotAlgorithm(#[from] flux_helm_controller::UnsupportedAlgorithm),
    #[error("the folder for unpacked artifacts cannot be used")]
    Fetcher(#[from] flux_artifact::FetchError),
    #[error("cannot make the folder `{path}`")]
    Folder { path: PathBuf, source: std::io::Error },
}

/// The artifact server of a source controller.
pub struct FileServer {
    pub storage: PathBuf,
    /// Host and port that consumers are told.
    pub advertised: String,
    pub listener: Arc<std::net::TcpListener>,
}

/// Which controllers run as a process of their own, and where they stand.
pub struct Apart {
    pub source: Option<FileServer>,
    pub kustomize: bool,
    pub helm: bool,
    /// `RUNTIME_NAMESPACE`
    pub namespace: String,
    pub events_address: Option<String>,
}

/// Host in the URLs of artifacts that are handed over in process, as upstream's installation has it.
const ADVERTISED: &str = "source-controller.flux-system.svc.cluster.local.";

/// Where the controllers stand.
enum Place {
    /// In `flux up`: artifacts are handed over in process.
    InProcess {
        storage: PathBuf,
        sources: LocalSources,
    },
    Apart(Apart),
}

impl Place {
    fn namespace(&self) -> &str {
        match self {
            Self::InProcess { .. } => "flux-system",
            Self::Apart(apart) => &apart.namespace,
        }
    }

    fn events_address(&self) -> Option<String> {
        match self {
            Self::InProcess { .. } => None,
            Self::Apart(apart) => apart.events_address.clone(),
        }
    }

    fn runs_kustomize(&self) -> bool {
        match self {
            Self::InProcess { .. } => true,
            Self::Apart(apart) => apart.kustomize,
        }
    }

    fn runs_helm(&self) -> bool {
        match self {
            Self::InProcess { .. } => true,
            Self::Apart(apart) => apart.helm,
        }
    }
}

/// What the controllers of one cluster are started with.
pub struct Setup {
    place: Place,
    source_flags: Flags,
    kustomize_flags: Flags,
    helm_flags: Flags,
}

impl Setup {
    /// Controllers of `flux up`: artifacts lie below `storage`.
    pub fn in_process(storage: PathBuf, sources: LocalSources) -> Self {
        let place = Place::InProcess { storage, sources };
        let none = Flags::default();
        Self { place, source_flags: none.clone(), kustomize_flags: none.clone(), helm_flags: none }
    }

    /// Controllers of `flux controller`.
    pub fn apart(flags: Flags, apart: Apart) -> Self {
        let place = Place::Apart(apart);
        Self { place, source_flags: flags.clone(), kustomize_flags: flags.clone(), helm_flags: flags }
    }

    /// Takes over the arguments that a repository gives to a controller's Deployment.
    ///
    /// Controllers that are not here yet are left out; flags about addresses and storage have no meaning here.
    pub fn honour(&mut self, deployment: &str, words: &[String]) -> Result<(), FlagError> {
        let words: Vec<String> =
            words.iter().filter(|word| !PLACE_FLAGS.iter().any(|flag| word.starts_with(flag))).cloned().collect();
        match deployment {
            SOURCE_CONTROLLER => self.source_flags = Flags::parse(&words, &[COMMON, SOURCE])?,
            KUSTOMIZE_CONTROLLER => self.kustomize_flags = Flags::parse(&words, &[COMMON, KUSTOMIZE])?,
            HELM_CONTROLLER => self.helm_flags = Flags::parse(&words, &[COMMON, HELM])?,
            _ => {}
        }
        Ok(())
    }

    /// `--concurrent` of `flux up` holds for every controller.
    pub fn set_concurrent(&mut self, concurrent: usize) {
        self.source_flags.set("concurrent", concurrent);
        self.kustomize_flags.set("concurrent", concurrent);
        self.helm_flags.set("concurrent", concurrent);
    }
}

/// What flags say about the frame; `concurrent` is the controller's own default.
pub(super) fn runtime_options(flags: &Flags, concurrent: usize, namespace: &str) -> flux_runtime::Options {
    let defaults = flux_runtime::Options::default();
    let duration = |name: &str, default: Duration| flags.duration(name).unwrap_or(default);
    let text = |name: &str, default: &str| flags.text(name).unwrap_or(default).to_owned();
    let all_namespaces = flags.bool("watch-all-namespaces").unwrap_or(true);
    flux_runtime::Options {
        concurrent: flags.int("concurrent").map_or(concurrent, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        interval_jitter_percentage: flags
            .int("interval-jitter-percentage")
            .map_or(defaults.interval_jitter_percentage, |n| u8::try_from(n.min(100)).unwrap_or(100)),
        min_retry_delay: duration("min-retry-delay", defaults.min_retry_delay),
        max_retry_delay: duration("max-retry-delay", defaults.max_retry_delay),
        requeue_dependency: duration("requeue-dependency", defaults.requeue_dependency),
        watch_namespace: (!all_namespaces).then(|| namespace.to_owned()),
        watch_label_selector: text("watch-label-selector", &defaults.watch_label_selector),
        watch_configs_label_selector: text("watch-configs-label-selector", &defaults.watch_configs_label_selector),
        no_cross_namespace_refs: flags.bool("no-cross-namespace-refs").unwrap_or(false),
        default_service_account: text("default-service-account", ""),
        runtime_namespace: namespace.to_owned(),
        feature_gates: flags.gates(),
        ..defaults
    }
}

/// A handle on the controllers of one cluster.
#[derive(Clone, Default)]
pub struct Controllers {
    waker: Waker,
    metrics: Metrics,
    /// Namespace and name of the GitRepositories that follow a repository on this machine.
    local: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Controllers {
    /// Wakes the sources that are served from this machine.
    pub fn wake_local_sources(&self) {
        for (namespace, name) in self.local.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.waker.wake("GitRepository", namespace, name);
        }
    }

    /// What the controllers count.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }
}

/// Starts the controllers in this process; `client_of` gives the client that a controller acts with.
pub fn spawn(
    tasks: &mut JoinSet<()>,
    setup: Setup,
    client_of: &dyn Fn(&str) -> Client,
    shutdown: CancellationToken,
) -> Result<Controllers, SetupError> {
    let controllers = Controllers::default();
    let context = |controller: &str, flags: &Flags, concurrent: usize| {
        let client = client_of(controller);
        let events = EventRecorder::new(client.clone(), setup.place.events_address(), shutdown.clone());
        ControllerContext {
            events,
            client,
            metrics: controllers.metrics.clone(),
            shutdown: shutdown.clone(),
            waker: controllers.waker.clone(),
            options: runtime_options(flags, concurrent, setup.place.namespace()),
        }
    };
    let store = match &setup.place {
        Place::InProcess { storage, .. } => Some(open_store(storage, &setup.source_flags, ADVERTISED)?),
        Place::Apart(_) => None,
    };
    if let (Place::InProcess { storage, sources }, Some(store)) = (&setup.place, &store) {
        let ctx = context(SOURCE_CONTROLLER, &setup.source_flags, 2);
        let options = flux_source_controller::Options {
            url_map: sources.url_map(),
            followers: controllers.local.clone(),
            index_cache: index_cache(&setup.source_flags),
            archives: sources.archives.clone(),
            workdirs: Some(sources.workdirs.clone()),
            chart_limits: chart_limits(&setup.source_flags),
            ..flux_source_controller::Options::new(store.clone(), storage.with_file_name("fetching"))
        };
        tasks.spawn(flux_source_controller::run(ctx, options));
    }
    if let Place::Apart(Apart { source: Some(source), .. }) = &setup.place {
        let ctx = context(SOURCE_CONTROLLER, &setup.source_flags, 2);
        let store = open_store(&source.storage, &setup.source_flags, &source.advertised)?;
        let scratch = std::env::temp_dir().join(format!("flux-source-{}", std::process::id()));
        let options = flux_source_controller::Options {
            index_cache: index_cache(&setup.source_flags),
            chart_limits: chart_limits(&setup.source_flags),
            ..flux_source_controller::Options::new(store.clone(), scratch)
        };
        tasks.spawn(flux_source_controller::run(ctx, options));
        let (listener, stop) = (source.listener.clone(), shutdown.clone());
        tasks.spawn(serve_files(listener, store, stop));
    }
    if setup.place.runs_kustomize() {
        let flags = &setup.kustomize_flags;
        let ctx = context(KUSTOMIZE_CONTROLLER, flags, 4);
        let options = kustomize_options(&setup.place, flags, &ctx.options);
        let fetcher = fetcher(&setup.place, store.as_ref(), flags, "unpacked")?;
        tasks.spawn(flux_kustomize_controller::run(ctx, options, fetcher));
    }
    if setup.place.runs_helm() {
        let flags = &setup.helm_flags;
        let ctx = context(HELM_CONTROLLER, flags, 4);
        let options = flux_helm_controller::Options {
            override_managers: flags.list("override-manager"),
            kube_config: flux_helm_controller::KubeConfigOptions {
                exec: flags.bool("insecure-kubeconfig-exec").unwrap_or(false),
                insecure_tls: flags.bool("insecure-kubeconfig-tls").unwrap_or(false),
            },
            snapshot_digest: flags.text("snapshot-digest-algo").unwrap_or("sha256").parse()?,
            ..flux_helm_controller::Options::default()
        };
        let options = options.with_gates(&ctx.options);
        let fetcher = fetcher(&setup.place, store.as_ref(), flags, "charts")?;
        tasks.spawn(flux_helm_controller::run(ctx, options, fetcher));
    }
    Ok(controllers)
}

/// `--helm-cache-*`: indexes in memory. Without them a few are kept for a minute.
fn index_cache(flags: &Flags) -> flux_source_controller::helm::CacheOptions {
    let defaults = flux_source_controller::helm::CacheOptions::default();
    let ttl = flags.text("helm-cache-ttl").and_then(|text| text.parse::<flux_api::Duration>().ok());
    flux_source_controller::helm::CacheOptions {
        size: flags.int("helm-cache-max-size").map(whole).filter(|size| *size > 0).unwrap_or(defaults.size),
        ttl: ttl.map(|ttl| ttl.std()).filter(|ttl| !ttl.is_zero()).unwrap_or(defaults.ttl),
    }
}

/// `--helm-chart-max-size` and its like.
fn chart_limits(flags: &Flags) -> flux_source_controller::helm::ChartLimits {
    let defaults = flux_source_controller::helm::ChartLimits::default();
    let limit = |flag, default| flags.int(flag).unwrap_or(default);
    flux_source_controller::helm::ChartLimits {
        chart: limit("helm-chart-max-size", defaults.chart),
        file: limit("helm-chart-file-max-size", defaults.file),
        index: limit("helm-index-max-size", defaults.index),
    }
}

/// The store that both controllers of `flux up` work on.
fn open_store(root: &Path, flags: &Flags, advertised: &str) -> Result<Storage, SetupError> {
    std::fs::create_dir_all(root).map_err(|source| SetupError::Folder { path: root.to_owned(), source })?;
    let defaults = flux_artifact::Options::default();
    let retention = Retention {
        ttl: flags.duration("artifact-retention-ttl").unwrap_or(defaults.retention_ttl),
        records: flags.int("artifact-retention-records").map_or(defaults.retention_records, whole),
    };
    let algorithm = flags.text("artifact-digest-algo").unwrap_or("sha256").parse()?;
    Ok(Storage::new(root, advertised, retention)?.with_algorithm(algorithm))
}

/// Serves the artifacts until `shutdown`.
async fn serve_files(listener: Arc<std::net::TcpListener>, store: Storage, shutdown: CancellationToken) {
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        axum::serve(listener, flux_artifact::server(store)).with_graceful_shutdown(shutdown.cancelled_owned()).await
    };
    if let Err(error) = served.await {
        tracing::error!(%error, "the artifact server ended");
    }
}

/// `scratch` names the folder of a controller that stands apart.
fn fetcher(place: &Place, store: Option<&Storage>, flags: &Flags, scratch: &str) -> Result<Fetcher, SetupError> {
    let defaults = FetchOptions::default();
    let options = FetchOptions {
        retries: flags.int("http-retry").map_or(9, |retries| u32::try_from(retries).unwrap_or(u32::MAX)),
        host: std::env::var("SOURCE_CONTROLLER_LOCALHOST").ok().filter(|host| !host.is_empty()),
        idle_timeout: flags.duration("http-timeout").unwrap_or(defaults.idle_timeout),
        ..defaults
    };
    match (place, store) {
        (Place::InProcess { sources, .. }, Some(store)) => {
            Ok(Fetcher::local_into(store.clone(), sources.workdirs.clone(), options))
        }
        _ => {
            let scratch = std::env::temp_dir().join(format!("flux-{scratch}-{}", std::process::id()));
            Ok(Fetcher::http(scratch, options)?)
        }
    }
}

fn kustomize_options(
    place: &Place,
    flags: &Flags,
    common: &flux_runtime::Options,
) -> flux_kustomize_controller::Options {
    let defaults = flux_kustomize_controller::Options::default();
    let options = flux_kustomize_controller::Options {
        concurrent_ssa: flags.int("concurrent-ssa").map_or(defaults.concurrent_ssa, whole),
        custom_stage: flux_apply::parse_group_kinds(flags.text("custom-apply-stage-kinds").unwrap_or_default()),
        override_managers: flags.list("override-manager"),
        provided: match place {
            Place::InProcess { .. } => Some(crate::up::is_component),
            Place::Apart(_) => None,
        },
        no_remote_bases: flags.bool("no-remote-bases").unwrap_or(defaults.no_remote_bases),
        ..defaults
    };
    options.with_gates(common)
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
