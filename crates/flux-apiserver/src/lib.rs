//! A Kubernetes-compatible API server as a library.
//!
//! [`Server::start`] opens the storage, loads the built-in kinds and the custom ones, writes the bootstrap
//! objects and starts the few controllers an API server cannot do without. In process callers use
//! [`Server::service`], a tower service that goes through the same impersonation, authorization and admission
//! as a request over TLS; outside clients use the address of [`Config::listen`] with [`Server::kubeconfig`].
//!
//! ```no_run
//! # async fn run() -> Result<(), flux_apiserver::StartError> {
//! let server = flux_apiserver::Server::start(flux_apiserver::Config::default()).await?;
//! let service = server.service(flux_apiserver::Identity::admin());
//! // kube::Client::new(service, "default")
//! # drop(service); server.shutdown().await; Ok(()) }
//! ```

mod admission;
mod auth;
mod body;
mod bootstrap;
mod certificates;
mod completion;
mod config;
mod controllers;
mod conversion;
mod crd;
mod defaulting;
mod discovery;
mod go_diff;
mod handler;
mod identity;
mod intake;
mod json;
mod key_pair;
mod listener;
mod managed;
mod names;
mod negotiate;
mod object;
mod openapi;
mod plain;
mod probe;
mod reply;
mod request;
mod resources;
mod rest;
mod run;
mod selector;
mod server;
mod service;
mod services;
mod status;
mod strategy;
mod table;
mod typed;
mod validation;
mod warnings;

pub use body::Body;
pub use config::{Authorization, Config, Controllers, StartError, StaticToken, Storage};
pub use identity::Identity;
pub use probe::run_health_probe;
pub use run::{RunError, ServerOptions, run_server};
pub use server::{ClientFiles, Server};
pub use service::LocalService;
