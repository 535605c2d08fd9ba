//! The example's overlays: what they build to, and what is applied.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Outcome;
use crate::conformance::repository_root;
use crate::e2e::cluster::{Cluster, KUSTOMIZATION, condition, ready_message};
use crate::e2e::demo::{Repository, Running, flux_binary};
use crate::e2e::{Arguments, PATIENCE};

/// `flux kustomize build` of each folder with a golden file made by kustomize 5.8.1 gives its bytes.
pub async fn renders(_: Arguments) -> Result<Outcome> {
    let example = repository_root().join("examples/ml-infrastructure");
    let mut compared = 0;
    for entry in fs::read_dir(example.join("tests/expected"))? {
        let golden = entry?.path();
        let stem = golden.file_stem().and_then(|stem| stem.to_str()).context("golden files have plain names")?;
        let folder = folder_of(&example, stem)?;
        let output = Command::new(flux_binary()?).args(["kustomize", "build"]).arg(example.join(&folder)).output()?;
        ensure!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
        let expected = fs::read_to_string(&golden)?;
        ensure!(String::from_utf8_lossy(&output.stdout) == expected, "{folder} differs from {}", golden.display());
        compared += 1;
    }
    ensure!(compared >= 6, "only {compared} golden files");
    Ok(Outcome::Held(format!("{compared} overlays")))
}

/// `apps_model-serving_overlays_dev` stands for `apps/model-serving/overlays/dev`.
fn folder_of(example: &Path, stem: &str) -> Result<String> {
    let folder = stem.replace('_', "/");
    ensure!(example.join(&folder).is_dir(), "golden file `{stem}` belongs to no folder");
    Ok(folder)
}

fn gpus(deployment: &Value) -> (&Value, &Value) {
    let resources = &deployment["spec"]["template"]["spec"]["containers"][0]["resources"];
    (&resources["limits"]["nvidia.com/gpu"], &resources["requests"]["nvidia.com/gpu"])
}

fn log_level(deployment: &Value) -> Option<&str> {
    let env = deployment.pointer("/spec/template/spec/containers/0/env")?.as_array()?;
    env.iter().find(|variable| variable["name"] == "LOG_LEVEL")?["value"].as_str()
}

pub async fn fields(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let mut flux = Running::up(repository.path(), &[])?;
    let ready = flux.wait_ready(PATIENCE)?;
    dev(&Cluster::open(repository.path(), "dev").await?).await?;
    staging(&Cluster::open(repository.path(), "staging").await?).await?;
    production(&Cluster::open(repository.path(), "production").await?).await?;
    Ok(Outcome::Held(ready))
}

async fn find(cluster: &Cluster, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value> {
    let all = cluster.list(api_version, kind).await?;
    let found = all.into_iter().find(|object| {
        let metadata = &object["metadata"];
        metadata["namespace"] == namespace && metadata["name"].as_str().is_some_and(|n| n.starts_with(name))
    });
    found.with_context(|| format!("no {kind} {namespace}/{name}* in {}", cluster.name))
}

async fn dev(cluster: &Cluster) -> Result<()> {
    let deployment = find(cluster, "apps/v1", "Deployment", "ml-dev", "model-server").await?;
    ensure!(gpus(&deployment) == (&json!("1"), &json!("1")), "dev GPUs: {:?}", gpus(&deployment));
    ensure!(deployment["spec"]["replicas"] == 1, "dev replicas: {}", deployment["spec"]["replicas"]);
    ensure!(log_level(&deployment) == Some("debug"), "dev log level: {:?}", log_level(&deployment));
    Ok(())
}

async fn staging(cluster: &Cluster) -> Result<()> {
    let deployment = cluster.must_get("apps/v1", "Deployment", "ml-staging", "model-server").await?;
    ensure!(gpus(&deployment) == (&json!("2"), &json!("2")), "staging GPUs: {:?}", gpus(&deployment));
    let route = find(cluster, "gateway.networking.k8s.io/v1", "HTTPRoute", "ml-staging", "model-server").await?;
    let backends = route.pointer("/spec/rules/0/backendRefs").and_then(Value::as_array).context("backendRefs")?;
    let weights: i64 = backends.iter().filter_map(|backend| backend["weight"].as_i64()).sum();
    ensure!(backends.len() == 2 && weights == 100, "canary weights: {backends:?}");
    find(cluster, "batch/v1", "CronJob", "ml-staging", "model-server").await?;
    Ok(())
}

async fn production(cluster: &Cluster) -> Result<()> {
    let deployment = cluster.must_get("apps/v1", "Deployment", "ml-production", "model-server").await?;
    ensure!(gpus(&deployment) == (&json!("8"), &json!("8")), "production GPUs: {:?}", gpus(&deployment));
    let managed = deployment["metadata"]["managedFields"].as_array().context("managedFields")?;
    let ours = managed.iter().find(|entry| entry["manager"] == "kustomize-controller").context("our manager")?;
    ensure!(ours["fieldsV1"]["f:spec"].get("f:replicas").is_none(), "the controller owns production's replicas");
    let image =
        deployment.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default();
    ensure!(image.contains("@sha256:"), "production image {image} is not by digest");
    find(cluster, "autoscaling/v2", "HorizontalPodAutoscaler", "ml-production", "model-server").await?;
    find(cluster, "monitoring.coreos.com/v1", "PrometheusRule", "ml-production", "model-server").await?;
    Ok(())
}

/// A tenant's unit that asks for a ClusterRole, and one that reaches into another namespace.
pub async fn tenants(_: Arguments) -> Result<Outcome> {
    let repository = Repository::example()?;
    let mut flux = Running::up(repository.path(), &["--cluster", "staging"])?;
    flux.wait_ready(PATIENCE)?;
    let cluster = Cluster::open(repository.path(), "staging").await?;
    let escape = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: escape\nrules:\n- \
                  apiGroups: ['*']\n  resources: ['*']\n  verbs: ['*']\n";
    repository.write("apps/tokenizer/escape.yaml", escape)?;
    repository.replace("apps/tokenizer/kustomization.yaml", "resources:\n", "resources:\n- escape.yaml\n")?;
    repository.commit("a tenant asks for a ClusterRole")?;
    let (api_version, kind) = KUSTOMIZATION;
    let what = (api_version, kind, "team-nlp", "tokenizer");
    let denied = |object: Option<&Value>| object.is_some_and(|object| ready_message(object).contains("forbidden"));
    cluster.wait(what, PATIENCE, denied).await?;
    let object = cluster.must_get(api_version, kind, "team-nlp", "tokenizer").await?;
    let message = ready_message(&object).to_owned();
    ensure!(message.contains("system:serviceaccount:team-nlp:reconciler"), "the message is {message:?}");
    ensure!(condition(&object, "Ready").0 == "False", "the unit is Ready after an escape");
    let role = cluster.get("rbac.authorization.k8s.io/v1", "ClusterRole", None, "escape").await?;
    ensure!(role.is_none(), "the ClusterRole was created");

    let foreign = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: foreign\n  namespace: ml-staging\n";
    repository.write("apps/tokenizer/escape.yaml", foreign)?;
    let sync = "tenants/staging/team-nlp/sync.yaml";
    repository.replace(sync, "  targetNamespace: team-nlp\n", "")?;
    repository.commit("a tenant writes into another namespace")?;
    let (api, kind_map) = ("v1", "ConfigMap");
    let denied = |object: Option<&Value>| {
        object.is_some_and(|object| {
            ready_message(object).contains("ml-staging") && ready_message(object).contains("forbidden")
        })
    };
    cluster.wait(what, PATIENCE, denied).await?;
    ensure!(cluster.get(api, kind_map, Some("ml-staging"), "foreign").await?.is_none(), "the ConfigMap was created");
    Ok(Outcome::Held("both denied with the service account named".into()))
}
