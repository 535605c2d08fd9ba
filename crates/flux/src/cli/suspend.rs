//! `flux suspend`: stops reconciliation of objects.

use std::process::ExitCode;

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds::{self, Kind};
use super::parse::Parsed;
use super::print;

/// The field manager of changes made here, as upstream's client names itself.
pub const MANAGER: &str = "flux";

/// Runs `flux suspend ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let kind = kinds::required("suspend", path)?;
    if parsed.arguments.is_empty() && !parsed.is_set("all") {
        return Err(CliError::usage(format!("{} name is required", kind.human)));
    }
    let client = global.client().await?;
    let objects = api(&client, &kind, Some(&global.namespace));
    if parsed.arguments.is_empty() {
        let found = objects.list(&ListParams::default()).await?;
        if found.items.is_empty() {
            return Err(CliError::state("no objects found"));
        }
        for object in &found.items {
            suspend(&objects, &kind, object, global).await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in unique(&parsed.arguments) {
        match objects.get_opt(name).await {
            Ok(Some(object)) => {
                if let Err(error) = suspend(&objects, &kind, &object, global).await {
                    report(&kind, name, global, &error);
                }
            }
            Ok(None) => {
                print::failure(format!("{} {name} not found in {} namespace", kind.info.kind, global.namespace));
            }
            Err(error) => report(&kind, name, global, &error.into()),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(kind: &Kind, name: &str, global: &Global, error: &CliError) {
    let (kind, namespace) = (kind.info.kind, &global.namespace);
    print::failure(format!("failed suspending {kind} {name} in {namespace} namespace: {error}"));
}

async fn suspend(
    objects: &Api<DynamicObject>,
    kind: &Kind,
    object: &DynamicObject,
    global: &Global,
) -> Result<(), CliError> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    print::action(format!("suspending {} {name} in {} namespace", kind.human, global.namespace));
    set_suspended(objects, kind, name, true).await?;
    print::success(format!("{} suspended", kind.human));
    Ok(())
}

/// Sets or clears `spec.suspend`; ArtifactGenerators have an annotation for it.
pub async fn set_suspended(
    objects: &Api<DynamicObject>,
    kind: &Kind,
    name: &str,
    suspended: bool,
) -> Result<DynamicObject, CliError> {
    let change = match (kind.info.kind, suspended) {
        ("ArtifactGenerator", _) => {
            let state = if suspended { json!("disabled") } else { Value::Null };
            json!({ "metadata": { "annotations": { "source.extensions.fluxcd.io/reconcile": state } } })
        }
        (_, true) => json!({ "spec": { "suspend": true } }),
        (_, false) => json!({ "spec": { "suspend": null } }),
    };
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..Default::default() };
    Ok(objects.patch(name, &params, &Patch::Merge(&change)).await?)
}

/// The names, each once, in their order.
pub fn unique(names: &[String]) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    names.iter().map(String::as_str).filter(|name| seen.insert(*name)).collect()
}
