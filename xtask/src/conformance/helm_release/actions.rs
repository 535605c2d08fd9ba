//! Rows about states and the actions that follow from them.

use anyhow::{Context as _, Result, bail};
use flux_api::FORCE_REQUEST_ANNOTATION;
use flux_helm::release::state::{self, Action, RollbackTarget, State};
use flux_helm::values::{floats, process_dependencies};
use flux_helm::{Capabilities, KubeVersion, ReleaseOptions, RenderOptions, render};
use flux_helm_controller::actions::{must_continue, must_stop};
use flux_helm_controller::{attempt, history, spec, state as production};
use serde_json::{Value, json};

use super::go::{chart, chart_with_subchart, release, release_object, shapes};
use super::{Row, Verdict, action_type};

pub fn judge(row: &Row) -> Result<Verdict> {
    match row.test.as_str() {
        "TestReleaseStrategy_CleanRelease_MustContinue" => continues(row),
        "TestReleaseStrategy_CleanRelease_MustStop" => {
            Ok(Verdict::same(&row.flag("want"), &must_stop(action_type(row.text("current")).context("a type")?)))
        }
        "TestAtomicRelease_actionForState" => action(row),
        "Test_DetermineReleaseState" => determined(row),
        "TestInstall_Reconcile_withSubchartWithCRDs" | "TestUpgrade_Reconcile_withSubchartWithCRDs" => subchart(row),
        other => Ok(Verdict::Fail(format!("no runner for {other}"))),
    }
}

fn continues(row: &Row) -> Result<Verdict> {
    let current = action_type(row.text("current")).context("a type")?;
    let previous = row.texts("previous").iter().filter_map(|name| action_type(name)).collect::<Vec<_>>();
    Ok(Verdict::same(&row.flag("want"), &must_continue(current, &previous)))
}

/// The object of upstream's tests.
fn object(row: &Row) -> Result<flux_api::HelmRelease> {
    let mut value = json!({
        "ObjectMeta": {"Annotations": row.fields["annotations"]},
        "Spec": {"ReleaseName": "mock-release", "TargetNamespace": "mock-ns", "StorageNamespace": "mock-ns"},
    });
    if row.fields["annotations"].is_null() {
        value["ObjectMeta"] = json!({});
    }
    release_object(&value)
}

fn state_named(name: &str) -> Result<State> {
    Ok(match name {
        "InSync" => State::InSync,
        "Locked" => State::Locked { reason: String::new() },
        "Absent" => State::Absent { reason: "" },
        "Unmanaged" => State::Unmanaged { reason: "" },
        "OutOfSync" => State::OutOfSync { reason: "" },
        "Failed" => State::Failed { reason: "" },
        "Untested" => State::Untested,
        other => bail!("no state {other}"),
    })
}

fn action(row: &Row) -> Result<Verdict> {
    let name = row.fields["state"]["Status"].as_str().unwrap_or_default();
    let Ok(state) = state_named(name) else {
        return Ok(Verdict::Skip(format!("a state that the type cannot hold: {name}")));
    };
    let mut obj = object(row)?;
    let force = attempt::is_requested(&mut obj, FORCE_REQUEST_ANNOTATION);
    let policy = spec::policy(&obj, false, force);
    let (change, action) = state::next_action(&state, &policy, || RollbackTarget::Missing);
    let mut snapshots = history::read(&obj);
    change.apply(&mut snapshots);
    let action = action.map_err(|error| error.to_string());
    if let Some(verdict) = row.expect_error("wantErr", &action) {
        return Ok(verdict);
    }
    let found = action.map(|action| match action {
        Action::Nothing => "",
        Action::Unlock => "Unlock",
        Action::Install => "Install",
        Action::Upgrade => "Upgrade",
        Action::Test => "Test",
        Action::Rollback => "RollbackRemediation",
        Action::Uninstall => "UninstallRemediation",
    });
    let wanted = row.fields["want"]["$type"].as_str().unwrap_or_default();
    Ok(Verdict::same(&(Ok(wanted), Vec::new()), &(found, shapes(flux_api::FluxObject::conditions(&obj)))))
}

fn determined(row: &Row) -> Result<Verdict> {
    let obj = object(row)?;
    let releases = row.list("releases").iter().map(release).collect::<Result<Vec<_>>>()?;
    let last = releases.into_iter().flatten().max_by_key(|release| release.version);
    let values = row.fields["values"].as_object().cloned().unwrap_or_default();
    let chart = chart(&row.fields["chart"]);
    let desired = production::desired(&obj, &chart, &values);
    let found = state::determine(last.as_ref(), &history::read(&obj), &desired)?;
    Ok(Verdict::same_text(row.fields["want"]["Status"].as_str().unwrap_or_default(), found.name()))
}

/// A subchart's condition decides about its templates, its definitions and its values.
fn subchart(row: &Row) -> Result<Verdict> {
    let chart = chart_with_subchart();
    let values = json!({"subchart": row.fields["subchartValues"]});
    let values = values.as_object().cloned().unwrap_or_default();
    let host = flux_template::Offline { now: 0, random: |bytes| bytes.fill(4) };
    let options = ReleaseOptions {
        name: "mock-release".into(),
        namespace: "mock-ns".into(),
        revision: 1,
        is_upgrade: row.test.starts_with("TestUpgrade"),
    };
    let capabilities = Capabilities::offline(KubeVersion::parse("1.36.0")?);
    let rendered = render(&chart, &values, &RenderOptions::new(options, capabilities, &host))?;
    let mut enabled = chart;
    process_dependencies(&mut enabled, &values)?;
    let present = row.flag("subchartResourcesPresent");
    let found = (
        rendered.manifest.contains("name: cm-main-chart"),
        rendered.manifest.contains("name: cm-sub-chart"),
        enabled.crds().iter().any(|crd| crd.file.text().contains("crontabs.stable.example.com")),
    );
    if found != (true, present, present) {
        return Ok(Verdict::same(&(true, present, present), &found));
    }
    let found = rendered.chart.values.map(Value::Object).unwrap_or_default();
    Ok(Verdict::same(&floats(row.fields["expectedMainChartValues"].clone()), &floats(found)))
}
