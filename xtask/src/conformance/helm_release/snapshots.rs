//! Rows about snapshots and conditions.

use anyhow::Result;
use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Release;
use flux_helm::digest::Algorithm;
use flux_helm::release::{Snapshot, Snapshots as _};
use flux_helm_controller::{history, summary};
use serde_json::json;

use super::go::{condition, release_object, shapes, snapshot, snapshots};
use super::{Row, Verdict};

pub fn judge(row: &Row) -> Result<Verdict> {
    let fields = &row.fields;
    let mut list = snapshots(&fields["in"])?;
    let ignore = row.flag("ignoreTests");
    let one = |found: Option<&Snapshot>| Ok(Verdict::same(&snapshot(&fields["want"])?.as_ref(), &found));
    match row.test.as_str() {
        "TestSnapshots_Sort" => list.sort_by_version(),
        "TestSnapshots_Latest" => return one(list.latest()),
        "TestSnapshots_Previous" => return one(list.previous(ignore)),
        "TestSnapshots_HasBeenTested" => {
            let tested = snapshot(&fields["in"])?.is_some_and(|snapshot| snapshot.has_been_tested());
            return Ok(Verdict::same(&row.flag("want"), &tested));
        }
        "TestSnapshot_GetAction" => {
            let action = snapshot(&fields["snapshot"])?.map(|snapshot| snapshot.action).unwrap_or_default();
            return Ok(Verdict::same_text(row.text("want"), &action));
        }
        "TestSnapshots_Truncate" => list.truncate_history(ignore),
        "TestSnapshots_TruncateIgnoringPreviousSnapshots" => list.truncate_to_limit(),
        other => return Ok(Verdict::Fail(format!("no runner for {other}"))),
    }
    Ok(Verdict::same(&snapshots(&fields["want"])?, &list))
}

/// What a release action leaves in the object.
pub fn recorded(row: &Row) -> Result<Verdict> {
    let fields = &row.fields;
    match row.test.as_str() {
        "Test_summarize" => {
            let object =
                |status: &str| release_object(&without_null(json!({"Spec": fields["spec"], "Status": fields[status]})));
            let mut found = object("status")?;
            // A row without a generation is compared without one upstream.
            found.metadata.generation = fields["generation"].as_i64().or(newest(&found));
            summary::summarize(&mut found);
            let wanted = object("expectedStatus")?;
            let sorted = |obj: &HelmRelease| {
                let mut shapes = shapes(obj.conditions());
                shapes.sort();
                shapes
            };
            Ok(Verdict::same(&sorted(&wanted), &sorted(&found)))
        }
        "Test_mutateAction" => {
            let release = Release { name: "mock-release".into(), version: 1, ..Release::default() };
            let mut list = Vec::new();
            history::record(&mut list, &[release], row.text("action"), "", Algorithm::default());
            Ok(Verdict::same(&vec![row.text("action")], &list.iter().map(|one| one.action.as_str()).collect()))
        }
        other => Ok(Verdict::Fail(format!("no runner for {other}"))),
    }
}

fn newest(obj: &HelmRelease) -> Option<i64> {
    obj.conditions().iter().filter_map(|condition| condition.observed_generation).max()
}

fn without_null(mut value: serde_json::Value) -> serde_json::Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    value
}

/// One condition in another's place, as upstream's test asks for it.
pub fn replaced_condition(row: &Row) -> Verdict {
    let mut obj = HelmRelease::default();
    obj.metadata.generation = Some(1);
    *obj.conditions_mut() = row.list("conditions").iter().filter_map(condition).collect();
    summary::replace(&mut obj, row.text("target"), row.text("replacement"), "UpgradeSucceeded", "foo", "True");
    let wanted: Vec<_> = row.list("wantConditions").iter().filter_map(condition).collect();
    Verdict::same(&shapes(&wanted), &shapes(obj.conditions()))
}
