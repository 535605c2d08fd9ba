//! Artifacts of other repositories that are part of this one's.

use std::path::Path;

use flux_api::source::GitInclude;
use flux_api::{Artifact, GitRepository, SourceObject as _};
use flux_artifact::Storage;
use kube::{Api, Client};

use crate::reason::{Failure, INCLUDE_UNAVAILABLE, Reason};

/// The included artifacts, in the order of the spec; all must be there.
pub async fn artifacts(client: &Client, obj: &GitRepository, namespace: &str) -> Result<Vec<Artifact>, Failure> {
    let mut found = Vec::with_capacity(obj.spec.include.len());
    let api = Api::<GitRepository>::namespaced(client.clone(), namespace);
    for include in &obj.spec.include {
        let name = &include.repository.name;
        let unavailable = |reason, message: String| Failure::waiting(INCLUDE_UNAVAILABLE, reason, message);
        let dependency = match api.get_opt(name).await {
            Ok(Some(dependency)) => dependency,
            Ok(None) => {
                let why = format!("gitrepositories.source.toolkit.fluxcd.io \"{name}\" not found");
                let message = format!("could not get resource for include '{name}': {why}");
                return Err(unavailable(Reason::NotFound, message));
            }
            Err(error) => {
                let message = format!("could not get resource for include '{name}': {error}");
                return Err(unavailable(Reason::NotFound, message));
            }
        };
        let artifact = dependency.artifact().cloned();
        found.push(
            artifact.ok_or_else(|| {
                unavailable(Reason::NoArtifact, format!("no artifact available for include '{name}'"))
            })?,
        );
    }
    Ok(found)
}

/// Whether two lists, in the order of the spec, are of different content.
pub fn differ(a: &[Artifact], b: &[Artifact]) -> bool {
    let identity = |artifact: &Artifact| (artifact.revision.clone(), artifact.digest.clone());
    a.len() != b.len() || a.iter().zip(b).any(|(a, b)| identity(a) != identity(b))
}

/// Where an include goes: its own path, or the name of its repository.
fn target(include: &GitInclude) -> &str {
    include.to_path.as_deref().unwrap_or(&include.repository.name)
}

/// Copies the included content into a checkout. Blocks.
pub fn copy(
    storage: &Storage,
    includes: &[GitInclude],
    artifacts: &[Artifact],
    checkout: &Path,
) -> Result<(), Failure> {
    for (include, artifact) in includes.iter().zip(artifacts) {
        let to = target(include);
        let from = include.from_path.as_deref().unwrap_or_default();
        // Nothing in the checkout is a link, so joining cannot leave it.
        let place = to
            .split('/')
            .filter(|part| !matches!(*part, "" | "." | ".."))
            .fold(checkout.to_owned(), |at, part| at.join(part));
        storage.copy_to_path(artifact, from, &place).map_err(|error| {
            let name = &include.repository.name;
            let message = format!("failed to copy '{name}' include from {from} to {to}: {error}");
            Failure::storage(Reason::CopyFailure, message)
        })?;
    }
    Ok(())
}
