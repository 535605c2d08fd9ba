//! Every form of reference, over both protocol versions.

use std::path::PathBuf;
use std::time::Duration;

use flux_git::{FetchOptions, Fetched, GitError, Ref, Remote, Tree, fetch, resolve};

use crate::servers::{Fixture, git, http};

pub const LONG: Duration = Duration::from_secs(30);

pub async fn tree(remote: &Remote, reference: &Ref, scratch: PathBuf) -> Tree {
    match fetch(remote, reference, &FetchOptions::new(scratch)).await.unwrap() {
        Fetched::Tree(tree) => *tree,
        other => panic!("{other:?}"),
    }
}

fn semver(range: &str) -> Ref {
    Ref { semver: Some(range.into()), ..Ref::default() }
}

fn tagged(tag: &str) -> Ref {
    Ref { tag: Some(tag.into()), ..Ref::default() }
}

fn named(name: &str) -> Ref {
    Ref { name: Some(name.into()), ..Ref::default() }
}

#[tokio::test]
async fn all_forms_over_both_versions() {
    let fixture = Fixture::new();
    let first = git(&fixture.work, &["rev-parse", "HEAD"]);
    git(&fixture.work, &["tag", "v1.0.0"]);
    let second = fixture.commit("b.yaml", "b: 1\n", "second");
    git(&fixture.work, &["tag", "-a", "-m", "annotated", "v1.1.0"]);
    git(&fixture.work, &["update-ref", "refs/pull/7/head", &first]);
    git(&fixture.work, &["push", "-q", "origin", "refs/pull/7/head", "v1.0.0", "v1.1.0"]);
    let third = fixture.commit("c.yaml", "c: 1\n", "third");
    for old in [false, true] {
        let (url, state) = http(fixture.root(), |state| state.old = old).await;
        let remote = Remote::new(format!("{url}/repo.git"), LONG);
        let check = async |reference: &Ref, revision: String| {
            let resolved = resolve(&remote, reference).await.unwrap().unwrap();
            assert_eq!(resolved.revision(reference.shows_full_name()), revision, "{reference:?} old={old}");
            let tree = tree(&remote, reference, fixture.scratch()).await;
            assert_eq!(tree.commit().revision(reference.shows_full_name()), revision, "{reference:?} old={old}");
            // The next look finds the same and fetches nothing.
            let packs = state.count("/git-upload-pack");
            let options = FetchOptions { last: Some(revision), ..FetchOptions::new(fixture.scratch()) };
            assert!(matches!(fetch(&remote, reference, &options).await.unwrap(), Fetched::Unchanged(_)));
            assert!(state.count("/git-upload-pack") - packs <= 1, "{reference:?} old={old}");
        };
        check(&Ref::branch("main"), format!("main@sha1:{third}")).await;
        check(&tagged("v1.0.0"), format!("v1.0.0@sha1:{first}")).await;
        check(&tagged("v1.1.0"), format!("v1.1.0@sha1:{second}")).await;
        check(&semver(">=1.0.0"), format!("v1.1.0@sha1:{second}")).await;
        check(&semver("~1.0.0"), format!("v1.0.0@sha1:{first}")).await;
        check(&named("refs/pull/7/head"), format!("refs/pull/7/head@sha1:{first}")).await;
        check(&named("refs/tags/v1.1.0"), format!("refs/tags/v1.1.0@sha1:{second}")).await;
        check(&named("refs/tags/v1.1.0^{}"), format!("refs/tags/v1.1.0^{{}}@sha1:{second}")).await;
        let commit = Ref { commit: Some(first.clone()), tag: Some("v1.1.0".into()), ..Ref::default() };
        check(&commit, format!("sha1:{first}")).await;
        // Neither a branch nor a tag points to the second one but through an annotated tag.
        let branch = Ref { commit: Some(second.clone()), ..Ref::branch("main") };
        check(&branch, format!("main@sha1:{second}")).await;
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let fixture = Fixture::new();
    let (url, _) = http(fixture.root(), |_| {}).await;
    let remote = Remote::new(format!("{url}/repo.git"), LONG);
    let failed = async |reference: Ref| {
        fetch(&remote, &reference, &FetchOptions::new(fixture.scratch())).await.unwrap_err().to_string()
    };
    assert!(failed(Ref::default()).await.ends_with("couldn't find remote ref \"refs/heads/master\""));
    assert!(failed(tagged("nope")).await.ends_with("couldn't find remote ref \"refs/tags/nope\""));
    assert_eq!(failed(named("refs/x/y")).await, "unable to resolve ref 'refs/x/y' to a specific commit");
    assert!(failed(named("refs/x/")).await.contains("cannot begin or end with a slash"));
    assert_eq!(failed(semver(">1")).await, "no match found for semver: >1");
    assert_eq!(failed(semver("nope")).await, "semver parse error: improper constraint: \"nope\"");
    let commit = |text: &str| Ref { commit: Some(text.into()), ..Ref::default() };
    let missing = "a0c14dc8580a23f79bc654faa79c4f62b46c2c22";
    let expected = format!("unable to resolve commit object for '{missing}': object not found");
    assert_eq!(failed(commit(missing)).await, expected);
    assert!(failed(commit("--upload-pack=x")).await.starts_with("unable to resolve commit object"));
    for odd in ["-x", "a b", "a\nb", "../..", "*"] {
        assert!(failed(Ref::branch(odd)).await.contains("couldn't find remote ref"), "{odd}");
    }
}

#[tokio::test]
async fn an_empty_repository_is_no_error_for_a_branch() {
    let fixture = Fixture::empty();
    let (url, _) = http(fixture.root(), |_| {}).await;
    let remote = Remote::new(format!("{url}/repo.git"), LONG);
    let options = FetchOptions::new(fixture.scratch());
    assert!(matches!(fetch(&remote, &Ref::branch("main"), &options).await.unwrap(), Fetched::Empty));
    let error = fetch(&remote, &tagged("v1"), &options).await.unwrap_err();
    assert!(matches!(error, GitError::RepositoryNotFound { reason: "remote repository is empty", .. }), "{error}");
}

#[tokio::test]
async fn tags_of_one_version_tie_by_time() {
    let fixture = Fixture::new();
    let commit = |name: &str, day: u32| {
        fixture.write("t", name);
        git(&fixture.work, &["add", "-A"]);
        let date = format!("2024-01-{day:02}T00:00:00Z");
        let mut command = std::process::Command::new("git");
        let status = command
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", name])
            .current_dir(&fixture.work)
            .env("GIT_COMMITTER_DATE", date)
            .status();
        assert!(status.unwrap().success());
        git(&fixture.work, &["tag", name]);
    };
    commit("1.0.0+b", 9);
    commit("1.0.0+a", 5);
    fixture.push();
    let (url, _) = http(fixture.root(), |_| {}).await;
    let remote = Remote::new(format!("{url}/repo.git"), LONG);
    let tree = tree(&remote, &semver("1.0.x"), fixture.scratch()).await;
    assert_eq!(tree.commit().reference.as_deref(), Some("refs/tags/1.0.0+b"));
}

#[tokio::test]
async fn scratch_goes_with_the_tree() {
    let fixture = Fixture::new();
    let (url, _) = http(fixture.root(), |_| {}).await;
    let remote = Remote::new(format!("{url}/repo.git"), LONG);
    let tree = tree(&remote, &Ref::branch("main"), fixture.scratch()).await;
    assert_eq!(tree.commit().short_message(), "first");
    assert_eq!(std::fs::read_dir(fixture.scratch()).unwrap().count(), 1);
    drop(tree);
    assert_eq!(std::fs::read_dir(fixture.scratch()).unwrap().count(), 0);
}
