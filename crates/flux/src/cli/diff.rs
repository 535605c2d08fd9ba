//! `flux diff kustomization`: what applying local files would change in the cluster.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use flux_api::Kustomization;
use flux_apply::{CompiledRules, ObjectId, metadata};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use serde_json::{Value, json};

use super::build::{Builder, check_file, nested_unit, resource_path};
use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::{print, report, sops};

const OWNER: &str = "kustomize-controller";
const DEPTH_LIMIT: usize = 16;

/// Runs the command: exit 0 when nothing would change, 1 when something would, 2 when it cannot be told.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let name = parsed.name("kustomization name is required")?;
    let failed = |error: CliError| CliError::Failed { message: error.to_string(), code: 2 };
    let path = resource_path(parsed).map_err(|message| CliError::Failed { message, code: 2 })?;
    check_file(parsed)?;
    let client = global.client().await.map_err(failed)?;
    let builder = Builder::new(parsed, Some(client.clone()))?;
    let differ = Differ { client, builder, resources: tokio::sync::Mutex::default() };
    let work = async {
        let unit = differ.builder.unit(name, &global.namespace, true).await?;
        differ.compare(&unit, &path, 0).await
    };
    let outcome = global.within("the comparison", work).await.map_err(failed)?;
    print::data(&outcome.text);
    match outcome.errors.as_slice() {
        [] if outcome.changed => Err(CliError::Changed),
        [] => Ok(ExitCode::SUCCESS),
        [one] => Err(CliError::Failed { message: one.clone(), code: 2 }),
        many => Err(CliError::Failed { message: format!("[{}]", many.join(", ")), code: 2 }),
    }
}

#[derive(Default)]
struct Outcome {
    text: String,
    changed: bool,
    errors: Vec<String>,
}

type Resource = (ApiResource, Scope);

struct Differ {
    client: Client,
    builder: Builder,
    resources: tokio::sync::Mutex<BTreeMap<(String, String), Resource>>,
}

enum Change {
    Created,
    Drifted(Box<(Value, Value)>),
    Unchanged,
    Skipped,
}

impl Differ {
    async fn compare(&self, unit: &Kustomization, path: &Path, depth: usize) -> Result<Outcome, CliError> {
        if depth > DEPTH_LIMIT {
            return Err(CliError::state(format!("kustomizations are nested deeper than {DEPTH_LIMIT} levels")));
        }
        let mut objects = self.builder.objects(unit, path, false).await?;
        flux_apply::normalize_all(&mut objects);
        let rules = ignore_rules(unit)?;
        let mut outcome = Outcome::default();
        let mut kept = Vec::new();
        for object in &objects {
            let id = ObjectId::of(object);
            let change = match self.change(object, &rules).await {
                Ok(change) => change,
                Err(error) => {
                    outcome.errors.push(error.to_string());
                    continue;
                }
            };
            let created = matches!(change, Change::Created);
            tell(&mut outcome, &id, object, change);
            kept.push(id);
            if self.builder.is_recursive()
                && !created
                && let Some(inner) = nested_unit(object, unit)
            {
                self.descend(&mut outcome, &inner, depth).await?;
            }
        }
        if unit.spec.prune && outcome.errors.is_empty() {
            tell_stale(&mut outcome, unit, &kept)?;
        }
        Ok(outcome)
    }

    async fn descend(&self, outcome: &mut Outcome, inner: &Kustomization, depth: usize) -> Result<(), CliError> {
        let subject = format!(
            "Kustomization/{}/{}",
            inner.metadata.namespace.as_deref().unwrap_or_default(),
            inner.metadata.name.as_deref().unwrap_or_default()
        );
        if inner.spec.kube_config.is_some() {
            outcome
                .text
                .push_str(&format!("\u{26a0}\u{fe0f} {subject} skipped: diff not supported for remote clusters\n"));
            return Ok(());
        }
        let path = self.builder.source_path(inner)?;
        let name = inner.metadata.name.as_deref().unwrap_or_default();
        let namespace = inner.metadata.namespace.as_deref().unwrap_or_default();
        let live = self.builder.unit(name, namespace, false).await?;
        let nested = Box::pin(self.compare(&live, &path, depth + 1)).await?;
        outcome.errors.extend(nested.errors);
        if nested.changed {
            outcome.changed = true;
            outcome.text.push_str(&format!("\u{1f4c1} {subject} changed\n{}", nested.text));
        }
        Ok(())
    }

    /// What applying the object would do, by a dry run on the server.
    async fn change(&self, object: &Value, rules: &CompiledRules) -> Result<Change, CliError> {
        let api = self.api(object).await?;
        let name = metadata::name(object);
        let live = api.get_opt(name).await?;
        let ssa = control(object, live.as_ref(), flux_api::SSA_ANNOTATION);
        let reconcile = control(object, live.as_ref(), flux_api::RECONCILE_ANNOTATION);
        if reconcile == "disabled" || ssa == "ignore" || (ssa == "ifnotpresent" && live.is_some()) {
            return Ok(Change::Skipped);
        }
        let mut dry = object.clone();
        rules.strip(object, &mut dry);
        let params = PatchParams::apply(OWNER).force().dry_run();
        let merged = match api.patch(name, &params, &Patch::Apply(&dry)).await {
            Ok(merged) => serde_json::to_value(merged)?,
            Err(error) => return Err(dry_run_error(object, error)),
        };
        let Some(live) = live else { return Ok(Change::Created) };
        let live = serde_json::to_value(live)?;
        if !flux_apply::has_drifted_ignoring(&live, &merged, rules) {
            return Ok(Change::Unchanged);
        }
        let (mut live, mut merged) = (comparable(live), comparable(merged));
        if object["kind"] == "Secret" {
            if has_mask(object) && same_keys(&live, &merged) {
                return Ok(Change::Unchanged);
            }
            hide(object, &mut live, &mut merged);
        }
        Ok(Change::Drifted(Box::new((live, merged))))
    }

    async fn api(&self, object: &Value) -> Result<Api<DynamicObject>, CliError> {
        let (group, version) = metadata::group_version(object);
        let kind = metadata::kind(object);
        let key = (object["apiVersion"].as_str().unwrap_or_default().to_owned(), kind.to_owned());
        let mut known = self.resources.lock().await;
        let found = match known.get(&key) {
            Some(found) => found.clone(),
            None => {
                let gvk = GroupVersionKind::gvk(group, version, kind);
                let (resource, capabilities) = pinned_kind(&self.client, &gvk).await.map_err(|_| {
                    let subject = ObjectId::of(object).subject();
                    CliError::state(format!(
                        "{subject} dry-run failed: no matches for kind \"{kind}\" in version \"{}\"",
                        key.0
                    ))
                })?;
                known.insert(key, (resource.clone(), capabilities.scope.clone()));
                (resource, capabilities.scope)
            }
        };
        Ok(match (found, metadata::namespace(object)) {
            ((resource, Scope::Cluster), _) => Api::all_with(self.client.clone(), &resource),
            ((resource, Scope::Namespaced), namespace) => {
                Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
        })
    }
}

/// A control's value in lower case: from the object's annotations or labels, or from the live object's.
fn control(object: &Value, live: Option<&DynamicObject>, key: &str) -> String {
    let own = [metadata::annotation(object, key), metadata::label(object, key)];
    if let Some(value) = own.into_iter().find(|value| !value.is_empty()) {
        return value.to_lowercase();
    }
    let live = live.and_then(|live| live.metadata.annotations.as_ref()).and_then(|known| known.get(key));
    live.map(|value| value.to_lowercase()).unwrap_or_default()
}

fn ignore_rules(unit: &Kustomization) -> Result<CompiledRules, CliError> {
    let rules = flux_apply::spec::ignore_rules(&unit.spec.ignore).map_err(|bad| CliError::state(bad.message))?;
    CompiledRules::new(&rules).map_err(|error| CliError::state(error.to_string()))
}

/// Without what only the server knows.
fn comparable(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for name in [
            "managedFields",
            "creationTimestamp",
            "deletionTimestamp",
            "generation",
            "resourceVersion",
            "uid",
            "selfLink",
        ] {
            metadata.remove(name);
        }
    }
    object
}

fn has_mask(object: &Value) -> bool {
    use base64::Engine as _;
    let mask = base64::engine::general_purpose::STANDARD.encode(sops::MASK);
    object["data"].as_object().is_some_and(|data| data.values().any(|value| value == &json!(mask)))
}

fn same_keys(live: &Value, merged: &Value) -> bool {
    let keys = |object: &Value| object["data"].as_object().map(|data| data.keys().cloned().collect::<Vec<_>>());
    keys(live) == keys(merged)
}

/// No value of a Secret is shown: masked ones become stars, others say only that they differ.
fn hide(object: &Value, live: &mut Value, merged: &mut Value) {
    if has_mask(object) {
        for side in [live, merged] {
            for value in side["data"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
                *value = json!("*****");
            }
        }
        return;
    }
    let before = live["data"].clone();
    let after = merged["data"].clone();
    let shown = |own: &Value, other: &Value, word: &str| -> Value {
        let entries = own.as_object().into_iter().flatten();
        entries
            .map(|(name, value)| {
                let same = other.get(name) == Some(value);
                (
                    name.clone(),
                    json!(if same || other.get(name).is_none() { "***".to_owned() } else { format!("*** ({word})") }),
                )
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    if before.is_object() {
        live["data"] = shown(&before, &after, "before");
    }
    if after.is_object() {
        merged["data"] = shown(&after, &before, "after");
    }
}

fn dry_run_error(object: &Value, error: kube::Error) -> CliError {
    let subject = ObjectId::of(object).subject();
    match error {
        kube::Error::Api(status) if status.reason == "NotFound" => {
            CliError::state(format!("{subject} not found: {}", status.message))
        }
        kube::Error::Api(status) if !status.reason.is_empty() && status.reason != "Unknown" => {
            CliError::state(format!("{subject} dry-run failed ({}): {}", status.reason, status.message))
        }
        other => CliError::state(format!("{subject} dry-run failed: {}", CliError::from(other))),
    }
}

fn tell(outcome: &mut Outcome, id: &ObjectId, object: &Value, change: Change) {
    let subject = id.subject();
    match change {
        Change::Unchanged => {}
        Change::Skipped => outcome.text.push_str(&format!("\u{25ba} {subject} skipped\n")),
        Change::Created => {
            outcome.changed = true;
            outcome.text.push_str(&format!("\u{25ba} {subject} created\n"));
        }
        Change::Drifted(sides) => {
            let _ = object;
            outcome.changed = true;
            outcome.text.push_str(&format!("\u{25ba} {subject} drifted\n{}", report::text(&sides.0, &sides.1)));
        }
    }
}

/// Objects of the inventory that the build has no more.
fn tell_stale(outcome: &mut Outcome, unit: &Kustomization, kept: &[ObjectId]) -> Result<(), CliError> {
    let inventory = unit.status.as_ref().and_then(|status| status.inventory.as_ref());
    let kept: std::collections::HashSet<&ObjectId> = kept.iter().collect();
    let mut stale = Vec::new();
    for entry in inventory.into_iter().flat_map(|inventory| &inventory.entries) {
        let id: ObjectId = entry.id.parse().map_err(|error| CliError::state(format!("{error}")))?;
        if !kept.contains(&id) {
            stale.push(id);
        }
    }
    stale.sort();
    for id in stale {
        outcome.changed = true;
        outcome.text.push_str(&format!("\u{25ba} {} deleted\n", id.subject()));
    }
    Ok(())
}
