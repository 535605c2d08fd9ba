//! Creating or updating objects from the command line, and waiting for them.

use std::process::ExitCode;

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds;
use super::print;
use super::suspend::MANAGER;
use super::wait;

fn params() -> PostParams {
    PostParams { field_manager: Some(MANAGER.into()), ..Default::default() }
}

/// Creates the object or gives an existing one its labels and spec, then waits until it is ready.
pub async fn upsert_and_wait(
    client: &Client,
    kind: &str,
    object: &Value,
    noun: &str,
    done: fn(&str, &DynamicObject) -> Result<(), CliError>,
    global: &Global,
) -> Result<ExitCode, CliError> {
    let known = kinds::by_kind(kind).ok_or_else(|| CliError::state(format!("unknown kind {kind}")))?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let objects = api(client, &known, object["metadata"]["namespace"].as_str());
    print::action(format!("applying {noun}"));
    match objects.get_opt(name).await? {
        None => {
            objects.create(&params(), &serde_json::from_value(object.clone())?).await?;
            print::success(format!("{noun} created"));
        }
        Some(mut existing) => {
            existing.metadata.labels = serde_json::from_value(object["metadata"]["labels"].clone())?;
            existing.data["spec"] = object["spec"].clone();
            objects.replace(name, &params(), &existing).await?;
            print::success(format!("{noun} updated"));
        }
    }
    print::waiting(format!("waiting for {noun} reconciliation"));
    // Alert and Provider have no status: being there is being ready.
    let look = if matches!(kind, "Alert" | "Provider") { wait::status } else { wait::ready };
    let ready = global.within("the condition", wait::until(&objects, name, look)).await?;
    done(noun, &ready)?;
    Ok(ExitCode::SUCCESS)
}

/// Creates a Secret, or gives an existing one the data, labels and annotations.
pub async fn secret(client: &Client, secret: &Value) -> Result<(), CliError> {
    let objects = core(client, "Secret", "secrets", secret);
    let name = secret["metadata"]["name"].as_str().unwrap_or_default();
    match objects.get_opt(name).await? {
        None => {
            objects.create(&params(), &serde_json::from_value(secret.clone())?).await?;
        }
        Some(mut existing) => {
            existing.data["stringData"] = secret["stringData"].clone();
            merge_texts(&mut existing.metadata.annotations, &secret["metadata"]["annotations"]);
            merge_texts(&mut existing.metadata.labels, &secret["metadata"]["labels"]);
            objects.replace(name, &params(), &existing).await?;
        }
    }
    Ok(())
}

fn merge_texts(into: &mut Option<std::collections::BTreeMap<String, String>>, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            into.get_or_insert_default().insert(name.clone(), value.to_owned());
        }
    }
}

fn core(client: &Client, kind: &str, plural: &str, object: &Value) -> Api<DynamicObject> {
    let (group, version) = object["apiVersion"].as_str().and_then(|text| text.split_once('/')).unwrap_or(("", "v1"));
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Creates or updates one of a tenant's objects; a changed RoleBinding is made anew, since its role cannot change.
pub async fn tenant_object(client: &Client, object: &Value) -> Result<(), CliError> {
    let (kind, plural) = match object["kind"].as_str() {
        Some("Namespace") => ("Namespace", "namespaces"),
        Some("ServiceAccount") => ("ServiceAccount", "serviceaccounts"),
        _ => ("RoleBinding", "rolebindings"),
    };
    let objects = core(client, kind, plural, object);
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let Some(mut existing) = objects.get_opt(name).await? else {
        objects.create(&params(), &serde_json::from_value(object.clone())?).await?;
        return Ok(());
    };
    let labels: std::collections::BTreeMap<String, String> =
        serde_json::from_value(object["metadata"]["labels"].clone())?;
    let known = existing.metadata.labels.clone().unwrap_or_default();
    let labelled = labels.iter().all(|(name, value)| known.get(name) == Some(value));
    if kind == "RoleBinding" {
        let same = |field: &str| existing.data[field] == object[field];
        if !labelled || !same("subjects") || !same("roleRef") {
            objects.delete(name, &DeleteParams::default()).await?;
            objects.create(&params(), &serde_json::from_value(object.clone())?).await?;
        }
    } else if !labelled {
        existing.metadata.labels = Some(labels);
        if existing.data.is_null() {
            existing.data = json!({});
        }
        objects.replace(name, &params(), &existing).await?;
    }
    Ok(())
}
