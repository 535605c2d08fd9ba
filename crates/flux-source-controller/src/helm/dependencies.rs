//! Charts that a chart needs and does not hold.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flux_helm::Chart;
use flux_helm::chart::Dependency;
use flux_kustomize::{FileKind, FileSystem};
use flux_semver::{Constraint, Version};
use futures::future::BoxFuture;

use super::ChartLimits;
use super::download::Downloader;
use super::reference::LocalReference;
use super::url::{Parts, normalize_url, validate_dependency_url};

/// The most dependencies of one chart.
const MAX_DEPENDENCIES: usize = 1000;

/// A path without `.`, `..` and doubled slashes, as Go's `filepath.Clean` has it.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// A path inside a root, whatever it says: relative to the root, and never above it.
pub fn secure_join(path: &str) -> String {
    clean(&format!("/{path}")).trim_start_matches('/').to_owned()
}

/// Whether an absolute path lies in a root. Both are names only; links are the reader's business.
///
/// # Errors
/// A path outside, and a root that is not absolute.
pub fn is_secure_absolute_path(root: &str, path: &str) -> Result<(), String> {
    if !root.starts_with('/') || !path.starts_with('/') {
        let reason = format!("Rel: can't make {path} relative to {root}");
        return Err(format!("cannot calculate path relative to root for absolute path: {reason}"));
    }
    let (root, path) = (clean(root), clean(path));
    let inside = root == "/" || path == root || path.strip_prefix(&root).is_some_and(|rest| rest.starts_with('/'));
    if inside { Ok(()) } else { Err("absolute path traverses outside root boundary".to_owned()) }
}

/// Whether a dependency lies beside the chart.
pub fn is_local(dependency: &Dependency) -> bool {
    dependency.repository.is_empty() || dependency.repository.starts_with("file://")
}

/// The dependencies that no chart of `current` is, by alias or name; `None` when the numbers say that all are there.
pub fn collect_missing(current: &[Chart], wanted: &[Dependency]) -> Option<BTreeMap<String, Dependency>> {
    if current.len() == wanted.len() {
        return None;
    }
    let there: std::collections::HashSet<&str> = current.iter().map(Chart::name).collect();
    let missing: BTreeMap<String, Dependency> = wanted
        .iter()
        .filter(|dependency| !there.contains(dependency.key()))
        .map(|dependency| (dependency.key().to_owned(), dependency.clone()))
        .collect();
    (!missing.is_empty()).then_some(missing)
}

/// Where a local dependency lies, relative to the source.
///
/// # Errors
/// A repository that is no local one.
pub fn local_chart_path(reference: &LocalReference, dependency: &Dependency) -> Result<PathBuf, String> {
    let chart = &reference.path;
    if dependency.repository.is_empty() {
        return Ok(secure_join(&format!("{chart}/charts/{}", dependency.name)).into());
    }
    let parts = Parts::parse(&dependency.repository)
        .map_err(|error| format!("failed to parse alleged local chart reference: {error}"))?;
    if !parts.scheme.is_empty() && parts.scheme != "file" {
        return Err(format!("'{}' is not a local chart reference", dependency.repository));
    }
    // Go cleans the joined path before the root bounds it: `..` climb out of the chart, not out of the source.
    let joined = [chart.as_str(), parts.host(), &parts.path].join("/");
    Ok(secure_join(&clean(&joined)).into())
}

/// Gives the repository at a normalized address.
pub trait Repositories: Send + Sync {
    fn repository<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn Downloader>, String>>;
}

/// Resolves what is missing. Repositories are asked for once.
#[derive(Default)]
pub struct DependencyManager<'a> {
    known: HashMap<String, Arc<dyn Downloader>>,
    repositories: Option<&'a dyn Repositories>,
    limits: ChartLimits,
}

impl<'a> DependencyManager<'a> {
    pub fn new(repositories: Option<&'a dyn Repositories>) -> Self {
        Self { repositories, ..Self::default() }
    }

    /// Bounds of the charts that are added.
    #[must_use]
    pub fn within(mut self, limits: ChartLimits) -> Self {
        self.limits = limits;
        self
    }

    /// A repository that need not be asked for.
    #[must_use]
    pub fn with(mut self, url: impl Into<String>, repository: Arc<dyn Downloader>) -> Self {
        self.known.insert(url.into(), repository);
        self
    }

    /// Adds the missing dependencies of a chart; tells how many. A lock file says what is wanted, when there is one.
    ///
    /// # Errors
    /// The first dependency that is not to be had.
    pub async fn build(
        &mut self,
        fs: &dyn FileSystem,
        reference: &LocalReference,
        chart: &mut Chart,
    ) -> Result<usize, String> {
        let wanted = match &chart.lock {
            Some(lock) => lock.dependencies.clone(),
            None => chart.metadata.dependencies.clone(),
        };
        let wanted = wanted.unwrap_or_default();
        if wanted.len() > MAX_DEPENDENCIES {
            return Err(format!("chart has more than {MAX_DEPENDENCIES} dependencies"));
        }
        let Some(missing) = collect_missing(&chart.dependencies, &wanted) else { return Ok(0) };
        for (name, dependency) in &missing {
            self.add(fs, reference, chart, dependency).await.map_err(|reason| {
                let kind = if is_local(dependency) { "local" } else { "remote" };
                format!("failed to add {kind} dependency '{name}': {reason}")
            })?;
        }
        Ok(missing.len())
    }

    /// Adds one dependency.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub async fn add(
        &mut self,
        fs: &dyn FileSystem,
        reference: &LocalReference,
        chart: &mut Chart,
        dependency: &Dependency,
    ) -> Result<(), String> {
        let mut found = if is_local(dependency) {
            local(fs, reference, dependency, &self.limits)?
        } else {
            self.remote(dependency).await?
        };
        if !dependency.alias.is_empty() {
            found.metadata.name.clone_from(&dependency.alias);
        }
        chart.dependencies.push(found);
        Ok(())
    }

    async fn remote(&mut self, dependency: &Dependency) -> Result<Chart, String> {
        let repository = self.resolve(&dependency.repository).await?;
        let version = repository.chart_version(&dependency.name, &dependency.version).await;
        let version = version.map_err(|error| {
            let Dependency { name, version, repository, .. } = dependency;
            format!("failed to get chart '{name}' version '{version}' from '{repository}': {error}")
        })?;
        let archive = repository
            .download(&version)
            .await
            .map_err(|reason| format!("chart download of version '{}' failed: {reason}", version.version))?;
        Chart::from_archive(&archive, &self.limits.load())
            .map_err(|error| format!("failed to load downloaded archive of version '{}': {error}", version.version))
    }

    /// The repository at an address.
    ///
    /// # Errors
    /// What is no address of a repository, or of none that is known.
    pub async fn resolve(&mut self, url: &str) -> Result<Arc<dyn Downloader>, String> {
        let url = normalize_url(url).map_err(|error| error.to_string())?;
        validate_dependency_url(&url).map_err(|error| error.to_string())?;
        if let Some(known) = self.known.get(&url) {
            return Ok(known.clone());
        }
        let repositories = self.repositories.ok_or_else(|| format!("no chart repository for URL '{url}'"))?;
        let found = repositories
            .repository(&url)
            .await
            .map_err(|reason| format!("failed to get chart repository for URL '{url}': {reason}"))?;
        self.known.insert(url, found.clone());
        Ok(found)
    }
}

/// A chart in the same source.
fn local(
    fs: &dyn FileSystem,
    reference: &LocalReference,
    dependency: &Dependency,
    limits: &ChartLimits,
) -> Result<Chart, String> {
    let path = local_chart_path(reference, dependency)?;
    let at = reference.work_dir.join(&path);
    let shown = || format!("/{}", path.display());
    let Some(kind) = fs.kind(&at) else {
        return Err(format!("no chart found at '{}' (reference '{}')", shown(), dependency.repository));
    };
    let constraint: Constraint = dependency
        .version
        .parse()
        .map_err(|error| format!("invalid version/constraint format '{}': {error}", dependency.version))?;
    let chart = load(fs, &at, kind, limits).map_err(|reason| {
        format!("failed to load chart from '{}' (reference '{}'): {reason}", shown(), dependency.repository)
    })?;
    let version = Version::parse(&chart.metadata.version).map_err(|error| error.to_string())?;
    if !constraint.matches(&version) {
        return Err(format!("can't get a valid version for constraint '{}'", dependency.version));
    }
    Ok(chart)
}

/// Loads a chart from a folder or an archive of a source.
///
/// # Errors
/// What is wrong with the chart.
pub fn load(fs: &dyn FileSystem, at: &Path, kind: FileKind, limits: &ChartLimits) -> Result<Chart, String> {
    match kind {
        FileKind::Dir => Chart::from_directory(fs, at, &limits.load()).map_err(|error| error.to_string()),
        FileKind::File => {
            let bytes = fs.read(at).map_err(|error| error.to_string())?;
            Chart::from_archive(&bytes, &limits.load()).map_err(|error| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, repository: &str) -> Dependency {
        Dependency { name: name.into(), repository: repository.into(), ..Default::default() }
    }

    #[test]
    fn paths_stay_inside() {
        for (path, wanted) in [("a/../../b", "b"), ("/../../dep", "dep"), (".", ""), ("a//./b/", "a/b"), ("../..", "")]
        {
            assert_eq!(secure_join(path), wanted, "{path}");
        }
        assert_eq!((clean("../a/.."), clean("/../a"), clean("")), ("..".into(), "/a".into(), ".".into()));
        let reference = LocalReference { work_dir: "/w".into(), path: "charts/app".into() };
        let path = |repository: &str| local_chart_path(&reference, &dependency("db", repository));
        assert_eq!(path("file://../db"), Ok("charts/db".into()));
        assert_eq!(path("file://../../../../etc"), Ok("etc".into()));
        assert_eq!(path("file:///sub"), Ok("charts/app/sub".into()));
        assert_eq!(path(""), Ok("charts/app/charts/db".into()));
        assert_eq!(path("https://a"), Err("'https://a' is not a local chart reference".into()));
        assert!(path(": //a").is_err_and(|error| error.contains("missing protocol scheme")));
    }

    #[test]
    fn missing_ones_are_known_by_alias() {
        let chart =
            Chart { metadata: flux_helm::Metadata { name: "db".into(), ..Default::default() }, ..Default::default() };
        let aliased = Dependency { alias: "other".into(), ..dependency("db", "") };
        let missing = collect_missing(std::slice::from_ref(&chart), &[dependency("db", ""), aliased]).expect("one");
        assert_eq!(missing.keys().collect::<Vec<_>>(), ["other"]);
        assert_eq!(collect_missing(&[chart], &[dependency("x", "")]), None);
        assert_eq!(collect_missing(&[], &[]), None);
    }
}
