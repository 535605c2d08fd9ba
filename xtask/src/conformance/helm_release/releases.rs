//! Rows about records of releases: digests, names, targets, and whether a record is the one that was observed.

use anyhow::{Context as _, Result};
use flux_helm::Release;
use flux_helm::digest::Algorithm;
use flux_helm::release::{Observation, TestFilter, shorten_name, state};
use flux_helm_controller::attempt;
use serde_json::json;

use super::super::table::list;
use super::go::{hook, release, release_object, snapshot};
use super::{Row, Verdict};

pub fn judge(row: &Row) -> Result<Verdict> {
    let fields = &row.fields;
    Ok(match row.test.as_str() {
        "TestMustResetFailures" => {
            let mut obj = release_object(&fields["obj"])?;
            let version = fields["chart"]["Version"].as_str().unwrap_or_default();
            let values = fields["values"].as_object().cloned().unwrap_or_default();
            let reason = attempt::must_reset(&mut obj, version, &values);
            Verdict::same(&(row.flag("want"), row.text("wantReason")), &(reason.is_some(), reason.unwrap_or_default()))
        }
        "TestReleaseTargetChanged" => {
            let meta = json!({"Name": "default-name", "Namespace": "default-ns"});
            let obj = release_object(&json!({"ObjectMeta": meta, "Spec": fields["spec"], "Status": fields["status"]}))?;
            let change = attempt::target_change(&obj, row.text("chartName")).map(state::TargetChange::as_str);
            Verdict::same(&(row.flag("want"), row.text("wantReason")), &(change.is_some(), change.unwrap_or_default()))
        }
        "TestVerifySnapshot" | "TestVerifyReleaseObject" => {
            let field = if row.test == "TestVerifySnapshot" { "release" } else { "rls" };
            let (snapshot, release) = (snapshot(&fields["snapshot"])?, release(&fields[field])?);
            let found = state::verify_snapshot(snapshot.as_ref(), release.as_ref()).map_err(|error| error.to_string());
            row.expect_error("wantErr", &found).unwrap_or(Verdict::Pass)
        }
        "TestDigest" => {
            let algorithm: Algorithm = row.text("algo").parse()?;
            let name = fields["rel"]["Name"].as_str().unwrap_or_default().to_owned();
            let observation = Observation { name, ..Observation::default() };
            Verdict::same_text(row.text("exp"), &observation.digest(algorithm))
        }
        "TestShortName" => Verdict::same_text(row.text("expected"), &shorten_name(row.text("name"))),
        "TestObservation_Targets" => {
            let observation = &fields["obs"];
            let text = |field: &str| observation[field].as_str().unwrap_or_default().to_owned();
            let observation = Observation {
                name: text("Name"),
                namespace: text("Namespace"),
                version: observation["Version"].as_i64().unwrap_or(0),
                ..Observation::default()
            };
            let version = fields["targetVersion"].as_i64().unwrap_or(0);
            let found = observation.targets(row.text("targetName"), row.text("targetNamespace"), version);
            Verdict::same(&row.flag("want"), &found)
        }
        "TestObserveRelease" => {
            let release = release(&fields["release"])?.context("a release")?;
            let wanted =
                Observation { name: fields["want"]["Name"].as_str().unwrap_or_default().into(), ..Default::default() };
            Verdict::same(&wanted, &Observation::of(&release))
        }
        "TestTestHooksFromRelease" => tests(row),
        other => Verdict::Fail(format!("no runner for {other}")),
    })
}

/// The release of upstream's test has three test hooks; the rows without run-time values name none of them.
fn tests(row: &Row) -> Verdict {
    let filters: Vec<TestFilter> = list(&row.fields["filters"])
        .iter()
        .map(|filter| TestFilter {
            name: filter["Name"].as_str().unwrap_or_default().to_owned(),
            exclude: filter["Exclude"].as_bool().unwrap_or(false),
        })
        .collect();
    let hooks = ["never-run-test", "passing-test", "failing-test"]
        .map(|name| hook(&json!({"Name": name, "Events": ["test"]})))
        .to_vec();
    let release = Release { hooks, ..Release::default() };
    let found: Vec<String> = release.test_hooks(&filters).into_keys().collect();
    let wanted: Vec<String> =
        row.fields["want"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    Verdict::same(&wanted, &found)
}

/// What is observed of hooks: those that are no tests. A wanted one is named by its place in the row.
pub fn without_tests(row: &Row) -> Verdict {
    let hooks: Vec<_> = row.list("hooks").iter().map(hook).collect();
    let wanted = row.list("want").iter();
    let wanted: Option<Vec<_>> =
        wanted.map(|one| hooks.get(usize::try_from(one["key"].as_u64()?).ok()?).cloned()).collect();
    let Some(wanted) = wanted else { return Verdict::Skip("run-time value in `want`".to_owned()) };
    let observation = Observation::of(&Release { hooks, ..Release::default() });
    Verdict::same(&wanted, &observation.hooks.unwrap_or_default())
}
