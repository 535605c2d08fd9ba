//! `flux export`: objects as YAML, without what the server added.

use std::process::ExitCode;

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::{Map, Value, json};

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds::{self, Kind};
use super::parse::Parsed;
use super::print;

/// Runs `flux export ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let kind = kinds::required("export", path)?;
    if !parsed.is_set("all") && parsed.arguments.is_empty() {
        return Err(CliError::usage("name is required"));
    }
    let client = global.client().await?;
    let objects = api(&client, &kind, Some(&global.namespace));
    let found = if parsed.is_set("all") {
        let found = objects.list(&ListParams::default()).await?.items;
        if found.is_empty() {
            return Err(CliError::state(format!("no objects found in {} namespace", global.namespace)));
        }
        found
    } else {
        vec![objects.get(&parsed.arguments[0]).await?]
    };
    for object in &found {
        print_object(&exported(&kind, object)?);
        if parsed.is_set("with-credentials") {
            print_secret(&client, object, &global.namespace).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Kind, name, namespace, labels, annotations and spec, in the forms the types print.
fn exported(kind: &Kind, object: &DynamicObject) -> Result<Value, CliError> {
    let mut whole = serde_json::to_value(object)?;
    let members = whole.as_object_mut().map(std::mem::take).unwrap_or_default();
    let spec = members.get("spec").cloned().unwrap_or_else(|| json!({}));
    let mut metadata = Map::new();
    for name in ["annotations", "labels", "name", "namespace"] {
        if let Some(value) = members.get("metadata").and_then(|metadata| metadata.get(name)) {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    let plain = json!({
        "apiVersion": format!("{}/{}", kind.info.group, kind.info.version),
        "kind": kind.info.kind,
        "metadata": metadata,
        "spec": spec,
    });
    Ok(flux_api::through_type(kind.info.kind, plain)?)
}

/// One document of a stream.
pub fn print_object(object: &Value) {
    print::line("---");
    print::line(flux_yaml::emit_v2(object).trim());
}

async fn print_secret(client: &Client, object: &DynamicObject, namespace: &str) -> Result<(), CliError> {
    let Some(name) = object.data.pointer("/spec/secretRef/name").and_then(Value::as_str) else { return Ok(()) };
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(client.clone(), namespace);
    let secret = secrets.get(name).await.map_err(|error| {
        CliError::state(format!("failed to retrieve secret {name}, error: {}", CliError::from(error)))
    })?;
    let mut exported = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": namespace },
    });
    if let Some(data) = &secret.data {
        exported["data"] = serde_json::to_value(data)?;
    }
    if let Some(kind) = &secret.type_ {
        exported["type"] = json!(kind);
    }
    print_object(&exported);
    Ok(())
}
