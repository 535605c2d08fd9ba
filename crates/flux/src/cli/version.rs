//! `flux version`: this program and the controllers in the cluster.

use std::collections::BTreeMap;
use std::process::ExitCode;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, ListParams};
use serde_json::json;

use super::check::cluster_info;
use super::embedded;
use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::print;

/// The upstream version whose behaviour this program has.
pub const COMPATIBLE_VERSION: &str = "2.9.4";

/// `flux version --client`.
pub fn client_only(parsed: &Parsed) -> Result<ExitCode, CliError> {
    show(parsed, None, &BTreeMap::new())
}

/// `flux version`.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let client = global.client().await?;
    let info = match cluster_info(&client).await {
        Err(error) if error.is_not_found() => None,
        other => Some(other?),
    };
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &global.namespace);
    let found = deployments.list(&ListParams::default().labels("app.kubernetes.io/part-of=flux")).await?;
    let mut controllers = match found.items.is_empty() {
        true => embedded::controllers(&client, &global.namespace).await?,
        false => BTreeMap::new(),
    };
    if found.items.is_empty() && controllers.is_empty() {
        return Err(CliError::state(format!("no deployments found in {} namespace", global.namespace)));
    }
    for deployment in found {
        let spec = deployment.spec.and_then(|spec| spec.template.spec);
        for container in spec.map(|spec| spec.containers).unwrap_or_default() {
            let (name, tag) = split_image(container.image.as_deref().unwrap_or_default())?;
            controllers.insert(name, tag);
        }
    }
    let distribution = info.map(|info| info.distribution()).filter(|name| !name.is_empty());
    show(parsed, distribution.as_deref(), &controllers)
}

fn show(
    parsed: &Parsed,
    distribution: Option<&str>,
    controllers: &BTreeMap<String, String>,
) -> Result<ExitCode, CliError> {
    let flux = format!("v{COMPATIBLE_VERSION}");
    match parsed.text("output") {
        "json" => {
            let mut all: BTreeMap<&str, &str> =
                controllers.iter().map(|(name, tag)| (name.as_str(), tag.as_str())).collect();
            all.insert("flux", &flux);
            all.extend(distribution.map(|name| ("distribution", name)));
            print::line(&serde_json::to_string_pretty(&json!(all))?);
        }
        "yaml" => {
            print::line(&format!("flux: {flux}"));
            if let Some(distribution) = distribution {
                print::line(&format!("distribution: {distribution}"));
            }
            for (name, tag) in controllers {
                print::line(&format!("{name}: {tag}"));
            }
        }
        other => return Err(CliError::usage(format!("--output must be json or yaml, not {other}"))),
    }
    Ok(ExitCode::SUCCESS)
}

/// The last part of the repository, and the tag with a digest when there is one.
fn split_image(image: &str) -> Result<(String, String), CliError> {
    let (_, last) = image.rsplit_once('/').unwrap_or(("", image));
    match last.split_once(':') {
        Some((name, tag)) if !name.contains('@') => Ok((name.to_owned(), tag.to_owned())),
        _ => Err(CliError::state(format!("missing image tag in image {image}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let parts = |image: &str| split_image(image).ok();
        let expected = Some(("source-controller".to_owned(), "v1.9.4".to_owned()));
        assert_eq!(parts("ghcr.io/fluxcd/source-controller:v1.9.4"), expected);
        assert_eq!(parts("localhost:5000/source-controller:v1.9.4"), expected);
        assert_eq!(parts("source-controller"), None);
    }
}
