//! Submodules: commits of other repositories within a tree.

use std::collections::BTreeMap;

use ::url::Url;

use crate::auth::{Auth, Remote, Tls};
use crate::error::GitError;
use crate::fetch::{FetchOptions, fetch_module};
use crate::location::Location;
use crate::objects::EntryKind;
use crate::tree::Tree;

/// Submodules within submodules.
const MAX_DEPTH: usize = 10;
/// Submodules of one repository.
const MAX_MODULES: usize = 256;
const MAX_FILE: u64 = 1 << 20;

/// A submodule that the tree has.
pub(crate) struct Module {
    /// Name of its section; names its directory in the parent's repository.
    pub name: String,
    pub path: String,
    pub url: String,
    pub commit: String,
}

/// Fetches the submodules of a tree, and theirs. Credentials go only where the parent's came from.
pub(crate) async fn fetch(
    remote: &Remote,
    tree: &mut Tree,
    options: &FetchOptions,
    depth: usize,
) -> Result<(), GitError> {
    let modules = modules(tree)?;
    if modules.is_empty() {
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        let reason = format!("submodules are nested deeper than {MAX_DEPTH}");
        return Err(GitError::SubmoduleInvalid { path: modules[0].path.clone(), reason });
    }
    for module in modules {
        let at = |source| GitError::Submodule { path: module.path.clone(), source: Box::new(source) };
        let child = child(remote, &module).map_err(at)?;
        let fetched = fetch_module(&child, &module.commit, options, depth + 1).await.map_err(at)?;
        tree.submodules.insert(module.path, fetched);
    }
    Ok(())
}

/// The remote of a submodule.
fn child(parent: &Remote, module: &Module) -> Result<Remote, GitError> {
    let url = resolve(&parent.url, &module.url)?;
    let mut remote = Remote { url, ..parent.clone() };
    let (ours, theirs) = (Location::parse(&parent.url)?, Location::parse(&remote.url)?);
    if !ours.same_origin(&theirs) {
        remote.auth = Auth::None;
        remote.tls = Tls { ca: remote.tls.ca.take(), ..Tls::default() };
    } else if theirs.user.is_none() && theirs.password.is_none() && matches!(remote.auth, Auth::None) {
        // Credentials in the parent's URL hold for its neighbours.
        if let (Ok(mut url), Some(user)) = (Url::parse(&remote.url), &ours.user) {
            let _ = url.set_username(user);
            let _ = url.set_password(ours.password.as_deref());
            remote.url = url.into();
        }
    }
    Ok(remote)
}

/// The address of a submodule: a whole one, or one relative to the parent's.
fn resolve(parent: &str, url: &str) -> Result<String, GitError> {
    if !url.starts_with("./") && !url.starts_with("../") {
        return Ok(url.to_owned());
    }
    let mut base = Location::parse(parent)?.url().clone();
    let mut parts: Vec<String> =
        base.path().split('/').filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name.to_owned()),
        }
    }
    base.set_path(&parts.join("/"));
    Ok(base.into())
}

/// The submodules that `.gitmodules` describes and the tree has.
pub(crate) fn modules(tree: &Tree) -> Result<Vec<Module>, GitError> {
    const FILE: &str = ".gitmodules";
    let invalid = |reason: String| GitError::SubmoduleInvalid { path: FILE.into(), reason };
    let mut reader = tree.reader();
    let root = reader.tree(&tree.root())?;
    let Some(entry) = root.iter().find(|entry| entry.name == FILE.as_bytes()) else { return Ok(Vec::new()) };
    if !matches!(entry.kind, EntryKind::File { .. }) {
        return Err(invalid("not a file".into()));
    }
    let size = reader.size(&entry.id)?;
    if size > MAX_FILE {
        return Err(GitError::FileTooLarge { path: FILE.into(), size, limit: MAX_FILE });
    }
    let text = reader.blob(&entry.id)?.to_vec();
    let mut found = Vec::new();
    for (name, values) in sections(&text).map_err(invalid)? {
        let (Some(path), Some(url)) = (values.get("path"), values.get("url")) else { continue };
        let path = path.trim_matches('/').to_owned();
        if let Some(commit) = commit_at(tree, &path)? {
            found.push(Module { name, path, url: url.clone(), commit });
        }
    }
    if found.len() > MAX_MODULES {
        return Err(invalid(format!("more than {MAX_MODULES} submodules")));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

/// The commit that the tree has at a path, if that is a submodule.
fn commit_at(tree: &Tree, path: &str) -> Result<Option<String>, GitError> {
    let mut reader = tree.reader();
    let mut at = tree.root();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let entries = reader.tree(&at)?;
        let Some(entry) = entries.into_iter().find(|entry| entry.name == part.as_bytes()) else { return Ok(None) };
        match (entry.kind, parts.peek()) {
            (EntryKind::Submodule, None) => return Ok(Some(entry.id.to_string())),
            (EntryKind::Directory, Some(_)) => at = entry.id,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

type Sections = Vec<(String, BTreeMap<String, String>)>;

/// The `[submodule "name"]` sections of a configuration file.
fn sections(text: &[u8]) -> Result<Sections, String> {
    use gix::config::file::{Metadata, init};
    let metadata = Metadata::from(gix::config::Source::Worktree);
    let file = gix::config::File::from_bytes_no_includes(text, metadata, init::Options::default())
        .map_err(|error| crate::error::one_line(&error.to_string()))?;
    let mut found = Vec::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let name = section.header().subsection_name().map(ToString::to_string).unwrap_or_default();
        let values = ["path", "url"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), section.value(key)?.to_string())))
            .collect();
        found.push((name, values));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::Secret;

    #[test]
    fn relative_addresses() {
        let check = |url: &str, expected: &str| assert_eq!(resolve("https://h/org/a.git", url).unwrap(), expected);
        check("../b.git", "https://h/org/b.git");
        check("./sub", "https://h/org/a.git/sub");
        check("../../../../x", "https://h/x");
        check("https://other/x", "https://other/x");
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let mut parent = Remote::new("https://h/org/a", Duration::from_secs(1));
        parent.auth = Auth::Basic { username: "u".into(), password: Secret::new("p") };
        let module =
            |url: &str| Module { name: String::new(), path: "m".into(), url: url.into(), commit: String::new() };
        assert!(matches!(child(&parent, &module("../b")).unwrap().auth, Auth::Basic { .. }));
        for url in ["https://other/b", "http://h/org/b", "https://h:8443/b", "https://h.evil/b"] {
            assert!(matches!(child(&parent, &module(url)).unwrap().auth, Auth::None), "{url}");
        }
        for url in ["file:///etc", "ext::sh", "/etc/passwd"] {
            assert!(child(&parent, &module(url)).is_err(), "{url}");
        }
    }

    #[test]
    fn sections_are_read() {
        let text = b"[submodule \"a b\"]\n\tpath = libs/a\n\turl = ../a.git\n[other]\n\tx = y\n";
        let found = sections(text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "a b");
        assert_eq!(found[0].1["path"], "libs/a");
        assert!(sections(b"[submodule \"x").is_err());
    }
}
