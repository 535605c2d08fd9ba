//! An API server on the loopback address with Flux' definitions, and the binary pointed at it.

use std::path::{Path, PathBuf};
use std::process::Command;

use flux_apiserver::{Config, Identity, Server};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};

/// What a run printed, and its exit code.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Ends the server when dropped.
pub struct TestServer {
    folder: tempfile::TempDir,
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    pub client: kube::Client,
}

impl TestServer {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("the system has threads");
        let folder = tempfile::tempdir().expect("the system has a temporary folder");
        let (server, client) = runtime.block_on(async {
            let config = Config { listen: Some(([127, 0, 0, 1], 0).into()), ..Config::default() };
            let server = Server::start(config).await.expect("the server starts");
            let client = kube::Client::new(server.service(Identity::admin()), "default");
            let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
            for definition in flux_api::crds().expect("the definitions are sound") {
                let definition = serde_json::from_value(definition).expect("a definition");
                definitions.create(&PostParams::default(), &definition).await.expect("it can be created");
            }
            (server, client)
        });
        let kubeconfig = server.kubeconfig("test").expect("the server listens");
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).expect("the folder is writable");
        Self { folder, server: Some(server), runtime, client }
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn flux(&self, arguments: &[&str]) -> Ran {
        flux(arguments, &self.folder.path().join("kubeconfig"))
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("joined above")).expect("the folder is writable");
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}

/// Runs the binary with a clean environment.
pub fn flux(arguments: &[&str], kubeconfig: &Path) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_flux"))
        .args(arguments)
        .env_clear()
        .env("KUBECONFIG", kubeconfig)
        .output()
        .expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}
