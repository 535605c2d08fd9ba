//! A cluster with the controller running, and what the tests do to it.

use std::ops::{Deref, DerefMut};

use flux_api::{FluxObject as _, HelmChart, HelmRelease};
use flux_helm::chart::{File, Limits};
use flux_helm::{Chart, Release, Time};
use flux_helm_controller::Options;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use serde_json::{Value, json};

pub use flux_testkit::{NAMESPACE, eventually};

pub struct Cluster(flux_testkit::Cluster);

impl Deref for Cluster {
    type Target = flux_testkit::Cluster;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Cluster {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let kinds = ["HelmRelease", "HelmChart", "OCIRepository", "ExternalArtifact"];
        let spawn: flux_testkit::Spawn =
            Box::new(move |ctx, fetcher| tokio::spawn(flux_helm_controller::run(ctx, options.clone(), fetcher)));
        Self(flux_testkit::Cluster::start(&kinds, |_| {}, spawn).await)
    }

    pub async fn stop(self) {
        self.0.stop().await;
    }

    /// Publishes a chart as the artifact of the HelmChart `apps/chart`.
    pub async fn publish(&self, version: &str, files: &[(&str, &str)]) {
        let meta = format!("apiVersion: v2\nname: demo\nversion: {version}\nappVersion: \"1.0\"\n");
        let mut all = vec![File::new("Chart.yaml", meta.into_bytes())];
        all.extend(files.iter().map(|(name, text)| File::new(*name, text.as_bytes().to_vec())));
        let chart = Chart::from_files(all, &Limits::default()).expect("chart");
        let file = self.folder().join("chart.tgz");
        std::fs::write(&file, chart.package(Time::from_unix(0)).expect("package")).expect("file");
        let name = format!("demo-{version}.tgz");
        let mut artifact = self.storage.new_artifact("HelmChart", NAMESPACE, "chart", version, &name);
        self.storage.copy_from_path(&mut artifact, &file).expect("stored");
        let spec = json!({"chart": "demo", "interval": "1m", "sourceRef": {"kind": "GitRepository", "name": "repo"}});
        self.stand::<HelmChart>("chart", spec, &artifact).await;
    }

    /// Creates or changes a HelmRelease of the chart.
    pub async fn release(&self, name: &str, spec: Value) {
        let chart = json!({"kind": "HelmChart", "name": "chart"});
        self.apply::<HelmRelease>(name, json!({"interval": "10m", "timeout": "5s", "chartRef": chart}), spec).await;
    }

    pub async fn get(&self, name: &str) -> Option<HelmRelease> {
        self.object(name).await
    }

    /// Waits until the HelmRelease is as wanted.
    pub async fn until(&self, name: &str, what: &str, wanted: impl Fn(&HelmRelease) -> bool) -> HelmRelease {
        self.until_object(name, what, wanted).await
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
        self.reason_of::<HelmRelease>(name, condition, reason).await
    }

    /// Version and status of all records of a release.
    pub async fn records(&self, name: &str) -> Vec<(i64, String)> {
        let releases = self.stored(name).await;
        releases.iter().map(|release| (release.version, release.info.status.to_string())).collect()
    }

    /// All records of a release, oldest first.
    pub async fn stored(&self, name: &str) -> Vec<Release> {
        let params = ListParams::default().labels(&format!("name={name},owner=helm"));
        let list = self.api::<Secret>().list(&params).await.expect("list");
        let read = |secret| {
            let secret = serde_json::to_value(secret).expect("json");
            flux_helm::storage::from_secret(&secret).expect("record")
        };
        let mut found: Vec<Release> = list.items.into_iter().map(read).collect();
        found.sort_by_key(|release| release.version);
        found
    }

    pub async fn delete(&self, name: &str) {
        self.delete_object::<HelmRelease>(name).await;
    }

    /// Asks for a reconciliation, with more annotations of the same token, and waits until it was handled.
    pub async fn request(&self, name: &str, token: &str, more: &[&str]) -> HelmRelease {
        self.request_object(name, token, more).await
    }
}

/// A template of a ConfigMap with a value.
pub const CONFIG_MAP: (&str, &str) = (
    "templates/map.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-map\ndata:\n  key: {{ .Values.key | default \"none\" | quote }}\n",
);
