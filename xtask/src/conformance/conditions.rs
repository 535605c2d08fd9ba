//! Suite `cases/conditions`: conditions and the rest of the runtime, by rows of upstream's tests.

mod values;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use flux_api::meta::{AccessFrom, Condition, NamespaceSelector};
use flux_runtime::conditions::check::{self, Polarity, Subject};
use flux_runtime::conditions::{self, ApplyOptions, Conditions, MergeOptions, Patch, StepCounter};
use flux_runtime::labels::Requirements;
use flux_runtime::{ObjectKey, Options, acl, dependency, events, flags, jitter, metrics, redact, requests};
use serde_json::Value;

use super::table::{self, Row, call};
use super::{Case, Inputs, Verdict};
use values::{condition, condition_list, duration, string_map};

const CONSTRUCTORS: &[&str] = &[
    "FalseCondition",
    "TrueCondition",
    "UnknownCondition",
    "WithConditions",
    "WithOwnedConditions",
    "WithForceOverwrite",
    "WithCounter",
    "WithCounterIfOnly",
    "WithSourceRef",
    "WithSourceRefIf",
    "WithStepCounter",
    "WithStepCounterIf",
    "WithStepCounterIfOnly",
    "WithLatestGeneration",
    "WithNegativePolarityConditions",
    "conditionList",
    "conditions.FalseCondition",
    "conditions.TrueCondition",
    "conditions.UnknownCondition",
    "getConfigMapWithAnnotations",
    "getNamespaceWithLabels",
    "getObject",
    "getReference",
    "getReferenceAcl",
    "getterWithConditions",
    "metav1.Now",
    "metav1.NewTime",
    "ready.DeepCopy",
    "setterWithConditions",
    "time.Now",
];

/// Tests of the Go programs' inside: generic caches, the result types of controller-runtime, names of temporary files.
const INTERNAL: &[&str] = &[
    "TestAddOptionWithStatusObservedGeneration",
    "TestAddPatchOptions",
    "TestAlwaysRequeueResultBuilder_IsSuccess",
    "TestCacheMetrics",
    "TestIsNonStalledSuccess",
    "TestLRU_GetIfOrSet",
    "TestLowestRequeuingResult",
    "TestTempPathForObj",
    "Test_Cache_deleteExpired",
    "Test_LRU",
];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, judge)
}

fn judge(row: &Row) -> Verdict {
    if INTERNAL.contains(&row.test.as_str()) {
        return Verdict::Skip("tests the Go program's inside".into());
    }
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return skip;
    }
    match row.file.as_str() {
        "getter_test.go" | "merge_test.go" => merged(row),
        "patch_test.go" => patched(row),
        "setter_test.go" => set(row),
        "matcher_test.go" => matched(row),
        "checker_test.go" | "conditions_test.go" | "fail_test.go" | "warn_test.go" => checked(row),
        "sanitized_test.go" => redacted(row),
        _ => rest(row),
    }
}

/// A condition as cases compare them: without its time.
type Shape = (String, String, String, String);

fn shape(condition: &Condition) -> Shape {
    (condition.type_.clone(), condition.status.clone(), condition.reason.clone(), condition.message.clone())
}

fn wanted(value: &Value) -> Option<Shape> {
    if call(value).is_some_and(|(name, _)| name == "ready.DeepCopy") {
        return None;
    }
    condition(value).map(|condition| shape(&condition))
}

fn merge_options(options: &[Value]) -> MergeOptions {
    let mut merge = MergeOptions::default();
    let mut only_for = None;
    for option in options {
        let Some((name, arguments)) = call(option) else { continue };
        let names = || table::texts(&Value::Array(arguments.to_vec()));
        match name {
            "WithConditions" => merge.types = Some(names()),
            "WithNegativePolarityConditions" => merge.negative = names(),
            "WithCounter" => merge.counter = true,
            "WithCounterIfOnly" => merge.counter_only_for = Some(names()),
            "WithStepCounter" => merge.steps = StepCounter::On,
            "WithStepCounterIf" => {
                merge.steps = if arguments[0].as_bool().unwrap_or(false) { StepCounter::On } else { StepCounter::Off };
            }
            "WithStepCounterIfOnly" => only_for = Some(names()),
            "WithSourceRef" => merge.source = true,
            "WithSourceRefIf" => merge.source_if = Some(names()),
            "WithLatestGeneration" => merge.latest_generation = true,
            _ => {}
        }
    }
    if let (StepCounter::On, Some(types)) = (&merge.steps, only_for) {
        merge.steps = StepCounter::OnlyFor(types);
    }
    merge
}

fn merged(row: &Row) -> Verdict {
    let fields = &row.fields;
    let mut options: Vec<Value> = row.list("options").to_vec();
    options.extend(row.list("opts").iter().cloned());
    let mut merge = merge_options(&options);
    let target = if row.text("t").is_empty() { "Ready" } else { row.text("t") };
    let found = match row.test.as_str() {
        "TestSummary" => conditions::summary(&condition_list(&fields["from"]), target, &merge),
        "TestAggregate" => {
            let lists: Vec<Vec<Condition>> = row.list("from").iter().map(condition_list).collect();
            // The objects of these tests have neither kind nor name.
            let objects: Vec<(&str, &str, &[Condition])> = lists.iter().map(|list| ("", "", list.as_slice())).collect();
            conditions::aggregate(&objects, target, &merge)
        }
        "TestMirror" => {
            let from = condition_list(&fields["from"]);
            let found = conditions::mirror(&from, target, None);
            if call(&fields["want"]).is_some() {
                let ready = conditions::get(&from, "Ready")
                    .map(|ready| shape(&Condition { type_: target.into(), ..ready.clone() }));
                return Verdict::same(&ready, &found.as_ref().map(shape));
            }
            found
        }
        "TestMergeRespectPriority" | "TestMergeRespectGeneration" => {
            merge.negative.extend(row.texts("negativeConditions"));
            let list: Vec<Condition> = row.list("conditions").iter().filter_map(condition).collect();
            let located: Vec<_> =
                list.iter().map(|condition| conditions::Located { condition, kind: "", name: "" }).collect();
            conditions::merge(&located, "foo", &merge)
        }
        other => return Verdict::Fail(format!("no runner for {other}")),
    };
    Verdict::same(&wanted(&fields["want"]), &found.as_ref().map(shape))
}

fn patched(row: &Row) -> Verdict {
    let fields = &row.fields;
    let patch = Patch::between(&condition_list(&fields["before"]), &condition_list(&fields["after"]));
    if row.test == "TestNewPatch" {
        let shown: Vec<(String, Option<Shape>, Option<Shape>)> = patch
            .0
            .iter()
            .map(values::change)
            .map(|(name, before, after)| (name, before.map(shape), after.map(shape)))
            .collect();
        let expected: Vec<(String, Option<Shape>, Option<Shape>)> = row
            .list("want")
            .iter()
            .map(|operation| {
                (
                    operation["Op"].as_str().unwrap_or_default().to_owned(),
                    wanted(&operation["Before"]),
                    wanted(&operation["After"]),
                )
            })
            .collect();
        return Verdict::same(&expected, &shown);
    }
    let mut options = ApplyOptions::default();
    for option in row.list("options") {
        match call(option) {
            Some(("WithOwnedConditions", arguments)) => options.owned = table::texts(&Value::Array(arguments.to_vec())),
            Some(("WithForceOverwrite", arguments)) => options.force = arguments[0].as_bool().unwrap_or(false),
            _ => {}
        }
    }
    let mut latest = condition_list(&fields["latest"]);
    let outcome = patch.apply(&mut latest, 0, &options);
    if row.flag("wantErr") {
        return Verdict::same(&true, &outcome.is_err());
    }
    match outcome {
        Err(error) => Verdict::Fail(error.to_string()),
        Ok(()) => {
            let expected: Vec<Shape> = condition_list(&fields["want"]).iter().map(shape).collect();
            Verdict::same(&expected, &latest.iter().map(shape).collect())
        }
    }
}

fn set(row: &Row) -> Verdict {
    match row.test.as_str() {
        "TestSet" => {
            let mut list = condition_list(&row.fields["to"]);
            if let Some(condition) = condition(&row.fields["condition"]) {
                Conditions::new(&mut list, 0).set(condition);
            }
            let expected: Vec<Shape> = condition_list(&row.fields["want"]).iter().map(shape).collect();
            Verdict::same(&expected, &list.iter().map(shape).collect())
        }
        "TestTrimConditionMessage" => {
            let limit = row.fields["maxLength"].as_u64().unwrap_or(0) as usize;
            Verdict::same(&row.text("expected"), &conditions::trim_message(row.text("message").into(), limit).as_str())
        }
        other => Verdict::Fail(format!("no runner for {other}")),
    }
}

/// Upstream's matchers compare state alone; the message may be longer than expected.
fn matches(expected: &Condition, actual: &Condition) -> bool {
    expected.type_ == actual.type_
        && expected.status == actual.status
        && expected.reason == actual.reason
        && actual.message.contains(&expected.message)
}

fn matched(row: &Row) -> Verdict {
    let fields = &row.fields;
    let found = if row.test == "TestMatchConditions" {
        let (expected, mut actual): (Vec<_>, Vec<_>) = (
            row.list("expected").iter().filter_map(condition).collect(),
            row.list("actual").iter().filter_map(condition).collect(),
        );
        let same_length = expected.len() == actual.len();
        let all = expected.iter().all(|expected| match actual.iter().position(|actual| matches(expected, actual)) {
            Some(at) => {
                actual.remove(at);
                true
            }
            None => false,
        });
        same_length && all
    } else {
        match (condition(&fields["expected"]), condition(&fields["actual"])) {
            (Some(expected), Some(actual)) => matches(&expected, &actual),
            _ => false,
        }
    };
    Verdict::same(&row.flag("expectMatch"), &found)
}

fn checked(row: &Row) -> Verdict {
    let fields = &row.fields;
    let generation = |name: &str| fields[name].as_i64().unwrap_or(0);
    let list: Vec<Condition> = row.list("conditions").iter().filter_map(condition).collect();
    let subject = Subject {
        generation: generation("objectGeneration"),
        observed_generation: generation("observedGeneration"),
        conditions: &list,
    };
    let complaint = match row.test.as_str() {
        "TestCheck" => return Verdict::Skip("tests the Go program's inside: the reader of its checker".into()),
        "TestHighestNegativePriorityCondition" => {
            let input: Vec<Condition> = row.list("input").iter().filter_map(condition).collect();
            let polarity = Polarity { negative: row.texts("negativePolarity") };
            return match check::worst_negative(&polarity, &input) {
                Err(_) => Verdict::same(&row.flag("wantErr"), &true),
                Ok(found) => Verdict::same(&row.text("wantType"), &found.map_or("", |found| found.type_.as_str())),
            };
        }
        "Test_check_FAIL0006" => check::observed_too_new(subject),
        "Test_check_FAIL0007" => check::ready_unobserved(subject),
        "Test_check_FAIL0008" => check::ready_with_old(subject),
        "Test_check_FAIL0009" => {
            check::ready_with_other(Subject { observed_generation: generation("rootObservedGeneration"), ..subject })
        }
        "Test_check_WARN0005" => check::unobserved(subject),
        other => return Verdict::Fail(format!("no runner for {other}")),
    };
    Verdict::same(&row.flag("wantErr"), &complaint.is_some())
}

fn redacted(row: &Row) -> Verdict {
    match row.test.as_str() {
        "Test_extractURLs" => {
            let found: Vec<String> = redact::urls(row.text("logMessage")).into_iter().map(str::to_owned).collect();
            Verdict::same(&row.texts("wantUrls"), &found)
        }
        "Test_removeQueryString" => Verdict::same(&row.text("wantUrl"), &redact::without_query(row.text("urlStr"))),
        "Test_SanitizeError" => {
            Verdict::same(&row.text("wantErrMessage"), &redact::without_queries(row.text("errMessage")).as_str())
        }
        other => Verdict::Fail(format!("no runner for {other}")),
    }
}

fn rest(row: &Row) -> Verdict {
    let fields = &row.fields;
    match row.test.as_str() {
        "TestAclAuthorization" => access(row),
        "TestMetrics_IsDelete" => {
            let deleting = !fields["deleteTimestamp"].is_null();
            Verdict::same(
                &row.flag("want"),
                &metrics::is_deleted(deleting, &row.texts("finalizers"), &row.texts("ownedFinalizers")),
            )
        }
        "Test_ConnectionOptions_BindFlags" => match options(&row.texts("args")) {
            Ok(options) => Verdict::same(&row.flag("expected"), &options.allow_http),
            Err(error) => Verdict::Fail(error),
        },
        "Test_RateLimiterOptions_BindFlags" => match options(&row.texts("commandLine")) {
            Ok(options) => {
                let expected = (duration(&fields["expectedMinRetryDelay"]), duration(&fields["expectedMaxRetryDelay"]));
                Verdict::same(&expected, &(options.min_retry_delay, options.max_retry_delay))
            }
            Err(error) => Verdict::Fail(error),
        },
        "Test_WatchOptions_BindFlags" => watched(row),
        "TestGetWatchConfigsPredicate" => configs(row),
        "TestSort" => sorted(row),
        "TestEventRecorder_AnnotatedEventf" => {
            let mut found =
                events::annotation_metadata(Some(&string_map(&fields["object"]["ObjectMeta"]["Annotations"])));
            found.extend(string_map(&fields["inputAnnotations"]));
            Verdict::same(&string_map(&fields["expectedMetadata"]), &found)
        }
        "TestSupportedFeatures" | "TestEnabled" => features(row),
        "TestJitteredRequeueInterval" => {
            let after = duration(&fields["res"]["RequeueAfter"]);
            let changed = (0..50).any(|_| jitter::spread(after, 10) != after);
            Verdict::same(&row.flag("expectModified"), &changed)
        }
        "TestPercent" => {
            let (share, interval) = (fields["p"].as_f64().unwrap_or(0.0), duration(&fields["duration"]));
            let percentage = (share * 100.0).clamp(0.0, 255.0) as u8;
            let bound = if share > 0.0 && share < 1.0 { interval.mul_f64(share) } else { Duration::ZERO };
            let within = (0..100).all(|_| jitter::spread(interval, percentage).abs_diff(interval) <= bound);
            Verdict::same(&true, &within)
        }
        "TestGenerateID" => {
            let additions = row.texts("additions");
            let additions: Vec<&str> = additions.iter().map(String::as_str).collect();
            Verdict::same(&row.text("want"), &flags::leader_election_id(row.text("base"), &additions).as_str())
        }
        "TestReconcileRequestedPredicateUpdate" => {
            let annotations = |value: &Value| call(value).map(|(_, arguments)| string_map(&arguments[0]));
            let (old, new) = (annotations(&fields["oldObject"]), annotations(&fields["newObject"]));
            let both = old.is_some() && new.is_some();
            Verdict::same(&row.flag("want"), &(both && requests::is_new(old.as_ref(), new.as_ref())))
        }
        "TestHandleAnnotationRequest" => {
            let mut handled = row.text("lastHandledRequest").to_owned();
            let found = requests::take(
                &string_map(&fields["annotations"]),
                "requestAnnotation",
                row.text("lastHandledReconcile"),
                &mut handled,
            );
            Verdict::same(&(row.flag("want"), row.text("expectLastHandledRequest")), &(found, handled.as_str()))
        }
        "TestMakeDependsOn" => {
            let found: Vec<_> =
                row.texts("deps").iter().map(|text| values::reference(&dependency::parse(text))).collect();
            let expected: Vec<_> =
                row.list("want").iter().map(values::go_reference).map(|found| values::reference(&found)).collect();
            Verdict::same(&expected, &found)
        }
        "TestDependencyReferenceString" => {
            Verdict::same(&row.text("want"), &dependency::text(&values::go_reference(&fields["ref"])).as_str())
        }
        "TestProgressiveStatus"
        | "TestBucketReconciler_reconcileStorage"
        | "TestHelmChartReconciler_reconcileStorage"
        | "TestHelmRepositoryReconciler_reconcileStorage"
        | "TestOCIRepository_reconcileStorage" => progress(row),
        test if test.ends_with("_notify") => {
            // Complete rows are those of a failed attempt: the failure's own event tells, no success event follows.
            let failed = fields["resErr"].is_object();
            Verdict::same(&failed, &row.text("wantEvent").is_empty())
        }
        other => Verdict::Fail(format!("no runner for {other}")),
    }
}

fn access(row: &Row) -> Verdict {
    let fields = &row.fields;
    let arguments = |name: &str| call(&fields[name]).map(|(_, arguments)| arguments.to_vec()).unwrap_or_default();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let namespace = arguments("namespace");
    let labels = namespace.get(1).map(string_map).unwrap_or_default();
    let from = text(arguments("object").get(1).or(arguments("object").first()));
    let to = text(arguments("reference").get(1));
    let allowed = if fields["referenceAcl"].is_null() {
        None
    } else {
        let selectors = arguments("referenceAcl")
            .first()
            .map(|labels| vec![NamespaceSelector { match_labels: string_map(labels) }]);
        Some(AccessFrom { namespace_selectors: selectors.unwrap_or_default() })
    };
    Verdict::same(&row.flag("wantErr"), &!acl::admits(&from, &labels, &to, allowed.as_ref()))
}

/// The options after a command line of `--name=value` words.
fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    for argument in arguments.iter().filter_map(|argument| argument.strip_prefix("--")) {
        let (flag, value) = argument.split_once('=').unwrap_or((argument, "true"));
        options.set(flag, value).map_err(|error| error.to_string())?;
    }
    Ok(options)
}

fn selector(text: &str, labels: &BTreeMap<String, String>) -> bool {
    Requirements::parse(text).is_ok_and(|requirements| requirements.match_all(labels))
}

fn watched(row: &Row) -> Verdict {
    let options = match options(&row.texts("commandLine")) {
        Ok(options) => options,
        Err(error) => return Verdict::Fail(error),
    };
    let selected = row
        .list("objects")
        .iter()
        .filter(|object| selector(&options.watch_label_selector, &string_map(&object["ObjectMeta"]["Labels"])));
    let found: Vec<String> =
        selected.map(|object| object["ObjectMeta"]["Name"].as_str().unwrap_or_default().to_owned()).collect();
    Verdict::same(&row.texts("expectedMatch"), &found)
}

fn configs(row: &Row) -> Verdict {
    let options = match options(&row.texts("arguments")) {
        Ok(options) => options,
        Err(error) => return Verdict::Fail(error),
    };
    let matches = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        selector(&options.watch_configs_label_selector, &labels)
    };
    let found = [
        matches(&[("app", "my-app")]),
        matches(&[("reconcile.fluxcd.io/watch", "Enabled")]),
        matches(&[]),
        matches(&[("owner", "helm")]),
    ];
    let expected =
        ["shouldMatchCustom", "shouldMatchDefault", "shouldMatchEmpty", "shouldMatchHelm"].map(|field| row.flag(field));
    Verdict::same(&expected, &found)
}

fn sorted(row: &Row) -> Verdict {
    let objects: Vec<(ObjectKey, Vec<ObjectKey>)> = row
        .list("objects")
        .iter()
        .map(|object| {
            let text = |field: &str| object[field].as_str().unwrap_or_default();
            let on = table::list(&object["dependsOn"]).iter().map(values::go_reference);
            let on = on
                .map(|found| ObjectKey::new(found.namespace.as_deref().unwrap_or(text("namespace")), &found.name))
                .collect();
            (ObjectKey::new(text("namespace"), text("name")), on)
        })
        .collect();
    let found = dependency::sort(&objects).map_err(|error| error.to_string());
    if let Some(verdict) = row.expect_error("err", &found) {
        return verdict;
    }
    let expected: Vec<String> =
        row.list("want").iter().map(values::go_reference).map(|found| dependency::text(&found)).collect();
    Verdict::same(&expected, &found.unwrap_or_default().iter().map(ToString::to_string).collect())
}

fn features(row: &Row) -> Verdict {
    let supported: BTreeMap<String, bool> = row.fields["supportedFeatures"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, state)| (name.clone(), state.as_bool().unwrap_or(false)))
        .collect();
    let outcome = options(&row.texts("commandLine"))
        .and_then(|options| options.check_gates(&supported).map_err(|error| error.to_string()));
    let gate = row.text("featureGate");
    let outcome = match outcome {
        Ok(_) if !gate.is_empty() && !row.flag("setSupportedFeatures") => Err("supported features not set".into()),
        Ok(gates) if !gate.is_empty() => {
            gates.get(gate).copied().ok_or_else(|| format!("feature-gate '{gate}' not supported"))
        }
        Ok(_) => Ok(true),
        Err(error) => Err(error),
    };
    let field = if row.fields.get("wantErr").is_some_and(Value::is_string) { "wantErr" } else { "err" };
    if row.flag("wantErr") {
        return Verdict::same(&true, &outcome.is_err());
    }
    if let Some(verdict) = row.expect_error(field, &outcome) {
        return verdict;
    }
    if gate.is_empty() { Verdict::Pass } else { Verdict::same(&Ok(row.flag("enabled")), &outcome) }
}

fn progress(row: &Row) -> Verdict {
    let expected: Vec<Condition> = row.list("assertConditions").iter().filter_map(condition).collect();
    let Some(first) = expected.first() else { return Verdict::Fail("nothing is expected".into()) };
    let (reason, message) = match row.text("reason") {
        "" => (first.reason.as_str(), first.message.as_str()),
        reason => (reason, row.text("msg")),
    };
    let mut list = Vec::new();
    conditions::progressing(&mut Conditions::new(&mut list, 1), row.flag("drift"), reason, message);
    let same = expected.len() == list.len()
        && expected.iter().all(|expected| list.iter().any(|found| matches(expected, found)));
    if same { Verdict::Pass } else { Verdict::Fail(format!("expected {expected:?}, got {list:?}")) }
}
