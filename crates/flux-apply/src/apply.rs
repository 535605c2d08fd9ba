//! Staged server-side apply: dry run of a whole stage first, then writes of what drifted.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use flux_runtime::failpoints;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::core::Status;
use serde_json::Value;

use crate::changeset::{Action, ChangeSet, Entry};
use crate::cleanup::{Cleanup, migrate_patch};
use crate::drift::has_drifted_ignoring;
use crate::error::{ApplyError, is_immutable, kube_text};
use crate::health::{Health, Subject, WaitOptions};
use crate::id::ObjectId;
use crate::ignore::{CompiledRules, IgnoreRule, Resolution, apply_resolutions};
use crate::inventory::Inventory;
use crate::kinds::{GroupKind, is_class_definition, is_cluster_definition, is_crd};
use crate::mapper::Mapped;
use crate::metadata;
use crate::normalize::remove_invalid_ca_bundle;
use crate::order::sort;
use crate::target::Target;

/// How a set is applied.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Recreates objects whose immutable fields changed.
    pub force: bool,
    /// Metadata that makes one object be recreated.
    pub force_selector: Vec<(String, String)>,
    /// Metadata, wanted or in the cluster, that leaves an object alone.
    pub exclusions: Vec<(String, String)>,
    /// Metadata of a wanted object that leaves one in the cluster alone.
    pub if_not_present: Vec<(String, String)>,
    pub cleanup: Cleanup,
    pub ignore: Vec<IgnoreRule>,
    /// Kinds applied after definitions and classes, and before the rest.
    pub custom_stage: BTreeSet<GroupKind>,
    /// Rewrites the version of managed fields to the applied one.
    pub migrate_api_version: bool,
    /// How long definitions and classes may take to become usable.
    pub stage_timeout: Duration,
    /// Keeps the server's answers in [`Applied::subjects`], for a health check that follows.
    pub keep_states: bool,
}

/// What became of a set, with the objects as the server answered.
#[derive(Debug, Default)]
pub struct Applied {
    pub changes: ChangeSet,
    /// The objects that were not skipped, for a health check.
    pub subjects: Vec<Subject>,
    /// Set when a later stage failed: `changes` tells of what was done before.
    pub error: Option<ApplyError>,
}

/// Applies objects to a target under one field manager.
#[derive(Clone)]
pub struct Manager {
    pub target: Target,
    /// Field manager: `kustomize-controller`.
    pub field_manager: String,
    /// Dry runs at the same time.
    pub concurrency: usize,
    pub health: Health,
}

/// One object on its way.
struct Planned {
    object: Value,
    mapped: Mapped,
    action: Action,
    resolutions: Vec<Resolution>,
    entry: Entry,
}

/// The stages of a set: definitions, classes, custom kinds, the rest.
pub fn stages(objects: Vec<Value>, custom: &BTreeSet<GroupKind>) -> [Vec<Value>; 4] {
    let mut stages: [Vec<Value>; 4] = Default::default();
    for object in objects {
        let stage = if is_cluster_definition(&object) {
            0
        } else if is_class_definition(&object) {
            1
        } else if custom.contains(&GroupKind::of(&object)) {
            2
        } else {
            3
        };
        stages[stage].push(object);
    }
    for stage in &mut stages {
        sort(stage);
    }
    stages
}

fn pairs(selector: &[(String, String)]) -> Vec<(&str, &str)> {
    selector.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn subject(object: &Value) -> String {
    ObjectId::of(object).subject()
}

impl Manager {
    /// Applies a set stage by stage; definitions and classes are waited for.
    pub async fn apply_staged(&self, objects: Vec<Value>, options: &ApplyOptions) -> Applied {
        let mut applied = Applied::default();
        if let Err(error) = self.apply_stages(objects, options, &mut applied).await {
            applied.error = Some(error);
        }
        applied
    }

    /// The inventory that the set will have: the scope of a kind comes from the server, or from a definition in the set.
    pub async fn planned(&self, objects: &[Value]) -> Inventory {
        let mut scopes: HashMap<(String, String), bool> = HashMap::new();
        for definition in objects.iter().filter(|object| is_crd(object)) {
            let text =
                |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            scopes.insert((text("/spec/group"), text("/spec/names/kind")), text("/spec/scope") != "Cluster");
        }
        let mut planned = Vec::with_capacity(objects.len());
        for object in objects {
            let mut id = ObjectId::of(object);
            let key = (id.group.clone(), id.kind.clone());
            let namespaced = match scopes.get(&key) {
                Some(namespaced) => *namespaced,
                None => {
                    // A kind nobody knows keeps its namespace: the apply will say what is wrong.
                    let namespaced = self.target.map(object).await.map_or(true, |mapped| mapped.namespaced);
                    scopes.insert(key, namespaced);
                    namespaced
                }
            };
            if !namespaced {
                id.namespace.clear();
            }
            planned.push((id, metadata::group_version(object).1.to_owned()));
        }
        planned.into_iter().collect()
    }

    async fn apply_stages(
        &self,
        objects: Vec<Value>,
        options: &ApplyOptions,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        let rules = CompiledRules::new(&options.ignore)?;
        let mut number = 0;
        for (stage, objects) in stages(objects, &options.custom_stage).into_iter().enumerate() {
            if objects.is_empty() {
                continue;
            }
            let definitions: Vec<String> =
                objects.iter().filter(|object| is_crd(object)).flat_map(served_versions).collect();
            let done = self.apply_all(objects, options, &rules, &mut applied.changes, &mut number).await?;
            let states = options.keep_states;
            applied.subjects.extend(
                done.iter()
                    .map(|subject| Subject { state: subject.state.clone().filter(|_| states), ..subject.clone() }),
            );
            if stage < 2 {
                for version in definitions {
                    self.target.mapper().invalidate(&version);
                }
                self.wait_for_stage(done, options).await?;
            }
        }
        Ok(())
    }

    /// Dry-runs all objects, then writes those that drifted. The answer holds what the server answered.
    async fn apply_all(
        &self,
        objects: Vec<Value>,
        options: &ApplyOptions,
        rules: &CompiledRules,
        changes: &mut ChangeSet,
        number: &mut usize,
    ) -> Result<Vec<Subject>, ApplyError> {
        failpoints::pass("dry-run");
        let planned: Vec<(Planned, Option<Value>)> = stream::iter(objects)
            .map(|object| self.plan(object, options, rules))
            .buffered(self.concurrency.max(1))
            .try_collect()
            .await?;
        let mut subjects = Vec::with_capacity(planned.len());
        for (planned, known) in planned {
            let state = match planned.action {
                Action::Created | Action::Configured => {
                    *number += 1;
                    failpoints::pass_numbered("apply", *number);
                    Some(self.write(&planned).await?)
                }
                _ => known,
            };
            if planned.action != Action::Skipped {
                subjects.push(Subject { id: planned.entry.id.clone(), mapped: planned.mapped, state });
            }
            changes.entries.push(planned.entry);
        }
        Ok(subjects)
    }

    async fn plan(
        &self,
        mut object: Value,
        options: &ApplyOptions,
        rules: &CompiledRules,
    ) -> Result<(Planned, Option<Value>), ApplyError> {
        remove_invalid_ca_bundle(&mut object);
        let mapped = match self.target.map(&object).await {
            Ok(mapped) => mapped,
            Err(source) => return Err(ApplyError::Unmapped { subject: subject(&object), source }),
        };
        if !mapped.namespaced {
            // A namespace that a transformer gave to what has none.
            if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.remove("namespace");
            }
        }
        let mut existing = match self.target.get(&mapped, metadata::namespace(&object), metadata::name(&object)).await {
            Ok(existing) => existing,
            // Who may not read may still apply: the dry run tells.
            Err(kube::Error::Api(status)) if status.is_forbidden() => None,
            Err(error) => return Err(ApplyError::Query { subject: subject(&object), message: kube_text(&error) }),
        };
        if skips(&object, existing.as_ref(), options) {
            let entry = Entry::new(existing.as_ref().unwrap_or(&object), Action::Skipped);
            return Ok((Planned { object, mapped, action: Action::Skipped, resolutions: Vec::new(), entry }, existing));
        }
        let mut patched = false;
        if options.migrate_api_version
            && let Some(known) = &existing
            && let Some(patch) = migrate_patch(known, &mapped.api_version)
        {
            let answer = self.target.json_patch(&mapped, known, &self.field_manager, &patch).await;
            existing = Some(
                answer
                    .map_err(|error| ApplyError::Migrate { subject: subject(&object), message: kube_text(&error) })?,
            );
            patched = true;
        }
        let dry_run = self.dry_run(&object, &mapped, &mut existing, options).await?;
        if let Some(known) = &existing {
            let patch = options.cleanup.patch(&object, known, &self.field_manager);
            if !patch.is_empty() {
                let answer = self.target.json_patch(&mapped, known, &self.field_manager, &Value::Array(patch)).await;
                existing =
                    Some(answer.map_err(|error| ApplyError::Cleanup {
                        subject: subject(&object),
                        message: kube_text(&error),
                    })?);
                patched = true;
            }
        }
        let (action, resolutions) = match &existing {
            None if metadata::resource_version(&dry_run).is_empty() => (Action::Created, Vec::new()),
            None => (Action::Configured, Vec::new()),
            Some(known) if patched || has_drifted_ignoring(known, &dry_run, rules) => {
                (Action::Configured, rules.resolve(known, &dry_run, &self.field_manager))
            }
            Some(_) => (Action::Unchanged, Vec::new()),
        };
        let entry = Entry::new(&dry_run, action);
        Ok((Planned { object, mapped, action, resolutions, entry }, existing))
    }

    /// The object as an apply would leave it. Deletes the existing one when that is asked for and needed.
    async fn dry_run(
        &self,
        object: &Value,
        mapped: &Mapped,
        existing: &mut Option<Value>,
        options: &ApplyOptions,
    ) -> Result<Value, ApplyError> {
        let error = match self.target.apply(mapped, object, &self.field_manager, true).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let status = refused(object, mapped, error)?;
        let (Some(known), true) = (existing.as_ref(), is_immutable(&status)) else {
            return Err(dry_run_error(object, mapped, status));
        };
        if !forces(object, known, options) {
            return Err(dry_run_error(object, mapped, status));
        }
        self.delete_and_wait(mapped, known, options).await?;
        *existing = None;
        match self.target.apply(mapped, object, &self.field_manager, true).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(dry_run_error(object, mapped, refused(object, mapped, error)?)),
        }
    }

    async fn delete_and_wait(&self, mapped: &Mapped, known: &Value, options: &ApplyOptions) -> Result<(), ApplyError> {
        let subject = subject(known);
        let recreate = |message: String| ApplyError::Recreate { subject: subject.clone(), message };
        match self.target.delete(mapped, known, "Background").await {
            Ok(()) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
            Err(error) => return Err(recreate(kube_text(&error))),
        }
        let ids = [(ObjectId::of(known), mapped.clone())];
        self.health.gone(&self.target, &ids, options.stage_timeout).await.map_err(|error| recreate(error.to_string()))
    }

    async fn write(&self, planned: &Planned) -> Result<Value, ApplyError> {
        let mut object = planned.object.clone();
        if planned.action == Action::Configured {
            apply_resolutions(&mut object, planned.resolutions.clone());
        }
        let answer = self.target.apply(&planned.mapped, &object, &self.field_manager, false).await;
        answer.map_err(|error| ApplyError::Apply { subject: subject(&object), message: kube_text(&error) })
    }

    async fn wait_for_stage(&self, subjects: Vec<Subject>, options: &ApplyOptions) -> Result<(), ApplyError> {
        let wait = WaitOptions { timeout: options.stage_timeout, ..WaitOptions::default() };
        Ok(self.health.wait(&self.target, subjects, &wait).await?)
    }
}

/// The API versions that a definition serves.
fn served_versions(definition: &Value) -> Vec<String> {
    let group = definition.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let name = |version: &Value| Some(format!("{group}/{}", version.get("name")?.as_str()?));
    versions.into_iter().flatten().filter_map(name).collect()
}

fn skips(object: &Value, existing: Option<&Value>, options: &ApplyOptions) -> bool {
    let exclusions = pairs(&options.exclusions);
    metadata::any_matches(object, &exclusions)
        || existing.is_some_and(|existing| {
            metadata::any_matches(existing, &exclusions)
                || metadata::any_matches(object, &pairs(&options.if_not_present))
        })
}

fn forces(object: &Value, existing: &Value, options: &ApplyOptions) -> bool {
    let selector = pairs(&options.force_selector);
    options.force || metadata::any_matches(object, &selector) || metadata::any_matches(existing, &selector)
}

/// The server's refusal, or the error of an answer that is none.
fn refused(object: &Value, _mapped: &Mapped, error: kube::Error) -> Result<Box<Status>, ApplyError> {
    match error {
        kube::Error::Api(status) => Ok(status),
        error => Err(ApplyError::Server { subject: subject(object), message: error.to_string() }),
    }
}

fn dry_run_error(object: &Value, _mapped: &Mapped, status: Box<Status>) -> ApplyError {
    let namespaced = !metadata::namespace(object).is_empty();
    ApplyError::DryRun { subject: subject(object), namespaced, status }
}
