//! Objects of a manifest, and what is done to them in the cluster.

use std::collections::BTreeMap;

use flux_apply::{
    Cleanup, FieldManager, Mapped, MapperError, ObjectId, Operation, Subject, Target, kube_text, metadata,
};
use flux_helm::manifest::{Splitting, split};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use serde_json::{Map, Value, json};

use crate::NAME;

/// Objects of one kind that are written at the same time.
const PARALLEL: usize = 8;
/// A write that lost a race is tried again so often.
const TRIES: usize = 5;

/// An object with the place where its kind is served.
#[derive(Clone, Debug)]
pub struct Resource {
    pub object: Value,
    pub mapped: Mapped,
}

/// Why objects cannot be made of a manifest, or written. Worded as Helm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    #[error("error parsing YAML: {message}")]
    Yaml { message: String },
    #[error(
        "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"\": {message}\nensure CRDs are installed first"
    )]
    NoMatch { name: String, namespace: String, message: String },
    #[error("{message}")]
    Discovery { message: String },
    #[error("could not get information about the resource {resource}: {message}")]
    Get { resource: String, message: String },
    #[error("{what} for object {object}: {message}")]
    Apply { what: &'static str, object: String, message: String },
    #[error("{message}")]
    Create { message: String },
    #[error("cannot patch \"{name}\" with kind {kind}: {message}")]
    Patch { name: String, kind: String, message: String },
    #[error("failed to replace object: {message}")]
    Replace { message: String },
    #[error("failed to delete resource namespace={namespace}, name={name}, kind={kind}: {message}")]
    Delete { namespace: String, name: String, kind: String, message: String },
    #[error("{resource} exists and cannot be imported into the current release: {reason}")]
    Foreign { resource: String, reason: String },
    /// Several, all told.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" && "))]
    Several(Vec<ObjectError>),
}

impl Resource {
    pub fn id(&self) -> ObjectId {
        ObjectId::of(&self.object)
    }

    pub fn namespace(&self) -> &str {
        metadata::namespace(&self.object)
    }

    pub fn name(&self) -> &str {
        metadata::name(&self.object)
    }

    /// What names the object: version, kind, namespace, name.
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.mapped.api_version, self.mapped.kind, self.namespace(), self.name())
    }

    /// As Helm speaks of it.
    pub fn describe(&self) -> String {
        format!("{} \"{}\" in namespace \"{}\"", self.mapped.kind, self.name(), self.namespace())
    }

    /// `namespace/name group/version, Kind=Kind`, as Helm prints it.
    fn print(&self) -> String {
        format!("{}/{} {}", self.namespace(), self.name(), self.gvk())
    }

    /// `group/version, Kind=Kind`; the core group is empty.
    pub fn gvk(&self) -> String {
        let (group, version) = metadata::group_version(&self.object);
        format!("{group}/{version}, Kind={}", self.mapped.kind)
    }

    /// For a wait.
    pub fn subject(&self, state: Option<Value>) -> Subject {
        Subject { id: self.id(), mapped: self.mapped.clone(), state }
    }
}

/// The documents of a manifest as objects, lists taken apart.
pub fn documents(manifest: &str) -> Result<Vec<Value>, ObjectError> {
    let mut objects = Vec::new();
    for document in split(manifest, Splitting::default()) {
        let value =
            flux_yaml::yaml_to_json(document).map_err(|error| ObjectError::Yaml { message: error.to_string() })?;
        match value {
            Value::Null => {}
            Value::Object(mut map)
                if metadata::kind(&Value::Object(map.clone())).ends_with("List")
                    && map.get("items").is_some_and(Value::is_array) =>
            {
                if let Some(Value::Array(items)) = map.remove("items") {
                    objects.extend(items);
                }
            }
            value => objects.push(value),
        }
    }
    Ok(objects)
}

/// The objects of a manifest, in the release's namespace where they name none.
pub async fn build(target: &Target, manifest: &str, namespace: &str) -> Result<Vec<Resource>, ObjectError> {
    let mut resources = Vec::new();
    for mut object in documents(manifest)? {
        let mapped = target.map(&object).await.map_err(|error| match error {
            MapperError::NoMatch { .. } => ObjectError::NoMatch {
                name: metadata::name(&object).to_owned(),
                namespace: metadata::namespace(&object).to_owned(),
                message: error.to_string(),
            },
            error => ObjectError::Discovery { message: error.to_string() },
        })?;
        place(&mut object, &mapped, namespace);
        resources.push(Resource { object, mapped });
    }
    Ok(resources)
}

/// Gives an object the namespace it lacks, or takes away the one it cannot have.
pub fn place(object: &mut Value, mapped: &Mapped, namespace: &str) {
    let has = !metadata::namespace(object).is_empty();
    let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    match (mapped.namespaced, has) {
        (true, false) => _ = meta.insert("namespace".into(), namespace.into()),
        (false, true) => _ = meta.remove("namespace"),
        _ => {}
    }
}

/// Marks an object as Helm's and as the release's.
pub fn mark(object: &mut Value, release: &str, namespace: &str) {
    let labels = BTreeMap::from([(MANAGED_BY.to_owned(), HELM.to_owned())]);
    let annotations = BTreeMap::from([
        (RELEASE_NAME.to_owned(), release.to_owned()),
        (RELEASE_NAMESPACE.to_owned(), namespace.to_owned()),
    ]);
    metadata::set_entries(object, "labels", &labels);
    metadata::set_entries(object, "annotations", &annotations);
}

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const HELM: &str = "Helm";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// True when an object stays although its release goes.
pub fn is_kept(object: &Value) -> bool {
    metadata::annotation(object, RESOURCE_POLICY).trim().eq_ignore_ascii_case("keep")
}

/// Says why an object in the cluster is not the release's.
pub fn ownership(object: &Value, release: &str, namespace: &str) -> Result<(), String> {
    let mut errors = Vec::new();
    let mut require = |what: &str, field: &str, key: &str, wanted: &str| match object
        .get("metadata")
        .and_then(|meta| meta.get(field)?.get(key)?.as_str())
    {
        None => errors.push(format!("{what} validation error: missing key \"{key}\": must be set to \"{wanted}\"")),
        Some(found) if found != wanted => errors.push(format!(
            "{what} validation error: key \"{key}\" must equal \"{wanted}\": current value is \"{found}\""
        )),
        Some(_) => {}
    };
    require("label", "labels", MANAGED_BY, HELM);
    require("annotation", "annotations", RELEASE_NAME, release);
    require("annotation", "annotations", RELEASE_NAMESPACE, namespace);
    if errors.is_empty() { Ok(()) } else { Err(format!("invalid ownership metadata; {}", errors.join("; "))) }
}

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    ServerSide {
        force: bool,
    },
    ClientSide,
    /// Client-side, existing objects replaced as a whole.
    Replace,
}

impl Method {
    /// What a release remembers of it.
    pub fn apply_method(self) -> &'static str {
        if matches!(self, Self::ServerSide { .. }) { "ssa" } else { "csa" }
    }
}

/// Reads an object.
pub async fn get(target: &Target, resource: &Resource) -> Result<Option<Value>, ObjectError> {
    target
        .get(&resource.mapped, resource.namespace(), resource.name())
        .await
        .map_err(|error| ObjectError::Get { resource: resource.describe(), message: kube_text(&error) })
}

/// Reads all objects; `None` for those that are not there.
pub async fn get_all(target: &Target, resources: &[Resource]) -> Result<Vec<Option<Value>>, ObjectError> {
    let reads: Vec<_> = resources.iter().map(|resource| get(target, resource)).collect();
    stream::iter(reads).buffered(PARALLEL).try_collect().await
}

/// Creates an object, or applies it where the server merges.
pub async fn create(target: &Target, resource: &Resource, method: Method) -> Result<Value, ObjectError> {
    match method {
        // A name that the server is to make up cannot be applied to.
        Method::ServerSide { force } if !resource.name().is_empty() => apply(target, resource, force).await,
        _ => {
            let uri = format!(
                "{}?fieldManager={NAME}&fieldValidation=Strict",
                resource.mapped.collection(resource.namespace())
            );
            send(target, Request::post(uri), "application/json", &resource.object)
                .await
                .map_err(|error| ObjectError::Create { message: kube_text(&error) })
        }
    }
}

async fn apply(target: &Target, resource: &Resource, force: bool) -> Result<Value, ObjectError> {
    let place = resource.mapped.object(resource.namespace(), resource.name());
    let uri = format!("{place}?fieldManager={NAME}&fieldValidation=Strict&force={force}");
    send(target, Request::patch(uri), "application/apply-patch+yaml", &resource.object).await.map_err(|error| {
        let conflict = matches!(&error, kube::Error::Api(status) if status.is_conflict());
        let what = if conflict { "conflict occurred while applying object" } else { "server-side apply failed" };
        ObjectError::Apply { what, object: resource.print(), message: kube_text(&error) }
    })
}

async fn send(
    target: &Target,
    builder: http::request::Builder,
    kind: &'static str,
    body: &Value,
) -> kube::Result<Value> {
    let body = serde_json::to_vec(body).map_err(kube::Error::SerdeError)?;
    let request = builder.header(http::header::CONTENT_TYPE, kind).body(body).map_err(kube::Error::HttpError)?;
    target.client().request(request).await
}

/// Brings an existing object from `original`, its old manifest, to its new one.
pub async fn update(
    target: &Target,
    original: Option<&Value>,
    resource: &Resource,
    existing: &Value,
    method: Method,
    take_over: bool,
) -> Result<Value, ObjectError> {
    match method {
        Method::ServerSide { force } => {
            if take_over {
                take_over_fields(target, resource, existing).await?;
            }
            apply(target, resource, force).await
        }
        Method::Replace => {
            let mut object = resource.object.clone();
            object["metadata"]["resourceVersion"] = metadata::resource_version(existing).into();
            let place = resource.mapped.object(resource.namespace(), resource.name());
            let uri = format!("{place}?fieldManager={NAME}&fieldValidation=Strict");
            send(target, Request::put(uri), "application/json", &object)
                .await
                .map_err(|error| ObjectError::Replace { message: kube_text(&error) })
        }
        Method::ClientSide => {
            let Some(patch) = three_way(original.unwrap_or(existing), &resource.object, existing) else {
                return Ok(existing.clone());
            };
            let place = resource.mapped.object(resource.namespace(), resource.name());
            let uri = format!("{place}?fieldManager={NAME}");
            send(target, Request::patch(uri), "application/merge-patch+json", &patch).await.map_err(|error| {
                ObjectError::Patch {
                    name: resource.name().to_owned(),
                    kind: resource.mapped.kind.clone(),
                    message: kube_text(&error),
                }
            })
        }
    }
}

/// Makes fields that we wrote by updates fields that we apply, so that the server can take them away again.
async fn take_over_fields(target: &Target, resource: &Resource, existing: &Value) -> Result<(), ObjectError> {
    let cleanup = Cleanup { managers: vec![FieldManager::new(NAME, Operation::Update)], ..Cleanup::default() };
    let patch = cleanup.patch(&resource.object, existing, NAME);
    if patch.is_empty() {
        return Ok(());
    }
    let answer = target.json_patch(&resource.mapped, existing, NAME, &Value::Array(patch)).await;
    answer.map(drop).map_err(|error| ObjectError::Apply {
        what: "failed to upgrade managed fields",
        object: resource.print(),
        message: kube_text(&error),
    })
}

/// The merge patch that makes `current` what `target` says, taking away what `original` said and `target` does not.
/// `None` when there is nothing to do. Lists count as a whole.
pub fn three_way(original: &Value, target: &Value, current: &Value) -> Option<Value> {
    let (Value::Object(target), Value::Object(current)) = (target, current) else {
        return (target != current).then(|| target.clone());
    };
    let mut patch = Map::new();
    for (key, wanted) in target {
        let before = original.get(key).unwrap_or(&Value::Null);
        match current.get(key) {
            None if wanted.is_null() => {}
            None => _ = patch.insert(key.clone(), wanted.clone()),
            Some(found) => {
                if let Some(changes) = three_way(before, wanted, found) {
                    patch.insert(key.clone(), changes);
                }
            }
        }
    }
    let gone = original.as_object().into_iter().flatten().map(|(key, _)| key);
    for key in gone.filter(|key| !target.contains_key(*key) && current.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Deletes an object; one that is not there counts as deleted.
pub async fn delete(target: &Target, resource: &Resource, propagation: &str) -> Result<(), ObjectError> {
    let body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation});
    let place = resource.mapped.object(resource.namespace(), resource.name());
    for attempt in 1.. {
        match send(target, Request::delete(&place), "application/json", &body).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_conflict() && attempt < TRIES => {}
            Err(error) => {
                return Err(ObjectError::Delete {
                    namespace: resource.namespace().to_owned(),
                    name: resource.name().to_owned(),
                    kind: resource.mapped.kind.clone(),
                    message: kube_text(&error),
                });
            }
        }
    }
    unreachable!("the loop returns")
}

/// Does something to all objects: kind after kind, the objects of one kind together. Ends at the first error.
pub async fn by_kind<T, F>(resources: &[Resource], work: impl Fn(usize, Resource) -> F) -> Result<Vec<T>, ObjectError>
where
    F: Future<Output = Result<T, ObjectError>>,
{
    let mut done = Vec::with_capacity(resources.len());
    let mut at = 0;
    for group in resources.chunk_by(|a, b| a.mapped.kind == b.mapped.kind) {
        let jobs = group.iter().enumerate().map(|(offset, resource)| work(at + offset, resource.clone()));
        let jobs: Vec<_> = jobs.collect();
        done.extend(stream::iter(jobs).buffered(PARALLEL).try_collect::<Vec<T>>().await?);
        at += group.len();
    }
    Ok(done)
}
