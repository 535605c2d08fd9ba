//! `flux reconcile`: asks for a reconciliation now and waits for its outcome.

use std::process::ExitCode;

use flux_api::{FORCE_REQUEST_ANNOTATION, RECONCILE_REQUEST_ANNOTATION, RESET_REQUEST_ANNOTATION};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Map, Value, json};

use super::client::api;
use super::error::CliError;
use super::get::{conditions, is_suspended};
use super::global::Global;
use super::kinds::{self, Kind};
use super::parse::Parsed;
use super::print;
use super::suspend::MANAGER;
use super::wait::{self, Look};

/// Runs `flux reconcile ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let kind = kinds::required("reconcile", path)?;
    let name = parsed.name(&format!("{} name is required", kind.info.kind))?;
    let client = global.client().await?;
    let request = Request { client: &client, global, force: parsed.is_set("force"), reset: parsed.is_set("reset") };
    let with_source = parsed.is_set("with-source");
    global.within("the condition", request.reconcile(&kind, &global.namespace, name, with_source)).await?;
    Ok(ExitCode::SUCCESS)
}

struct Request<'a> {
    client: &'a Client,
    global: &'a Global,
    force: bool,
    reset: bool,
}

impl Request<'_> {
    async fn reconcile(&self, kind: &Kind, namespace: &str, name: &str, with_source: bool) -> Result<(), CliError> {
        let objects = api(self.client, kind, Some(namespace));
        let object = objects.get(name).await?;
        if is_static(kind, &object) {
            print::success("reconciliation not supported by the object");
            return Ok(());
        }
        if is_suspended(&object) {
            return Err(CliError::state("resource is suspended"));
        }
        if with_source {
            let (source, name, namespace) = source_of(kind, &object, namespace)?;
            // A chart comes with its own source.
            let further = source.info.kind == "HelmChart";
            Box::pin(self.reconcile(&source, &namespace, &name, further)).await?;
        }
        let handled = last_handled(&object);
        print::action(format!("annotating {} {name} in {namespace} namespace", kind.info.kind));
        self.annotate(&objects, kind, name).await?;
        print::success(format!("{} annotated", kind.info.kind));
        print::waiting(format!("waiting for {} reconciliation", kind.info.kind));
        let look =
            |object: &DynamicObject| if last_handled(object) == handled { Look::Wait } else { wait::status(object) };
        let done = wait::until(&objects, name, look).await?;
        check_ready(kind, &done, with_source || takes_source(kind))?;
        print::success(success_message(kind, &done));
        Ok(())
    }

    async fn annotate(&self, objects: &Api<DynamicObject>, kind: &Kind, name: &str) -> Result<(), CliError> {
        let token = json!(jiff::Timestamp::now().to_string());
        let mut annotations = Map::from_iter([(RECONCILE_REQUEST_ANNOTATION.to_owned(), token.clone())]);
        if kind.info.kind == "HelmRelease" {
            if self.force {
                annotations.insert(FORCE_REQUEST_ANNOTATION.to_owned(), token.clone());
            }
            if self.reset {
                annotations.insert(RESET_REQUEST_ANNOTATION.to_owned(), token);
            }
        }
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..Default::default() };
        let change = json!({ "metadata": { "annotations": annotations } });
        objects.patch(name, &params, &Patch::Merge(&change)).await?;
        let _ = self.global;
        Ok(())
    }
}

fn takes_source(kind: &Kind) -> bool {
    matches!(kind.info.kind, "Kustomization" | "HelmRelease" | "HelmChart")
}

fn check_ready(kind: &Kind, object: &DynamicObject, plain: bool) -> Result<(), CliError> {
    let Some(ready) = conditions(object).iter().find(|condition| condition["type"] == "Ready") else {
        return Err(CliError::state("status can't be determined"));
    };
    if ready["status"] == "True" {
        return Ok(());
    }
    let message = ready["message"].as_str().unwrap_or_default();
    let kind = kind.info.kind;
    Err(CliError::state(if plain {
        format!("{kind} reconciliation failed: {message}")
    } else {
        format!("{kind} reconciliation failed: '{message}'")
    }))
}

fn last_handled(object: &DynamicObject) -> Option<String> {
    object.data.pointer("/status/lastHandledReconcileAt").and_then(Value::as_str).map(str::to_owned)
}

/// Kind, name and namespace of what an object is built from.
fn source_of(kind: &Kind, object: &DynamicObject, own: &str) -> Result<(Kind, String, String), CliError> {
    let reference = |pointer: &str| -> Option<(String, String, String)> {
        let found = object.data.pointer(pointer)?;
        let field = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let namespace = if field("namespace").is_empty() { own.to_owned() } else { field("namespace") };
        Some((field("kind"), field("name"), namespace))
    };
    let found = match kind.info.kind {
        "HelmRelease" => reference("/spec/chartRef").or_else(|| {
            let (_, _, namespace) = reference("/spec/chart/spec/sourceRef")?;
            let name = object.metadata.name.as_deref().unwrap_or_default();
            Some(("HelmChart".to_owned(), format!("{own}-{name}"), namespace))
        }),
        _ => reference("/spec/sourceRef"),
    };
    let (source, name, namespace) = found.unwrap_or_default();
    let known =
        matches!(source.as_str(), "GitRepository" | "OCIRepository" | "Bucket" | "HelmChart" | "HelmRepository");
    match kinds::by_kind(&source).filter(|_| known) {
        Some(kind) => Ok((kind, name, namespace)),
        None => Err(CliError::state(format!("cannot reconcile source of kind {source}"))),
    }
}

/// True for objects that no controller works on.
pub fn is_static(kind: &Kind, object: &DynamicObject) -> bool {
    match kind.info.kind {
        "Alert" | "Provider" => true,
        "HelmRepository" => object.data.pointer("/spec/type").and_then(Value::as_str) == Some("oci"),
        _ => false,
    }
}

/// What is said after success.
pub fn success_message(kind: &Kind, object: &DynamicObject) -> String {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match kind.info.kind {
        "Kustomization" => format!("applied revision {}", text("/status/lastAppliedRevision")),
        "HelmRelease" => format!("applied revision {}", text("/status/history/0/chartVersion")),
        "ImageRepository" => {
            let tags = object.data.pointer("/status/lastScanResult/tagCount").and_then(Value::as_i64).unwrap_or(0);
            format!("scan fetched {tags} tags")
        }
        "ImagePolicy" => {
            let digest = text("/status/latestRef/digest");
            let digest = if digest.is_empty() { String::new() } else { format!("@{digest}") };
            format!("selected ref {}:{}{digest}", text("/status/latestRef/name"), text("/status/latestRef/tag"))
        }
        "ImageUpdateAutomation" => {
            let ready = conditions(object).iter().find(|condition| condition["type"] == "Ready");
            match ready.and_then(|ready| ready["message"].as_str()) {
                Some(message) => message.to_owned(),
                None => "automation not yet run".to_owned(),
            }
        }
        "Receiver" | "Alert" | "Provider" | "ArtifactGenerator" => {
            format!("{} reconciliation completed", kind.info.kind)
        }
        _ => format!("fetched revision {}", text("/status/artifact/revision")),
    }
}
