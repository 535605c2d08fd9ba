//! What a kustomization names elsewhere: repositories over https and ssh, files over http.
//!
//! The engine asks through [`RemoteLoader`]; here Git is spoken by `flux-git`, so no program is run. A repository is
//! fetched once in a build, however often it is named. Commits are written to a temporary folder and read through a
//! file system that is locked to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flux_git::{Auth, FetchOptions, Fetched, GitError, Ref, Remote, RemoteRef, SshAuth};
use flux_kustomize::{FileKind, FileSystem, FsError, RemoteError, RemoteLoader, RemoteTree, RepoSpec, RootedDir};
use tempfile::TempDir;

/// The largest file that is read over http.
const MAX_FILE: usize = 64 << 20;
/// How long a file may take; upstream waits for ever.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// A repository as far as its content depends on it: address, reference, submodules.
type Key = (String, Option<String>, bool);

/// Fetches remote bases and files for one build.
#[derive(Default)]
pub struct RemoteBases {
    ssh: Option<SshAuth>,
    local: bool,
    used: AtomicBool,
    fetched: Mutex<HashMap<Key, Arc<Checkout>>>,
}

/// A commit on disk, as long as somebody reads it.
struct Checkout {
    fs: RootedDir,
    root: PathBuf,
    _dir: TempDir,
}

impl FileSystem for Checkout {
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, FsError> {
        self.fs.read(path)
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.fs.kind(path)
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<(String, FileKind)>, FsError> {
        self.fs.read_dir(path)
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, FsError> {
        self.fs.canonical(path)
    }
}

impl RemoteBases {
    /// Without credentials, and without repositories on this machine's disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers ssh servers with this key, when they are known hosts.
    #[must_use]
    pub fn with_ssh(mut self, ssh: Option<SshAuth>) -> Self {
        self.ssh = ssh;
        self
    }

    /// Reads repositories named by `file://` too. Not for a controller: its disk belongs to nobody's tenant.
    #[must_use]
    pub fn with_local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Whether anything was fetched: what was built then depends on more than the files handed in.
    pub fn were_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    async fn fetch(&self, spec: &RepoSpec, dir: &Path) -> Result<(), GitError> {
        let tree = match spec.clone_url.strip_prefix("file://") {
            Some(path) if self.local => local_tree(Path::new(path), spec)?,
            Some(_) => {
                let reason = "repositories on disk are not read here".to_owned();
                return Err(GitError::Url { url: spec.clone_url.clone(), reason });
            }
            None => self.remote_tree(spec, dir).await?,
        };
        let target = dir.join("tree");
        std::fs::create_dir(&target).map_err(|source| GitError::Io { path: target.display().to_string(), source })?;
        tree.checkout(&target, &[], flux_archive::Limits::default())
    }

    async fn remote_tree(&self, spec: &RepoSpec, dir: &Path) -> Result<Box<flux_git::Tree>, GitError> {
        let mut remote = Remote::new(&spec.clone_url, Duration::from_secs(spec.timeout_seconds));
        let over_http = spec.clone_url.starts_with("http://") || spec.clone_url.starts_with("https://");
        if let Some(ssh) = self.ssh.as_ref().filter(|_| !over_http) {
            remote.auth = Auth::Ssh(ssh.clone());
        }
        let known = flux_git::ls_remote(&remote).await?;
        let wanted = spec.reference.as_deref().unwrap_or("HEAD");
        let commit = find(&known, wanted).map(str::to_owned).or_else(|| is_commit(wanted).then(|| wanted.to_owned()));
        let Some(commit) = commit else {
            return Err(GitError::RefNotFound { url: spec.clone_url.clone(), reference: wanted.to_owned() });
        };
        let reference = Ref { commit: Some(commit), ..Ref::default() };
        let options = FetchOptions { submodules: spec.submodules, ..FetchOptions::new(dir.join("objects")) };
        std::fs::create_dir(&options.scratch)
            .map_err(|source| GitError::Io { path: options.scratch.display().to_string(), source })?;
        match flux_git::fetch(&remote, &reference, &options).await? {
            Fetched::Tree(tree) => Ok(tree),
            Fetched::Unchanged(_) | Fetched::Empty => {
                Err(GitError::RefNotFound { url: spec.clone_url.clone(), reference: wanted.to_owned() })
            }
        }
    }

    fn checkout(&self, spec: &RepoSpec) -> Result<Arc<Checkout>, RemoteError> {
        let key = (spec.clone_url.clone(), spec.reference.clone(), spec.submodules);
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = fetched.get(&key) {
            return Ok(Arc::clone(known));
        }
        let disk = |error: &dyn std::fmt::Display| failed(format!("temporary folder: {error}"));
        let dir = tempfile::Builder::new().prefix("kustomize-").tempdir().map_err(|error| disk(&error))?;
        run(self.fetch(spec, dir.path()))?.map_err(|error| match error {
            GitError::Timeout => RemoteError::Timeout {
                what: format!("fetch of {}", flux_git::redacted(&spec.clone_url)),
                seconds: spec.timeout_seconds,
            },
            error => failed(error.to_string()),
        })?;
        let fs = RootedDir::new(dir.path().join("tree")).map_err(|error| disk(&error))?;
        let checkout = Arc::new(Checkout { root: fs.root().to_owned(), fs, _dir: dir });
        fetched.insert(key, Arc::clone(&checkout));
        Ok(checkout)
    }
}

impl RemoteLoader for RemoteBases {
    fn repository(&self, spec: &RepoSpec) -> Result<RemoteTree, RemoteError> {
        self.used.store(true, Ordering::Relaxed);
        let checkout = self.checkout(spec)?;
        Ok(RemoteTree { root: checkout.root.clone(), fs: checkout })
    }

    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        self.used.store(true, Ordering::Relaxed);
        run(download(url))?
    }
}

fn failed(reason: String) -> RemoteError {
    RemoteError::Failed { reason }
}

/// The engine's own thread waits here; it is no thread of the caller's runtime.
fn run<T>(work: impl Future<Output = T>) -> Result<T, RemoteError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| failed(format!("cannot start fetching: {error}")))?.block_on(work))
}

async fn download(url: &str) -> Result<Arc<[u8]>, RemoteError> {
    let wrong = |error: reqwest::Error| {
        // The text of the chain says why; the URL is there already.
        let error = error.without_url();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        let mut text = format!("Get {url:?}: {}", causes.join(": "));
        text.truncate(text.floor_char_boundary(1024));
        failed(text)
    };
    let client = reqwest::Client::builder().timeout(FILE_TIMEOUT).build().map_err(wrong)?;
    let mut response = client.get(url).send().await.map_err(wrong)?;
    let status = response.status();
    if !status.is_success() {
        let text = status.canonical_reason().unwrap_or_default().to_owned();
        return Err(RemoteError::Status { status: status.as_u16(), text });
    }
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(wrong)? {
        if content.len() + chunk.len() > MAX_FILE {
            return Err(failed(format!("Get {url:?}: larger than {MAX_FILE} bytes")));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.into())
}

/// The commit that a name leads to, looked for as `git fetch` does: as it is, then as tag, then as branch.
fn find<'a>(known: &'a [RemoteRef], wanted: &str) -> Option<&'a str> {
    let names =
        [wanted.to_owned(), format!("refs/{wanted}"), format!("refs/tags/{wanted}"), format!("refs/heads/{wanted}")];
    names.iter().find_map(|name| known.iter().find(|one| one.name == *name)).map(RemoteRef::commit)
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn local_tree(path: &Path, spec: &RepoSpec) -> Result<Box<flux_git::Tree>, GitError> {
    let wanted = match spec.reference.as_deref() {
        Some(name) => name.to_owned(),
        None => "HEAD".to_owned(),
    };
    let not_found = || GitError::RefNotFound { url: spec.clone_url.clone(), reference: wanted.clone() };
    let repository = |error: flux_git::local::LocalError| GitError::Repository { reason: error.to_string() };
    let candidates = [format!("refs/tags/{wanted}"), format!("refs/heads/{wanted}"), wanted.clone()];
    let mut commit = None;
    for name in candidates.iter().filter(|_| commit.is_none() && !is_commit(&wanted)) {
        if let Some(found) = flux_git::local::resolve(path, name).map_err(repository)? {
            commit = Some(found);
            break;
        }
    }
    let hash = commit.or_else(|| is_commit(&wanted).then(|| wanted.clone())).ok_or_else(not_found)?;
    let resolved = flux_git::Resolved { reference: None, hash };
    flux_git::local::tree(path, &resolved, false).map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<RemoteRef> {
        let id = |name: &str| format!("{:0>40}", name.len());
        names.iter().map(|name| RemoteRef { name: (*name).to_owned(), id: id(name), peeled: None }).collect()
    }

    #[test]
    fn references_are_looked_for_in_git_s_order() {
        let known = known(&["HEAD", "refs/heads/main", "refs/heads/v1.0", "refs/tags/v1.0"]);
        let name = |wanted: &str| {
            let commit = find(&known, wanted)?;
            known.iter().find(|one| one.commit() == commit).map(|one| one.name.as_str())
        };
        assert_eq!(name("HEAD"), Some("HEAD"));
        assert_eq!(name("main"), Some("refs/heads/main"));
        assert_eq!(name("v1.0"), Some("refs/tags/v1.0"));
        assert_eq!(name("heads/main"), Some("refs/heads/main"));
        assert_eq!(name("v2"), None);
    }

    #[test]
    fn repositories_on_disk_are_refused() {
        let spec = RepoSpec { clone_url: "file:///srv/repo".into(), timeout_seconds: 1, ..RepoSpec::default() };
        let bases = RemoteBases::new();
        let error = bases.repository(&spec).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("repositories on disk are not read here"), "{error}");
        assert!(bases.were_used());
    }
}
