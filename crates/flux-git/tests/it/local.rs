//! Repositories on this machine.

use flux_git::{GitError, Ref, local};

use crate::servers::{Fixture, git};

#[test]
fn references_resolve_in_the_repository() {
    let fixture = Fixture::new();
    let first = git(&fixture.work, &["rev-parse", "HEAD"]);
    git(&fixture.work, &["tag", "-a", "-m", "x", "v1.0.0"]);
    let second = fixture.commit("b", "b", "second");
    git(&fixture.work, &["update-ref", "refs/remotes/origin/other", &first]);
    let find = |reference: Ref| {
        let found = local::find(&fixture.work, &reference)?;
        Ok::<_, GitError>(found.unwrap().revision(reference.shows_full_name()))
    };
    let tag = |name: &str| Ref { tag: Some(name.into()), ..Ref::default() };
    assert_eq!(find(Ref::branch("main")).unwrap(), format!("main@sha1:{second}"));
    assert_eq!(find(Ref::branch("other")).unwrap(), format!("other@sha1:{first}"));
    assert_eq!(find(tag("v1.0.0")).unwrap(), format!("v1.0.0@sha1:{first}"));
    let semver = Ref { semver: Some("1.x".into()), ..Ref::default() };
    assert_eq!(find(semver).unwrap(), format!("v1.0.0@sha1:{first}"));
    let name = Ref { name: Some("refs/heads/main".into()), ..Ref::default() };
    assert_eq!(find(name).unwrap(), format!("refs/heads/main@sha1:{second}"));
    let commit = Ref { commit: Some(first.clone()), ..Ref::default() };
    assert_eq!(find(commit).unwrap(), format!("sha1:{first}"));
    assert!(matches!(find(Ref::branch("nope")), Err(GitError::RefNotFound { .. })));
    assert!(matches!(find(Ref::branch("a..b")), Err(GitError::RefNotFound { .. })));
    assert!(matches!(find(tag("nope")), Err(GitError::RefNotFound { .. })));
    let missing = Ref { commit: Some("a0c14dc8580a23f79bc654faa79c4f62b46c2c22".into()), ..Ref::default() };
    assert!(matches!(find(missing), Err(GitError::CommitNotFound { .. })));
    assert!(local::find(&fixture.dir.path().join("nowhere"), &Ref::default()).is_err());
}

#[test]
fn a_tree_comes_from_where_it_lies() {
    let fixture = Fixture::new();
    let found = local::find(&fixture.work, &Ref::branch("main")).unwrap().unwrap();
    let tree = local::tree(&fixture.work, &found, false).unwrap();
    assert_eq!(tree.commit().revision(false), found.revision(false));
    let (bytes, archived) = tree.archive(Vec::new(), None, &[], flux_archive::Limits::default()).unwrap();
    assert_eq!((archived.files, archived.bytes), (1, 5));
    assert!(!bytes.is_empty());
}

#[test]
fn an_unborn_branch_has_no_commit() {
    let fixture = Fixture::empty();
    assert_eq!(local::find(&fixture.work, &Ref::branch("main")).unwrap(), None);
}
