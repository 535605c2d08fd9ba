//! For tests of controllers: an API server in the same process with the controller running against it, a store of
//! artifacts, the events it told, and ways to look until something is there.
//!
//! Everything that goes wrong here panics: it is a failed test.

mod objects;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flux_api::FluxObject;
use flux_apiserver::{Config, Identity, Server};
use flux_artifact::{FetchOptions, Fetcher, Retention, Storage};
use flux_runtime::{ControllerContext, events::Recorded};
use kube::Client;
use tokio::task::JoinHandle;

pub use objects::{eventually, install};

/// The namespace of the tests' objects.
pub const NAMESPACE: &str = "apps";
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a controller, again after a restart.
pub type Spawn = Box<dyn Fn(ControllerContext, Fetcher) -> JoinHandle<()> + Send + Sync>;

/// A cluster with a controller running.
pub struct Cluster {
    pub client: Client,
    pub events: Arc<Mutex<Vec<Arc<Recorded>>>>,
    pub storage: Storage,
    ctx: ControllerContext,
    server: Option<Server>,
    controller: JoinHandle<()>,
    spawn: Spawn,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts a server that knows these kinds, and a controller with changed options.
    pub async fn start(kinds: &[&str], change: impl FnOnce(&mut flux_runtime::Options), spawn: Spawn) -> Self {
        let server = Server::start(Config::default()).await.expect("server starts");
        let client = Client::new(server.service(Identity::admin()), "default");
        install(&client, kinds).await;
        let folder = tempfile::tempdir().expect("folder");
        let store = folder.path().join("store");
        std::fs::create_dir_all(&store).expect("folder");
        let storage = Storage::new(&store, "localhost:1", Retention::default()).expect("store");
        let mut ctx = ControllerContext::new(client.clone());
        change(&mut ctx.options);
        let events = Arc::new(Mutex::new(Vec::new()));
        let (mut heard, log) = (ctx.events.subscribe(), events.clone());
        tokio::spawn(async move {
            while let Ok(event) = heard.recv().await {
                log.lock().expect("log").push(event);
            }
        });
        let controller = spawn(ctx.clone(), fetcher(&storage, folder.path()));
        Self { client, events, storage, ctx, server: Some(server), controller, spawn, folder }
    }

    pub async fn stop(mut self) {
        self.ctx.shutdown.cancel();
        self.controller.await.expect("controller ends");
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Stops the controller and starts it again on the same cluster. Its events are not recorded from then on.
    pub async fn restart(&mut self) {
        self.ctx.shutdown.cancel();
        (&mut self.controller).await.expect("controller ends");
        let mut ctx = ControllerContext::new(self.client.clone());
        ctx.options = self.ctx.options.clone();
        self.ctx = ctx.clone();
        self.controller = (self.spawn)(ctx, fetcher(&self.storage, self.folder.path()));
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The messages of events with a reason.
    pub fn messages(&self, reason: &str) -> Vec<String> {
        let log = self.events.lock().expect("log");
        log.iter().filter(|event| event.event.reason == reason).map(|event| event.event.message.clone()).collect()
    }

    /// Waits until an object is as wanted.
    pub async fn until_object<K: FluxObject>(&self, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K {
        eventually(
            what,
            || async { self.object::<K>(name).await.filter(|obj| wanted(obj)) },
            || async { format!("{:#?}", self.object::<K>(name).await.map(|obj| obj.status().cloned())) },
        )
        .await
    }
}

fn fetcher(storage: &Storage, folder: &Path) -> Fetcher {
    Fetcher::local(storage.clone(), folder.join("scratch"), FetchOptions::default()).expect("fetcher")
}

fn is_late(started: Instant) -> bool {
    started.elapsed() > PATIENCE
}
