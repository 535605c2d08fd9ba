//! Suite `cases/artifact-storage`: flags, paths, digests, garbage, copies, unpacking and fetching.

mod fetching;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use flux_artifact::{Algorithm, Artifact, Options, Retention, Storage, artifact_dir, artifact_path, revisions_differ};
use serde_json::Value;

use super::table::{self, Row, call};
use super::{Case, Inputs, Verdict};

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    fetching::set_fixtures(inputs.fixture("fetch-testdata"));
    table::load(inputs, |row| judge(row).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}"))))
}

fn judge(row: &Row) -> Result<Verdict> {
    match row.test.as_str() {
        "TestUntar" => return fetching::untar(row),
        "TestArchiveFetcher_FetchWithContext" | "TestArchiveFetcher_Fetch" => return fetching::fetch(row),
        "TestAlgorithmForName" => return Ok(algorithm(row)),
        _ => {}
    }
    if let Some(skip) = row.marked(&[]) {
        return Ok(skip);
    }
    match row.test.as_str() {
        "Test_Options_BindFlags" | "Test_Options_BindFlags_WithEnvironmentVariables" => Ok(flags(row)),
        "Test_Options_GetAdvertisedAddress" => Ok(address(row)),
        "TestStorage_CopyFromPath" => copy_from(row),
        "TestStorage_CopyToPath" => copy_to(row),
        "TestStorage_RemoveAll" => remove_all(row),
        "TestStorage_getGarbageFiles" => garbage(row),
        "TestStorage_GarbageCollect" => collect(row),
        "TestStorage_LocalPath" => local_path(row),
        "TestArtifactDir" => Ok(Verdict::same_text(
            row.text("expected"),
            &artifact_dir(row.text("kind"), row.text("namespace"), row.text("objName")),
        )),
        "TestArtifactPath" => {
            let path =
                artifact_path(row.text("kind"), row.text("namespace"), row.text("objName"), row.text("filename"));
            Ok(Verdict::same_text(row.text("expected"), &path))
        }
        "TestStorage_SetArtifactURL" => {
            let dir = tempfile::tempdir()?;
            let storage = Storage::new(dir.path(), row.text("hostname"), Retention::default())?;
            Ok(Verdict::same_text(row.text("expectedURL"), &storage.url(row.text("artifactPath"))))
        }
        "Test_artifactSet_Diff" => {
            let set = |field: &str| {
                row.list(field).iter().map(|entry| artifact("", entry["Revision"].as_str())).collect::<Vec<_>>()
            };
            Ok(Verdict::same(&row.flag("expected"), &revisions_differ(&set("current"), &set("updated"))))
        }
        other => Ok(Verdict::Fail(format!("no judge for {other}"))),
    }
}

fn artifact(path: &str, revision: Option<&str>) -> Artifact {
    Artifact {
        digest: String::new(),
        last_update_time: flux_api::Time(Default::default()),
        metadata: BTreeMap::new(),
        path: path.into(),
        revision: revision.unwrap_or_default().into(),
        size: 0,
        url: String::new(),
    }
}

fn store(dir: &Path, retention: Retention) -> Result<Storage> {
    Ok(Storage::new(dir, "localhost:9090", retention)?)
}

fn duration(value: &Value) -> Result<Duration> {
    let Some(text) = value["$duration"].as_str() else { return Ok(Duration::ZERO) };
    // Shorter than what manifests may hold.
    if let Some(nanoseconds) = text.strip_suffix("ns") {
        return Ok(Duration::from_nanos(nanoseconds.parse()?));
    }
    let parsed: flux_api::Duration = text.parse().context("a duration")?;
    Ok(parsed.std())
}

fn algorithm(row: &Row) -> Verdict {
    let parsed = row.text("name").parse::<Algorithm>();
    if row.fields["wantErr"]["$error"].is_string() {
        return match parsed {
            Err(error) if error.to_string().contains(row.fields["wantErr"]["$error"].as_str().unwrap_or_default()) => {
                Verdict::Pass
            }
            other => Verdict::Fail(format!("expected an error, got {other:?}")),
        };
    }
    // A constant of the digest package, in capitals.
    let constant = row.fields["want"]["$var"].as_str().and_then(|name| name.strip_prefix("godigest."));
    let expected = constant.map_or_else(|| row.text("want").to_owned(), str::to_lowercase);
    match parsed {
        Ok(algorithm) => Verdict::same_text(&expected, algorithm.name()),
        Err(error) => Verdict::Fail(error.to_string()),
    }
}

fn flags(row: &Row) -> Verdict {
    let environment = |name: &str| row.fields["envVars"][name].as_str().map(str::to_owned);
    let options = match Options::from_flags(&row.texts("commandLine"), environment) {
        Ok(options) => options,
        Err(error) => return Verdict::Fail(format!("unexpected error: {error}")),
    };
    let ttl = match duration(&row.fields["expectedArtifactRetentionTTL"]) {
        Ok(ttl) => ttl,
        Err(error) => return Verdict::Fail(error.to_string()),
    };
    let expected = Options {
        storage_path: row.text("expectedStoragePath").into(),
        storage_address: row.text("expectedStorageAddress").into(),
        storage_adv_address: row.text("expectedStorageAdvAddress").into(),
        retention_ttl: ttl,
        retention_records: row.fields["expectedArtifactRetentionRecords"].as_u64().unwrap_or_default() as usize,
        digest_algorithm: row.text("expectedArtifactDigestAlgo").parse().unwrap_or_default(),
    };
    Verdict::same(&expected, &options)
}

fn address(row: &Row) -> Verdict {
    let options = Options {
        storage_address: row.text("storageAddress").into(),
        storage_adv_address: row.text("storageAdvAddress").into(),
        ..Options::default()
    };
    let host = row.flag("setHostnameEnv").then(|| row.text("hostnameEnvValue"));
    match (options.advertised_address(host), row.flag("expectedError")) {
        (Ok(_), true) => Verdict::Fail("expected an error".into()),
        (Err(_), true) => Verdict::Pass,
        (Err(error), false) => Verdict::Fail(error.to_string()),
        (Ok(address), false) if row.text("expectedAddress").is_empty() => {
            let port = row.text("storageAddress").rsplit(':').next().unwrap_or_default();
            let host = address.strip_suffix(&format!(":{port}")).unwrap_or_default();
            if host.is_empty() { Verdict::Fail(format!("no host in {address}")) } else { Verdict::Pass }
        }
        (Ok(address), false) => Verdict::same_text(row.text("expectedAddress"), &address),
    }
}

fn copy_from(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("source");
    fs::write(&file, row.fields["file"]["Content"].as_str().unwrap_or_default())?;
    let root = dir.path().join("store");
    fs::create_dir(&root)?;
    let storage = store(&root, Retention::default())?;
    let mut target = artifact("a/b/c", None);
    storage.copy_from_path(&mut target, &file)?;
    storage.verify(&target)?;
    let copied = fs::read_to_string(root.join("a/b/c"))?;
    let differs = copied != row.fields["want"]["Content"].as_str().unwrap_or_default();
    Ok(Verdict::same(&row.flag("expectMismatch"), &differs))
}

/// The tree that upstream's test archives.
const TREE: &[(&str, &str)] = &[
    ("README.md", "# Test Repository\n"),
    ("src/main.go", "package main\n\nfunc main() {}\n"),
    ("src/utils/helper.go", "package utils\n\nfunc Help() {}\n"),
    ("config/app.yaml", "name: test-app\nversion: 1.0.0\n"),
];

fn copy_to(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let (tree, root) = (dir.path().join("tree"), dir.path().join("store"));
    for (name, content) in TREE {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().context("a parent")?)?;
        fs::write(path, content)?;
    }
    fs::create_dir(&root)?;
    let storage = store(&root, Retention::default())?;
    let mut source = artifact("gitrepository/default/test-repo/source.tar.gz", None);
    storage.archive(&mut source, &tree, None)?;
    let target = dir.path().join("extracted");
    match (storage.copy_to_path(&source, row.text("subPath"), &target), row.flag("expectError")) {
        (Err(_), true) => return Ok(Verdict::Pass),
        (Ok(()), true) => return Ok(Verdict::Fail("expected an error".into())),
        (Err(error), false) => return Ok(Verdict::Fail(error.to_string())),
        (Ok(()), false) => {}
    }
    for (name, content) in row.fields["expectFiles"].as_object().into_iter().flatten() {
        let path = if name.is_empty() { target.clone() } else { target.join(name) };
        let got = fs::read_to_string(&path).with_context(|| format!("read {name:?}"))?;
        if Some(got.as_str()) != content.as_str() {
            return Ok(Verdict::Fail(format!("{name}: expected {content}, got {got:?}")));
        }
    }
    Ok(Verdict::Pass)
}

fn remove_all(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let path = row.text("artifactPath");
    if row.flag("createArtifactPath") {
        fs::create_dir_all(dir.path().join(path))?;
    }
    let storage = store(dir.path(), Retention::default())?;
    let removed = storage.remove_all(&artifact(path, None))?;
    let removed = removed.map(|path| path.display().to_string()).unwrap_or_default();
    let expected = row.text("wantDeleted");
    let good = removed.contains(expected) && (removed.is_empty() == expected.is_empty());
    Ok(if good { Verdict::Pass } else { Verdict::Fail(format!("expected {expected:?} in {removed:?}")) })
}

fn local_path(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let storage = store(dir.path(), Retention::default())?;
    let path = storage.local_path(row.text("artifactPath"));
    let good =
        path.as_ref().is_some_and(|path| path.starts_with(storage.root()) && path.ends_with(row.text("artifactPath")));
    Ok(if good != row.flag("expectEmpty") { Verdict::Pass } else { Verdict::Fail(format!("got {path:?}")) })
}

/// Files that upstream's test makes one after the other, with a pause after each: here their times say so.
fn aged(dir: &Path, paths: &[String], pause: Duration, pause_after_last: bool) -> Result<()> {
    let (now, count) = (SystemTime::now(), paths.len());
    for (at, path) in paths.iter().enumerate() {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().context("a parent")?)?;
        let pauses = count - at - usize::from(!pause_after_last);
        let age = pause * u32::try_from(pauses)? + Duration::from_millis(1);
        fs::File::create(&path)?.set_modified(now - age)?;
    }
    Ok(())
}

fn garbage(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let paths = row.texts("artifactPaths");
    aged(dir.path(), &paths, duration(&row.fields["createPause"])?, true)?;
    let number = |field: &str| row.fields[field].as_u64().unwrap_or_default() as usize;
    let current = artifact(paths.last().context("a path")?, None);
    let ttl = duration(&row.fields["ttl"])?;
    let found = store(dir.path(), Retention::default())?.garbage_files(
        &current,
        number("totalCountLimit"),
        number("maxItemsToBeRetained"),
        ttl,
    )?;
    Ok(same_paths(dir.path(), &row.texts("wantDeleted"), found))
}

fn same_paths(dir: &Path, expected: &[String], found: Vec<PathBuf>) -> Verdict {
    let root = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let mut found: Vec<String> =
        found.iter().map(|path| path.strip_prefix(&root).unwrap_or(path).display().to_string()).collect();
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    Verdict::same(&expected, &found)
}

fn collect(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let paths = row.texts("artifactPaths");
    aged(dir.path(), &paths, Duration::from_secs(1), false)?;
    let storage = store(dir.path(), Retention { ttl: Duration::from_secs(2), records: 2 })?;
    let current = artifact(paths.last().context("a path")?, None);
    let outcome = storage.collect_garbage(&current, duration(&row.fields["ctxTimeout"])?);
    let outcome = outcome.map_err(|error| error.to_string());
    if let Some(verdict) = row.expect_error("wantErr", &outcome) {
        return Ok(verdict);
    }
    if let Some(left) = row.texts("wantDeleted").into_iter().find(|path| dir.path().join(path).exists()) {
        return Ok(Verdict::Fail(format!("{left} is still there")));
    }
    Ok(same_paths(dir.path(), &row.texts("wantCollected"), outcome.unwrap_or_default()))
}

/// The number behind a helper that makes random bytes.
fn random_bytes(value: &Value) -> Vec<u8> {
    let count = call(value).and_then(|(_, arguments)| arguments.first()?.as_u64()).unwrap_or_default();
    (0..count).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 7) as u8).collect()
}
