//! An API server per golden, with the objects that its test makes first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flux_apiserver::{Config, Identity, Server};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use serde_json::{Value, json};

use super::goldens::value_of;

/// A server that listens on the loopback address until it is dropped.
pub struct Cluster {
    kubeconfig: PathBuf,
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    /// Starts a server, installs Flux' definitions and makes the objects of the case.
    pub fn start(folder: &Path, row: &Value, scratch: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (server, kubeconfig) = runtime.block_on(async {
            let config = Config { listen: Some(([127, 0, 0, 1], 0).into()), ..Config::default() };
            let server = Server::start(config).await?;
            let text = server.kubeconfig("test").context("the server listens")?;
            let path = scratch.join("kubeconfig");
            fs::write(&path, text)?;
            let client = kube::Client::new(server.service(Identity::admin()), "default");
            for definition in flux_api::crds()? {
                create(&client, &definition).await?;
            }
            for namespace in namespaces(row) {
                create(&client, &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }))
                    .await?;
            }
            let listed = row["cluster_objects"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for file in listed.chain(made_by_code(row)) {
                for object in objects(&folder.join(file), &row["template_values"])? {
                    create(&client, &object).await?;
                }
            }
            anyhow::Ok((server, path))
        })?;
        Ok(Self { kubeconfig, server: Some(server), runtime })
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}

/// Objects that a test makes itself, beside those that its table lists.
fn made_by_code(row: &Value) -> Option<&'static str> {
    match row["test"].as_str()? {
        "TestDiffKustomizationDriftIgnoreRules" => Some("testdata/diff-kustomization/drifted-service-no-labels.yaml"),
        "TestDiffKustomizationTakeOwnership" => Some("testdata/diff-kustomization/existing-configmap.yaml"),
        _ => None,
    }
}

/// Every namespace that the case speaks of.
fn namespaces(row: &Value) -> BTreeSet<String> {
    let text = row.to_string();
    let named = text.split("{{ns").skip(1).filter_map(|part| part.split_once("}}"));
    named
        .map(|(name, _)| name.strip_prefix(':').unwrap_or("default").to_owned())
        .filter(|name| name != "default")
        .collect()
}

/// A template with its values in place.
pub fn rendered(path: &Path, values: &Value) -> Result<String> {
    let mut text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    for (name, value) in values.as_object().into_iter().flatten() {
        let value = value_of(value);
        text = text.replace(&format!("{{{{ .{name} }}}}"), &value).replace(&format!("{{{{.{name}}}}}"), &value);
    }
    // A template of a commit message inside of the template renders to nothing.
    while let Some((start, end)) = text.find("{{range").zip(text.find("{{end}}").map(|at| at + "{{end}}".len())) {
        text.replace_range(start..end, "");
    }
    Ok(text)
}

fn objects(path: &Path, values: &Value) -> Result<Vec<Value>> {
    let text = rendered(path, values)?;
    let documents = flux_yaml::parse(&text, &flux_yaml::ParseOptions::default())?;
    let read = documents.iter().map(|node| flux_yaml::to_json(node, flux_yaml::Schema::Yaml11));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().filter(Value::is_object).collect())
}

/// Applies an object as the controller does and then writes its status, as the tests do.
async fn create(client: &kube::Client, object: &Value) -> Result<()> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let gvk = GroupVersionKind::gvk(group, version, text("/kind"));
    let (resource, capabilities) = pinned_kind(client, &gvk).await?;
    let objects: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = Some(text("/metadata/namespace")).filter(|name| !name.is_empty()).unwrap_or("default");
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let mut applied = object.clone();
    // The tests apply objects in the form the API server keeps them in.
    flux_apply::normalize(&mut applied);
    applied.as_object_mut().map(|members| members.remove("status"));
    let name = text("/metadata/name");
    let params = PatchParams::apply("kustomize-controller").force();
    let outcome = objects.patch(name, &params, &Patch::Apply(&applied)).await;
    outcome.with_context(|| format!("create {} {name}", text("/kind")))?;
    if let Some(status) = object.get("status") {
        let patch = json!({ "status": status });
        objects.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
    }
    Ok(())
}
