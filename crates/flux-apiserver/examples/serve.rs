//! Serves the Kubernetes API on a free port until interrupted, and writes an administrator's kubeconfig to the path given.

use std::path::PathBuf;

use flux_apiserver::{ServerOptions, run_server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kubeconfig = std::env::args().nth(1).map(PathBuf::from);
    let storage = std::env::args().nth(2).map(PathBuf::from);
    let server = run_server(ServerOptions { secure_port: 0, kubeconfig, storage, ..ServerOptions::default() }).await?;
    println!("{}", server.url().unwrap_or_default());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
