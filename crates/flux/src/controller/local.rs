//! URLs that are served from repositories on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flux_artifact::Workdirs;
use flux_source_controller::{Archives, LocalHead, UrlMapping};
use serde_json::Value;
use tokio::sync::watch;

use crate::up::Head;

/// What `flux up` serves locally, for the source controller and for judging units.
#[derive(Clone)]
pub struct LocalSources {
    /// The repository that branches and tags are looked up in.
    pub root: PathBuf,
    /// The repository that the head commit is read from: `root`, or its snapshots.
    pub commits: PathBuf,
    /// Normalised URLs of the watched repository.
    own: Vec<String>,
    /// Normalised URLs of other repositories on this machine.
    pub others: Vec<(String, PathBuf)>,
    pub head: watch::Receiver<Head>,
    /// Archives of its commits, made once for all clusters.
    pub archives: Archives,
    /// What is unpacked of them, and of charts, once for all clusters.
    pub workdirs: Workdirs,
}

impl LocalSources {
    pub fn new(
        root: &Path,
        commits: &Path,
        own: Vec<String>,
        others: Vec<(String, PathBuf)>,
        head: watch::Receiver<Head>,
        workdirs: Workdirs,
    ) -> Self {
        let own = own.iter().map(|url| flux_git::normalize(url)).collect();
        let others = others.into_iter().map(|(url, dir)| (flux_git::normalize(&url), dir)).collect();
        let archives = Archives::default();
        Self { root: root.to_owned(), commits: commits.to_owned(), own, others, head, archives, workdirs }
    }

    /// True for a URL of the watched repository.
    pub fn is_own(&self, url: &str) -> bool {
        self.own.contains(&flux_git::normalize(url))
    }

    /// True when a GitRepository of this name and reference stands at the watched head.
    ///
    /// HEAD stands in for whatever the root source names; elsewhere it stands in for the checked-out branch.
    pub fn at_head(&self, name: &str, reference: &Value) -> bool {
        if name == "flux-system" {
            return true;
        }
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        if ["commit", "name", "semver", "tag"].iter().any(|key| !text(key).is_empty()) {
            return false;
        }
        let branch = match text("branch") {
            "" => "master",
            branch => branch,
        };
        branch == self.head.borrow().branch
    }

    /// The URLs that the source controller does not fetch.
    pub fn url_map(&self) -> Vec<UrlMapping> {
        let (head, commits) = (self.head.clone(), self.commits.clone());
        let head: Arc<dyn Fn() -> Option<LocalHead> + Send + Sync> = Arc::new(move || {
            let head = head.borrow();
            let (branch, commit) = (head.branch.clone(), head.commit.clone());
            Some(LocalHead { repository: commits.clone(), branch, commit })
        });
        let own = self.own.iter().map(|url| UrlMapping {
            url: url.clone(),
            repository: self.root.clone(),
            head: Some(head.clone()),
        });
        let others =
            self.others.iter().map(|(url, dir)| UrlMapping { url: url.clone(), repository: dir.clone(), head: None });
        own.chain(others).collect()
    }

    /// For judging units: does this GitRepository have to reach the watched head?
    pub fn follows(&self) -> Arc<dyn Fn(&Value) -> bool + Send + Sync> {
        let sources = self.clone();
        Arc::new(move |object| {
            let url = object.pointer("/spec/url").and_then(Value::as_str).unwrap_or_default();
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            sources.is_own(url) && sources.at_head(name, &object["spec"]["ref"])
        })
    }
}
