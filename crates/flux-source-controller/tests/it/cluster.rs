//! A cluster with the controller running, and a repository to read.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use flux_api::{FluxObject, GitRepository};
use flux_apiserver::{Config, Identity, Server};
use flux_artifact::{FetchOptions, Fetcher, Retention, Storage, Workdir};
use flux_runtime::{ControllerContext, events::Recorded};
use flux_source_controller::Options;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

pub const NAMESPACE: &str = "apps";
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Cluster {
    pub client: Client,
    pub ctx: ControllerContext,
    pub storage: Storage,
    pub options: Options,
    pub events: Arc<Mutex<Vec<Arc<Recorded>>>>,
    server: Option<Server>,
    controller: tokio::task::JoinHandle<()>,
    pub folder: tempfile::TempDir,
}

impl Cluster {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let server = Server::start(Config::default()).await.expect("server starts");
        let client = Client::new(server.service(Identity::admin()), "default");
        install(&client).await;
        let folder = tempfile::tempdir().expect("folder");
        let (store, scratch) = (folder.path().join("store"), folder.path().join("scratch"));
        std::fs::create_dir_all(&store).expect("folder");
        let storage = Storage::new(&store, "localhost:1", Retention::default()).expect("store");
        let mut options = Options::new(storage.clone(), scratch);
        change(&mut options);
        let mut ctx = ControllerContext::new(client.clone());
        ctx.options.requeue_dependency = Duration::from_millis(200);
        ctx.options.min_retry_delay = Duration::from_millis(50);
        ctx.options.max_retry_delay = Duration::from_millis(200);
        let events = Arc::new(Mutex::new(Vec::new()));
        let (mut heard, log) = (ctx.events.subscribe(), events.clone());
        tokio::spawn(async move {
            while let Ok(event) = heard.recv().await {
                log.lock().expect("log").push(event);
            }
        });
        let controller = tokio::spawn(flux_source_controller::run(ctx.clone(), options.clone()));
        Self { client, ctx, storage, options, events, server: Some(server), controller, folder }
    }

    pub async fn stop(mut self) {
        self.ctx.shutdown.cancel();
        self.controller.await.expect("controller ends");
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    pub fn api(&self) -> Api<GitRepository> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates or changes a GitRepository.
    pub async fn apply(&self, name: &str, spec: Value) {
        let mut full = json!({"interval": "10m"});
        for (key, value) in spec.as_object().expect("object") {
            full[key] = value.clone();
        }
        let object = json!({"apiVersion": GitRepository::API_VERSION, "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full});
        let params = PatchParams::apply("test").force();
        self.api().patch(name, &params, &Patch::Apply(object)).await.expect("applied");
    }

    pub fn api_of<K: FluxObject>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Creates or changes an object of another kind.
    pub async fn apply_as<K: FluxObject>(&self, name: &str, spec: Value) {
        let mut full = json!({"interval": "10m"});
        for (key, value) in spec.as_object().expect("object") {
            full[key] = value.clone();
        }
        let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()),
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full});
        let params = PatchParams::apply("test").force();
        self.api_of::<K>().patch(name, &params, &Patch::Apply(object)).await.expect("applied");
    }

    pub async fn until_as<K: FluxObject>(&self, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K {
        let start = Instant::now();
        loop {
            let obj = self.api_of::<K>().get(name).await.expect("read");
            if wanted(&obj) {
                return obj;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: {:#?}", obj.status());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn ready_as<K: FluxObject>(&self, name: &str) -> K {
        self.until_as::<K>(name, "ready", |obj| {
            Some(obj.observed_generation()) == obj.meta().generation && obj.is_ready()
        })
        .await
    }

    /// Waits for Ready=False with this reason and gives the message.
    pub async fn failed_as<K: FluxObject>(&self, name: &str, reason: &str) -> (K, String) {
        let ready = |obj: &K| obj.condition("Ready").cloned();
        let failed = |obj: &K| ready(obj).is_some_and(|ready| ready.status == "False" && ready.reason == reason);
        let obj = self.until_as::<K>(name, reason, failed).await;
        let message = ready(&obj).expect("ready").message;
        (obj, message)
    }

    /// Asks for a look now, and waits until it is over.
    pub async fn request_as<K: FluxObject>(&self, name: &str, token: &str) -> K {
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.api_of::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
        let handled = |obj: &K| obj.last_handled_reconcile_at() == Some(token);
        self.until_as(name, "the request is handled", handled).await
    }

    pub async fn typed_secret(&self, name: &str, kind: &str, data: Value) {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data});
        let api: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        api.create(&PostParams::default(), &serde_json::from_value(object).expect("valid")).await.expect("created");
    }

    /// The bytes of an artifact.
    pub fn bytes(&self, artifact: &flux_api::Artifact) -> Vec<u8> {
        std::fs::read(self.storage.local_path(&artifact.path).expect("path")).expect("file")
    }

    pub async fn secret(&self, name: &str, data: Value) {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data});
        let api: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        api.create(&PostParams::default(), &serde_json::from_value(object).expect("valid")).await.expect("created");
    }

    /// Asks for a look now, and waits until it is over.
    pub async fn request(&self, name: &str, token: &str) -> GitRepository {
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
        self.until(name, "the request is handled", |obj| {
            obj.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(token)
        })
        .await
    }

    pub async fn delete(&self, name: &str) {
        self.api().delete(name, &DeleteParams::default()).await.expect("deleted");
        let start = Instant::now();
        while self.api().get_opt(name).await.expect("read").is_some() {
            assert!(start.elapsed() < PATIENCE, "{name} is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until(&self, name: &str, what: &str, wanted: impl Fn(&GitRepository) -> bool) -> GitRepository {
        let start = Instant::now();
        loop {
            let obj = self.api().get(name).await.expect("read");
            if wanted(&obj) {
                return obj;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: {:#?}", obj.status);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for Ready at the present generation.
    pub async fn ready(&self, name: &str) -> GitRepository {
        self.until(name, "ready", |obj| {
            obj.status.as_ref().is_some_and(|status| Some(status.observed_generation) == obj.metadata.generation)
                && condition(obj, "Ready").is_some_and(|(status, ..)| status == "True")
        })
        .await
    }

    /// Waits for Ready=False and gives reason and message.
    pub async fn failed(&self, name: &str) -> (GitRepository, String, String) {
        let obj = self
            .until(name, "not ready", |obj| condition(obj, "Ready").is_some_and(|(status, ..)| status == "False"))
            .await;
        let (_, reason, message) = condition(&obj, "Ready").expect("ready");
        (obj, reason, message)
    }

    /// The content of an object's artifact.
    pub async fn content(&self, obj: &GitRepository) -> Arc<Workdir> {
        let artifact = obj.status.as_ref().and_then(|status| status.artifact.clone()).expect("artifact");
        let scratch = self.folder.path().join("unpacked");
        let fetcher = Fetcher::local(self.storage.clone(), scratch, FetchOptions::default()).expect("fetcher");
        fetcher.fetch(&artifact).await.expect("fetched")
    }

    /// `Reason: message` of the events so far.
    pub fn messages(&self) -> Vec<String> {
        let log = self.events.lock().expect("log");
        log.iter().map(|recorded| format!("{}: {}", recorded.event.reason, recorded.event.message)).collect()
    }
}

/// Status, reason and message of a condition.
pub fn condition(obj: &GitRepository, kind: &str) -> Option<(String, String, String)> {
    let found = obj.conditions().iter().find(|condition| condition.type_ == kind)?;
    Some((found.status.clone(), found.reason.clone(), found.message.clone()))
}

pub fn revision(obj: &GitRepository) -> String {
    obj.status.as_ref().and_then(|status| status.artifact.as_ref()).map(|a| a.revision.clone()).unwrap_or_default()
}

async fn install(client: &Client) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in flux_api::crds().expect("definitions") {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default();
        if ["GitRepository", "HelmRepository", "HelmChart", "Bucket"].contains(&kind) {
            let crd = serde_json::from_value(crd).expect("valid");
            crds.create(&PostParams::default(), &crd).await.expect("created");
        }
    }
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(NAMESPACE.into()), ..Default::default() },
        ..Default::default()
    };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("created");
    let start = Instant::now();
    while Api::<GitRepository>::all(client.clone()).list(&Default::default()).await.is_err()
        || Api::<flux_api::HelmChart>::all(client.clone()).list(&Default::default()).await.is_err()
        || Api::<flux_api::HelmRepository>::all(client.clone()).list(&Default::default()).await.is_err()
        || Api::<flux_api::Bucket>::all(client.clone()).list(&Default::default()).await.is_err()
    {
        assert!(start.elapsed() < PATIENCE, "the kinds are not served");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs `git` in a directory, without the user's configuration.
#[track_caller]
pub fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
        .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A work tree with one commit on `main`, and an HTTP server for it.
pub struct Repository {
    _dir: tempfile::TempDir,
    pub work: PathBuf,
    pub url: String,
    pub state: Arc<HttpState>,
}

pub struct HttpState {
    root: PathBuf,
    pub authorization: Mutex<Option<String>>,
    pub requests: Mutex<Vec<String>>,
}

impl Repository {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let work = dir.path().join("repo");
        std::fs::create_dir(&work).expect("folder");
        git(&work, &["init", "-q"]);
        let state = Arc::new(HttpState {
            root: dir.path().to_owned(),
            authorization: Mutex::default(),
            requests: Mutex::default(),
        });
        let router = Router::new().fallback(backend).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}/repo/.git", listener.local_addr().expect("address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let repository = Self { _dir: dir, work, url, state };
        repository.commit("a.yaml", "a: 1\n", "first");
        repository
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, content).expect("file");
    }

    pub fn commit(&self, path: &str, content: &str, message: &str) -> String {
        self.write(path, content);
        git(&self.work, &["add", "-A"]);
        git(&self.work, &["commit", "-q", "-m", message]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    pub fn packs(&self) -> usize {
        self.state.requests.lock().expect("log").iter().filter(|path| path.ends_with("/git-upload-pack")).count()
    }
}

async fn backend(State(state): State<Arc<HttpState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    state.requests.lock().expect("log").push(parts.uri.path().to_owned());
    let wanted = state.authorization.lock().expect("lock").clone();
    if wanted.is_some_and(|wanted| wanted != header("authorization")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = to_bytes(body, usize::MAX).await.expect("body");
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git runs");
    let mut stdin = child.stdin.take().expect("piped");
    let feed = async move {
        // The program may end before it has read everything.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, &body).await;
    };
    let (_, output) = tokio::join!(feed, child.wait_with_output());
    let output = output.expect("output").stdout;
    let split = output.windows(4).position(|window| window == b"\r\n\r\n").expect("head");
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..split]).lines() {
        let (name, value) = line.split_once(": ").expect("header");
        response = match name {
            "Status" => response.status(value[..3].parse::<u16>().expect("status")),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(output[split + 4..].to_vec())).expect("response")
}
