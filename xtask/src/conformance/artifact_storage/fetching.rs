//! Rows about unpacking and fetching. Their run-time values are a temporary directory, and the address and digest
//! of an artifact on a server: both are made here as upstream's tests make them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use flux_archive::{Limits, Symlinks, unpack};
use flux_artifact::{Artifact, FetchError, FetchOptions, Fetcher, Retention, Storage, server};
use serde_json::Value;

use super::super::Verdict;
use super::super::table::{Row, call, list};
use super::{artifact, random_bytes};

static FIXTURES: OnceLock<PathBuf> = OnceLock::new();

/// Where the files to serve lie.
pub fn set_fixtures(dir: PathBuf) {
    // A process runs one suite.
    let _ = FIXTURES.set(dir);
}

/// Default bound of upstream's helper.
const DEFAULT_MAX: u64 = 100 << 20;

fn limits(max: i64) -> Limits {
    let bytes = match max {
        0 => Some(DEFAULT_MAX),
        max => u64::try_from(max).ok(),
    };
    Limits { bytes, ..Limits::default() }
}

/// A path with the temporary directory of a test in it.
fn path(value: &Value, temporary: &Path) -> PathBuf {
    match (value.as_str(), call(value)) {
        (Some(text), _) => text.into(),
        (None, Some(("t.TempDir", _))) => temporary.to_owned(),
        (None, Some(("filepath.Join", parts))) => {
            let mut joined = PathBuf::new();
            joined.extend(parts.iter().map(|part| path(part, temporary)));
            joined
        }
        _ => PathBuf::new(),
    }
}

fn text(value: &Value, temporary: &Path) -> String {
    match (value.as_str(), value["$sprintf"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(format)) => list(&value["args"])
            .iter()
            .fold(format.to_owned(), |text, part| text.replacen("%s", &path(part, temporary).display().to_string(), 1)),
        _ => String::new(),
    }
}

pub fn untar(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let temporary = fs::canonicalize(dir.path())?;
    let subdir = temporary.join("output/subdir");
    fs::create_dir_all(&subdir)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(&subdir, temporary.join("symlink"))?;
    let (name, content) = (row.text("fileName"), random_bytes(&row.fields["content"]));
    let mut header = tar::Header::new_ustar();
    let field = header.as_ustar_mut().context("ustar")?;
    field.name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    archive.append(&header, content.as_slice())?;
    let bytes = archive.into_inner()?.finish()?;
    let target = path(&row.fields["targetDir"], &temporary);
    let max = row.fields["maxUntarSize"].as_i64().unwrap_or_default();
    let outcome = unpack(bytes.as_slice(), &target, limits(max), Symlinks::Refuse);
    let expected = text(&row.fields["wantErr"], &temporary);
    let got = outcome.err().map(|error| error.to_string()).unwrap_or_default();
    let placed = path(&row.fields["secureTargetDir"], &temporary).join(name);
    let size = fs::metadata(&placed).map(|meta| meta.len());
    remove_relative(&placed);
    if expected != got {
        return Ok(Verdict::same_text(&expected, &got));
    }
    if !expected.is_empty() {
        return Ok(Verdict::Pass);
    }
    let size = size.with_context(|| format!("{} is missing", placed.display()))?;
    Ok(Verdict::same(&(content.len() as u64), &size))
}

/// Relative targets lie below the working directory.
fn remove_relative(path: &Path) {
    if path.is_relative()
        && let Some(std::path::Component::Normal(top)) =
            path.components().find(|part| matches!(part, std::path::Component::Normal(_)))
    {
        // It may not have been made.
        let _ = fs::remove_dir_all(top);
    }
}

/// The options of a row: what to unpack at most and to download at most; `None` when nothing is unpacked.
fn options(row: &Row) -> Option<(i64, i64)> {
    if row.fields["opts"].is_null() {
        let number = |field: &str| row.fields[field].as_i64().unwrap_or_default();
        return Some((number("maxUntarSize"), number("maxDownloadSize")));
    }
    let (mut unpacks, mut untar, mut download) = (false, -1, -1);
    for option in row.list("opts") {
        match call(option) {
            Some(("WithUntar", arguments)) => {
                unpacks = true;
                let max = arguments.first().and_then(call).and_then(|(_, arguments)| arguments.first()?.as_i64());
                untar = max.unwrap_or(untar);
            }
            Some(("WithMaxDownloadSize", arguments)) => {
                download = arguments.first().and_then(Value::as_i64).unwrap_or(download);
            }
            _ => {}
        }
    }
    unpacks.then_some((untar, download))
}

pub fn fetch(row: &Row) -> Result<Verdict> {
    let Some((untar, download)) = options(row) else {
        return Ok(Verdict::Skip("run-time value of a download that is not unpacked; artifacts always are".into()));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let dir = tempfile::tempdir()?;
        let (tree, root) = (dir.path().join("tree"), dir.path().join("store"));
        fs::create_dir_all(tree.join("testdata"))?;
        fs::create_dir(&root)?;
        let fixture = FIXTURES.get().context("fixtures")?.join("manifests.yaml");
        let content = fs::read(&fixture).with_context(|| format!("read {}", fixture.display()))?;
        fs::write(tree.join("testdata/manifests.yaml"), &content)?;
        let storage = Storage::new(&root, "localhost", Retention::default())?;
        let mut served = artifact("manifests.tgz", None);
        storage.archive(&mut served, &tree, None)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let serving = tokio::spawn(serve(listener, storage));
        let wanted =
            Artifact { url: url(&row.fields["url"], &base), digest: digest(&row.fields["digest"], &served), ..served };
        let options = FetchOptions {
            retries: 0,
            max_download: u64::try_from(download).ok(),
            limits: limits(untar),
            ..FetchOptions::default()
        };
        let outcome = Fetcher::http(dir.path().join("scratch"), options)?.fetch(&wanted).await;
        serving.abort();
        Ok(match (outcome, row.flag("wantErr")) {
            (Ok(workdir), false) => Verdict::same(&content, &fs::read(workdir.path().join("testdata/manifests.yaml"))?),
            (Ok(_), true) => Verdict::Fail("expected an error".into()),
            (Err(error), false) => Verdict::Fail(format!("unexpected error: {error}")),
            (Err(error), true) => {
                let not_found = row.fields["wantErrType"]["$error"] == "file not found";
                if not_found && !matches!(error, FetchError::NotFound) {
                    Verdict::Fail(format!("expected `file not found`, got {error}"))
                } else {
                    Verdict::Pass
                }
            }
        })
    })
}

async fn serve(listener: tokio::net::TcpListener, storage: Storage) -> std::io::Result<()> {
    flux_artifact::server::listen(listener, server(storage)).await
}

/// The address of the artifact, or of a file that is not there.
fn url(value: &Value, base: &str) -> String {
    let whole = format!("{base}/manifests.tgz");
    match list(&value["$concat"]) {
        [] => whole,
        parts => parts.iter().map(|part| part.as_str().map_or_else(|| whole.clone(), str::to_owned)).collect(),
    }
}

/// A literal digest, or that of the artifact, with or without its algorithm.
fn digest(value: &Value, served: &Artifact) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if value["$concat"].is_array() {
        return served.digest.clone();
    }
    served.digest.split_once(':').map_or_else(String::new, |(_, hex)| hex.to_owned())
}
