//! One API server in memory with its simulation.

use flux_apiserver::{Identity, Server};
use flux_simulate::{Config, Error};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct ControlPlane {
    pub server: Server,
    pub client: kube::Client,
    shutdown: CancellationToken,
    simulation: JoinHandle<Result<(), Error>>,
}

impl ControlPlane {
    pub async fn start(config: Config) -> ControlPlane {
        let server = Server::start(flux_apiserver::Config::default()).await.expect("the server starts");
        let client = kube::Client::new(server.service(Identity::admin()), "default");
        let (shutdown, simulation) = simulate(&client, config);
        ControlPlane { server, client, shutdown, simulation }
    }

    /// Ends the simulation and starts it again, as a new process on the same state would.
    pub async fn restart(&mut self, config: Config) {
        self.shutdown.cancel();
        (&mut self.simulation).await.expect("no panic").expect("a clean end");
        (self.shutdown, self.simulation) = simulate(&self.client, config);
    }

    pub async fn request(&self, method: &str, path: &str, body: Value) -> Result<Value, kube::Error> {
        let content_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", content_type);
        self.client.request(request.body(bytes).expect("a request")).await
    }

    pub async fn create(&self, path: &str, body: Value) -> Value {
        self.request("POST", path, body).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.request("PATCH", path, body).await.unwrap_or_else(|error| panic!("PATCH {path}: {error}"))
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.request("DELETE", path, Value::Null).await.unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    pub async fn get(&self, path: &str) -> Value {
        self.request("GET", path, Value::Null).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    pub async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until what is at `path` satisfies `done`, and returns it.
    pub async fn until(&self, path: &str, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let seen = self.request("GET", path, Value::Null).await.unwrap_or_default();
            if done(&seen) {
                return seen;
            }
            assert!(!self.simulation.is_finished(), "the simulation has ended");
            assert!(start.elapsed() < Duration::from_secs(10), "{what}: {path} is {seen:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.simulation.await.expect("no panic").expect("a clean end");
        self.server.shutdown().await;
    }
}

fn simulate(client: &kube::Client, config: Config) -> (CancellationToken, JoinHandle<Result<(), Error>>) {
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(flux_simulate::run(client.clone(), config, shutdown.clone()));
    (shutdown, task)
}

/// A configuration of `.flux-up.yaml` for a cluster of this name.
pub fn config(cluster: &str, file: Value) -> Config {
    Config::from_file(cluster, &file).expect("a valid configuration")
}

pub fn deployment(name: &str, replicas: i64, image: &str, gpus: i64) -> Value {
    let resources = if gpus > 0 {
        json!({"limits": {"nvidia.com/gpu": gpus}, "requests": {"nvidia.com/gpu": gpus}})
    } else {
        json!({})
    };
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": image, "resources": resources}]},
            },
        },
    })
}

/// Whether a Deployment has observed its spec and is complete.
pub fn complete(deployment: &Value) -> bool {
    let status = &deployment["status"];
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    status["observedGeneration"] == deployment["metadata"]["generation"]
        && ["replicas", "updatedReplicas", "availableReplicas"]
            .iter()
            .all(|field| status[*field].as_i64().unwrap_or_default() == wanted)
        && condition(deployment, "Progressing").contains("NewReplicaSetAvailable")
}

/// `STATUS REASON: MESSAGE`
pub fn condition(object: &Value, kind: &str) -> String {
    let list = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let Some(held) = list.iter().find(|held| held["type"] == kind) else { return "none".into() };
    let text = |field: &str| held[field].as_str().unwrap_or_default().to_owned();
    format!("{} {}: {}", text("status"), text("reason"), text("message"))
}
