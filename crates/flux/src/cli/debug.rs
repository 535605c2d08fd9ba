//! `flux debug`: the status, variables and history that a unit works with.

use std::collections::BTreeMap;
use std::process::ExitCode;

use flux_api::{HelmRelease, Kustomization};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::Api;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::print;

/// `flux debug kustomization`.
pub async fn kustomization(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let shown = one_of(parsed, ["show-status", "show-vars", "show-history"])?;
    let name = parsed.name("kustomization name is required")?;
    let client = global.client().await?;
    let unit = Api::<Kustomization>::namespaced(client.clone(), &global.namespace).get(name).await?;
    let status = unit.status.clone().unwrap_or_default();
    let documentation = "https://fluxcd.io/flux/components/kustomize/kustomizations/";
    match shown {
        "show-status" => show(&format!("# Status documentation: {documentation}#kustomization-status"), &status)?,
        "show-history" => show(&format!("# History documentation: {documentation}#history"), &status.history)?,
        _ => {
            for (name, value) in variables(&client, &unit).await? {
                print::line(&format!("{name}={value}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `flux debug helmrelease`.
pub async fn helm_release(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let shown = one_of(parsed, ["show-status", "show-values", "show-history"])?;
    let name = parsed.name("helmrelease name is required")?;
    if shown == "show-values" {
        return Err(CliError::PartNotAvailable { what: "--show-values".into() });
    }
    let release = Api::<HelmRelease>::namespaced(global.client().await?, &global.namespace).get(name).await?;
    let status = release.status.unwrap_or_default();
    let documentation = "https://fluxcd.io/flux/components/helm/helmreleases/";
    if shown == "show-status" {
        show(&format!("# Status documentation: {documentation}#helmrelease-status"), &status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut history = serde_json::to_value(&status.history)?;
    for snapshot in history.as_array_mut().into_iter().flatten() {
        // The one field of an entry that upstream prints when it is empty.
        if snapshot.get("deleted").is_none() {
            snapshot["deleted"] = Value::Null;
        }
    }
    show(&format!("# History documentation: {documentation}#history"), &history)?;
    Ok(ExitCode::SUCCESS)
}

fn one_of<'a>(parsed: &Parsed, flags: [&'a str; 3]) -> Result<&'a str, CliError> {
    let given: Vec<&str> = flags.into_iter().filter(|flag| parsed.is_set(flag)).collect();
    match given.as_slice() {
        [one] => Ok(one),
        _ => Err(CliError::usage(format!(
            "exactly one of --{}, --{}, or --{} must be set",
            flags[0], flags[1], flags[2]
        ))),
    }
}

fn show(title: &str, value: &impl Serialize) -> Result<(), CliError> {
    let value = serde_json::to_value(value)?;
    print::line(title);
    print::data(&if value == json!([]) { "[]\n".to_owned() } else { flux_yaml::emit_v2(&value) });
    Ok(())
}

/// All variables of `postBuild`; they were asked for, so their values are shown.
async fn variables(client: &Client, unit: &Kustomization) -> Result<BTreeMap<String, String>, CliError> {
    let Some(post) = &unit.spec.post_build else {
        return Err(CliError::state("no post build substitutions found"));
    };
    let namespace = unit.metadata.namespace.as_deref().unwrap_or_default();
    let mut values = BTreeMap::new();
    for from in &post.substitute_from {
        let read = match from.kind.as_str() {
            "ConfigMap" => Api::<ConfigMap>::namespaced(client.clone(), namespace)
                .get(&from.name)
                .await
                .map(|found| found.data.unwrap_or_default()),
            "Secret" => Api::<Secret>::namespaced(client.clone(), namespace).get(&from.name).await.map(|found| {
                let data = found.data.unwrap_or_default().into_iter();
                data.map(|(name, value)| (name, String::from_utf8_lossy(&value.0).into_owned())).collect()
            }),
            _ => continue,
        };
        match read {
            Ok(read) => values.extend(read),
            Err(kube::Error::Api(status)) if from.optional && status.code == 404 => {}
            Err(error) => {
                let (kind, name) = (&from.kind, &from.name);
                return Err(CliError::state(format!(
                    "substitute from '{kind}/{name}' error: {}",
                    CliError::from(error)
                )));
            }
        }
    }
    values.extend(post.substitute.clone());
    // Line breaks are dropped, as the controller drops them.
    Ok(values.into_iter().map(|(name, value)| (name, value.replace('\n', ""))).collect())
}
