//! Ownership of `spec.replicas` through the scale subresource.

use serde_json::Value;

use super::entry::{DecodeError, Managed};
use crate::fieldpath::{Path, Set};
use crate::updater::Owned;

const SCALE: &str = "autoscaling/v1";

/// Where each version of the parent keeps its replicas; `None` for a version without scale.
pub type ReplicasPaths<'a> = &'a dyn Fn(&str) -> Option<Path>;

fn replicas() -> Path {
    Path::fields(&["spec", "replicas"])
}

/// The entries of the scale that a parent's entries stand for.
pub fn scale_to_subresource(parent: Option<&Value>, paths: ReplicasPaths<'_>) -> Result<Option<Value>, DecodeError> {
    let parent = Managed::decode(parent)?;
    let mut scale = Managed::default();
    for (id, owned) in &parent.fields {
        if paths(&owned.api_version).is_some_and(|path| owned.set.has(&path.0)) {
            let mut set = Set::new();
            set.insert(&replicas().0);
            scale.fields.insert(id.clone(), Owned { set, api_version: SCALE.into(), applied: owned.applied });
            scale.times.extend(parent.times.get(id).map(|time| (id.clone(), time.clone())));
        }
    }
    Ok(scale.encode())
}

/// The parent's entries after a write through the scale: whoever owns the scale's replicas owns the parent's.
/// `api_version` is the parent's version of the request.
pub fn scale_to_parent(
    parent: Option<&Value>,
    scale: Option<&Value>,
    api_version: &str,
    paths: ReplicasPaths<'_>,
) -> Result<Option<Value>, DecodeError> {
    let parent = Managed::decode(parent)?;
    let mut scale = Managed::decode(scale)?;
    let mut out = Managed::default();
    for (id, owned) in &parent.fields {
        let Some(path) = paths(&owned.api_version) else { continue };
        let mut owned = owned.clone();
        if owned.set.has(&path.0) && scale.fields.remove(id).is_none() {
            let mut stolen = Set::new();
            stolen.insert(&path.0);
            owned.set = owned.set.difference(&stolen);
            if owned.set.is_empty() {
                continue;
            }
        }
        out.times.extend(parent.times.get(id).map(|time| (id.clone(), time.clone())));
        out.fields.insert(id.clone(), owned);
    }
    let Some(path) = paths(api_version) else { return Ok(out.encode()) };
    for (id, owned) in scale.fields.into_iter().filter(|(_, owned)| owned.set.has(&replicas().0)) {
        let mut set = Set::new();
        set.insert(&path.0);
        // As upstream: an entry that came through the scale has no time.
        out.times.extend(parent.times.get(&id).map(|time| (id.clone(), time.clone())));
        out.fields.insert(id, Owned { set, api_version: api_version.to_owned(), applied: owned.applied });
    }
    Ok(out.encode())
}
