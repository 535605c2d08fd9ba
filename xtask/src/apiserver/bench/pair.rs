//! A real kube-apiserver with its etcd, when somebody has them; fsync is on.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};

use crate::apiserver::client::Api;
use crate::apiserver::process::TOKEN;

/// Both processes; they end when this is dropped.
pub struct Pair {
    pub api: Api,
    _processes: [Child; 2],
    _folder: tempfile::TempDir,
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Pair {
    pub async fn start(kube_apiserver: &Path, etcd: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("tokens"), format!("{TOKEN},bench,1,\"system:masters\"\n"))?;
        let key = rcgen::KeyPair::generate()?;
        std::fs::write(path("sa.key"), key.serialize_pem())?;
        std::fs::write(path("sa.pub"), key.public_key_pem())?;
        let (store, peer, secure) = (free_port()?, free_port()?, free_port()?);
        let started = Instant::now();
        let store_url = format!("http://127.0.0.1:{store}");
        let etcd = Command::new(etcd)
            .arg(format!("--data-dir={}", path("etcd").display()))
            .arg(format!("--listen-client-urls={store_url}"))
            .arg(format!("--advertise-client-urls={store_url}"))
            .arg(format!("--listen-peer-urls=http://127.0.0.1:{peer}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start etcd")?;
        let server = Command::new(kube_apiserver)
            .arg(format!("--etcd-servers={store_url}"))
            .arg(format!("--cert-dir={}", path("certificates").display()))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--secure-port={secure}"))
            .arg("--authorization-mode=RBAC")
            .arg(format!("--token-auth-file={}", path("tokens").display()))
            .arg("--service-account-issuer=https://bench.example.com")
            .arg(format!("--service-account-key-file={}", path("sa.pub").display()))
            .arg(format!("--service-account-signing-key-file={}", path("sa.key").display()))
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            .arg("--disable-admission-plugins=ServiceAccount")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start kube-apiserver")?;
        let url = format!("https://127.0.0.1:{secure}");
        let api = loop {
            if started.elapsed() > Duration::from_secs(60) {
                bail!("kube-apiserver is not ready after a minute");
            }
            // The other program says nothing when it is ready, so it is asked.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let Ok(pem) = std::fs::read(path("certificates").join("apiserver.crt")) else { continue };
            let Ok(api) = Api::with_authority(&url, &pem, TOKEN) else { continue };
            let Ok(mut connection) = api.connect().await else { continue };
            if connection.get("/readyz").await.is_ok_and(|(code, _)| code == 200) {
                break api;
            }
        };
        println!("kube-apiserver and etcd: ready after {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
        Ok(Self { api, _processes: [server, etcd], _folder: folder })
    }
}
