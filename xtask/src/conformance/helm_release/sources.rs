//! Rows about where charts, clusters and objects come from, and what becomes of rendered objects.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use flux_api::helm::KustomizePostRenderer;
use flux_api::{FluxObject as _, HelmChart, HelmRelease};
use flux_apply::{Mapper, RemoteClusters, Target};
use flux_artifact::address_to_ask;
use flux_helm::chart::File;
use flux_helm::post_render::PostRenderer as _;
use flux_helm::{Chart, Release};
use flux_helm_controller::post_render::{Renderers, origin_labels};
use flux_helm_controller::resolve::{self, ResolveError, Sources};
use flux_helm_controller::{Options, chart, inventory, values};
use flux_runtime::ObjectKey;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};

use super::super::helm_cluster::Cluster;
use super::super::table::{go_to_json, list};
use super::go::{condition, release_object};
use super::{Row, Verdict};

pub fn judge(row: &Row) -> Result<Verdict> {
    let fields = &row.fields;
    match row.test.as_str() {
        "TestAllowsAccessTo" => {
            let obj = release_object(&fields["obj"])?;
            let text = |field: &str| fields["ref"][field].as_str().unwrap_or_default();
            let key = ObjectKey::new(text("Namespace"), text("Name"));
            let found = resolve::allow(&obj, !row.flag("allow"), HelmChart::KIND, &key);
            Ok(Verdict::same(&row.flag("wantErr"), &found.is_err()))
        }
        "Test_TryMutateChartWithSourceRevision" => Ok(mutated(row)),
        "TestHelmReleaseReconciler_getHelmChart" => helm_chart(row),
        "TestSourceRevisionChangePredicate_Update" => changed(row),
        "TestHelmReleaseReconciler_buildRESTClientGetter" => other_cluster(row),
        "FuzzHelmReleaseReconciler_reconcile" => fuzzed(row),
        "TestAddManifest" => added(row, Chart::default()),
        "TestAddCRDs" => {
            let file = |file: &Value| {
                let text = |field: &str| file[field].as_str().unwrap_or_default().to_owned();
                File::new(text("Name"), text("Data").into_bytes())
            };
            let mut chart = Chart { files: row.list("crdFiles").iter().map(file).collect(), ..Chart::default() };
            chart.metadata.name = "test-chart".into();
            added(row, chart)
        }
        "Test_overwriteHostname" => {
            let host = Some(row.text("hostname")).filter(|host| !host.is_empty());
            let wanted = address_to_ask(row.text("want"), None)?;
            Ok(Verdict::same_text(wanted.as_str(), address_to_ask(row.text("URL"), host)?.as_str()))
        }
        "Test_OriginLabels_Run" => {
            let obj = release_object(&json!({"ObjectMeta": {"Name": "name", "Namespace": "namespace"}}))?;
            Ok(rendered(row, &Renderers::common(&origin_labels(&obj), &BTreeMap::new())))
        }
        "Test_CommonRenderer_Run" => {
            let map = |field: &str| -> Result<BTreeMap<String, String>> {
                Ok(serde_json::from_value(if fields[field].is_null() { json!({}) } else { fields[field].clone() })?)
            };
            Ok(rendered(row, &Renderers::common(&map("labels")?, &map("annotations")?)))
        }
        "Test_postRendererKustomize_Run" => {
            let read =
                |field: &str| flux_yaml::yaml_to_json(row.text(field)).map_err(|error| anyhow::anyhow!("{error}"));
            let spec = json!({"patches": or_empty(read("patches")?), "images": or_empty(read("images")?)});
            let spec: KustomizePostRenderer = serde_json::from_value(spec)?;
            Ok(rendered(row, &Renderers::kustomize(&spec)))
        }
        other => Ok(Verdict::Fail(format!("no runner for {other}"))),
    }
}

fn or_empty(value: Value) -> Value {
    if value.is_null() { json!([]) } else { value }
}

fn rendered(row: &Row, renderers: &Renderers) -> Verdict {
    match renderers.run(row.text("renderedManifests")) {
        Ok(found) if !row.flag("expectErr") => Verdict::same_text(row.text("expectManifests"), &found),
        result => Verdict::same(&row.flag("expectErr"), &result.is_err()),
    }
}

fn mutated(row: &Row) -> Verdict {
    match chart::revision("OCIRepository", row.text("revision"), row.text("version")) {
        Ok((version, _)) if !row.flag("wantErr") => Verdict::same_text(row.text("wantVersion"), &version),
        result => Verdict::same(&row.flag("wantErr"), &result.is_err()),
    }
}

/// The HelmChart that the status names, out of a cache of the cluster.
fn helm_chart(row: &Row) -> Result<Verdict> {
    let cluster = Cluster::shared()?;
    let obj = release_object(&row.fields["rel"])?;
    let chart = &row.fields["chart"];
    let chart: Option<HelmChart> = if chart.is_null() { None } else { Some(source(chart)?) };
    let blocked = flux_runtime::Options { no_cross_namespace_refs: row.flag("disallowCrossNS"), ..Default::default() };
    let outcome = cluster.with(chart.as_ref(), async {
        let (charts, _kept) = cluster.cache::<HelmChart>();
        let sources = Sources { charts, ..Sources::default() };
        resolve::source(&obj, &sources, &blocked, &Options::default()).await.map(|source| source.kind)
    })?;
    // A chart that is there but has no artifact yet is found all the same.
    let found = matches!(outcome, Ok(_) | Err(ResolveError::NotReady { .. }));
    Ok(Verdict::same(&(row.flag("expectChart"), row.flag("wantErr")), &(found, !found)))
}

/// A HelmChart with what its kind asks for.
fn source(value: &Value) -> Result<HelmChart> {
    let mut json = go_to_json(value);
    json["apiVersion"] = HelmChart::API_VERSION.into();
    json["kind"] = HelmChart::KIND.into();
    json["spec"] = json!({"chart": "demo", "interval": "1m", "sourceRef": {"kind": "GitRepository", "name": "repo"}});
    serde_json::from_value(json).context("a HelmChart")
}

/// Whether a change of a source is of interest. A row without one side is a change that no watch tells of.
fn changed(row: &Row) -> Result<Verdict> {
    let side = |field: &str| -> Result<Option<HelmChart>> {
        let value = &row.fields[field];
        if value["$type"] != "sourceMock" {
            return Ok(None);
        }
        let mut made = source(&json!({"ObjectMeta": {"Name": "mock", "Namespace": "default"}}))?;
        let revision = value["revision"].as_str().unwrap_or_default();
        let artifact = json!({"revision": revision, "digest": "", "path": "", "url": "", "lastUpdateTime": "2026-01-01T00:00:00Z"});
        let artifact = if revision.is_empty() { None } else { Some(serde_json::from_value(artifact)?) };
        made.status_mut().artifact = artifact;
        *made.conditions_mut() = list(&value["conditions"]).iter().filter_map(condition).collect();
        Ok(Some(made))
    };
    let found = match (side("old")?, side("new")?) {
        (Some(old), Some(new)) => resolve::updated(&old, &new),
        _ => false,
    };
    Ok(Verdict::same(&row.flag("want"), &found))
}

/// Objects of a release as its inventory names them; the server says what lies in namespaces.
fn added(row: &Row, chart: Chart) -> Result<Verdict> {
    let cluster = Cluster::shared()?;
    let target = Target::new(cluster.client(), Mapper::default());
    let release = Release {
        manifest: row.text("manifest").to_owned(),
        namespace: row.text("releaseNamespace").to_owned(),
        ..Release::default()
    };
    let listed = match cluster.wait(inventory::list(&target, &release, Some(&chart))) {
        Ok(listed) if !row.flag("expectError") => listed,
        Ok(_) => return Ok(Verdict::Fail("an error that was expected".into())),
        Err(error) if error.to_string().contains("failed to parse") && row.flag("expectError") => {
            return Ok(Verdict::Pass);
        }
        Err(error) => return Ok(Verdict::Fail(error.to_string())),
    };
    let found: Vec<String> = listed.inventory.entries.into_iter().map(|entry| entry.id).collect();
    Ok(Verdict::same(&row.texts("expectedIDs"), &found))
}

/// A client of another cluster, by the kubeconfig in a Secret.
fn other_cluster(row: &Row) -> Result<Verdict> {
    let cluster = Cluster::shared()?;
    let meta = json!({"Name": "some-name", "Namespace": "some-namespace"});
    let obj = release_object(&json!({"ObjectMeta": meta, "Spec": row.fields["spec"]}))?;
    let reference = obj.spec.kube_config.context("a kubeconfig")?;
    let secret: Option<Secret> = match &row.fields["secret"] {
        Value::Null => None,
        secret => {
            let meta = go_to_json(&secret["ObjectMeta"]);
            // The rows hold data as text.
            let data = secret["Data"].as_object().cloned().unwrap_or_default();
            Some(serde_json::from_value(json!({"metadata": meta, "stringData": data}))?)
        }
    };
    let clusters = RemoteClusters::default();
    let found = cluster.with(secret.as_ref(), async {
        clusters.find(&cluster.client(), "some-namespace", &reference).await.map(drop)
    })?;
    Ok(row.expect_error("wantErr", &found.map_err(|error| error.to_string())).unwrap_or(Verdict::Pass))
}

/// Values of any form are composed or refused in order.
fn fuzzed(row: &Row) -> Result<Verdict> {
    let cluster = Cluster::shared()?;
    let key = row.text("valuesKey");
    let mut obj = HelmRelease::default();
    (obj.metadata.name, obj.metadata.namespace) = (Some("fuzz".into()), Some("default".into()));
    let reference = |kind: &str| json!({"kind": kind, "name": "fuzz-values", "valuesKey": key});
    obj.spec.values_from = serde_json::from_value(json!([reference("ConfigMap"), reference("Secret")]))?;
    obj.spec.values = flux_yaml::yaml_to_json(row.text("hrValues")).ok();
    let meta = json!({"name": "fuzz-values", "namespace": "default"});
    let map: ConfigMap = serde_json::from_value(json!({"metadata": meta, "data": {key: row.text("configData")}}))?;
    let secret: Secret =
        serde_json::from_value(json!({"metadata": meta, "stringData": {key: row.text("secretData")}}))?;
    let answer = cluster.with(Some(&map), async {
        let api: kube::Api<Secret> = kube::Api::namespaced(cluster.client(), "default");
        api.create(&Default::default(), &secret).await?;
        let composed = values::compose(&obj, &cluster.client()).await;
        api.delete("fuzz-values", &Default::default()).await?;
        anyhow::Ok(composed.map_err(|error| error.to_string()))
    })??;
    Ok(match answer {
        Err(message) if message.is_empty() => Verdict::Fail("an error without words".into()),
        _ => Verdict::Pass,
    })
}
