//! The Go values of these rows as ours.

use anyhow::{Context as _, Result};
use flux_api::HelmRelease;
use flux_api::meta::Condition;
use flux_helm::chart::{Dependency, File};
use flux_helm::digest::Algorithm;
use flux_helm::manifest::{Hook, HookEvent, HookExecution};
use flux_helm::release::{Info, Observation, Snapshot, Status};
use flux_helm::{Chart, Release, Time, Values};
use flux_runtime::conditions;
use serde_json::{Value, json};

use super::super::table::{call, go_to_json, list, texts};

/// A HelmRelease with what Go leaves out where it is zero. Releases in the history get the times that ours must have.
pub fn release_object(value: &Value) -> Result<HelmRelease> {
    let mut json = go_to_json(value);
    json["apiVersion"] = HelmRelease::API_VERSION.into();
    json["kind"] = HelmRelease::KIND.into();
    for (field, empty) in [("metadata", json!({})), ("spec", json!({}))] {
        if json[field].is_null() {
            json[field] = empty;
        }
    }
    json["spec"]["interval"] = json["spec"].get("interval").cloned().unwrap_or_else(|| "1m".into());
    if let Some(history) = json.pointer_mut("/status/history").and_then(Value::as_array_mut) {
        history.iter_mut().for_each(complete);
    }
    if let Some(conditions) = json.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        for condition in conditions {
            fill(condition, &[("reason", ""), ("message", ""), ("lastTransitionTime", EPOCH)]);
        }
    }
    serde_json::from_value(json).context("a HelmRelease")
}

const EPOCH: &str = "2026-01-01T00:00:00Z";

fn complete(snapshot: &mut Value) {
    let texts =
        ["chartName", "chartVersion", "configDigest", "digest", "name", "namespace", "status"].map(|field| (field, ""));
    fill(snapshot, &texts);
    fill(snapshot, &[("firstDeployed", EPOCH), ("lastDeployed", EPOCH)]);
    if snapshot["version"].is_null() {
        snapshot["version"] = 0.into();
    }
}

fn fill(value: &mut Value, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        if value[*field].is_null() {
            value[*field] = (*text).into();
        }
    }
}

/// A snapshot: a structure, or one made of a release.
pub fn snapshot(value: &Value) -> Result<Option<Snapshot>> {
    if value.is_null() {
        return Ok(None);
    }
    if let Some(("release.ObservedToSnapshot", arguments)) = call(value) {
        let (_, inner) = call(&arguments[0]).context("an observed release")?;
        let release = release(&inner[0])?.context("a release")?;
        return Ok(Some(Observation::of(&release).snapshot(Algorithm::default())));
    }
    Ok(Some(serde_json::from_value(go_to_json(value))?))
}

pub fn snapshots(value: &Value) -> Result<Vec<Snapshot>> {
    list(value).iter().filter_map(|value| snapshot(value).transpose()).collect()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// A condition: a constructor's call or a structure.
pub fn condition(value: &Value) -> Option<Condition> {
    let argument =
        |arguments: &[Value], at: usize| arguments.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some((name, arguments)) = call(value) {
        let status = match name {
            "conditions.TrueCondition" => "True",
            "conditions.FalseCondition" => "False",
            _ => "Unknown",
        };
        let (kind, reason) = (argument(arguments, 0), argument(arguments, 1));
        return Some(conditions::new(&kind, status, &reason, argument(arguments, 2)));
    }
    value.as_object()?;
    let mut condition =
        conditions::new(&text(value, "Type"), &text(value, "Status"), &text(value, "Reason"), text(value, "Message"));
    condition.observed_generation = value["ObservedGeneration"].as_i64();
    Some(condition)
}

/// Type, status, reason, message and generation: all that counts of a condition but its time.
pub fn shape(condition: &Condition) -> (String, String, String, String, i64) {
    let Condition { type_, status, reason, message, observed_generation, .. } = condition.clone();
    (type_, status, reason, message, observed_generation.unwrap_or_default())
}

pub fn shapes(conditions: &[Condition]) -> Vec<(String, String, String, String, i64)> {
    conditions.iter().map(shape).collect()
}

/// A release: one that the test tools build, or a structure.
pub fn release(value: &Value) -> Result<Option<Release>> {
    if value.is_null() {
        return Ok(None);
    }
    let Some(("testutil.BuildRelease", arguments)) = call(value) else {
        return Ok(Some(Release {
            name: text(value, "Name"),
            namespace: text(value, "Namespace"),
            ..Release::default()
        }));
    };
    let mut release = mock(&arguments[0]);
    for (name, arguments) in arguments[1..].iter().filter_map(call) {
        match name {
            "testutil.ReleaseWithConfig" => release.config = arguments[0].as_object().cloned(),
            "testutil.ReleaseWithLabels" => release.labels = serde_json::from_value(arguments[0].clone())?,
            _ => {
                let last_run =
                    HookExecution { phase: arguments[2].as_str().unwrap_or_default().into(), ..Default::default() };
                let events = texts(&arguments[1]).iter().map(|word| event(word)).collect();
                let name = arguments[0].as_str().unwrap_or_default().to_owned();
                release.hooks.push(Hook { name, events, last_run, ..Hook::default() });
            }
        }
    }
    Ok(Some(release))
}

/// What Helm's own mock of a release holds.
fn mock(options: &Value) -> Release {
    let time = Time::from_unix(242_085_845);
    let status = match options["Status"].as_str() {
        None | Some("") => Status::Deployed,
        Some(word) => Status::from(word),
    };
    let hook = Hook {
        name: "pre-install-hook".into(),
        kind: "Job".into(),
        path: "pre-install-hook.yaml".into(),
        manifest: "apiVersion: v1\nkind: Job\nmetadata:\n  annotations:\n    \"helm.sh/hook\": pre-install\n".into(),
        events: vec![HookEvent::PreInstall],
        ..Hook::default()
    };
    Release {
        name: text(options, "Name"),
        namespace: text(options, "Namespace"),
        version: options["Version"].as_i64().unwrap_or(1),
        info: Info {
            first_deployed: time,
            last_deployed: time,
            status,
            description: "Release mock".into(),
            notes: "Some mock release notes!".into(),
            ..Info::default()
        },
        chart: Some(chart(&options["Chart"])),
        config: Some(Values::from_iter([("name".to_owned(), json!("value"))])),
        manifest: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: fixture\n".into(),
        hooks: vec![hook],
        ..Release::default()
    }
}

pub fn event(word: &str) -> HookEvent {
    let events = [HookEvent::PreInstall, HookEvent::PostInstall, HookEvent::PreDelete, HookEvent::PostDelete];
    let more = [HookEvent::PreUpgrade, HookEvent::PostUpgrade, HookEvent::PreRollback, HookEvent::PostRollback];
    let all = events.into_iter().chain(more).chain([HookEvent::Test]);
    all.into_iter().find(|event| event.as_str() == word).unwrap_or_else(|| HookEvent::Other(word.to_owned()))
}

pub fn hook(value: &Value) -> Hook {
    Hook {
        name: text(value, "Name"),
        events: texts(&value["Events"]).iter().map(|word| event(word)).collect(),
        last_run: HookExecution { phase: text(&value["LastRun"], "Phase"), ..HookExecution::default() },
        ..Hook::default()
    }
}

fn map(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {{{{ default .Release.Namespace }}}}\ndata:\n  foo: bar\n"
    )
}

fn named(name: &str, version: &str, template: &str) -> Chart {
    let mut chart =
        Chart { templates: vec![File::new("templates/manifest", map(template).into_bytes())], ..Chart::default() };
    chart.metadata.api_version = "v1".into();
    chart.metadata.name = name.to_owned();
    chart.metadata.version = version.to_owned();
    chart.metadata.app_version = "1.2.3".into();
    chart
}

/// The chart of the test tools, with the version that the call gives it.
pub fn chart(value: &Value) -> Chart {
    let options = call(value).map(|(_, arguments)| arguments.to_vec()).unwrap_or_default();
    let version = options.iter().filter_map(call).find(|(name, _)| *name == "testutil.ChartWithVersion");
    let version = version.and_then(|(_, arguments)| arguments[0].as_str().map(str::to_owned));
    named("hello", version.as_deref().unwrap_or("0.1.0"), "cm")
}

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: crontabs.stable.example.com\n";

/// The chart with a subchart that brings a definition and values to import.
pub fn chart_with_subchart() -> Chart {
    let mut sub = named("subchart", "0.1.0", "cm-sub-chart");
    sub.files.push(File::new("crds/crd.yaml", DEFINITION.as_bytes().to_vec()));
    sub.values = json!({"foo": "bar", "exports": {"data": {"myint": 123}}, "default": {"data": {"myint": 456}}})
        .as_object()
        .cloned();
    let mut main = named("hello", "0.1.0", "cm-main-chart");
    main.values = json!({"foo": "baz", "myimports": {"myint": 0}}).as_object().cloned();
    let import = json!(["data", {"child": "default.data", "parent": "myimports"}]);
    main.metadata.dependencies = Some(vec![Dependency {
        name: "subchart".into(),
        condition: "subchart.enabled".into(),
        import_values: import.as_array().cloned().unwrap_or_default(),
        ..Dependency::default()
    }]);
    main.dependencies.push(sub);
    main
}
