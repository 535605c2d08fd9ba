//! Where a suite's cases come from: a folder, an archive, or the recorded archives beside the checkout.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The folder of a suite, and the recorded one to fall back to for fixtures it lacks.
pub struct Inputs {
    pub dir: PathBuf,
    pub recorded: Option<PathBuf>,
}

impl Inputs {
    /// `name` below the folder, or below the recorded archive when the folder lacks it.
    pub fn fixture(&self, name: &str) -> PathBuf {
        let own = self.dir.join(name);
        match &self.recorded {
            Some(recorded) if !own.exists() => recorded.join(name),
            _ => own,
        }
    }
}

/// Finds the inputs of `suite`; `None` when no corpora lie beside the checkout.
pub fn locate(suite: &str, dir: Option<&Path>) -> Result<Option<Inputs>> {
    let (family, area) = suite.split_once('/').unwrap_or((suite, suite));
    let shared = repository_root().join("../shared");
    let recorded = match recorded_source(&shared, family) {
        Some(path) => Some(unpacked(&path)?),
        None => None,
    };
    let base = match (dir, &recorded) {
        (Some(dir), _) => unpacked(dir)?,
        (None, Some(recorded)) => recorded.clone(),
        (None, None) => return Ok(None),
    };
    let below = |path: PathBuf| if family == "cases" { path.join(area) } else { path };
    Ok(Some(Inputs { dir: below(base), recorded: recorded.map(below) }))
}

/// True when recorded corpora lie beside the checkout, so that a suite without cases is a defect.
pub fn corpora_present() -> bool {
    repository_root().join("../shared/corpora").is_dir()
}

fn recorded_source(shared: &Path, family: &str) -> Option<PathBuf> {
    let path = match family {
        "cases" => shared.join("upstream/cases.tar.gz"),
        "cli" => shared.join("upstream/cli.tar.gz"),
        "crds" => shared.join("upstream/crds"),
        "kubectl" => shared.join("corpora/apiserver.tar.gz"),
        other => shared.join(format!("corpora/{other}.tar.gz")),
    };
    path.exists().then_some(path)
}

/// The checkout's root folder.
pub fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Unpacks an archive once under the target folder, keyed by its SHA-256, and strips its single top folder.
fn unpacked(path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let key: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let place = target_dir().join("corpora").join(key);
    if !place.is_dir() {
        let parent = place.parent().expect("joined above");
        fs::create_dir_all(parent)?;
        let scratch = tempfile::tempdir_in(parent)?;
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
        tar::Archive::new(plain.as_slice())
            .unpack(scratch.path())
            .with_context(|| format!("unpack {}", path.display()))?;
        match fs::rename(scratch.keep(), &place) {
            Err(_) if place.is_dir() => {}
            other => other?,
        }
    }
    strip_single_folder(place)
}

fn strip_single_folder(place: PathBuf) -> Result<PathBuf> {
    let mut entries = fs::read_dir(&place)?.collect::<std::io::Result<Vec<_>>>()?;
    match entries.len() {
        0 => bail!("{} is empty", place.display()),
        1 if entries[0].path().is_dir() => Ok(entries.remove(0).path()),
        _ => Ok(place),
    }
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository_root().join("target"), PathBuf::from)
}
