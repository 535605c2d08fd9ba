//! Suite `cases/helm-release`: what the helm controller decides and tells, by rows of upstream's tests.

mod actions;
mod drift;
mod go;
mod releases;
mod snapshots;
mod sources;

use anyhow::Result;
use flux_helm::digest::Algorithm;
use flux_helm_controller::log::Line;
use flux_helm_controller::spec::{self, Wait};
use flux_helm_controller::{actions as production, words};
use serde_json::Value;

use super::table::{self, Row, call};
use super::{Case, Inputs, Verdict};

/// Calls in the rows that say what they make.
const CONSTRUCTORS: &[&str] = &[
    "WithoutStatus",
    "apierrutil.NewAggregate",
    "conditions.FalseCondition",
    "conditions.TrueCondition",
    "conditions.UnknownCondition",
    "metav1.NewTime",
    "release.ObserveRelease",
    "release.ObservedToSnapshot",
    "testutil.BuildChart",
    "testutil.BuildRelease",
    "testutil.ChartWithVersion",
    "testutil.ReleaseWithConfig",
    "testutil.ReleaseWithHookExecution",
    "testutil.ReleaseWithLabels",
    "time.Now",
];

/// Tests of the Go program's inside: the factory of Helm's actions, readers past and before a cache, and a comparison of
/// objects that only tests use.
const INTERNAL: &[&str] = &[
    "TestConfigFactory_Valid",
    "TestHelmReleaseReconciler_getSourceClient",
    "TestHelmReleaseReconciler_getSourceFromOCIRef_DirectSourceFetch",
    "TestNewConfigFactory",
    "TestSimpleYAMLReporter_Report",
    "TestSimpleYAMLReporter_String",
    "TestUnstructured",
    "TestWithStorage",
    "Test_waitForHistoryCacheSync",
];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, |row| judge(row).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}"))))
}

fn judge(row: &Row) -> Result<Verdict> {
    if INTERNAL.contains(&row.test.as_str()) {
        return Ok(Verdict::Skip("tests the Go program's inside".into()));
    }
    // These tests' run-time values are known from the rows themselves.
    match row.test.as_str() {
        "Test_logLine_String" => return Ok(log_line(row)),
        "TestAlgorithmForName" => return Ok(algorithm(row)),
        "Test_replaceCondition" => return Ok(snapshots::replaced_condition(row)),
        "TestCorrectClusterDrift_report" => return Ok(drift::reported(row)),
        "TestIgnoreHookTestEvents" => return Ok(releases::without_tests(row)),
        _ => {}
    }
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return Ok(skip);
    }
    match row.file.as_str() {
        "snapshot_types_test.go" => snapshots::judge(row),
        "release_test.go" => snapshots::recorded(row),
        "diff_test.go" | "summarize_test.go" => drift::judge(row),
        "atomic_release_test.go" | "install_test.go" | "upgrade_test.go" | "state_test.go" => actions::judge(row),
        "verify_test.go" | "reset_test.go" | "digest_test.go" | "name_test.go" | "observation_test.go" => {
            releases::judge(row)
        }
        "wait_test.go" => wait_strategy(row),
        "title_test.go" => Ok(titled(row)),
        _ => sources::judge(row),
    }
}

/// `stubNowTS()` and its like stand for one moment each.
fn moment(value: &Value) -> String {
    let name = call(value).map(|(name, _)| name).unwrap_or_default();
    match name {
        "" => String::new(),
        name if name.contains('2') => "2026-01-01T00:00:02.5Z".to_owned(),
        _ => "2026-01-01T00:00:01Z".to_owned(),
    }
}

fn log_line(row: &Row) -> Verdict {
    let line = &row.fields["line"];
    let line = Line {
        time: moment(&line["ts"]),
        last_time: moment(&line["lastTS"]),
        message: line["msg"].as_str().unwrap_or_default().to_owned(),
        repeats: line["count"].as_u64().unwrap_or(0),
    };
    let want = &row.fields["want"];
    let wanted = match want["$sprintf"].as_str() {
        Some(format) => table::list(&want["args"])
            .iter()
            .fold(format.to_owned(), |text, argument| text.replacen("%s", &moment(argument), 1)),
        None => row.text("want").to_owned(),
    };
    Verdict::same_text(&wanted, &line.to_string())
}

fn algorithm(row: &Row) -> Verdict {
    let found = row.text("name").parse::<Algorithm>().map_err(|error| error.to_string());
    if let Some(verdict) = row.expect_error("wantErr", &found) {
        return verdict;
    }
    // A constant of the digest package, in capitals.
    let constant = row.fields["want"]["$var"].as_str().and_then(|name| name.strip_prefix("digest."));
    let wanted = constant.map_or_else(|| row.text("want").to_owned(), str::to_lowercase);
    Verdict::same(&Ok(wanted), &found.map(|algorithm| algorithm.to_string()))
}

fn wait_strategy(row: &Row) -> Result<Verdict> {
    let named = match row.text("strategy") {
        "" => None,
        name => Some(serde_json::from_value(name.into())?),
    };
    let disabled = row.fields["actionSpec"]["disableWait"].as_bool().unwrap_or(false);
    let found = match spec::wait_strategy(named.as_ref(), disabled, row.flag("useHelm3Defaults")) {
        Wait::HookOnly => "hookOnly",
        Wait::Poller => "watcher",
        Wait::Legacy => "legacy",
    };
    Ok(Verdict::same_text(row.text("expectedWait"), found))
}

fn titled(row: &Row) -> Verdict {
    let found = match row.test.as_str() {
        test if test.starts_with("TestTitle") => words::title(row.text("s")),
        _ => words::normalize(row.text("s")),
    };
    Verdict::same_text(row.text("want"), &found)
}

/// The type of action that a row names.
fn action_type(name: &str) -> Option<production::Type> {
    Some(match name {
        "release" => production::Type::Release,
        "remediate" => production::Type::Remediate,
        "test" => production::Type::Test,
        "unlock" => production::Type::Unlock,
        "drift correction" => production::Type::DriftCorrection,
        _ => return None,
    })
}
