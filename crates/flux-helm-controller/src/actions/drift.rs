//! Drift: what the cluster holds compared with what the release says, and the way back.

use std::collections::HashMap;

use flux_apply::diff::{self, Change, CompareOptions, DiffType, Operation as Step};
use flux_apply::{
    Action, ChangeSet, Cleanup, CompiledRules, Entry, FieldManager, IgnoreRule, Mapped, MapperError, Operation, Target,
    kube_text, metadata,
};
use flux_helm::Release;
use futures::{StreamExt as _, stream};
use http::Request;
use serde_json::Value;

use crate::NAME;
use crate::objects::{self, Method, ObjectError, Resource};

/// Metadata that keeps an object out of the comparison.
const EXCLUDED: [(&str, &str); 1] = [("helm.toolkit.fluxcd.io/driftDetection", "disabled")];
/// Dry runs at the same time.
const PARALLEL: usize = 4;

/// What has to be done to one object.
#[derive(Clone, Debug)]
pub struct Difference {
    pub kind: DiffType,
    pub desired: Value,
    pub mapped: Option<Mapped>,
    pub patch: Vec<Change>,
}

/// Why the cluster could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriftError {
    #[error("failed to read objects from release manifest: {0}")]
    Read(#[from] ObjectError),
    #[error("failed to clean-up disallowed field managers: {message}")]
    Managers { message: String },
    #[error("{}", .0.join("; "))]
    Objects(Vec<String>),
    #[error("failed to create ignore rule selector: {message}")]
    Ignore { message: String },
}

/// What was found: differences, and what could not be compared.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub differences: Vec<Difference>,
    pub errors: Vec<String>,
}

impl Found {
    pub fn has_changes(&self) -> bool {
        self.differences.iter().any(|one| matches!(one.kind, DiffType::Create | DiffType::Update))
    }
}

/// Compares a release with the cluster by dry runs.
pub async fn find(
    target: &Target,
    release: &Release,
    ignore: &[IgnoreRule],
    disallowed: &[String],
) -> Result<Found, DriftError> {
    let rules = CompiledRules::new(ignore).map_err(|error| DriftError::Ignore { message: error.to_string() })?;
    let mut found = Found::default();
    let mut resources = Vec::new();
    let mut unmapped: HashMap<String, ()> = HashMap::new();
    for mut object in objects::documents(&release.manifest)? {
        flux_apply::normalize(&mut object);
        objects::mark(&mut object, &release.name, &release.namespace);
        match target.map(&object).await {
            Ok(mapped) => {
                objects::place(&mut object, &mapped, &release.namespace);
                resources.push(Resource { object, mapped });
            }
            Err(error) => {
                let kind = metadata::kind(&object).to_owned();
                let text = match error {
                    MapperError::NoMatch { .. } => {
                        format!("failed to determine if {kind} is namespace scoped: {error}")
                    }
                    error => error.to_string(),
                };
                if unmapped.insert(text.clone(), ()).is_none() {
                    found.errors.push(text);
                }
            }
        }
    }
    if !disallowed.is_empty() {
        take_over(target, &resources, disallowed).await?;
    }
    let rules = &rules;
    let jobs: Vec<_> = resources.into_iter().map(|resource| compare(target, resource, rules)).collect();
    let answers: Vec<_> = stream::iter(jobs).buffered(PARALLEL).collect().await;
    for answer in answers {
        match answer {
            Ok(difference) => found.differences.push(difference),
            Err(error) => found.errors.push(error),
        }
    }
    Ok(found)
}

/// Makes the fields of managers that nobody may be ours.
async fn take_over(target: &Target, resources: &[Resource], disallowed: &[String]) -> Result<(), DriftError> {
    let managers = disallowed
        .iter()
        .flat_map(|name| [FieldManager::new(name, Operation::Apply), FieldManager::new(name, Operation::Update)]);
    let cleanup = Cleanup { managers: managers.collect(), ..Cleanup::default() };
    for resource in resources {
        let Some(existing) = objects::get(target, resource).await? else { continue };
        let patch = cleanup.patch(&resource.object, &existing, NAME);
        if patch.is_empty() {
            continue;
        }
        let answer = target.json_patch(&resource.mapped, &existing, NAME, &Value::Array(patch)).await;
        answer.map_err(|error| DriftError::Managers { message: kube_text(&error) })?;
    }
    Ok(())
}

async fn compare(target: &Target, resource: Resource, rules: &CompiledRules) -> Result<Difference, String> {
    let subject = name(&resource.object);
    let made = |kind, patch| Difference {
        kind,
        desired: resource.object.clone(),
        mapped: Some(resource.mapped.clone()),
        patch,
    };
    // The empty pointer means the whole object.
    let ignored = rules.paths(&resource.object).any(str::is_empty);
    if ignored || metadata::any_matches(&resource.object, &EXCLUDED) {
        return Ok(made(DiffType::Exclude, Vec::new()));
    }
    let Some(existing) = objects::get(target, &resource).await.map_err(|error| error.to_string())? else {
        return Ok(made(DiffType::Create, Vec::new()));
    };
    if metadata::any_matches(&existing, &EXCLUDED) {
        return Ok(made(DiffType::Exclude, Vec::new()));
    }
    let dry_run = target.apply(&resource.mapped, &resource.object, NAME, true).await;
    let mut dry_run = dry_run.map_err(|error| format!("{subject} dry-run failed: {}", kube_text(&error)))?;
    flux_apply::normalize_dry_run(&mut dry_run);
    let patch = changes(&existing, &dry_run, rules);
    let kind = if patch.is_empty() { DiffType::None } else { DiffType::Update };
    Ok(made(kind, patch))
}

/// The patch from what is there to what an apply would leave, without the ignored fields.
fn changes(existing: &Value, dry_run: &Value, rules: &CompiledRules) -> Vec<Change> {
    let options = CompareOptions { rationalize: true, ..CompareOptions::default() };
    let (mut left, mut right) = (existing.clone(), dry_run.clone());
    rules.strip(dry_run, &mut left);
    rules.strip(dry_run, &mut right);
    let mut changes = diff::compare_metadata_with(&left, &right, &options);
    changes.extend(diff::compare_content_with(&left, &right, &options));
    changes
}

/// `Kind/namespace/name`.
pub fn name(object: &Value) -> String {
    flux_apply::ObjectId::of(object).subject()
}

const SHOWN: [DiffType; 3] = [DiffType::Create, DiffType::Update, DiffType::Exclude];

/// What drifted, a line each.
pub fn summary(differences: &[Difference], include: Option<&[DiffType]>) -> String {
    let include = include.unwrap_or(&SHOWN);
    let lines = differences.iter().filter(|one| include.contains(&one.kind)).map(|one| {
        let name = name(&one.desired);
        let count = |wanted: Step| one.patch.iter().filter(|change| change.operation == wanted).count();
        match one.kind {
            DiffType::None => format!("{name} unchanged"),
            DiffType::Create => format!("{name} removed"),
            DiffType::Exclude => format!("{name} excluded"),
            DiffType::Update => format!(
                "{name} changed ({} additions, {} changes, {} removals)",
                count(Step::Add),
                count(Step::Replace),
                count(Step::Remove)
            ),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many of each drifted.
pub fn brief(differences: &[Difference], include: Option<&[DiffType]>) -> String {
    let include = include.unwrap_or(&SHOWN);
    let count = |wanted: DiffType| differences.iter().filter(|one| one.kind == wanted).count();
    let part = |kind: &DiffType| {
        let word = match kind {
            DiffType::Create => "removed",
            DiffType::Update => "changed",
            DiffType::Exclude => "excluded",
            DiffType::None => "unchanged",
        };
        format!("{word}: {}", count(*kind))
    };
    include.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What was corrected, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct Corrected {
    pub changes: ChangeSet,
    pub errors: Vec<String>,
}

/// Creates what is missing and patches what changed.
pub async fn correct(target: &Target, differences: &[Difference]) -> Corrected {
    let mut corrected = Corrected::default();
    let sorted = |wanted: DiffType| {
        let mut found: Vec<&Difference> = differences.iter().filter(|one| one.kind == wanted).collect();
        let mut order: Vec<Value> = found.iter().map(|one| one.desired.clone()).collect();
        flux_apply::sort(&mut order);
        let place = |one: &Difference| order.iter().position(|object| *object == one.desired).unwrap_or(usize::MAX);
        found.sort_by_key(|one| place(one));
        found
    };
    for one in sorted(DiffType::Create) {
        let Some(mapped) = one.mapped.clone() else { continue };
        let resource = Resource { object: one.desired.clone(), mapped };
        match objects::create(target, &resource, Method::ClientSide).await {
            Ok(made) => corrected.changes.entries.push(Entry::new(&made, Action::Created)),
            Err(error) => corrected.errors.push(format!("{} creation failure: {error}", name(&one.desired))),
        }
    }
    for one in sorted(DiffType::Update) {
        let Some(mapped) = one.mapped.clone() else { continue };
        let place = mapped.object(metadata::namespace(&one.desired), metadata::name(&one.desired));
        match patch(target, &place, &one.patch).await {
            Ok(()) => corrected.changes.entries.push(Entry::new(&one.desired, Action::Configured)),
            Err(error) => {
                let text = kube_text(&error);
                // The server quotes what it refuses: of a Secret only the reason may be told.
                let text = match (metadata::kind(&one.desired), text.rsplit_once(':')) {
                    ("Secret", Some((_, reason))) => reason.trim().to_owned(),
                    _ => text,
                };
                corrected.errors.push(format!("{} patch failure: {text}", name(&one.desired)));
            }
        }
    }
    corrected
}

async fn patch(target: &Target, place: &str, patch: &[Change]) -> kube::Result<()> {
    let body = serde_json::to_vec(patch).map_err(kube::Error::SerdeError)?;
    let request = Request::patch(format!("{place}?fieldManager={NAME}"))
        .header(http::header::CONTENT_TYPE, "application/json-patch+json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    target.client().request::<Value>(request).await.map(drop)
}
