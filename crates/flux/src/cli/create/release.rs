//! `flux create helmrelease`.

use std::process::ExitCode;

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::kustomization::depends_on;
use super::secret::go_io;
use super::{Spec, Words, announce, finish, object};
use crate::cli::error::CliError;
use crate::cli::flags::kind_name_namespace;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

fn applied(_: &str, object: &DynamicObject) -> Result<(), CliError> {
    print::success(format!("HelmRelease {} is ready", object.metadata.name.as_deref().unwrap_or_default()));
    let revision = object.data.pointer("/status/history/0/chartVersion").and_then(Value::as_str).unwrap_or_default();
    print::success(format!("applied revision {revision}"));
    Ok(())
}

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    match (parsed.option("chart"), parsed.option("chart-ref")) {
        (None, None) => return Err(CliError::usage("chart or chart-ref is required")),
        (Some(_), Some(_)) => return Err(CliError::usage("cannot use --chart in combination with --chart-ref")),
        _ => {}
    }
    announce(parsed, "HelmRelease");
    let strategy = parsed.text("reconcile-strategy");
    if !matches!(strategy, "Revision" | "ChartVersion") {
        return Err(CliError::usage(format!(
            "'{strategy}' is an invalid reconcile strategy(valid: Revision, ChartVersion)"
        )));
    }
    let mut spec = Spec::new();
    spec.interval(parsed)
        .text("releaseName", parsed, "release-name")
        .text("targetNamespace", parsed, "target-namespace")
        .set("storageNamespace", parsed.option("storage-namespace").or(parsed.option("target-namespace")))
        .text("kubeConfig.secretRef.name", parsed, "kubeconfig-secret-ref")
        .on("install.createNamespace", parsed, "create-target-namespace")
        .text("serviceAccountName", parsed, "service-account");
    chart(&mut spec, parsed)?;
    let waits_for: Vec<Value> = parsed.list("depends-on").iter().map(|text| depends_on(text)).collect();
    spec.set("dependsOn", (!waits_for.is_empty()).then_some(waits_for));
    if parsed.option("crds").is_some() {
        spec.set("install.crds", Some("Create")).text("upgrade.crds", parsed, "crds");
    }
    let files = parsed.list("values");
    if !files.is_empty() {
        spec.set("values", Some(values(&files)?));
    }
    let references = parsed.list("values-from").iter().map(|text| values_from(text)).collect::<Result<Vec<_>, _>>()?;
    spec.set("valuesFrom", (!references.is_empty()).then_some(references));
    let words = Words { noun: "HelmRelease", done: applied };
    finish("HelmRelease", object("HelmRelease", parsed, global, spec)?, &words, parsed, global).await
}

fn chart(spec: &mut Spec, parsed: &Parsed) -> Result<(), CliError> {
    let flag = if parsed.option("chart").is_some() { "source" } else { "chart-ref" };
    let (kind, name, namespace) = kind_name_namespace(parsed.text(flag));
    let mut reference = json!({ "kind": kind, "name": name });
    if !namespace.is_empty() {
        reference["namespace"] = json!(namespace);
    }
    if flag == "source" {
        spec.text("chart.spec.chart", parsed, "chart")
            .text("chart.spec.version", parsed, "chart-version")
            .text("chart.spec.reconcileStrategy", parsed, "reconcile-strategy")
            .span("chart.spec.interval", parsed, "chart-interval")
            .set("chart.spec.sourceRef", Some(reference));
        return Ok(());
    }
    if !matches!(kind, "HelmChart" | "OCIRepository") {
        return Err(CliError::usage(format!(
            "chart reference kind '{kind}' is not supported, must be one of: OCIRepository, HelmChart"
        )));
    }
    spec.set("chartRef", Some(reference));
    Ok(())
}

/// The files merged, later ones over earlier ones.
fn values(files: &[String]) -> Result<Value, CliError> {
    let mut merged = Map::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            CliError::state(format!("reading values from {path} failed: {}", go_io("open", path, &error)))
        })?;
        let read = flux_yaml::yaml_to_json(&text)
            .map_err(|error| CliError::state(format!("converting values to JSON from {path} failed: {error}")))?;
        match read {
            Value::Object(values) => merge(&mut merged, values),
            Value::Null => {}
            _ => return Err(CliError::state(format!("unmarshaling values from {path} failed: not a map"))),
        }
    }
    Ok(Value::Object(merged))
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, more),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

fn values_from(text: &str) -> Result<Value, CliError> {
    let Some((kind, name)) = text.split_once('/').filter(|(kind, _)| !kind.is_empty()) else {
        return Err(CliError::usage(format!(
            "invalid Kubernetes object reference '{text}', must be in format <kind>/<name>"
        )));
    };
    match ["Secret", "ConfigMap"].iter().find(|known| known.eq_ignore_ascii_case(kind)) {
        Some(kind) => Ok(json!({ "kind": kind, "name": name })),
        None => {
            Err(CliError::usage(format!("reference kind '{kind}' is not supported, must be one of: Secret, ConfigMap")))
        }
    }
}
