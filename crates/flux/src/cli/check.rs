//! `flux check`: is the cluster fit for Flux, and is Flux fine in it?

use std::collections::BTreeMap;
use std::process::ExitCode;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ListParams};

use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::print;

/// The oldest Kubernetes minor that Flux 2.9 accepts.
const OLDEST_MINOR: u64 = 33;
const PART_OF: &str = "app.kubernetes.io/part-of=flux";

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    print::action("checking prerequisites");
    let client = global
        .client()
        .await
        .map_err(|error| CliError::state(format!("Kubernetes client initialization failed: {error}")))?;
    let mut good = kubernetes(&client).await;
    if parsed.is_set("pre") {
        if good {
            print::success("prerequisites checks passed");
        }
        return Ok(code(good));
    }
    print::action("checking version in cluster");
    good &= installation(&client).await;
    print::action("checking controllers");
    good &= controllers(&client, global).await;
    print::action("checking crds");
    good &= definitions(&client).await;
    if good {
        print::success("all checks passed");
    } else {
        print::failure("check failed");
    }
    Ok(code(good))
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn kubernetes(client: &Client) -> bool {
    let version = match client.apiserver_version().await {
        Ok(info) => info.git_version,
        Err(error) => {
            print::failure(format!("Kubernetes API call failed: {}", CliError::from(error)));
            return false;
        }
    };
    let range = format!(">=1.{OLDEST_MINOR}.0-0");
    match minor(&version) {
        None => print::failure("Kubernetes version can't be determined"),
        Some((1, minor)) if minor >= OLDEST_MINOR => {
            print::success(format!("Kubernetes {} {range}", version.trim_start_matches('v')));
            return true;
        }
        Some(_) => print::failure(format!("Kubernetes version {version} does not match {range}")),
    }
    false
}

fn minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What the labels of a definition say about the installation.
pub struct ClusterInfo {
    part_of: String,
    version: String,
    bootstrapped: bool,
}

impl ClusterInfo {
    /// `flux-v2.9.4`.
    pub fn distribution(&self) -> String {
        if self.part_of.is_empty() { self.version.clone() } else { format!("{}-{}", self.part_of, self.version) }
    }
}

/// Looks at the definition of GitRepository.
pub async fn cluster_info(client: &Client) -> Result<ClusterInfo, CliError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let found = definitions.get_metadata("gitrepositories.source.toolkit.fluxcd.io").await?;
    let labels = found.metadata.labels.unwrap_or_default();
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    Ok(ClusterInfo {
        part_of: label("app.kubernetes.io/part-of"),
        version: label("app.kubernetes.io/version"),
        bootstrapped: labels.contains_key("kustomize.toolkit.fluxcd.io/namespace"),
    })
}

async fn installation(client: &Client) -> bool {
    match cluster_info(client).await {
        Ok(info) => {
            if !info.distribution().is_empty() {
                print::success(format!("distribution: {}", info.distribution()));
            }
            print::success(format!("bootstrapped: {}", info.bootstrapped));
            true
        }
        Err(error) => {
            print::failure(format!("checking failed: {error}"));
            false
        }
    }
}

async fn controllers(client: &Client, global: &Global) -> bool {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &global.namespace);
    let Ok(found) = deployments.list(&ListParams::default().labels(PART_OF)).await else { return true };
    let embedded = match found.items.is_empty() {
        true => super::embedded::controllers(client, &global.namespace).await.unwrap_or_default(),
        false => BTreeMap::new(),
    };
    for (name, version) in &embedded {
        print::success(format!("{name}: runs in flux up"));
        print::action(format!("{name}:{version}"));
    }
    if !embedded.is_empty() {
        return true;
    }
    if found.items.is_empty() {
        print::failure(format!(
            "no controllers found in the '{}' namespace with the label selector '{PART_OF}'",
            global.namespace
        ));
        return false;
    }
    let mut good = true;
    for deployment in found {
        let name = deployment.metadata.name.clone().unwrap_or_default();
        let mut value = serde_json::to_value(&deployment).unwrap_or_default();
        value["apiVersion"] = "apps/v1".into();
        value["kind"] = "Deployment".into();
        match flux_health::compute(&value, flux_health::Timestamp::now()) {
            Ok(health) if health.status == flux_health::Status::Current => {
                print::success(format!("{name}: deployment ready"));
            }
            Ok(_) => {
                good = false;
                print::failure(format!("{name}: deployment not ready"));
            }
            Err(error) => {
                good = false;
                print::failure(format!("{name}: {error}"));
            }
        }
        let spec = deployment.spec.and_then(|spec| spec.template.spec);
        for container in spec.map(|spec| spec.containers).unwrap_or_default() {
            print::action(container.image.unwrap_or_default());
        }
    }
    good
}

async fn definitions(client: &Client) -> bool {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let Ok(found) = definitions.list(&ListParams::default().labels(PART_OF)).await else { return true };
    if found.items.is_empty() {
        print::failure(format!("no crds found with the label selector '{PART_OF}'"));
        return false;
    }
    let mut good = true;
    for definition in found {
        let name = definition.metadata.name.unwrap_or_default();
        let stored = definition.status.and_then(|status| status.stored_versions).unwrap_or_default();
        match stored.last() {
            Some(version) => print::success(format!("{name}/{version}")),
            None => {
                good = false;
                print::failure(format!("no stored versions for {name}"));
            }
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(minor("v1.36.3"), Some((1, 36)));
        assert_eq!(minor("v1.33.0-eks-1"), Some((1, 33)));
        assert_eq!(minor("next"), None);
    }
}
