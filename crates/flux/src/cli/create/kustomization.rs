//! `flux create kustomization`.

use std::process::ExitCode;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Spec, Words, announce, finish, object};
use crate::cli::error::CliError;
use crate::cli::flags::kind_name_namespace;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

fn applied(_: &str, object: &DynamicObject) -> Result<(), CliError> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    print::success(format!("Kustomization {name} is ready"));
    let revision = object.data.pointer("/status/lastAppliedRevision").and_then(Value::as_str).unwrap_or_default();
    print::success(format!("applied revision {revision}"));
    Ok(())
}

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let (kind, name, namespace) = kind_name_namespace(parsed.text("source"));
    if name.is_empty() {
        return Err(CliError::usage("source is required"));
    }
    announce(parsed, "Kustomization");
    let mut spec = Spec::new();
    spec.interval(parsed)
        .text("path", parsed, "path")
        .set("prune", Some(parsed.is_set("prune")))
        .set("sourceRef.kind", Some(kind))
        .set("sourceRef.name", Some(name))
        .set("sourceRef.namespace", (!namespace.is_empty()).then_some(namespace))
        .text("targetNamespace", parsed, "target-namespace")
        .text("kubeConfig.secretRef.name", parsed, "kubeconfig-secret-ref")
        .text("serviceAccountName", parsed, "service-account")
        .span("retryInterval", parsed, "retry-interval");
    let waits_for: Vec<Value> = parsed.list("depends-on").iter().map(|text| depends_on(text)).collect();
    spec.set("dependsOn", (!waits_for.is_empty()).then_some(waits_for));
    let checks = parsed.list("health-check");
    if parsed.is_set("wait") {
        spec.set("wait", Some(true)).span("timeout", parsed, "health-check-timeout");
    } else if !checks.is_empty() {
        let checks = checks.iter().map(|text| health_check(text)).collect::<Result<Vec<_>, _>>()?;
        spec.set("healthChecks", Some(checks)).span("timeout", parsed, "health-check-timeout");
    }
    if parsed.option("decryption-provider").is_some() {
        spec.text("decryption.provider", parsed, "decryption-provider").text(
            "decryption.secretRef.name",
            parsed,
            "decryption-secret",
        );
    }
    let words = Words { noun: "Kustomization", done: applied };
    finish("Kustomization", object("Kustomization", parsed, global, spec)?, &words, parsed, global).await
}

/// `name` or `namespace/name`.
pub fn depends_on(text: &str) -> Value {
    match text.split_once('/') {
        Some((namespace, name)) => json!({ "name": name, "namespace": namespace }),
        None => json!({ "name": text }),
    }
}

fn health_check(text: &str) -> Result<Value, CliError> {
    let parts: Vec<&str> = text.split('/').collect();
    let [kind, object] = parts.as_slice() else {
        return Err(CliError::usage(format!(
            "invalid health check '{text}' must be in the format 'kind/name.namespace' [{}]",
            parts.join(" ")
        )));
    };
    if !matches!(*kind, "Deployment" | "DaemonSet" | "StatefulSet" | "HelmRelease") {
        return Err(CliError::usage(format!(
            "invalid health check kind '{kind}' can be HelmRelease, Deployment, DaemonSet or StatefulSet"
        )));
    }
    let parts: Vec<&str> = object.split('.').collect();
    let [name, namespace] = parts.as_slice() else {
        return Err(CliError::usage(format!(
            "invalid health check '{text}' must be in the format 'kind/name.namespace'"
        )));
    };
    let mut check = json!({ "kind": kind, "name": name, "namespace": namespace });
    if *kind == "HelmRelease" {
        check["apiVersion"] = json!(flux_api::HelmRelease::API_VERSION);
    }
    Ok(check)
}
