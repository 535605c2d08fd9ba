//! Who asks.

use std::collections::BTreeMap;

/// An authenticated user, as authentication or impersonation left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Members of this group are allowed everything, without a look at roles.
pub(crate) const MASTERS: &str = "system:masters";
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
pub(crate) const ANONYMOUS: &str = "system:anonymous";

impl Identity {
    /// A user without groups other than `system:authenticated`.
    pub fn user(name: impl Into<String>) -> Self {
        Self { name: name.into(), groups: vec![AUTHENTICATED.to_owned()], ..Self::default() }
    }

    /// The administrator: user `admin` of the group `system:masters`.
    pub fn admin() -> Self {
        Self::user("admin").with_groups([MASTERS])
    }

    /// A service account with the groups that go with it.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::user(format!("system:serviceaccount:{namespace}:{name}"))
            .with_groups(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")])
    }

    /// A request without credentials.
    pub fn anonymous() -> Self {
        Self { name: ANONYMOUS.to_owned(), groups: vec![UNAUTHENTICATED.to_owned()], ..Self::default() }
    }

    /// The same user in more groups; they come before `system:authenticated`, as upstream orders them.
    pub fn with_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        let more: Vec<String> =
            groups.into_iter().map(Into::into).filter(|group| !self.groups.contains(group)).collect();
        self.groups.splice(0..0, more);
        self
    }

    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}
