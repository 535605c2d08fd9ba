//! What all kinds share, for the reconcile frame and the command line.

use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::meta::{Artifact, Condition};
use crate::{READY_CONDITION, RECONCILE_REQUEST_ANNOTATION};

/// A kind that a controller reconciles: it has a status with conditions.
pub trait FluxObject:
    Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
    + Clone
    + std::fmt::Debug
    + Default
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The type of `status`.
    type Status: Clone + std::fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The status, when one was ever written.
    fn status(&self) -> Option<&Self::Status>;
    /// The status, created when there is none.
    fn status_mut(&mut self) -> &mut Self::Status;
    /// The conditions in the order they are stored.
    fn conditions(&self) -> &[Condition];
    /// The conditions, for the frame that writes them.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// `spec.suspend`; false for kinds without it.
    fn suspended(&self) -> bool;
    /// `status.observedGeneration`: 0 when none was written, -1 before the first attempt.
    fn observed_generation(&self) -> i64;
    /// Sets `status.observedGeneration`; nothing for ExternalArtifact and ArtifactGenerator, which have none.
    fn set_observed_generation(&mut self, generation: i64);
    /// `status.lastHandledReconcileAt`.
    fn last_handled_reconcile_at(&self) -> Option<&str>;
    /// Sets `status.lastHandledReconcileAt`; nothing for ExternalArtifact, which has none.
    fn set_last_handled_reconcile_at(&mut self, token: &str);

    /// The condition of that type.
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions().iter().find(|condition| condition.type_ == kind)
    }

    /// True when `Ready` is `True`; says nothing about the generation it was seen for.
    fn is_ready(&self) -> bool {
        self.condition(READY_CONDITION).is_some_and(|condition| condition.status == "True")
    }

    /// The reconcile request that was not handled yet.
    fn pending_request(&self) -> Option<&str> {
        let request = self.meta().annotations.as_ref()?.get(RECONCILE_REQUEST_ANNOTATION)?;
        (self.last_handled_reconcile_at() != Some(request)).then_some(request)
    }
}

/// A kind that produces an artifact for others to consume.
pub trait SourceObject: FluxObject {
    /// The artifact of the last good attempt.
    fn artifact(&self) -> Option<&Artifact>;
}

/// The names of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// The kind.
    pub kind: &'static str,
    /// The API group.
    pub group: &'static str,
    /// The stored version.
    pub version: &'static str,
    /// The name in URLs.
    pub plural: &'static str,
}

macro_rules! infos {
    ($($kind:ident),+ $(,)?) => {
        /// All kinds, sources first.
        pub const KINDS: &[KindInfo] = &[$(KindInfo {
            kind: crate::$kind::KIND,
            group: crate::$kind::GROUP,
            version: crate::$kind::VERSION,
            plural: crate::$kind::PLURAL,
        }),+];

        /// Passes an object of the kind called `kind` through its type: durations, quantities and empty fields come out
        /// as upstream's types print them. An object of another kind comes back as it is.
        ///
        /// # Errors
        /// When a field has a type that the kind does not allow.
        pub fn through_type(kind: &str, plain: serde_json::Value) -> Result<serde_json::Value, serde_json::Error> {
            match kind {
                $(crate::$kind::KIND => serde_json::to_value(serde_json::from_value::<crate::$kind>(plain)?),)+
                _ => Ok(plain),
            }
        }
    };
}

infos!(
    GitRepository,
    OCIRepository,
    Bucket,
    HelmRepository,
    HelmChart,
    ExternalArtifact,
    ArtifactGenerator,
    Kustomization,
    HelmRelease,
    Receiver,
    Alert,
    Provider,
    ImageRepository,
    ImagePolicy,
    ImageUpdateAutomation,
);

/// The names of the kind called `kind`.
pub fn kind_info(kind: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|info| info.kind == kind)
}
