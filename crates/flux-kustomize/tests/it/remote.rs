//! Bases and files from elsewhere, through a loader that is handed in.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flux_kustomize::{Error, Options, RemoteError, RemoteLoader, RemoteTree, RepoSpec, build};

use super::builds::tree;

/// One repository, one file, and nothing else.
#[derive(Default)]
struct Elsewhere {
    fetched: AtomicUsize,
}

const REPOSITORY: &str = "=== /clone/app/kustomization.yaml\nresources: [../base]\nnamePrefix: far-\n\
    === /clone/base/kustomization.yaml\nresources: [r.yaml]\n=== /clone/base/r.yaml\nkind: A\nmetadata: {name: a}\n\
    === /clone/leaves/kustomization.yaml\nresources: [../../secret]\n\
    === /clone/reads/kustomization.yaml\nresources: [/secret/r.yaml]\n\
    === /clone/itself/kustomization.yaml\nresources: ['https://example.com/o/r//itself?ref=v1']\n\
    === /secret/kustomization.yaml\nresources: [r.yaml]\n=== /secret/r.yaml\nkind: S\nmetadata: {name: s}\n";

impl RemoteLoader for Elsewhere {
    fn repository(&self, spec: &RepoSpec) -> Result<RemoteTree, RemoteError> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        if spec.clone_url != "https://example.com/o/r" || spec.reference.as_deref() != Some("v1") {
            return Err(RemoteError::Failed { reason: format!("no repository {}", spec.clone_url) });
        }
        Ok(RemoteTree { fs: Arc::new(tree(REPOSITORY)), root: "/clone".into() })
    }

    fn file(&self, url: &str) -> Result<Arc<[u8]>, RemoteError> {
        match url {
            "https://example.com/one.yaml" => Ok(Arc::from(*b"kind: B\nmetadata: {name: b}\n")),
            _ => Err(RemoteError::Status { status: 404, text: "Not Found".into() }),
        }
    }
}

fn run(resource: &str) -> Result<String, Error> {
    let elsewhere = Elsewhere::default();
    let options = Options { remote: Some(&elsewhere), ..Options::default() };
    let fs = tree(&format!("=== /o/kustomization.yaml\nresources: ['{resource}']\n"));
    build(&fs, Path::new("/o"), &options)?.to_yaml()
}

fn fault(resource: &str) -> String {
    run(resource).unwrap_err().to_string()
}

#[test]
fn a_folder_of_a_repository() {
    assert_eq!(run("https://example.com/o/r//app?ref=v1").unwrap(), "kind: A\nmetadata:\n  name: far-a\n");
}

#[test]
fn a_file() {
    assert_eq!(run("https://example.com/one.yaml").unwrap(), "kind: B\nmetadata:\n  name: b\n");
}

#[test]
fn refused_files_are_tried_as_repositories() {
    let error = fault("https://example.com/o/x.yaml");
    assert!(
        error.contains(
            "accumulation err='accumulating resources from 'https://example.com/o/x.yaml': URL is a git repository'"
        ),
        "{error}"
    );
    assert!(error.contains("no repository https://example.com/o/x.yaml"), "{error}");
    let error = fault("https://example.com/two.yaml");
    assert!(error.ends_with("HTTP Error: status code 404 (Not Found)"), "{error}");
}

#[test]
fn a_repository_is_a_world_of_its_own() {
    let error = fault("https://example.com/o/r//leaves?ref=v1");
    assert!(error.contains("bases in kustomizations found in cloned git repos must be within the repo"), "{error}");
    let error = fault("https://example.com/o/r//reads?ref=v1");
    assert!(error.contains("security; file '/secret/r.yaml' is not in or below '/clone/reads'"), "{error}");
    let error = fault("https://example.com/o/r//itself?ref=v1");
    assert!(error.contains("cycle detected: URI 'https://example.com/o/r//itself?ref=v1'"), "{error}");
}

#[test]
fn a_build_may_start_in_a_repository() {
    let elsewhere = Elsewhere::default();
    let options = Options { remote: Some(&elsewhere), ..Options::default() };
    let url = Path::new("https://example.com/o/r//base?ref=v1");
    let objects = build(&tree("=== /x\n"), url, &options).unwrap();
    assert_eq!((objects.len(), elsewhere.fetched.load(Ordering::Relaxed)), (1, 1));
}
