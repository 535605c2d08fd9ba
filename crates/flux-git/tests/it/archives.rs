//! What of a commit goes into an archive.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use flux_archive::Limits;
use flux_git::{FetchOptions, Fetched, GitError, Ref, Remote, Tree, fetch};

use crate::servers::{Fixture, git, http};
use crate::wishes::{LONG, tree};

fn files(archive: &[u8]) -> BTreeMap<String, (u32, String)> {
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    let mut found = BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mode = entry.header().mode().unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        found.insert(path, (mode, content));
    }
    found
}

fn names(archive: &[u8]) -> Vec<String> {
    files(archive).into_keys().collect()
}

fn archive(tree: &Tree, ignore: Option<&str>, sparse: &[&str]) -> Result<Vec<u8>, GitError> {
    let sparse: Vec<String> = sparse.iter().map(|&path| path.to_owned()).collect();
    tree.archive(Vec::new(), ignore, &sparse, Limits::default()).map(|(bytes, _)| bytes)
}

async fn fetched(fixture: &Fixture) -> Tree {
    let (url, _) = http(fixture.root(), |_| {}).await;
    tree(&Remote::new(format!("{url}/repo.git"), LONG), &Ref::branch("main"), fixture.scratch()).await
}

#[tokio::test]
async fn modes_links_and_ignore_rules() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::empty();
    fixture.write("apps/run.sh", "#!/bin/sh\n");
    let path = fixture.work.join("apps/run.sh");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("apps", fixture.work.join("link")).unwrap();
    fixture.write("apps.yaml", "a");
    fixture.write("logo.png", "x");
    fixture.write(".github/x.yaml", "x");
    fixture.commit(".gitignore", "*.log\n", "all");
    let tree_all = fetched(&fixture).await;
    let bytes = archive(&tree_all, None, &[]).unwrap();
    assert_eq!(names(&bytes), [".", "apps", "apps.yaml", "apps/run.sh"]);
    assert_eq!(files(&bytes)["apps/run.sh"], (0o700, "#!/bin/sh\n".into()));
    assert_eq!(files(&bytes)["apps"].0, 0o750);
    assert_eq!(bytes, archive(&tree_all, None, &[]).unwrap());
    assert_eq!(names(&archive(&tree_all, Some("/*\n!/apps.yaml"), &[]).unwrap()), [".", "apps.yaml"]);
    // Own rules replace the defaults.
    assert!(names(&archive(&tree_all, Some("*.sh"), &[]).unwrap()).contains(&"logo.png".to_owned()));
    // The same as from a checkout on disk.
    let dir = fixture.dir.path().join("checkout");
    tree_all.checkout(&dir, &[], Limits::default()).unwrap();
    let matcher = flux_archive::Matcher::for_artifact([], None);
    let from_disk = flux_archive::write_tar_gz(&dir, Some(&matcher), Vec::new(), Limits::default()).unwrap();
    assert_eq!(from_disk, bytes);
}

#[tokio::test]
async fn nested_rules_and_sparse_directories() {
    let fixture = Fixture::empty();
    fixture.write("apps/web/.sourceignore", "secret.yaml\n");
    fixture.write("apps/web/secret.yaml", "x");
    fixture.write("apps/web/a.yaml", "x");
    fixture.write("apps/api/secret.yaml", "x");
    fixture.write("apps-old/x", "x");
    fixture.commit("root.yaml", "x", "all");
    let tree = fetched(&fixture).await;
    assert_eq!(
        names(&archive(&tree, None, &["./apps/web"]).unwrap()),
        [".", "apps", "apps/web", "apps/web/.sourceignore", "apps/web/a.yaml"]
    );
    let apps = names(&archive(&tree, None, &["apps"]).unwrap());
    assert!(apps.contains(&"apps/api/secret.yaml".to_owned()) && !apps.contains(&"apps-old/x".to_owned()));
    assert_eq!(names(&archive(&tree, None, &["."]).unwrap()).len(), 10);
    for missing in ["nope", "../x", "apps/web/nope"] {
        let error = archive(&tree, None, &["apps", missing]).unwrap_err();
        assert!(matches!(error, GitError::SparseMissing { .. }), "{missing}: {error}");
    }
}

#[tokio::test]
async fn limits_are_named() {
    let fixture = Fixture::empty();
    fixture.write("large", vec![b'a'; 3000]);
    fixture.commit("ok", "x", "all");
    let tree = fetched(&fixture).await;
    let limited = |bytes, entries| {
        tree.archive(Vec::new(), None, &[], Limits { bytes: Some(bytes), entries }).unwrap_err().to_string()
    };
    assert!(limited(2000, 100).contains("`large` (3000 bytes)"));
    assert!(limited(20_000, 1).contains("more than 1 files"));
    assert!(tree.archive(Vec::new(), Some("large"), &[], Limits { bytes: Some(2000), entries: 9 }).is_ok());
}

// `git` runs on this thread while the server answers it on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submodules_come_with_the_tree() {
    let inner = Fixture::new();
    let outer = Fixture::new();
    let (url, _) = http(outer.root(), |_| {}).await;
    std::fs::rename(inner.bare(), outer.root().join("inner.git")).unwrap();
    let address = format!("{url}/inner.git");
    git(&outer.work, &["submodule", "add", "-q", &address, "libs/inner"]);
    // Neighbours are often named by a relative address.
    git(&outer.work, &["config", "-f", ".gitmodules", "submodule.libs/inner.url", "../inner.git"]);
    outer.commit("b.yaml", "b", "with a submodule");
    let remote = Remote::new(format!("{url}/repo.git"), LONG);
    let without = tree(&remote, &Ref::branch("main"), outer.scratch()).await;
    assert_eq!(names(&archive(&without, None, &[]).unwrap()), [".", "a.yaml", "b.yaml", "libs", "libs/inner"]);
    let options = FetchOptions { submodules: true, ..FetchOptions::new(outer.scratch()) };
    let Fetched::Tree(with) = fetch(&remote, &Ref::branch("main"), &options).await.unwrap() else { panic!() };
    let expected = [".", "a.yaml", "b.yaml", "libs", "libs/inner", "libs/inner/a.yaml"];
    assert_eq!(names(&archive(&with, None, &[]).unwrap()), expected);
    // And from the work tree on this machine.
    let found = flux_git::local::find(&outer.work, &Ref::branch("main")).unwrap().unwrap();
    let local = flux_git::local::tree(&outer.work, &found, true).unwrap();
    assert_eq!(names(&archive(&local, None, &[]).unwrap()), expected);
    std::fs::remove_dir_all(outer.root().join("inner.git")).unwrap();
    let error = fetch(&remote, &Ref::branch("main"), &options).await.unwrap_err();
    assert!(error.to_string().starts_with("submodule `libs/inner`: unable to clone: repository not found"), "{error}");
}
