//! Rows about repositories: indexes, versions, registries, downloads.

use std::sync::Arc;

use anyhow::Result;
use flux_helm::index::{ChartVersion, Index};
use flux_helm::{Chart, Time};
use flux_kustomize::RootedDir;
use flux_source_controller::helm::dependencies::DependencyManager;
use flux_source_controller::helm::download::{
    DownloadError, Downloader, Found, download_url, index_version, is_exact, last_matching, oci_chart_url, oci_exact,
    oci_reference,
};
use flux_source_controller::helm::reference::LocalReference;
use flux_source_controller::helm::url::{is_oci, normalize_url};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::{dependency, fixture, text, wait};
use crate::conformance::Verdict;
use crate::conformance::table::{Row, call, list, texts};

/// A repository that is not asked: an index or tags, and no archives.
#[derive(Default)]
pub struct Mock {
    pub index: Option<Index>,
    /// The address of a registry, and its tags by name.
    pub tags: Option<(String, Value)>,
    /// What is downloaded; `None` when that fails.
    pub archive: Option<Vec<u8>>,
}

impl Mock {
    /// The repository that upstream's tests make: one chart under the name `grafana`.
    pub fn made(value: &Value) -> Result<Self> {
        let Some((name, _)) = call(value) else { return Ok(Self::default()) };
        let index = "apiVersion: v1\nentries:\n  grafana:\n  - {urls: [https://example.com/grafana.tgz], version: 6.17.4, name: grafana}\n";
        let archive = std::fs::read(fixture("charts/helmchart-0.1.0.tgz"))?;
        let archive = (name == "mockRepo").then_some(archive);
        Ok(Self { index: Some(Index::parse(index.as_bytes())?), archive, ..Self::default() })
    }

    /// The same in a registry.
    pub fn in_registry(mut self) -> Self {
        if self.index.take().is_some() {
            let tags = serde_json::json!({"grafana": ["6.17.4"], "another/grafana": ["6.17.4"]});
            self.tags = Some(("oci://localhost:5000/my_repo".into(), tags));
        }
        self
    }
}

impl Downloader for Mock {
    fn chart_version<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<Found, DownloadError>> {
        let found = match (&self.index, &self.tags) {
            (Some(index), _) => {
                index_version(index, name, version).map_err(|error| DownloadError::Reference(error.to_string()))
            }
            (None, Some((url, tags))) => oci_version(url, name, version, tags).map_err(DownloadError::External),
            (None, None) => Err(DownloadError::External("failed to load index: empty index.yaml file".into())),
        };
        std::future::ready(found).boxed()
    }

    fn download<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        let url = found.urls.first().ok_or_else(|| format!("chart '{}' has no downloadable URLs", found.name));
        let result = url.and_then(|url| {
            let archive = self.archive.clone();
            archive.ok_or_else(|| format!("failed to get '{url}': chart doesn't exist"))
        });
        std::future::ready(result).boxed()
    }
}

fn oci_version(url: &str, name: &str, version: &str, tags: &Value) -> Result<Found, String> {
    let url = oci_chart_url(url, name)?;
    if is_exact(version) {
        return Ok(oci_exact(&url, name, version));
    }
    let tags = texts(&tags[name]);
    if tags.is_empty() {
        return Err(format!("could not get tags for {name:?}: no tags found for {name}"));
    }
    Ok(oci_exact(&url, name, &last_matching(&tags, version)?))
}

pub fn judge(row: &Row) -> Result<Verdict> {
    Ok(match row.test.as_str() {
        "TestIndexFromFile" => {
            let bytes = std::fs::read(fixture(row.text("filename")));
            let result = bytes.map_err(|error| error.to_string()).and_then(|bytes| parse(&bytes).map(drop));
            row.expect_error("wantErr", &result).unwrap_or(Verdict::Pass)
        }
        "TestIndexFromBytes" => index_of_bytes(row),
        "TestIndexFromBytes_InvalidEntries" => match parse(row.text("data").as_bytes()) {
            Ok(index) => {
                let versions: Vec<&str> =
                    index.entries.get("nginx").into_iter().flatten().map(|entry| entry.version.as_str()).collect();
                Verdict::same(&vec!["0.2.0"], &versions)
            }
            Err(error) => Verdict::Fail(error),
        },
        // Rows of the index that the test makes, not tests.
        "TestChartRepository_GetChartVersion" => Verdict::same(&row.text("name"), &"chart"),
        "TestChartRepository_GetChartVersion#1" => version_of_index(row),
        "TestChartRepository_DownloadChart" => {
            address(row, "wantErr", "wantURL", |found| download_url(row.text("url"), found))
        }
        "TestOCIChartRepository_DownloadChart" => address(row, "expectedErr", "expected", oci_reference),
        "TestOCIChartRepository_Get" => {
            let result = normalize_url(row.text("url"))
                .map_err(|error| error.to_string())
                .and_then(|url| oci_chart_url(&url, "podinfo"))
                .and_then(|_| {
                    if is_exact(row.text("version")) {
                        return Ok(row.text("version").to_owned());
                    }
                    last_matching(&texts(&row.fields["registryClient"]["tags"]), row.text("version"))
                });
            row.expect_error("expectedErr", &result)
                .unwrap_or_else(|| Verdict::same_text(row.text("expected"), &result.unwrap_or_default()))
        }
        "TestIgnoreSkippableChartValidationError" => passed_over(row),
        "TestDependencyManager_addRemoteDependency" | "TestDependencyManager_addRemoteOCIDependency" => remote(row)?,
        "TestDependencyManager_resolveRepository" => {
            let mut manager = manager(&row.fields["downloaders"]);
            let result = wait(manager.resolve(row.text("url")))?.map(drop);
            row.expect_error("wantErr", &result).unwrap_or(Verdict::Pass)
        }
        other => Verdict::Fail(format!("no judge for {other}")),
    })
}

fn parse(bytes: &[u8]) -> Result<Index, String> {
    Index::parse(bytes).map_err(|error| error.to_string())
}

/// Which errors of a chart are passed over is part of reading an index here.
fn passed_over(row: &Row) -> Verdict {
    let Some((_, arguments)) = call(&row.fields["Input"]) else {
        // No error, or one that is none of a chart's, stays what it is.
        return Verdict::same(&false, &row.flag("ErrorSkipped"));
    };
    let more = if arguments[0].as_str().is_some_and(|text| text.contains("dependency")) {
        "dependencies: [{name: foo, version: 1.0.0}, {name: foo, version: 1.0.0}]"
    } else {
        "type: nonsense"
    };
    let text = format!("apiVersion: v1\nentries:\n  app:\n  - {{apiVersion: v2, name: app, version: 1.0.0, {more}}}\n");
    let kept = parse(text.as_bytes()).map(|index| index.len());
    Verdict::same(&Ok(usize::from(row.flag("ErrorSkipped"))), &kept)
}

fn index_of_bytes(row: &Row) -> Verdict {
    let result = parse(row.text("b").as_bytes());
    row.expect_error("wantErr", &result).unwrap_or_else(|| {
        let index = result.unwrap_or_default();
        let entry = index.entries.get("nginx").and_then(|versions| versions.first()).cloned().unwrap_or_default();
        let wanted = (row.text("wantName"), row.text("wantVersion"), row.text("wantDigest"));
        Verdict::same(&wanted, &(entry.name.as_str(), entry.version.as_str(), entry.digest.as_str()))
    })
}

/// The index of upstream's test.
fn version_of_index(row: &Row) -> Verdict {
    let versions = [
        ("1.1.0-rc.1", 0),
        ("1.0.0", 0),
        ("0.2.0", 0),
        ("0.1.5+b.min.minute", 100_000 - 60),
        ("0.1.5+a.min.hour", 100_000 - 3600),
        ("0.1.5+c.now", 100_000),
        ("0.1.1", 0),
        ("0.1.0", 0),
        ("0.0.1", 0),
    ];
    let versions = versions.map(|(version, created)| ChartVersion {
        name: "chart".into(),
        version: version.into(),
        created: Time::from_unix(created),
        ..Default::default()
    });
    let mut index = Index::default();
    index.entries.insert("chart".into(), versions.to_vec());
    let result = index_version(&index, row.text("chartName"), row.text("chartVersion"));
    let result = result.map_err(|error| error.to_string());
    if call(&row.fields["wantErr"]).is_some() {
        return Verdict::same(&Err("no chart name found".to_owned()), &result.map(drop));
    }
    row.expect_error("wantErr", &result)
        .unwrap_or_else(|| Verdict::same_text(row.text("wantVersion"), &result.unwrap_or_default().version))
}

fn found(value: &Value) -> Found {
    Found {
        name: text(&value["Metadata"], "Name"),
        version: text(&value["Metadata"], "Version"),
        urls: texts(&value["URLs"]),
    }
}

fn address(row: &Row, error: &str, wanted: &str, of: impl Fn(&Found) -> Result<String, String>) -> Verdict {
    match of(&found(&row.fields["chartVersion"])) {
        Ok(url) if !row.flag(error) => Verdict::same_text(row.text(wanted), &url),
        result => Verdict::same(&row.flag(error), &result.is_err()),
    }
}

/// A manager that knows the case's repositories.
fn manager(downloaders: &Value) -> DependencyManager<'static> {
    let known = downloaders.as_object().cloned().unwrap_or_default();
    known.into_iter().fold(DependencyManager::new(None), |manager, (url, value)| {
        let tags = is_oci(&url).then(|| (url.clone(), value["RegistryClient"]["tags"].clone()));
        manager.with(url, Arc::new(Mock { index: index(&value["Index"]), tags, archive: Some(Vec::new()) }))
    })
}

fn index(value: &Value) -> Option<Index> {
    let entries = value["Entries"].as_object()?;
    let versions = |value: &Value| {
        let versions = list(value).iter().map(found);
        versions
            .map(|found| ChartVersion {
                name: found.name,
                version: found.version,
                urls: found.urls,
                ..Default::default()
            })
            .collect()
    };
    let entries = entries.iter().map(|(name, value)| (name.clone(), versions(value))).collect();
    Some(Index { entries, ..Default::default() })
}

fn remote(row: &Row) -> Result<Verdict> {
    let mut manager = manager(&row.fields["downloaders"]);
    let root = fixture("charts");
    let reference = LocalReference { work_dir: root.clone(), path: "helmchart".into() };
    let mut chart = Chart::default();
    let fs = RootedDir::new(&root)?;
    let result = wait(manager.add(&fs, &reference, &mut chart, &dependency(&row.fields["dep"])))?;
    Ok(row.expect_error("wantErr", &result).unwrap_or(Verdict::Pass))
}
