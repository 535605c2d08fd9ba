//! Suite `cases/ssa`: the apply engine's parts, by rows of upstream's tests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use base64::Engine as _;
use flux_apply::diff::{Change, CompareOptions, DiffType, Operation};
use flux_apply::{GroupKind, Selector, SelectorRegex, diff, mask, metadata};
use serde_json::{Value, json};

use super::table::{self, Row, call, go_to_json, without_zeros};
use super::{Case, Inputs, Verdict};

const CONSTRUCTORS: &[&str] = &[
    "base64.StdEncoding.EncodeToString",
    "int64Ptr",
    "jsondiff.Ignores",
    "jsondiff.Rationalize",
    "makeConfigMap",
    "makeDeployment",
    "makeJob",
];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, judge)
}

fn judge(row: &Row) -> Verdict {
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return skip;
    }
    let fields = &row.fields;
    match row.test.as_str() {
        "TestSanitizeUnstructuredData" => sanitize(row),
        "TestIsImmutableError" => {
            let text = fields["err"]["$error"].as_str().unwrap_or_default();
            Verdict::same(&row.flag("match"), &flux_apply::is_immutable_text(text))
        }
        "TestDiffSet_HasType" => {
            let has = row.list("ds").iter().any(|diff| diff["Type"] == fields["t"]);
            Verdict::same(&row.flag("want"), &has)
        }
        "TestDiffSet_HasChanges" => {
            let types: Vec<DiffType> = row.list("ds").iter().map(diff_type).collect();
            Verdict::same(&row.flag("want"), &diff::has_changes(&types))
        }
        "TestMaskSecretPatchData" => {
            let mut patch = changes(&fields["patch"]);
            mask::mask_secret(&mut patch);
            Verdict::same(&changes(&fields["want"]), &patch)
        }
        test if test.starts_with("TestSelectorRegex_") => selects(row, test),
        "Test_diffUnstructuredMetadata" => {
            let found = diff::compare_metadata_with(object(&fields["x"]), object(&fields["y"]), &options(row));
            Verdict::same(&changes(&fields["want"]), &found)
        }
        "Test_diffUnstructured" => {
            let found = diff::compare_content_with(object(&fields["x"]), object(&fields["y"]), &options(row));
            Verdict::same(&changes(&fields["want"]), &found)
        }
        "Test_copyAnnotationsAndLabels" => {
            Verdict::same(object(&fields["want"]), &diff::names_and_entries(object(&fields["u"])))
        }
        "TestFromUnstructured" => typed(row),
        "TestNormalizeUnstructured" => {
            let mut found = object(&fields["object"]).clone();
            flux_apply::normalize(&mut found);
            Verdict::same(&go_bytes(object(&fields["want"])), &found)
        }
        "TestNormalizeDryRunUnstructured" => {
            let mut found = object(&fields["object"]).clone();
            flux_apply::normalize_dry_run(&mut found);
            let (expected, found) = (without_zeros(object(&fields["want"])), without_zeros(&found));
            Verdict::same(&expected, &found)
        }
        "TestRemoveCABundleFromCRD" => ca_bundle(row),
        "TestIsJob" => {
            let object = json!({"apiVersion": fields["apiVersion"], "kind": fields["kind"]});
            Verdict::same(&row.flag("want"), &flux_apply::is_job(&object))
        }
        "TestExtractJobsWithTTL" => {
            let objects: Vec<Value> = row.list("objects").iter().map(made).collect();
            Verdict::same(&fields["want"].as_u64().unwrap_or(0), &(flux_apply::jobs_with_ttl(&objects).len() as u64))
        }
        "TestSetCommonMetadata" => common_metadata(row),
        "TestParseGroupKindSet" => {
            let expected: BTreeSet<GroupKind> =
                fields["expected"].as_object().into_iter().flatten().map(|(key, _)| group_kind(key)).collect();
            Verdict::same(&expected, &flux_apply::parse_group_kinds(row.text("input")))
        }
        "TestReadObjects_DropsInvalid" => {
            let found = flux_apply::read_objects(documents(row.text("resources"))).len() as u64;
            Verdict::same(&fields["expected"].as_u64().unwrap_or(0), &found)
        }
        other => Verdict::Fail(format!("no runner for {other}")),
    }
}

fn object(value: &Value) -> &Value {
    value.get("Object").unwrap_or(&Value::Null)
}

/// Texts that Go holds as bytes appear in the recorded objects as they are.
fn go_bytes(value: &Value) -> Value {
    value.clone()
}

fn sanitize(row: &Row) -> Verdict {
    let side =
        |from: &Value, which: &str| from.get(which).filter(|side| !side.is_null()).map(|side| object(side).clone());
    let input = &row.fields["input"];
    let (mut old, mut new) = (side(input, "old"), side(input, "new"));
    let outcome = flux_apply::sanitize_data(old.as_mut(), new.as_mut());
    if row.flag("wantErr") || outcome.is_err() {
        return Verdict::same(&row.flag("wantErr"), &outcome.is_err());
    }
    let want = &row.fields["want"];
    Verdict::same(&(side(want, "old"), side(want, "new")), &(old, new))
}

fn diff_type(diff: &Value) -> DiffType {
    let text = diff["Type"].as_str().unwrap_or_default();
    let all = [DiffType::Create, DiffType::Update, DiffType::Exclude];
    all.into_iter().find(|kind| kind.as_str() == text).unwrap_or(DiffType::None)
}

fn changes(value: &Value) -> Vec<Change> {
    let change = |value: &Value| Change {
        operation: match value["Type"].as_str() {
            Some("add") => Operation::Add,
            Some("remove") => Operation::Remove,
            _ => Operation::Replace,
        },
        path: value["Path"].as_str().unwrap_or_default().to_owned(),
        old: value.get("OldValue").cloned().filter(|value| !value.is_null()),
        value: value.get("Value").cloned().filter(|value| !value.is_null()),
    };
    table::list(value).iter().map(change).collect()
}

fn options(row: &Row) -> CompareOptions {
    let mut options = CompareOptions::default();
    for option in row.list("opts") {
        match call(option) {
            Some(("jsondiff.Ignores", arguments)) => {
                options.ignored.extend(arguments.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Some(("jsondiff.Rationalize", _)) => options.rationalize = true,
            _ => {}
        }
    }
    options
}

fn selects(row: &Row, test: &str) -> Verdict {
    let fields = &row.fields;
    if fields["selector"].is_null() {
        return Verdict::same(&row.flag("want"), &true);
    }
    let text = |name: &str| fields["selector"][name].as_str().unwrap_or_default().to_owned();
    let selector = Selector {
        group: text("Group"),
        version: text("Version"),
        kind: text("Kind"),
        name: text("Name"),
        namespace: text("Namespace"),
        annotation_selector: text("AnnotationSelector"),
        label_selector: text("LabelSelector"),
    };
    let selector = match SelectorRegex::new(&selector) {
        Ok(selector) => selector,
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let entries = |name: &str| -> BTreeMap<String, String> {
        let map = fields[name].as_object();
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    let found = match test {
        "TestSelectorRegex_MatchUnstructured" => selector.matches(object(&fields["u"])),
        "TestSelectorRegex_MatchGVK" => selector.matches_gvk(row.text("group"), row.text("version"), row.text("kind")),
        "TestSelectorRegex_MatchName" => selector.matches_name(row.text("n")),
        "TestSelectorRegex_MatchNamespace" => selector.matches_namespace(row.text("ns")),
        "TestSelectorRegex_MatchLabelSelector" => selector.matches_labels(&entries("labels")),
        "TestSelectorRegex_MatchAnnotationSelector" => selector.matches_annotations(&entries("annotations")),
        other => return Verdict::Fail(format!("no runner for {other}")),
    };
    Verdict::same(&row.flag("want"), &found)
}

fn typed(row: &Row) -> Verdict {
    let found = flux_apply::typed(object(&row.fields["object"]));
    match found {
        None => Verdict::same(&row.flag("wantErr"), &true),
        Some(_) if row.flag("wantErr") => Verdict::Fail("expected an error".into()),
        Some(found) => Verdict::same(&without_zeros(&go_to_json(&row.fields["want"])), &without_zeros(&found)),
    }
}

const BUNDLE: &str = "/spec/conversion/webhook/clientConfig/caBundle";

fn ca_bundle(row: &Row) -> Verdict {
    let evaluate = |value: &Value| match call(value) {
        Some((_, arguments)) => {
            let text = arguments.first().and_then(Value::as_str).unwrap_or_default();
            Value::String(base64::engine::general_purpose::STANDARD.encode(text))
        }
        None => value.clone(),
    };
    let mut found = object(&row.fields["object"]).clone();
    if let Some(slot) = found.pointer_mut(BUNDLE) {
        *slot = evaluate(slot);
    }
    let there = found.pointer(BUNDLE).is_some();
    flux_apply::remove_invalid_ca_bundle(&mut found);
    let left = found.pointer(BUNDLE);
    if row.flag("expectRemoved") {
        return Verdict::same(&false, &left.is_some());
    }
    match row.fields.get("expectedBundle").filter(|bundle| !bundle.is_null()) {
        Some(bundle) => Verdict::same(&Some(&evaluate(bundle)), &left),
        None => Verdict::same(&there, &left.is_some()),
    }
}

/// An object that a helper of the tests makes.
fn made(value: &Value) -> Value {
    let Some((name, arguments)) = call(value) else { return Value::Null };
    let text = |at: usize| arguments.get(at).and_then(Value::as_str).unwrap_or_default();
    let meta = json!({"name": text(0), "namespace": text(1)});
    match name {
        "makeJob" => {
            let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {}});
            if let Some((_, ttl)) = arguments.get(2).and_then(call) {
                job["spec"]["ttlSecondsAfterFinished"] = ttl[0].clone();
            }
            job
        }
        "makeDeployment" => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta}),
        _ => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}),
    }
}

fn documents(text: &str) -> Vec<Value> {
    let options = flux_yaml::ParseOptions { schema: flux_yaml::Schema::Yaml11, ..flux_yaml::ParseOptions::default() };
    let nodes = flux_yaml::parse(text, &options).unwrap_or_default();
    nodes.iter().filter_map(|node| flux_yaml::to_json(node, flux_yaml::Schema::Yaml11).ok()).collect()
}

fn common_metadata(row: &Row) -> Verdict {
    let entries = |name: &str| -> BTreeMap<String, String> {
        let map = row.fields[name].as_object();
        map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    let (labels, annotations) = (entries("labels"), entries("annotations"));
    let mut objects: Vec<Value> =
        documents(row.text("resources")).into_iter().filter(|document| !document.is_null()).collect();
    metadata::set_common(&mut objects, &labels, &annotations);
    for object in &objects {
        let holds = |field: &str, wanted: &BTreeMap<String, String>| {
            let found = metadata::entries(object, field);
            wanted.iter().all(|(key, value)| found.get(key) == Some(value))
        };
        if !holds("labels", &labels) || !holds("annotations", &annotations) {
            return Verdict::Fail(format!("metadata is missing in {object}"));
        }
    }
    Verdict::same(&false, &objects.is_empty())
}

/// Reads `map[$type:schema.GroupKind Group:apps Kind:Deployment]`.
fn group_kind(key: &str) -> GroupKind {
    let part = |name: &str| {
        let start = key.find(name).map_or(key.len(), |at| at + name.len());
        key[start..].split([' ', ']']).next().unwrap_or_default().to_owned()
    };
    GroupKind { group: part("Group:"), kind: part("Kind:") }
}
