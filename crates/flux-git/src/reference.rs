//! Which commit is wanted, and which one was found.

/// The branch that is read when nothing is asked for.
pub const DEFAULT_BRANCH: &str = "master";

/// `spec.ref`: the first of commit, name, semver, tag, branch that is set counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ref {
    pub branch: Option<String>,
    pub tag: Option<String>,
    pub semver: Option<String>,
    /// A full name, such as `refs/pull/1/head`.
    pub name: Option<String>,
    pub commit: Option<String>,
}

/// The part of a [`Ref`] that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    Commit(&'a str),
    Name(&'a str),
    Semver(&'a str),
    Tag(&'a str),
    Branch(&'a str),
}

fn text(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|text| !text.is_empty())
}

impl Ref {
    pub fn branch(name: impl Into<String>) -> Self {
        Self { branch: Some(name.into()), ..Self::default() }
    }

    pub(crate) fn wanted(&self) -> Wanted<'_> {
        if let Some(commit) = text(&self.commit) {
            return Wanted::Commit(commit);
        }
        if let Some(name) = text(&self.name) {
            return Wanted::Name(name);
        }
        if let Some(range) = text(&self.semver) {
            return Wanted::Semver(range);
        }
        if let Some(tag) = text(&self.tag) {
            return Wanted::Tag(tag);
        }
        Wanted::Branch(text(&self.branch).unwrap_or(DEFAULT_BRANCH))
    }

    /// What a commit that is asked for by its hash is said to be on: the name or branch set beside it.
    pub(crate) fn reference_of_commit(&self) -> Option<String> {
        match (&self.name, &self.branch) {
            (Some(name), _) if !name.is_empty() => Some(name.clone()),
            (_, Some(branch)) if !branch.is_empty() => Some(format!("refs/heads/{branch}")),
            _ => None,
        }
    }

    /// Whether revisions show the whole name of the reference.
    pub fn shows_full_name(&self) -> bool {
        self.name.as_deref().is_some_and(|name| !name.is_empty())
    }
}

/// What a [`Ref`] points to at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The full name, unless a commit alone was asked for.
    pub reference: Option<String>,
    /// The commit's hash in hex.
    pub hash: String,
}

impl Resolved {
    /// `main@sha1:<hash>`, or with the whole name of the reference.
    pub fn revision(&self, full_name: bool) -> String {
        revision(self.reference.as_deref(), &self.hash, full_name)
    }
}

fn revision(reference: Option<&str>, hash: &str, full_name: bool) -> String {
    let algorithm = if hash.len() == 64 { "sha256" } else { "sha1" };
    let name = reference.and_then(|name| {
        // `refs/heads/` and the like go; a name of fewer parts is not shown at all.
        if full_name { Some(name) } else { name.splitn(3, '/').nth(2) }
    });
    match name {
        Some(name) => format!("{name}@{algorithm}:{hash}"),
        None => format!("{algorithm}:{hash}"),
    }
}

/// A commit and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub hash: String,
    pub reference: Option<String>,
    /// The whole message.
    pub message: String,
    /// Seconds since 1970.
    pub committed: i64,
}

impl Commit {
    /// `main@sha1:<hash>`, or with the whole name of the reference.
    pub fn revision(&self, full_name: bool) -> String {
        revision(self.reference.as_deref(), &self.hash, full_name)
    }

    /// At most 50 characters of the message's first line.
    pub fn short_message(&self) -> String {
        let subject = self.message.split('\n').next().unwrap_or_default();
        match subject.char_indices().nth(50) {
            Some((end, _)) => format!("{}...", &subject[..end]),
            None => subject.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        let mut wanted = Ref::branch("b");
        assert_eq!(wanted.wanted(), Wanted::Branch("b"));
        wanted.tag = Some("t".into());
        assert_eq!(wanted.wanted(), Wanted::Tag("t"));
        wanted.semver = Some("1.x".into());
        assert_eq!(wanted.wanted(), Wanted::Semver("1.x"));
        wanted.name = Some("refs/x".into());
        assert_eq!(wanted.wanted(), Wanted::Name("refs/x"));
        wanted.commit = Some("c".into());
        assert_eq!(wanted.wanted(), Wanted::Commit("c"));
        assert_eq!(Ref::default().wanted(), Wanted::Branch("master"));
    }

    #[test]
    fn revisions() {
        let hash = "a0c14dc8580a23f79bc654faa79c4f62b46c2c22";
        let resolved = |name: Option<&str>| Resolved { reference: name.map(Into::into), hash: hash.into() };
        assert_eq!(resolved(Some("refs/heads/main")).revision(false), format!("main@sha1:{hash}"));
        assert_eq!(resolved(Some("refs/heads/a/b")).revision(false), format!("a/b@sha1:{hash}"));
        assert_eq!(resolved(Some("refs/pull/1/head")).revision(true), format!("refs/pull/1/head@sha1:{hash}"));
        assert_eq!(resolved(None).revision(false), format!("sha1:{hash}"));
        let commit = Commit { hash: hash.into(), reference: None, message: "é".repeat(51) + "\nbody", committed: 0 };
        assert_eq!(commit.short_message(), "é".repeat(50) + "...");
    }
}
