//! Step 3: the source of the chart, and its artifact.

use flux_api::meta::{Artifact, Condition};
use flux_api::{
    ExternalArtifact, HelmChart, HelmRelease, OCIRepository, READY_CONDITION, STALLED_CONDITION, SourceObject,
};
use flux_runtime::{Cache, Halt, ObjectKey, conditions};

use crate::options::Options;
use crate::reason::Reason;
use crate::spec;

/// Caches of the kinds that bring charts.
#[derive(Clone, Default)]
pub struct Sources {
    pub charts: Cache<HelmChart>,
    pub oci: Cache<OCIRepository>,
    pub external: Cache<ExternalArtifact>,
}

/// A source with a chart.
#[derive(Clone, Debug)]
pub struct Source {
    pub kind: &'static str,
    pub artifact: Artifact,
}

/// Why there is no chart to go on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("cross-namespace references are not allowed: cannot access {kind} {key}")]
    CrossNamespace { kind: String, key: ObjectKey },
    #[error("can't access '{kind}/{key}', ExternalArtifact feature gate is disabled")]
    Gate { kind: &'static str, key: ObjectKey },
    #[error("could not get Source object: {plural}.source.toolkit.fluxcd.io \"{name}\" not found")]
    NotFound { plural: &'static str, name: String },
    /// The source says why.
    #[error("{kind} '{key}' is not ready: {message}")]
    NotReady { kind: &'static str, key: ObjectKey, message: String },
}

impl From<ResolveError> for Halt {
    fn from(error: ResolveError) -> Self {
        let message = error.to_string();
        match error {
            ResolveError::CrossNamespace { .. } | ResolveError::Gate { .. } => {
                Self::stalled(Reason::AccessDenied.as_str(), message)
            }
            ResolveError::NotFound { .. } => Self::waiting(Reason::ArtifactFailed.as_str(), message),
            ResolveError::NotReady { .. } => Self::waiting(Reason::SourceNotReady.as_str(), message),
        }
    }
}

/// Where the chart of `obj` comes from: what `chartRef` names, or the HelmChart made of the template. Without either
/// it is the HelmChart that the status names.
pub fn reference(obj: &HelmRelease) -> Option<(&'static str, ObjectKey)> {
    let Some(named) = &obj.spec.chart_ref else {
        if obj.spec.chart.is_some() {
            return Some((HelmChart::KIND, ObjectKey::new(spec::chart_namespace(obj), spec::chart_name(obj))));
        }
        let (namespace, name) = obj.status.as_ref()?.helm_chart.as_deref()?.split_once('/')?;
        return Some((HelmChart::KIND, ObjectKey::new(namespace, name)));
    };
    let key = ObjectKey::new(named.namespace.as_deref().unwrap_or_else(|| spec::own_namespace(obj)), &named.name);
    let kind = match named.kind.as_str() {
        OCIRepository::KIND => OCIRepository::KIND,
        ExternalArtifact::KIND => ExternalArtifact::KIND,
        _ => HelmChart::KIND,
    };
    Some((kind, key))
}

/// Checks a reference to another namespace. Worded as upstream.
pub fn allow(obj: &HelmRelease, blocked: bool, kind: &str, key: &ObjectKey) -> Result<(), ResolveError> {
    if blocked && *key.namespace != *spec::own_namespace(obj) {
        return Err(ResolveError::CrossNamespace { kind: kind.to_owned(), key: key.clone() });
    }
    Ok(())
}

/// Finds the source of `obj`.
pub async fn source(
    obj: &HelmRelease,
    sources: &Sources,
    common: &flux_runtime::Options,
    options: &Options,
) -> Result<Source, ResolveError> {
    let Some((kind, key)) = reference(obj) else {
        return Err(ResolveError::NotFound { plural: HelmChart::PLURAL, name: String::new() });
    };
    allow(obj, common.no_cross_namespace_refs, kind, &key)?;
    match kind {
        OCIRepository::KIND => ready(&sources.oci, kind, OCIRepository::PLURAL, key).await,
        ExternalArtifact::KIND if !options.external_artifact => Err(ResolveError::Gate { kind, key }),
        ExternalArtifact::KIND => {
            sources.external.synced().await;
            let found = sources.external.get(&key);
            let found = found.ok_or_else(|| missing(ExternalArtifact::PLURAL, &key))?;
            let artifact = found.artifact().cloned();
            let message = "does not have an artifact".to_owned();
            let artifact = artifact.ok_or(ResolveError::NotReady { kind, key, message })?;
            Ok(Source { kind, artifact })
        }
        _ => ready(&sources.charts, kind, HelmChart::PLURAL, key).await,
    }
}

fn missing(plural: &'static str, key: &ObjectKey) -> ResolveError {
    ResolveError::NotFound { plural, name: key.name.to_string() }
}

async fn ready<S: SourceObject>(
    cache: &Cache<S>,
    kind: &'static str,
    plural: &'static str,
    key: ObjectKey,
) -> Result<Source, ResolveError> {
    cache.synced().await;
    let found = cache.get(&key).ok_or_else(|| missing(plural, &key))?;
    let generations = (found.meta().generation.unwrap_or_default(), found.observed_generation());
    match readiness(generations, found.conditions(), found.artifact()) {
        Ok(artifact) => Ok(Source { kind, artifact: artifact.clone() }),
        Err(message) => Err(ResolveError::NotReady { kind, key, message }),
    }
}

/// The artifact of a source that has seen its generation through and does not stall; the error says what is wrong.
pub fn readiness<'a>(
    (generation, observed): (i64, i64),
    known: &[Condition],
    artifact: Option<&'a Artifact>,
) -> Result<&'a Artifact, String> {
    let message = |kind: &str| conditions::get(known, kind).map(|condition| condition.message.clone());
    if generation != observed {
        let failed = conditions::is_false(known, READY_CONDITION).then(|| message(READY_CONDITION)).flatten();
        return Err(failed.unwrap_or_else(|| "latest generation of object has not been reconciled".into()));
    }
    if conditions::is_true(known, STALLED_CONDITION) {
        return Err(message(STALLED_CONDITION).unwrap_or_default());
    }
    artifact.ok_or_else(|| "does not have an artifact".into())
}

/// True when a change of a source is of interest: it appeared, it has another artifact, or it became ready.
pub fn changed<S: SourceObject>(old: Option<&S>, new: &S) -> bool {
    old.is_none_or(|old| updated(old, new))
}

/// As [`changed`], of a source that was there before.
pub fn updated<S: SourceObject>(old: &S, new: &S) -> bool {
    let state = |source: &S| {
        let generations = (source.meta().generation.unwrap_or_default(), source.observed_generation());
        let ready = readiness(generations, source.conditions(), source.artifact());
        ready.map(|artifact| (artifact.revision.clone(), artifact.digest.clone())).ok()
    };
    let now = state(new);
    now.is_some() && (state(old) != now || new.is_ready() && !old.is_ready())
}
