//! A cluster with the controller running, and helpers to drive it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flux_api::{FluxObject as _, HelmChart, HelmRelease};
use flux_apiserver::{Config, Identity, Server};
use flux_artifact::{FetchOptions, Fetcher, Retention, Storage};
use flux_helm::chart::{File, Limits};
use flux_helm::{Chart, Release, Time};
use flux_helm_controller::Options;
use flux_runtime::{ControllerContext, events::Recorded};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub const NAMESPACE: &str = "apps";
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Cluster {
    pub client: Client,
    pub events: Arc<Mutex<Vec<Arc<Recorded>>>>,
    ctx: ControllerContext,
    server: Option<Server>,
    storage: Storage,
    controller: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        let server = Server::start(Config::default()).await.expect("server starts");
        let client = Client::new(server.service(Identity::admin()), "default");
        install(&client).await;
        let folder = tempfile::tempdir().expect("folder");
        let store = folder.path().join("store");
        std::fs::create_dir_all(&store).expect("folder");
        let storage = Storage::new(&store, "localhost:1", Retention::default()).expect("store");
        let ctx = ControllerContext::new(client.clone());
        let events = Arc::new(Mutex::new(Vec::new()));
        let (mut heard, log) = (ctx.events.subscribe(), events.clone());
        tokio::spawn(async move {
            while let Ok(event) = heard.recv().await {
                log.lock().expect("log").push(event);
            }
        });
        let controller = Self::controller(&ctx, &storage, &folder);
        Self { client, events, ctx, server: Some(server), storage, controller, folder }
    }

    fn controller(ctx: &ControllerContext, storage: &Storage, folder: &tempfile::TempDir) -> JoinHandle<()> {
        let scratch = folder.path().join("scratch");
        let fetcher = Fetcher::local(storage.clone(), scratch, FetchOptions::default()).expect("fetcher");
        tokio::spawn(flux_helm_controller::run(ctx.clone(), Options::default(), fetcher))
    }

    pub async fn stop(mut self) {
        self.ctx.shutdown.cancel();
        self.controller.await.expect("controller ends");
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Stops the controller and starts it again on the same cluster.
    pub async fn restart(&mut self) {
        self.ctx.shutdown.cancel();
        (&mut self.controller).await.expect("controller ends");
        self.ctx = ControllerContext::new(self.client.clone());
        self.controller = Self::controller(&self.ctx, &self.storage, &self.folder);
    }

    /// Publishes a chart as the artifact of the HelmChart `apps/chart`.
    pub async fn publish(&self, version: &str, files: &[(&str, &str)]) {
        let meta = format!("apiVersion: v2\nname: demo\nversion: {version}\nappVersion: \"1.0\"\n");
        let mut all = vec![File::new("Chart.yaml", meta.into_bytes())];
        all.extend(files.iter().map(|(name, text)| File::new(*name, text.as_bytes().to_vec())));
        let chart = Chart::from_files(all, &Limits::default()).expect("chart");
        let package = chart.package(Time::from_unix(0)).expect("package");
        let file = self.folder.path().join("chart.tgz");
        std::fs::write(&file, package).expect("file");
        let mut artifact =
            self.storage.new_artifact("HelmChart", NAMESPACE, "chart", version, &format!("demo-{version}.tgz"));
        self.storage.copy_from_path(&mut artifact, &file).expect("stored");
        let api: Api<HelmChart> = self.api();
        if api.get_opt("chart").await.expect("read").is_none() {
            let chart = json!({"apiVersion": HelmChart::API_VERSION, "kind": "HelmChart",
                "metadata": {"name": "chart", "namespace": NAMESPACE},
                "spec": {"chart": "demo", "interval": "1m", "sourceRef": {"kind": "GitRepository", "name": "repo"}}});
            api.create(&PostParams::default(), &serde_json::from_value(chart).expect("valid")).await.expect("created");
        }
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        let status = json!({"status": {"artifact": artifact, "conditions": ready, "observedGeneration": 1}});
        api.patch_status("chart", &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
    }

    pub fn api<K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates or changes a HelmRelease of the chart.
    pub async fn release(&self, name: &str, spec: Value) {
        let mut full = json!({"interval": "10m", "timeout": "5s", "chartRef": {"kind": "HelmChart", "name": "chart"}});
        for (key, value) in spec.as_object().expect("object") {
            full[key] = value.clone();
        }
        let object = json!({"apiVersion": HelmRelease::API_VERSION, "kind": "HelmRelease", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full});
        let params = PatchParams::apply("test").force();
        self.api::<HelmRelease>().patch(name, &params, &Patch::Apply(object)).await.expect("applied");
    }

    pub async fn get(&self, name: &str) -> Option<HelmRelease> {
        self.api::<HelmRelease>().get_opt(name).await.expect("read")
    }

    /// Waits until the HelmRelease is as wanted.
    pub async fn until(&self, name: &str, what: &str, wanted: impl Fn(&HelmRelease) -> bool) -> HelmRelease {
        eventually(
            what,
            || async { self.get(name).await.filter(|obj| wanted(obj)) },
            || async { format!("{:#?}", self.get(name).await.map(|obj| obj.status)) },
        )
        .await
    }

    /// Waits until the generation is seen through, with that revision of the release.
    pub async fn ready(&self, name: &str, version: i64) -> HelmRelease {
        self.until(name, &format!("{name} ready at v{version}"), |obj| {
            obj.is_ready()
                && Some(obj.observed_generation()) == obj.metadata.generation
                && obj.status.as_ref().and_then(|status| status.history.first()).map(|one| one.version) == Some(version)
        })
        .await
    }

    /// Waits until a condition has the reason; the answer is its message.
    pub async fn reason(&self, name: &str, condition: &str, reason: &str) -> String {
        let obj =
            self.until(name, reason, |obj| obj.condition(condition).is_some_and(|one| one.reason == reason)).await;
        obj.condition(condition).expect("checked").message.clone()
    }

    pub async fn value(&self, name: &str) -> Option<String> {
        self.api::<ConfigMap>().get_opt(name).await.expect("read")?.data?.get("key").cloned()
    }

    /// Version and status of all records of a release.
    pub async fn records(&self, name: &str) -> Vec<(i64, String)> {
        let releases = self.stored(name).await;
        releases.iter().map(|release| (release.version, release.info.status.to_string())).collect()
    }

    /// All records of a release, oldest first.
    pub async fn stored(&self, name: &str) -> Vec<Release> {
        let api: Api<k8s_openapi::api::core::v1::Secret> = self.api();
        let params = kube::api::ListParams::default().labels(&format!("name={name},owner=helm"));
        let list = api.list(&params).await.expect("list");
        let read = |secret| {
            let secret = serde_json::to_value(secret).expect("json");
            flux_helm::storage::from_secret(&secret).expect("record")
        };
        let mut found: Vec<Release> = list.items.into_iter().map(read).collect();
        found.sort_by_key(|release| release.version);
        found
    }

    pub async fn delete(&self, name: &str) {
        self.api::<HelmRelease>().delete(name, &DeleteParams::default()).await.expect("deleted");
        eventually(
            "gone",
            || async { self.get(name).await.is_none().then_some(()) },
            || async { format!("{:#?}", self.get(name).await) },
        )
        .await;
    }

    /// Asks for a reconciliation, with more annotations of the same token, and waits until it was handled.
    pub async fn request(&self, name: &str, token: &str, more: &[&str]) -> HelmRelease {
        let mut annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        for annotation in more {
            annotations[*annotation] = token.into();
        }
        let patch = json!({"metadata": {"annotations": annotations}});
        self.api::<HelmRelease>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
        self.until(name, "request handled", |obj| obj.last_handled_reconcile_at() == Some(token)).await
    }

    /// The messages of events with a reason.
    pub fn messages(&self, reason: &str) -> Vec<String> {
        let log = self.events.lock().expect("log");
        log.iter().filter(|event| event.event.reason == reason).map(|event| event.event.message.clone()).collect()
    }
}

/// Looks until something is there.
pub async fn eventually<T, F, D>(what: &str, look: impl Fn() -> F, describe: impl Fn() -> D) -> T
where
    F: Future<Output = Option<T>>,
    D: Future<Output = String>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if started.elapsed() > PATIENCE {
            panic!("waited in vain for {what}: {}", describe().await);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn install(client: &Client) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for kind in ["HelmRelease", "HelmChart", "OCIRepository", "ExternalArtifact"] {
        let definition = flux_api::crd(kind).expect("definitions").expect("known kind");
        let definition: CustomResourceDefinition = serde_json::from_value(definition).expect("valid");
        api.create(&PostParams::default(), &definition).await.expect("created");
    }
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(NAMESPACE.into()), ..Default::default() },
        ..Default::default()
    };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("created");
    let releases: Api<HelmRelease> = Api::all(client.clone());
    let charts: Api<HelmChart> = Api::all(client.clone());
    let served = || async {
        let both = releases.list(&Default::default()).await.is_ok() && charts.list(&Default::default()).await.is_ok();
        both.then_some(())
    };
    eventually("served kinds", served, || async { String::new() }).await;
}

/// A template of a ConfigMap with a value.
pub const CONFIG_MAP: (&str, &str) = (
    "templates/map.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-map\ndata:\n  key: {{ .Values.key | default \"none\" | quote }}\n",
);
