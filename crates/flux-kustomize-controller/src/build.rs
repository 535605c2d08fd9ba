//! Step 4: from the artifact's files to objects. Runs off the server's threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flux_api::Kustomization;
use flux_apply::metadata;
use flux_artifact::Workdir;
use flux_kustomize::{FileSystem as _, FsError, Record, Recorder, RootedDir};
use flux_runtime::{Halt, failpoints};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::options::Options;
use crate::reason::Reason;
use crate::remote::RemoteBases;
use crate::substitute::{SubstituteError, Variables};

/// Why there are no objects. Worded as upstream.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("kustomization path not found: stat {path}: no such file or directory")]
    Path { path: String },
    #[error("kustomization path {path} is not a directory")]
    NotADirectory { path: String },
    #[error("{0}")]
    Prepare(#[source] flux_kustomize::Error),
    #[error("kustomize build failed: {0}")]
    Build(#[source] flux_kustomize::Error),
    #[error("failed to decode Kubernetes apiVersion, kind and name from: {object}")]
    Incomplete { object: String },
    #[error("post build failed for '{gvk}/{name}': {error}")]
    Substitute { gvk: String, name: String, error: SubstituteError },
    #[error("{subject} is SOPS encrypted, configuring decryption is required for this secret to be reconciled")]
    Encrypted { subject: String },
    #[error("kustomize build failed: {0}")]
    Print(flux_yaml::Error),
    #[error("{0}")]
    FileSystem(FsError),
    #[error("kustomize build failed: the build ended with a defect: {0}")]
    Defect(String),
    /// An error of the engine, with paths relative to the artifact.
    #[error("{text}")]
    Engine { text: String, reason: Reason },
}

impl BuildError {
    pub fn reason(&self) -> Reason {
        match self {
            Self::Path { .. } | Self::NotADirectory { .. } | Self::FileSystem(_) => Reason::ArtifactFailed,
            Self::Encrypted { .. } => Reason::ReconciliationFailed,
            Self::Engine { reason, .. } => *reason,
            _ => Reason::BuildFailed,
        }
    }

    /// The halt, with the objects that stay although they are not in the build.
    pub fn into_halt(self, retry: std::time::Duration, kept: &str) -> Halt {
        Halt::failed(self.reason().as_str(), format!("{self}{kept}")).after(retry)
    }
}

/// What a build gave.
pub struct Built {
    pub objects: Vec<Value>,
    /// SHA-256 over the objects as YAML, for the history.
    pub digest: String,
    /// Everything that was read, relative to `root`.
    pub record: Record,
    pub root: PathBuf,
    /// Remote bases or files were read, too; the record does not know them.
    pub remote: bool,
}

/// Builds `obj` from the files of its source.
pub async fn manifests(
    obj: &Kustomization,
    workdir: Arc<Workdir>,
    variables: Variables,
    options: &Options,
) -> Result<Built, BuildError> {
    let (strict, remote_bases) = (options.strict_substitutions, !options.no_remote_bases);
    failpoints::pass("build");
    let spec = obj.spec.clone();
    let built = tokio::task::spawn_blocking(move || {
        let path = spec.path.clone().unwrap_or_default();
        let mut shape: flux_kustomize::flux::Spec = serde_json::to_value(&spec)
            .and_then(serde_json::from_value)
            .map_err(|error| BuildError::Defect(error.to_string()))?;
        // Set on the built objects, after substitution, as upstream does.
        shape.common_metadata = None;
        build(workdir.path(), &path, &shape, &variables, strict, remote_bases)
    });
    built.await.unwrap_or_else(|error| Err(BuildError::Defect(error.to_string())))
}

fn build(
    root: &Path,
    path: &str,
    spec: &flux_kustomize::flux::Spec,
    variables: &Variables,
    strict: bool,
    remote_bases: bool,
) -> Result<Built, BuildError> {
    let rooted = RootedDir::new(root).map_err(BuildError::FileSystem)?;
    let root = rooted.root().to_owned();
    let fs = Recorder::new(rooted);
    // `..` at the root stays at the root: nothing leaves the artifact.
    let inside = flux_kustomize::clean(&Path::new("/").join(path.trim_start_matches('/')));
    let dir = root.join(inside.strip_prefix("/").unwrap_or(&inside));
    match fs.kind(&dir) {
        Some(flux_kustomize::FileKind::Dir) => {}
        Some(flux_kustomize::FileKind::File) => return Err(BuildError::NotADirectory { path: path.to_owned() }),
        None => return Err(BuildError::Path { path: path.to_owned() }),
    }
    let prepared = flux_kustomize::flux::prepare(&fs, &dir, spec, None)
        .map_err(|error| BuildError::Prepare(error).relative(&root))?;
    let remote = RemoteBases::new();
    let loader = remote_bases.then_some(&remote as &dyn flux_kustomize::RemoteLoader);
    let options = flux_kustomize::Options { remote: loader, ..flux_kustomize::Options::default() };
    let built = flux_kustomize::build(&prepared.overlay(&fs), &dir, &options)
        .map_err(|error| BuildError::Build(error).relative(&root))?;
    let mut documents = built.into_json().map_err(BuildError::Build)?;
    let mut hash = Sha256::new();
    for (number, document) in documents.iter_mut().enumerate() {
        finish(document, variables, strict)?;
        if number > 0 {
            hash.update(b"---\n");
        }
        hash.update(flux_yaml::marshal_v2(document).map_err(BuildError::Print)?.as_bytes());
    }
    let digest = hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    let objects = flux_apply::read_objects(documents);
    Ok(Built { objects, digest, record: fs.into_record(), root, remote: remote.were_used() })
}

/// Checks one object and puts the variables into it.
fn finish(object: &mut Value, variables: &Variables, strict: bool) -> Result<(), BuildError> {
    let complete = !metadata::name(object).is_empty()
        && !metadata::kind(object).is_empty()
        && !metadata::api_version(object).is_empty();
    if !complete {
        let mut shown = object.to_string();
        // A Secret may hide in it.
        if metadata::kind(object).eq_ignore_ascii_case("secret") || shown.len() > 512 {
            shown = format!("{{apiVersion: {:?}, kind: {:?}}}", metadata::api_version(object), metadata::kind(object));
        }
        return Err(BuildError::Incomplete { object: shown });
    }
    let (gvk, name) = (gvk(object), metadata::name(object).to_owned());
    let secret = metadata::kind(object) == "Secret";
    variables.apply(object, strict).map_err(|error| {
        let error = match error {
            // The text around the fault may be the secret.
            SubstituteError::Yaml { .. } if secret => {
                SubstituteError::Yaml { message: "the result is not YAML".into() }
            }
            error => error,
        };
        BuildError::Substitute { gvk, name, error }
    })?;
    let decrypts =
        !metadata::annotation(object, "kustomize.toolkit.fluxcd.io/decrypt").eq_ignore_ascii_case("disabled");
    if decrypts && metadata::kind(object) == "Secret" && object.get("sops").is_some() {
        return Err(BuildError::Encrypted { subject: flux_apply::ObjectId::of(object).subject() });
    }
    Ok(())
}

/// `Kind.version.group`, as kustomize prints it.
fn gvk(object: &Value) -> String {
    let (group, version) = metadata::group_version(object);
    let group = if group.is_empty() { "[noGrp]" } else { group };
    format!("{}.{version}.{group}", metadata::kind(object))
}

impl BuildError {
    /// The error with paths as the artifact has them, not as this machine does.
    fn relative(self, root: &Path) -> Self {
        let root = root.display().to_string();
        let text = self.to_string();
        if !text.contains(&root) {
            return self;
        }
        let text = text.replace(&format!("{root}/"), "").replace(&root, ".");
        Self::Engine { text, reason: self.reason() }
    }
}
