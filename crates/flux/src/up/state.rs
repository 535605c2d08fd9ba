//! The state directory of `flux up`: one process at a time, private to the user, never committed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state directory `{path}` is in use by another `flux up` (pid {pid})")]
    InUse { path: PathBuf, pid: String },
    #[error("cannot use the state directory `{path}`")]
    Io { path: PathBuf, source: io::Error },
}

/// An exclusively held state directory. Dropping it lets the next process in.
pub struct State {
    root: PathBuf,
    _lock: File,
}

impl State {
    /// Creates the directory when absent (mode 0700, ignored by Git through a file of its own) and locks it.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Io { path: root.to_owned(), source };
        private_dir(root).map_err(failed)?;
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(failed)?;
        }
        let lock = lock(root)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A private directory below the state directory, made when absent.
    pub fn dir(&self, name: &str) -> Result<PathBuf, StateError> {
        let path = self.root.join(name);
        private_dir(&path).map_err(|source| StateError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// The port that a cluster listened on last time, so that kubeconfigs and open tools stay valid.
    pub fn remembered_port(&self, cluster: &str) -> Option<u16> {
        fs::read_to_string(self.port_file(cluster)).ok()?.trim().parse().ok()
    }

    pub fn remember_port(&self, cluster: &str, port: u16) -> Result<(), StateError> {
        self.write(&format!("clusters/{cluster}/port"), port.to_string().as_bytes())
    }

    fn port_file(&self, cluster: &str) -> PathBuf {
        self.root.join("clusters").join(cluster).join("port")
    }

    /// Writes a file of mode 0600 whole: a reader sees the old or the new content.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let path = self.root.join(name);
        let partial = self.root.join(format!("{name}.partial"));
        write_private(&partial, content)
            .and_then(|()| fs::rename(&partial, &path))
            .map_err(|source| StateError::Io { path, source })
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

fn lock(root: &Path) -> Result<File, StateError> {
    let failed = |source| StateError::Io { path: root.to_owned(), source };
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
    let mut file = options.open(root.join("pid")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // The holder may be between truncating and writing; an unknown pid is still a clear answer.
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".into() } else { pid.trim().to_owned() };
            return Err(StateError::InUse { path: root.to_owned(), pid });
        }
        Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_the_first_ones_pid() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("state");
        let first = State::open(&root).unwrap();
        let Err(StateError::InUse { pid, .. }) = State::open(&root) else { panic!("opened twice") };
        assert_eq!(pid, std::process::id().to_string());
        drop(first);
        State::open(&root).unwrap();
    }

    #[test]
    fn the_directory_is_private_and_ignored_by_git() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("state");
        let state = State::open(&root).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(root.join(".gitignore")).unwrap(), "*\n");
        state.dir("clusters/dev").unwrap();
        state.remember_port("dev", 6443).unwrap();
        assert_eq!(state.remembered_port("dev"), Some(6443));
        assert_eq!(state.remembered_port("production"), None);
    }
}
