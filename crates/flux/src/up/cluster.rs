//! One cluster of `flux up`: an embedded control plane with the controllers and the simulation around it.

use std::net::{Ipv4Addr, SocketAddr};

use flux_apiserver::{ClientFiles, Config, Identity, Server, Storage};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions::is_crd_established};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::bootstrap::{NAMESPACE, Plan};
use super::state::{State, StateError};
use crate::controller::{self, Controllers, Setup};

/// The field manager of what `flux up` itself applies, as `flux bootstrap` uses.
const MANAGER: &str = "flux";

/// Why a cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the control plane of cluster `{cluster}` cannot start")]
    Server { cluster: String, source: flux_apiserver::StartError },
    #[error("cannot apply {object} in cluster `{cluster}`")]
    Apply { cluster: String, object: String, source: kube::Error },
    #[error("the kinds are not served in cluster `{cluster}`")]
    Kinds { cluster: String, source: kube::runtime::wait::Error },
    #[error("the definitions of the kinds cannot be read")]
    Definitions(#[from] flux_api::CrdError),
    #[error("cluster `{cluster}`: {source}")]
    Controllers { cluster: String, source: controller::SetupError },
}

/// A running cluster.
pub struct ControlPlane {
    pub name: String,
    pub client: Client,
    pub controllers: Controllers,
    server: Server,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

impl ControlPlane {
    /// Starts server, kinds, controllers and simulation, then applies the plan's objects.
    pub async fn start(
        name: &str,
        state: &State,
        plan: &Plan,
        setup: Setup,
        simulation: flux_simulate::Config,
    ) -> Result<Self, ClusterError> {
        let server = serve(name, state).await?;
        if let Some(port) = server.url().as_deref().and_then(port_of) {
            state.remember_port(name, port)?;
        }
        let client = Client::new(server.service(Identity::admin()), "default");
        let mut plane = Self {
            name: name.to_owned(),
            controllers: Controllers::default(),
            client,
            server,
            shutdown: CancellationToken::new(),
            tasks: JoinSet::new(),
        };
        plane.apply_all(definitions()?).await?;
        plane.wait_established().await?;
        plane.run(setup, simulation)?;
        let mut objects = plan.objects.clone();
        objects.push(crate::cli::embedded::record(NAMESPACE, controller::IN_PROCESS));
        plane.apply_all(objects).await?;
        Ok(plane)
    }

    fn run(&mut self, setup: Setup, simulation: flux_simulate::Config) -> Result<(), ClusterError> {
        let cluster = self.name.clone();
        let failed = |source| ClusterError::Controllers { cluster: cluster.clone(), source };
        let server = &self.server;
        // Each controller acts as its upstream service account, with the rights upstream's installation gives it.
        let client_of = |controller: &str| {
            let identity = Identity::service_account(NAMESPACE, controller).with_groups(["system:masters"]);
            Client::new(server.service(identity), "default")
        };
        self.controllers =
            controller::spawn(&mut self.tasks, setup, &client_of, self.shutdown.clone()).map_err(failed)?;
        let (client, shutdown) = (self.client.clone(), self.shutdown.clone());
        let name = self.name.clone();
        self.tasks.spawn(async move {
            if let Err(error) = flux_simulate::run(client, simulation, shutdown).await {
                tracing::error!(cluster = name, %error, "the simulation ended");
            }
        });
        Ok(())
    }

    /// Applies objects with server-side apply, those of one stage side by side: Namespaces and CRDs, then the rest.
    async fn apply_all(&self, objects: Vec<Value>) -> Result<(), ClusterError> {
        let (first, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object["kind"] == "Namespace");
        for stage in [first, rest] {
            futures::future::try_join_all(stage.into_iter().map(|object| self.apply(object))).await?;
        }
        Ok(())
    }

    /// Waits until the kinds are served.
    async fn wait_established(&self) -> Result<(), ClusterError> {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let names: Vec<String> = flux_api::crds()?
            .iter()
            .filter_map(|definition| definition["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        let waits = names.iter().map(|name| await_condition(api.clone(), name, is_crd_established()));
        futures::future::try_join_all(waits)
            .await
            .map_err(|source| ClusterError::Kinds { cluster: self.name.clone(), source })?;
        Ok(())
    }

    async fn apply(&self, object: Value) -> Result<(), ClusterError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        let resource = ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(group, version, &kind));
        let api: Api<DynamicObject> = match text("/metadata/namespace").as_str() {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        };
        let params = PatchParams::apply(MANAGER).force();
        api.patch(&name, &params, &Patch::Apply(&object)).await.map_err(|source| ClusterError::Apply {
            cluster: self.name.clone(),
            object: format!("{kind}/{name}"),
            source,
        })?;
        Ok(())
    }

    /// Address and administrator's credentials for the kubeconfig.
    pub fn files(&self) -> Option<ClientFiles> {
        self.server.client_files()
    }

    /// A token that is cancelled when this cluster stops.
    pub fn shutdown_token(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Lets controllers finish what they do, then stops the server; what was acknowledged is on disk.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let finish = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, finish).await.is_err() {
            self.tasks.abort_all();
        }
        self.server.shutdown().await;
    }
}

/// Controllers that do not finish in time lose nothing: every write is durable, attempts begin anew.
const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// The kinds, labelled as an installation labels them: `flux check` and `flux version` look for that.
fn definitions() -> Result<Vec<Value>, ClusterError> {
    let mut definitions = flux_api::crds()?;
    for definition in &mut definitions {
        let labels = &mut definition["metadata"]["labels"];
        labels["app.kubernetes.io/part-of"] = "flux".into();
        labels["app.kubernetes.io/instance"] = NAMESPACE.into();
        labels["app.kubernetes.io/version"] = format!("v{}", crate::cli::COMPATIBLE_VERSION).into();
    }
    Ok(definitions)
}

async fn serve(name: &str, state: &State) -> Result<Server, ClusterError> {
    let folder = state.dir(&format!("clusters/{name}"))?;
    let config = |port: u16| Config {
        storage: Storage::Redb(folder.join("objects.redb")),
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        state_dir: Some(folder.join("pki")),
        cluster_name: name.to_owned(),
        ..Config::default()
    };
    let failed = |source| ClusterError::Server { cluster: name.to_owned(), source };
    let remembered = state.remembered_port(name).unwrap_or(0);
    match Server::start(config(remembered)).await {
        // Somebody else took the port meanwhile: a free one is better than no start.
        Err(flux_apiserver::StartError::Listen { .. }) if remembered != 0 => {
            Server::start(config(0)).await.map_err(failed)
        }
        other => other.map_err(failed),
    }
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit_once(':')?.1.parse().ok()
}
