//! The source of a HelmChart, of whatever kind.

use flux_api::{Artifact, Bucket, GitRepository, HelmChart, HelmRepository, SourceObject};
use kube::{Api, Client};

use crate::reason::{FETCH_FAILED, Failure, Reason};

/// A source and its artifact.
#[derive(Clone, Debug)]
pub enum Source {
    Repository(Box<HelmRepository>),
    /// The kind, and what it unpacks to.
    Archive {
        kind: &'static str,
        artifact: Option<Artifact>,
    },
}

impl Source {
    pub fn artifact(&self) -> Option<&Artifact> {
        match self {
            Self::Repository(repo) => SourceObject::artifact(repo.as_ref()),
            Self::Archive { artifact, .. } => artifact.as_ref(),
        }
    }

    /// A registry has no artifact.
    pub fn needs_artifact(&self) -> bool {
        !matches!(self, Self::Repository(repo) if super::repository_controller::is_oci_type(repo))
    }
}

/// The source that a chart names, in its own namespace.
pub async fn get(client: &Client, obj: &HelmChart, namespace: &str) -> Result<Source, Failure> {
    let reference = &obj.spec.source_ref;
    let name = &reference.name;
    match reference.kind.as_str() {
        HelmRepository::KIND => Ok(Source::Repository(Box::new(read(client, namespace, name).await?))),
        GitRepository::KIND => archive::<GitRepository>(client, namespace, name, GitRepository::KIND).await,
        Bucket::KIND => archive::<Bucket>(client, namespace, name, Bucket::KIND).await,
        other => {
            let message = format!(
                "failed to get source: unsupported source kind '{other}', must be one of: [HelmRepository GitRepository Bucket]"
            );
            Err(Failure::stalled(FETCH_FAILED, Reason::UnsupportedSourceKind, message))
        }
    }
}

async fn archive<K: SourceObject>(
    client: &Client,
    namespace: &str,
    name: &str,
    kind: &'static str,
) -> Result<Source, Failure> {
    let object: K = read(client, namespace, name).await?;
    Ok(Source::Archive { kind, artifact: object.artifact().cloned() })
}

async fn read<K: SourceObject>(client: &Client, namespace: &str, name: &str) -> Result<K, Failure> {
    let unavailable =
        |why: String| Failure::retry(FETCH_FAILED, Reason::SourceUnavailable, format!("failed to get source: {why}"));
    match Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(unavailable(format!("{}.{} \"{name}\" not found", K::plural(&()), K::group(&())))),
        Err(kube::Error::Api(status)) => Err(unavailable(status.message)),
        Err(error) => Err(unavailable(error.to_string())),
    }
}
