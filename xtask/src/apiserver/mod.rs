//! The API server as a process of its own: fault campaigns and figures.

pub mod bench;
pub mod campaign;
mod client;
mod history;
mod load;
mod process;
pub mod programs;

use std::path::PathBuf;

use anyhow::{Result, bail};
use flux_apiserver::{ServerOptions, run_server};

/// `cargo xtask api-server`: what the campaigns start and kill; the built `flux server` is the same library.
pub fn serve(mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    let mut options = ServerOptions { secure_port: 0, ..ServerOptions::default() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow::anyhow!("`{argument}` needs a value"));
        match argument.as_str() {
            "--storage" => options.storage = Some(PathBuf::from(value()?)),
            "--cert-dir" => options.cert_dir = Some(PathBuf::from(value()?)),
            "--token-auth-file" => options.token_auth_file = Some(PathBuf::from(value()?)),
            "--write-kubeconfig" => options.kubeconfig = Some(PathBuf::from(value()?)),
            "--secure-port" => options.secure_port = value()?.parse()?,
            other => bail!("unexpected argument `{other}`"),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = run_server(options).await?;
        eprintln!("serving the Kubernetes API at {}", server.url().unwrap_or_default());
        tokio::signal::ctrl_c().await?;
        server.shutdown().await;
        Ok(true)
    })
}
