//! The structures of kustomization files, as Go declares them.

mod generator;
mod kustomization;
mod replacement;
mod selector;
mod var;

pub(crate) use generator::{ConfigMapArgs, GeneratorArgs, GeneratorOptions};
pub(crate) use kustomization::{
    Image, KIND, Kustomization, Label, ObjectMeta, Patch, PatchArgs, PatchPath, Replica, SortOptions, VERSION, read,
};
pub(crate) use replacement::{FieldOptions, Replacement, SourceSelector, TargetSelector};
pub(crate) use selector::{Matcher, Selector};
pub(crate) use var::{Var, VarSet, list_text};
