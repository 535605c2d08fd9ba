//! The kinds of Flux v2.9 as Rust types and CustomResourceDefinitions.
//!
//! One module per API group holds the spec and status types, with upstream's field names. Every kind
//! implements [`kube::Resource`], so that `Api<GitRepository>` works against any API server, and
//! [`FluxObject`], which gives the reconcile frame what all kinds share. Reading is lenient and
//! lossless where it matters: an absent field takes its zero value, an unknown enum value is kept as
//! `Other`, an unknown spec field lands in `unknown`, so that one odd object never breaks a watch
//! and a controller can refuse what it does not know.
//!
//! The CRDs themselves are data below `crds/`; [`crds`] reads them.

#[macro_use]
mod macros;

mod annotations;
mod crd;
mod digest;
mod duration;
pub mod extensions;
pub mod helm;
pub mod image;
pub mod kustomize;
pub mod meta;
pub mod notification;
mod object;
mod revision;
mod serde_rules;
pub mod source;
mod timing;

pub use annotations::*;
pub use crd::{CrdError, base_crds, crd, crds, crds_yaml, undescribed};
pub use digest::{Digest, DigestError};
pub use duration::{Duration, DurationError};
pub use extensions::ArtifactGenerator;
pub use helm::HelmRelease;
pub use image::{ImagePolicy, ImageRepository, ImageUpdateAutomation};
pub use kustomize::Kustomization;
pub use meta::{Artifact, Condition, Time};
pub use notification::{Alert, Provider, Receiver};
pub use object::{FluxObject, KINDS, KindInfo, SourceObject, kind_info, through_type};
pub use revision::{Revision, RevisionError};
pub use source::{Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OCIRepository};
