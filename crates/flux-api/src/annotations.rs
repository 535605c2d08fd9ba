//! Annotation, label and finalizer names that controllers, the command line and users share.

/// Asks for a reconciliation; any new value is a new request, echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/requestedAt";
/// Asks for a one-off forced Helm install or upgrade; counts when equal to the request annotation.
pub const FORCE_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/forceAt";
/// Asks for the Helm failure counts to be reset; counts when equal to the request annotation.
pub const RESET_REQUEST_ANNOTATION: &str = "reconcile.fluxcd.io/resetAt";
/// `disabled` on an object stops its reconciliation by an owner or an ArtifactGenerator.
pub const RECONCILE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// `disabled` keeps an object out of garbage collection.
pub const PRUNE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/prune";
/// How an object is applied: `Override` (default), `Merge`, `IfNotPresent` or `Ignore`.
pub const SSA_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// `enabled` recreates an object when an immutable field changed.
pub const FORCE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/force";
/// `disabled` keeps postBuild substitution away from an object.
pub const SUBSTITUTE_ANNOTATION: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Value that turns a control annotation off.
pub const DISABLED_VALUE: &str = "disabled";
/// Value that turns a control annotation on.
pub const ENABLED_VALUE: &str = "enabled";
/// ConfigMaps and Secrets with this label and the value `Enabled` wake the objects that use them.
pub const WATCH_LABEL: &str = "reconcile.fluxcd.io/watch";
/// Value of [`WATCH_LABEL`] that turns the watch on.
pub const WATCH_ENABLED_VALUE: &str = "Enabled";
/// Labels an applied object with the name of the Kustomization that owns it.
pub const KUSTOMIZE_NAME_LABEL: &str = "kustomize.toolkit.fluxcd.io/name";
/// Labels an applied object with the namespace of the Kustomization that owns it.
pub const KUSTOMIZE_NAMESPACE_LABEL: &str = "kustomize.toolkit.fluxcd.io/namespace";
/// Labels an object with the name of the HelmRelease that owns it.
pub const HELM_NAME_LABEL: &str = "helm.toolkit.fluxcd.io/name";
/// Labels an object with the namespace of the HelmRelease that owns it.
pub const HELM_NAMESPACE_LABEL: &str = "helm.toolkit.fluxcd.io/namespace";
/// Labels a tenant's objects with the tenant's name.
pub const TENANT_LABEL: &str = "toolkit.fluxcd.io/tenant";
/// Assigns an object to a shard of the controllers.
pub const SHARD_LABEL: &str = "sharding.fluxcd.io/key";
/// Finalizer of every kind but ArtifactGenerator.
pub const FINALIZER: &str = "finalizers.fluxcd.io";
/// Finalizer of ArtifactGenerator.
pub const EXTENSIONS_FINALIZER: &str = "source.extensions.fluxcd.io/finalizer";
/// Annotations with this prefix are merged into the metadata of an object's events.
pub const EVENT_METADATA_PREFIX: &str = "event.toolkit.fluxcd.io/";
/// Label of every object of a Flux installation, with the value [`PART_OF_FLUX`].
pub const PART_OF_LABEL: &str = "app.kubernetes.io/part-of";
/// Value of [`PART_OF_LABEL`].
pub const PART_OF_FLUX: &str = "flux";
/// Label that carries the version of a Flux installation.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";
/// Label that carries the instance, the namespace, of a Flux installation.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

/// Condition type: the object is seen through.
pub const READY_CONDITION: &str = "Ready";
/// Condition type, only present when true: work is under way.
pub const RECONCILING_CONDITION: &str = "Reconciling";
/// Condition type, only present when true: nothing happens until somebody edits the object.
pub const STALLED_CONDITION: &str = "Stalled";
