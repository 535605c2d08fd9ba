//! Rows about drift: what is said of it, and of its correction.

use anyhow::Result;
use flux_apply::diff::{Change, DiffType, Operation};
use flux_apply::{Action, ChangeSet, Entry, ObjectId};
use flux_helm::Release;
use flux_helm_controller::actions::drift::{self, Corrected, Difference, brief, summary};
use flux_helm_controller::report;
use serde_json::{Value, json};

use super::super::helm_cluster::Cluster;
use super::super::table::{call, list};
use super::go::release_object;
use super::{Row, Verdict};

pub fn judge(row: &Row) -> Result<Verdict> {
    Ok(match row.test.as_str() {
        "TestSummarizeDiffSet" => {
            Verdict::same_text(row.text("want"), &summary(&fixture(false), types(row).as_deref()))
        }
        "TestSummarizeDiffSetBrief" => {
            Verdict::same_text(row.text("want"), &brief(&fixture(true), types(row).as_deref()))
        }
        "TestResourceName" => Verdict::same_text(row.text("want"), &drift::name(&row.fields["resource"]["Object"])),
        "TestDiff" => empty_manifest(row)?,
        other => Verdict::Fail(format!("no runner for {other}")),
    })
}

fn types(row: &Row) -> Option<Vec<DiffType>> {
    let names = row.fields["include"].as_array()?;
    let kind = |name: &Value| match name.as_str().unwrap_or_default() {
        "create" => DiffType::Create,
        "update" => DiffType::Update,
        "exclude" => DiffType::Exclude,
        _ => DiffType::None,
    };
    Some(names.iter().map(kind).collect())
}

/// The differences of upstream's tests: one of each type, and one more without change for the brief form.
fn fixture(twice: bool) -> Vec<Difference> {
    let difference = |kind, of: &str, namespace: &str, name: &str| Difference {
        kind,
        desired: json!({"kind": of, "metadata": {"name": name, "namespace": namespace}}),
        mapped: None,
        patch: Vec::new(),
    };
    let change = |operation| Change { operation, path: String::new(), old: None, value: None };
    let mut touched = difference(DiffType::Update, "Deployment", "tenant-y", "touched-me");
    let (add, replace, remove) = (Operation::Add, Operation::Replace, Operation::Remove);
    touched.patch = [add, replace, replace, replace, remove, remove].map(change).to_vec();
    let mut all = vec![
        difference(DiffType::None, "ConfigMap", "namespace-1", "config"),
        difference(DiffType::Create, "Secret", "namespace-x", "naughty"),
        difference(DiffType::Exclude, "StatefulSet", "default", "hello-world"),
        touched,
    ];
    if twice {
        all.push(difference(DiffType::None, "ConfigMap", "namespace-2", "config"));
    }
    all
}

/// Compares a release with the cluster.
fn empty_manifest(row: &Row) -> Result<Verdict> {
    let cluster = Cluster::shared()?;
    let target = flux_apply::Target::new(cluster.client(), flux_apply::Mapper::default());
    let release = Release { manifest: row.text("manifest").to_owned(), ..Release::default() };
    let found = cluster.wait(drift::find(&target, &release, &[], &[]))?;
    Ok(Verdict::same(&(0, 0), &(found.differences.len(), found.errors.len())))
}

/// The events of a correction.
pub fn reported(row: &Row) -> Verdict {
    let obj = release_object(
        &json!({"Status": {"History": [{"Version": 3, "Name": "mock-release", "Namespace": "mock-ns"}]}}),
    );
    let Ok(obj) = obj else { return Verdict::Fail("the object does not read".into()) };
    let entries = list(&row.fields["changeSet"]["Entries"]).iter().map(entry).collect();
    let corrected = Corrected { changes: ChangeSet { entries }, errors: errors(&row.fields["err"]) };
    let mut events = report::Events::new();
    report::corrected(&obj, &mut events, &corrected);
    let kind = |severity| if severity == flux_runtime::Severity::Error { "Warning" } else { "Normal" };
    let found: Vec<_> = events
        .iter()
        .map(|told| (kind(told.severity).to_owned(), told.reason.as_str().to_owned(), told.message.clone()))
        .collect();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let wanted = row.list("wantEvent").iter();
    let wanted: Vec<_> =
        wanted.map(|event| (text(event, "Type"), text(event, "Reason"), text(event, "Message"))).collect();
    Verdict::same(&wanted, &found)
}

fn entry(value: &Value) -> Entry {
    let mut parts = value["Subject"].as_str().unwrap_or_default().split('/').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let (kind, namespace, name) = (next(), next(), next());
    let action = match value["Action"].as_str() {
        Some("created") => Action::Created,
        Some("configured") => Action::Configured,
        Some("deleted") => Action::Deleted,
        Some("unchanged") => Action::Unchanged,
        _ => Action::Unknown,
    };
    Entry { id: ObjectId { group: String::new(), kind, namespace, name }, version: String::new(), action }
}

/// One error, or several put together.
fn errors(value: &Value) -> Vec<String> {
    match call(value) {
        Some((_, arguments)) => arguments.iter().flat_map(|all| list(all)).flat_map(errors).collect(),
        None => value["$error"].as_str().map(str::to_owned).into_iter().collect(),
    }
}
