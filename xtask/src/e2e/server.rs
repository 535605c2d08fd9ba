//! `flux server` as a process of its own, with the kinds installed: what controllers stand on outside `flux up`.

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams};
use tempfile::TempDir;

use super::PATIENCE;
use super::cluster::Cluster;
use super::demo::Running;

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A running server; it ends with this value.
pub struct Server {
    pub cluster: Cluster,
    folder: TempDir,
    _process: Running,
}

impl Server {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (port, state, kubeconfig) = (free_port()?.to_string(), path("objects.redb"), path("kubeconfig"));
        let arguments = ["server", "--secure-port", &port, "--storage", &state, "--write-kubeconfig", &kubeconfig];
        let mut process = Running::flux(&arguments, &[])?;
        process.wait_for("serving the Kubernetes API", PATIENCE)?;
        let cluster = Cluster::from_kubeconfig(kubeconfig.as_ref(), "flux").await?;
        install(&cluster).await?;
        Ok(Self { cluster, folder, _process: process })
    }

    pub fn kubeconfig(&self) -> String {
        self.path("kubeconfig")
    }

    /// A path in the folder that goes with the server.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }
}

async fn install(cluster: &Cluster) -> Result<()> {
    let params = PatchParams::apply("e2e").force();
    for crd in flux_api::crds()? {
        let name = crd["metadata"]["name"].as_str().context("a CRD has a name")?.to_owned();
        let api = cluster.api("apiextensions.k8s.io/v1", "CustomResourceDefinition", None);
        api.patch(&name, &params, &Patch::Apply(&crd)).await?;
    }
    Ok(())
}
