//! What can be wrong with a build, in upstream's words: the texts end up in conditions, and people search for them.

use std::path::{Path, PathBuf};

use crate::fs::FsError;
use crate::go::print::quote;
use crate::options::RemoteError;

/// Why a build failed.
///
/// Displays as kustomize does. [`Error::file`], [`Error::line`], [`Error::field`] and [`Error::hint`] say
/// more than the text where it is known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another error, and what was being done.
    #[error("{context}: {inner}")]
    Within { context: String, inner: Box<Error> },
    /// As `Within`, where upstream quotes the inner text.
    #[error("{context} {}", quote(&inner.to_string()))]
    WithinQuoted { context: &'static str, inner: Box<Error> },
    /// A resource is neither a readable file nor a folder that builds.
    #[error("accumulation err='{as_file}': {as_folder}")]
    NeitherFileNorFolder { as_file: Box<Error>, as_folder: Box<Error> },
    /// A built-in plugin refuses its configuration.
    #[error("trouble configuring builtin {plugin} with config: `\n{config}`: {inner}")]
    PluginConfig { plugin: &'static str, config: String, inner: Box<Error> },
    #[error("{0}")]
    Fs(FsError),
    #[error("{0}")]
    Yaml(flux_yaml::Error),
    #[error("{0}")]
    Remote(RemoteError),
    /// A remote base or file where none is allowed.
    #[error("remote resources are disabled: cannot load `{url}`")]
    RemoteDisabled { url: String },
    /// A file that is not YAML.
    #[error("MalformedYAMLError: {yaml}{}", in_file(file))]
    MalformedYaml { yaml: flux_yaml::Error, file: Option<String> },
    #[error("invalid document separator: {separator}")]
    DocumentSeparator { separator: String },
    /// A kustomization file that does not decode.
    #[error("invalid Kustomization: {reason}")]
    Kustomization { reason: String, line: u32 },
    #[error("unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{dir}'")]
    MissingKustomization { dir: PathBuf },
    #[error("Found multiple kustomization files under: {dir}\n")]
    SeveralKustomizations { dir: PathBuf },
    #[error("kustomization.yaml is empty")]
    EmptyKustomization { dir: PathBuf },
    #[error("Failed to read kustomization file under {dir}:\n{}", faults.join("\n"))]
    WrongKind { dir: PathBuf, faults: Vec<String> },
    #[error("expected kind != 'Component' for path '{dir}'")]
    UnexpectedComponent { dir: PathBuf },
    #[error("expected kind 'Component' for path '{dir}' but got '{kind}'")]
    ExpectedComponent { dir: PathBuf, kind: String },
    /// A folder is named that may not be, or is none.
    #[error("{reason}")]
    Load { path: PathBuf, reason: String },
    #[error("cycle detected: candidate root '{candidate}' contains visited root '{visited}'")]
    Cycle { candidate: PathBuf, visited: PathBuf },
    #[error("cycle detected: URI '{new}' referenced by previous URI '{previous}'")]
    RemoteCycle { new: String, previous: String },
    #[error("security; file '{path}' is not in or below '{root}'")]
    OutsideRoot { path: PathBuf, root: PathBuf },
    /// An object without what every object needs.
    #[error("{reason}")]
    Object { reason: String },
    #[error("may not add resource with an already registered id: {id}")]
    DuplicateId { id: String },
    #[error("{reason}")]
    Generator { name: String, reason: String },
    #[error("{reason}")]
    Namespace { reason: String },
    #[error("{reason}")]
    Patch { reason: String },
    /// Nothing, or more than one thing, is what a patch is for.
    #[error("{found} for Id {id}; failed to find unique target for patch {id}")]
    PatchTarget { found: &'static str, id: String, nearest: Option<String> },
    #[error("{reason}")]
    Selector { reason: String },
    #[error("{reason}")]
    Replacement { reason: String },
    #[error("resource with name {name} does not match a config with the following GVK [{}]", kinds.join(" "))]
    Replicas { name: String, kinds: Vec<String> },
    #[error("{reason}")]
    Reference { reason: String },
    #[error("{reason}")]
    Var { reason: String },
    #[error("{reason}")]
    Config { reason: String },
    #[error("{reason}")]
    Schema { reason: String },
    #[error("external plugins disabled; unable to load external plugin '{kind}'")]
    PluginsDisabled { kind: String },
    #[error("{reason}")]
    Plugin { reason: String },
    #[error("wrong node kind: expected {expected} but got {found}: node contents:\n{contents}")]
    WrongShape { expected: &'static str, found: &'static str, contents: String, scalar: bool },
    #[error("{reason}")]
    Sort { reason: String },
    /// The result cannot be printed.
    #[error("{object}: {yaml}")]
    Serialize { object: String, yaml: flux_yaml::Error },
    /// Flux's own part: the kustomization made from the object.
    #[error("{reason}")]
    Flux { path: Option<PathBuf>, reason: String },
    /// A bound was exceeded.
    #[error("{what} exceeds the limit of {limit}")]
    Limit { what: &'static str, limit: u64 },
    /// An invariant of the engine does not hold.
    #[error("internal error: {reason}")]
    Internal { reason: String },
}

fn in_file(file: &Option<String>) -> String {
    file.as_ref().map(|file| format!(" in File: {file}")).unwrap_or_default()
}

impl From<FsError> for Error {
    fn from(error: FsError) -> Self {
        Self::Fs(error)
    }
}

impl From<flux_yaml::Error> for Error {
    fn from(error: flux_yaml::Error) -> Self {
        Self::Yaml(error)
    }
}

impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl Error {
    pub(crate) fn within(self, context: impl Into<String>) -> Self {
        Self::Within { context: context.into(), inner: Box::new(self) }
    }

    pub(crate) fn internal(reason: &str) -> Self {
        Self::Internal { reason: reason.into() }
    }

    pub(crate) fn patch(reason: impl Into<String>) -> Self {
        Self::Patch { reason: reason.into() }
    }

    fn inner(&self) -> Option<&Error> {
        match self {
            Self::Within { inner, .. } | Self::WithinQuoted { inner, .. } | Self::PluginConfig { inner, .. } => {
                Some(inner)
            }
            Self::NeitherFileNorFolder { as_file, as_folder } => {
                // A folder that is found but does not build has the better story.
                let no_folder = matches!(as_folder.as_ref(), Self::Load { .. });
                Some(if no_folder { as_file } else { as_folder })
            }
            _ => None,
        }
    }

    fn find<'a, T>(&'a self, look: impl Fn(&'a Error) -> Option<T>) -> Option<T> {
        let mut at = Some(self);
        while let Some(error) = at {
            if let Some(found) = look(error) {
                return Some(found);
            }
            at = error.inner();
        }
        None
    }

    /// True when a file was read but is no YAML.
    pub(crate) fn is_malformed_yaml(&self) -> bool {
        self.find(|error| matches!(error, Self::MalformedYaml { .. }).then_some(())).is_some()
    }

    /// True when a server answered with an error.
    pub(crate) fn is_http_status(&self) -> bool {
        self.find(|error| matches!(error, Self::Remote(RemoteError::Status { .. })).then_some(())).is_some()
    }

    /// True when a fetch took too long.
    pub(crate) fn is_timeout(&self) -> bool {
        self.find(|error| matches!(error, Self::Remote(RemoteError::Timeout { .. })).then_some(())).is_some()
    }

    /// True when a bound of the build was exceeded, which nothing else may hide.
    pub fn is_limit(&self) -> bool {
        self.find(|error| matches!(error, Self::Limit { .. }).then_some(())).is_some()
    }

    /// The file or folder the error lies in, when known.
    pub fn file(&self) -> Option<&Path> {
        self.find(|error| match error {
            Self::MissingKustomization { dir }
            | Self::SeveralKustomizations { dir }
            | Self::EmptyKustomization { dir }
            | Self::WrongKind { dir, .. }
            | Self::UnexpectedComponent { dir }
            | Self::ExpectedComponent { dir, .. } => Some(dir.as_path()),
            Self::Load { path, .. } | Self::OutsideRoot { path, .. } => Some(path),
            Self::Cycle { candidate, .. } => Some(candidate),
            Self::MalformedYaml { file: Some(file), .. } => Some(Path::new(file)),
            Self::Flux { path, .. } => path.as_deref(),
            Self::Fs(
                FsError::Missing { path }
                | FsError::MissingOnDisk { path, .. }
                | FsError::CannotOpen { path }
                | FsError::IsADirectory { path }
                | FsError::OutsideRoot { path, .. }
                | FsError::TooLarge { path, .. },
            ) => Some(path),
            _ => None,
        })
    }

    /// The line in that file, from 1, when known.
    pub fn line(&self) -> Option<u32> {
        self.find(|error| match error {
            Self::MalformedYaml { yaml, .. } | Self::Yaml(yaml) => Some(yaml.line),
            Self::Kustomization { line, .. } => Some(*line),
            _ => None,
        })
        .filter(|line| *line > 0)
    }

    /// The field of the kustomization the error is about, when known.
    pub fn field(&self) -> Option<&'static str> {
        self.find(|error| match error {
            Self::PluginConfig { plugin, .. } => Some(*plugin),
            Self::Patch { .. } | Self::PatchTarget { .. } => Some("PatchTransformer"),
            Self::Replacement { .. } => Some("ReplacementTransformer"),
            Self::Replicas { .. } => Some("ReplicaCountTransformer"),
            Self::Namespace { .. } => Some("NamespaceTransformer"),
            Self::Generator { .. } => Some("ConfigMapGenerator"),
            Self::Within { context, .. } if context == "accumulating resources" => Some("resources"),
            Self::Within { context, .. } if context == "accumulating components" => Some("components"),
            _ => None,
        })
        .map(|plugin| match plugin {
            "PatchTransformer" => "patches",
            "PatchStrategicMergeTransformer" => "patchesStrategicMerge",
            "PatchJson6902Transformer" => "patchesJson6902",
            "ReplacementTransformer" => "replacements",
            "ReplicaCountTransformer" => "replicas",
            "NamespaceTransformer" => "namespace",
            "ConfigMapGenerator" => "configMapGenerator",
            "SecretGenerator" => "secretGenerator",
            "HelmChartInflationGenerator" => "helmCharts",
            other => other,
        })
    }

    /// What a person might do about it.
    pub fn hint(&self) -> Option<String> {
        self.find(|error| match error {
            Self::PatchTarget { nearest: Some(nearest), .. } => Some(format!(
                "the accumulated resources contain `{nearest}`; check the name, namespace and kind of the patch"
            )),
            Self::PatchTarget { nearest: None, .. } => {
                Some("no accumulated resource is of that kind; check `resources`".into())
            }
            Self::MissingKustomization { .. } => Some("add a kustomization.yaml, or name a file".into()),
            Self::OutsideRoot { .. } => Some("move the file below the kustomization, or make its folder a base".into()),
            Self::DuplicateId { .. } => Some("the same object comes from two places; drop one, or rename it".into()),
            Self::RemoteDisabled { .. } => Some("copy the base into the repository, or allow remote bases".into()),
            Self::UnexpectedComponent { .. } => Some("name it under `components`".into()),
            Self::ExpectedComponent { .. } => Some("name it under `resources`".into()),
            Self::PluginsDisabled { .. } => Some("only built-in plugins (`apiVersion: builtin`) can be used".into()),
            _ => None,
        })
    }
}
