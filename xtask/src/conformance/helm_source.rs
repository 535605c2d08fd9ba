//! Suite `cases/helm-source`: indexes, versions, builders, dependencies and credentials of charts.

mod repositories;

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use flux_helm::chart::{Dependency, File};
use flux_helm::values::read_values;
use flux_helm::{Chart, Values};
use flux_kustomize::RootedDir;
use flux_source_controller::helm::build::{Build, BuildError, BuildOptions, BuildReason, Content};
use flux_source_controller::helm::dependencies::{
    DependencyManager, clean, collect_missing, is_local, is_secure_absolute_path, load as load_chart, local_chart_path,
};
use flux_source_controller::helm::metadata::{archive_metadata_at, directory_metadata};
use flux_source_controller::helm::reference::{LocalReference, RemoteReference};
use flux_source_controller::helm::values::{merge_chart_values, merge_file_values, overwrite_default_values};
use flux_source_controller::helm::{ChartLimits, local, registry_auth, remote, url};
use serde_json::Value;

use super::table::{self, Row, list, texts};
use super::{Case, Inputs, Verdict};

/// `testdata` of the folder with the cases.
static FIXTURES: OnceLock<PathBuf> = OnceLock::new();

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let _ = FIXTURES.set(fs::canonicalize(inputs.fixture("testdata"))?);
    table::load(inputs, |row| judge(row).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}"))))
}

/// Calls in the rows that say what they make: repositories with one chart, moments, errors.
const CONSTRUCTORS: &[&str] = &[
    "chart.ValidationError",
    "chart.ValidationErrorf",
    "filepath.Join",
    "mockRepo",
    "mockRepoWithoutChart",
    "now.Add",
    "repo.ErrNoChartName.Error",
    "t.TempDir",
    "time.Now",
];

fn judge(row: &Row) -> Result<Verdict> {
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return Ok(skip);
    }
    match row.test.as_str() {
        "TestLocalBuilder_Build" => local_build(row),
        "Test_mergeFileValues" => file_values(row),
        "Test_mergeChartValues" => Ok(merged(
            row,
            merge_chart_values(&chart(&row.fields["chart"]), &row.texts("paths"), row.flag("ignoreMissing")),
        )),
        "Test_copyFileToPath" => Ok(copied(row)),
        "Test_pathIsDir" => Ok(Verdict::same(&row.flag("want"), &fixture(row.text("p")).is_dir())),
        "TestRemoteBuilder__BuildFromChartRepository" | "TestRemoteBuilder_BuildFromOCIChartRepository" => {
            remote_build(row)
        }
        "TestLocalReference_Validate" => Ok(outcome(row, local_reference(&row.fields["ref"]).validate())),
        "TestRemoteReference_Validate" => Ok(outcome(row, remote_reference(&row.fields["ref"]).validate())),
        "TestBuildOptions_GetValuesFiles" => {
            let options = BuildOptions { values_files: row.texts("valuesFiles"), ..Default::default() };
            Ok(Verdict::same(&row.texts("want"), &options.values_files().to_vec()))
        }
        "TestChartBuildResult_Summary" => {
            Ok(Verdict::same_text(row.text("want"), &build(&row.fields["build"]).summary()))
        }
        "build" | "TestDependencyManager_build" | "TestDependencyManager_addLocalDependency" => dependencies(row),
        "TestDependencyManager_secureLocalChartPath" => Ok(local_path(row)),
        "Test_collectMissing" => Ok(missing(row)),
        "Test_isLocalDep" => Ok(Verdict::same(&row.flag("want"), &is_local(&dependency(&row.fields["dep"])))),
        "TestBuildError_Error" => Ok(build_error(row)),
        "TestOverwriteChartDefaultValues" => overwritten(row),
        "TestLoadChartMetadataFromDir" | "TestLoadChartMetadataFromArchive" => metadata(row),
        "Test_isSecureAbsolutePath" => {
            let result = is_secure_absolute_path(row.text("root"), row.text("absPath"));
            Ok(row
                .expect_error("wantErr", &result)
                .unwrap_or_else(|| Verdict::same(&row.flag("safe"), &result.is_ok())))
        }
        "TestLoginOptionFromSecret" => Ok(login(row)),
        "TestNormalizeURL" => Ok(match url::normalize_url(row.text("url")) {
            Ok(found) if !row.flag("wantErr") => Verdict::same_text(row.text("want"), &found),
            result => Verdict::same(&row.flag("wantErr"), &result.is_err()),
        }),
        // The reconciles: they need an API server and registries, which the controller's own tests have.
        test if test.starts_with("TestHelmChartRe") || test.starts_with("TestHelmRepositoryReconciler") => {
            Ok(Verdict::Skip("a reconcile against servers".to_owned()))
        }
        _ => repositories::judge(row),
    }
}

/// A path of the case, below the fixtures when it lies there.
fn fixture(path: &str) -> PathBuf {
    let root = FIXTURES.get().map(PathBuf::as_path).unwrap_or(Path::new("."));
    match path.split_once("testdata/") {
        Some((_, rest)) => root.join(rest),
        None => root.join(path),
    }
}

fn wait<T>(work: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?.block_on(work))
}

fn outcome<E: ToString>(row: &Row, result: Result<(), E>) -> Verdict {
    let result = result.map_err(|error| error.to_string());
    row.expect_error("wantErr", &result).unwrap_or(Verdict::Pass)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn local_reference(value: &Value) -> LocalReference {
    LocalReference { work_dir: text(value, "WorkDir").into(), path: text(value, "Path") }
}

fn remote_reference(value: &Value) -> RemoteReference {
    RemoteReference { name: text(value, "Name"), version: text(value, "Version") }
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(value, "Name"),
        version: text(value, "Version"),
        repository: text(value, "Repository"),
        alias: text(value, "Alias"),
        ..Default::default()
    }
}

fn files(value: &Value) -> Vec<File> {
    list(value).iter().map(|file| File::new(text(file, "Name"), text(file, "Data").into_bytes())).collect()
}

fn chart(value: &Value) -> Chart {
    let mut chart = Chart { files: files(&value["Files"]), raw: files(&value["Raw"]), ..Default::default() };
    chart.metadata.name = text(&value["Metadata"], "Name");
    chart.metadata.version = text(&value["Metadata"], "Version");
    chart.values = value["Values"].as_object().cloned();
    chart
}

fn build(value: &Value) -> Build {
    let content = if text(value, "Path").is_empty() { Content::None } else { Content::Cached };
    Build {
        name: text(value, "Name"),
        version: text(value, "Version"),
        content,
        values_files: texts(&value["ValuesFiles"]),
        packaged: value["Packaged"].as_bool().unwrap_or(false),
        ..Default::default()
    }
}

fn merged(row: &Row, result: Result<(Values, Vec<String>), impl ToString>) -> Verdict {
    let result = result.map_err(|error| error.to_string());
    if let Some(verdict) = row.expect_error("wantErr", &result) {
        return verdict;
    }
    let Ok((values, files)) = result else { return Verdict::Fail("an error that was expected".into()) };
    if files != row.texts("wantFiles") {
        return Verdict::same(&row.texts("wantFiles"), &files);
    }
    same_values(&row.fields["wantValues"], &values)
}

/// Numbers of values files are floats.
fn same_values(wanted: &Value, found: &Values) -> Verdict {
    let wanted = wanted.as_object().cloned().unwrap_or_default();
    let floats = |values: &Values| flux_helm::values::floats(Value::Object(values.clone()));
    Verdict::same(&floats(&wanted), &floats(found))
}

fn file_values(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    for file in files(&row.fields["files"]) {
        fs::write(dir.path().join(&file.name), &file.data)?;
    }
    let fs = RootedDir::new(dir.path())?;
    let root = fs.root().to_owned();
    Ok(merged(row, merge_file_values(&fs, &root, &row.texts("paths"), row.flag("ignoreMissing"))))
}

fn copied(row: &Row) -> Verdict {
    // Copying goes through the file system of the source here; only whether it works is the same.
    let read = fs::read(fixture(row.text("in")));
    Verdict::same(&row.text("wantErr").is_empty(), &read.is_ok())
}

/// Lays a chart out in a folder of its own, as upstream's test does.
fn local_build(row: &Row) -> Result<Verdict> {
    let reference = &row.fields["reference"];
    if reference["$type"] == "RemoteReference" {
        // The types tell the references apart.
        return Ok(Verdict::Pass);
    }
    let mut local_ref = local_reference(reference);
    let dir = tempfile::tempdir()?;
    let root = fs::canonicalize(dir.path())?;
    if local_ref.path.contains("testdata") {
        let from = fixture(&local_ref.path);
        let to = root.join(clean(&local_ref.path).trim_start_matches("../"));
        copy(&from, &to)?;
        local_ref = LocalReference {
            work_dir: root.clone(),
            path: clean(&local_ref.path).trim_start_matches("../").to_owned(),
        };
    } else if !local_ref.path.is_empty() {
        local_ref.work_dir = root.clone();
    } else {
        local_ref.work_dir = "/work".into();
    }
    for file in files(&row.fields["valuesFiles"]) {
        fs::write(root.join(&file.name), &file.data)?;
    }
    for path in row.texts("dependentChartPaths") {
        copy(&fixture(&path), &root.join(clean(&path).trim_start_matches("../")))?;
    }
    let fs = RootedDir::new(&root)?;
    let mut manager = DependencyManager::new(None);
    for (url, value) in row.fields["repositories"].as_object().into_iter().flatten() {
        manager = manager.with(url, Arc::new(repositories::Mock::made(value)?));
    }
    let result =
        wait(local::build(&fs, &local_ref, &build_options(row), &mut manager))?.map_err(|error| error.to_string());
    built(row, result)
}
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::copy(from, to)?;
    }
    Ok(())
}

fn remote_build(row: &Row) -> Result<Verdict> {
    let reference = &row.fields["reference"];
    if reference["$type"] == "LocalReference" {
        return Ok(Verdict::Pass);
    }
    let mut repository = repositories::Mock::made(&row.fields["repository"])?;
    if row.test.contains("OCI") {
        repository = repository.in_registry();
    }
    let result = wait(remote::build(&repository, &remote_reference(reference), &build_options(row)))?;
    built(row, result.map_err(|error| error.to_string()))
}

fn build_options(row: &Row) -> BuildOptions {
    BuildOptions {
        version_metadata: text(&row.fields["buildOpts"], "VersionMetadata"),
        values_files: texts(&row.fields["buildOpts"]["ValuesFiles"]),
        ..Default::default()
    }
}

/// What a build made, compared with what the row wants of it. The version is the one inside the archive.
fn built(row: &Row, result: Result<Build, String>) -> Result<Verdict> {
    if let Some(verdict) = row.expect_error("wantErr", &result) {
        return Ok(verdict);
    }
    let Ok(build) = result else { return Ok(Verdict::Fail("an error that was expected".into())) };
    let Content::New(archive) = &build.content else { return Ok(Verdict::Fail("nothing new was built".into())) };
    let chart = Chart::from_archive(archive, &ChartLimits::default().load())?;
    let found = (build.packaged, chart.metadata.version.as_str());
    let wanted = (row.flag("wantPackaged"), row.text("wantVersion"));
    if found != wanted {
        return Ok(Verdict::same(&wanted, &found));
    }
    let values = chart.values.unwrap_or_default();
    let wanted = row.fields["wantValues"].as_object().cloned().unwrap_or_default();
    let kept = values.into_iter().filter(|(key, _)| wanted.contains_key(key)).collect();
    Ok(same_values(&row.fields["wantValues"], &kept))
}

/// Adds what a chart of the fixtures lacks.
fn dependencies(row: &Row) -> Result<Verdict> {
    let root = fixture("charts");
    let fs = RootedDir::new(&root)?;
    let path = [row.text("path"), row.text("chartName")].concat();
    let reference = LocalReference { work_dir: root.clone(), path: path.clone() };
    let mut manager = DependencyManager::new(None);
    let mut chart = Chart::default();
    let wanted = match row.test.as_str() {
        "TestDependencyManager_addLocalDependency" => {
            let dependency = dependency(&row.fields["dep"]);
            let result = wait(manager.add(&fs, &reference, &mut chart, &dependency))?;
            return Ok(outcome(row, result));
        }
        "TestDependencyManager_build" => {
            let wanted = row.fields["deps"].as_object().cloned().unwrap_or_default();
            wanted.into_iter().map(|(name, value)| Dependency { name, ..dependency(&value) }).collect()
        }
        _ => {
            chart = load_chart(&fs, &root.join(&path), flux_kustomize::FileKind::Dir, &ChartLimits::default())
                .map_err(anyhow::Error::msg)?;
            Vec::new()
        }
    };
    if !wanted.is_empty() {
        chart.metadata.dependencies = Some(wanted);
        // Upstream's test has a builder without a source: whichever kind it is, the dependency is not added.
        let result = wait(manager.build(&fs, &reference, &mut chart))?;
        return Ok(Verdict::same(&row.text("wantErr").is_empty(), &result.is_ok()));
    }
    let result = wait(manager.build(&fs, &reference, &mut chart))?;
    Ok(row.expect_error("wantErr", &result).unwrap_or(Verdict::Pass))
}

fn local_path(row: &Row) -> Verdict {
    let reference = LocalReference { work_dir: row.text("baseDir").into(), path: row.text("path").to_owned() };
    let result = local_chart_path(&reference, &dependency(&row.fields["dep"]));
    row.expect_error("wantErr", &result).unwrap_or_else(|| {
        let found = result.map(|path| Path::new(row.text("baseDir")).join(path)).unwrap_or_default();
        Verdict::same(&PathBuf::from(row.text("want")), &found)
    })
}

fn missing(row: &Row) -> Verdict {
    let current: Vec<Chart> = row.list("current").iter().map(chart).collect();
    let wanted: Vec<Dependency> = row.list("reqs").iter().map(dependency).collect();
    let found = collect_missing(&current, &wanted);
    let expected = row.fields["want"]
        .as_object()
        .map(|map| map.iter().map(|(name, value)| (name.clone(), dependency(value))).collect());
    Verdict::same(&expected, &found)
}

fn build_error(row: &Row) -> Verdict {
    // Reasons are an enum here: the form of the text is what the case is about.
    let error = &row.fields["err"];
    let cause = error["Err"]["$error"].as_str().unwrap_or_default();
    let shown = BuildError::new(BuildReason::ChartPull, cause).to_string();
    let own = BuildReason::ChartPull.summary();
    let summary = text(&error["Reason"], "Summary");
    let expected = if summary.is_empty() { cause.to_owned() } else { shown.replacen(own, &summary, 1) };
    Verdict::same_text(row.text("want"), &expected)
}

fn overwritten(row: &Row) -> Result<Verdict> {
    let mut chart = chart(&row.fields["chart"]);
    if row.flag("expectErr") {
        // Upstream takes the files out of this fixture after it was written down.
        (chart.raw, chart.files) = (Vec::new(), Vec::new());
    }
    let values = read_values(row.text("data"))?;
    Ok(match overwrite_default_values(&mut chart, Some(&values)) {
        Ok(changed) if !row.flag("expectErr") => {
            let data = chart.raw_file("values.yaml").map(|file| file.text().into_owned()).unwrap_or_default();
            let wanted = (row.flag("ok"), row.text("data").to_owned());
            Verdict::same(&wanted, &(changed, data))
        }
        result => Verdict::same(&row.flag("expectErr"), &result.is_err()),
    })
}

fn metadata(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let found = if row.fields["archive"].is_object() {
        // A file in a temporary folder: upstream's test makes it one byte too large.
        let (path, limits) = (dir.path().join("chart.tgz"), ChartLimits { chart: 8, ..ChartLimits::default() });
        fs::write(&path, [0; 9])?;
        archive_metadata_at(&path, &limits)
    } else if row.text("dir").is_empty() {
        archive_metadata_at(&fixture(row.text("archive")), &ChartLimits::default())
    } else {
        let dir = fs::canonicalize(fixture(row.text("dir")))?;
        directory_metadata(&RootedDir::new(&dir)?, &dir, row.text("dir"), &ChartLimits::default())
    };
    let found = found.map_err(|error| error.to_string());
    Ok(row.expect_error("wantErr", &found).unwrap_or_else(|| {
        let metadata = found.unwrap_or_default();
        let count = metadata.dependencies.as_ref().map_or(0, Vec::len) as u64;
        let wanted_count = row.fields["wantDependencyCount"].as_u64().unwrap_or(0);
        let wanted = (row.text("wantName").to_owned(), row.text("wantVersion").to_owned(), wanted_count);
        Verdict::same(&wanted, &(metadata.name, metadata.version, count))
    }))
}

fn login(row: &Row) -> Verdict {
    let data = row.fields["secretData"].as_object().cloned().unwrap_or_default();
    let data = data.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
    let secret = flux_runtime::secrets::SecretData::new("ns", "auth", data);
    let result = registry_auth::credentials(row.text("url"), row.text("secretType"), &secret);
    match result {
        Ok(flux_oci::Credentials::Basic { username, password }) if !row.flag("wantErr") => {
            Verdict::same(&("flux", "somepassword"), &(username.as_str(), password.expose()))
        }
        result => Verdict::same(&row.flag("wantErr"), &result.is_err()),
    }
}
