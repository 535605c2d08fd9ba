//! References across namespaces.

use std::collections::BTreeMap;

use flux_api::meta::AccessFrom;

/// A reference that `--no-cross-namespace-refs` forbids. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't access '{kind}/{namespace}/{name}', cross-namespace references have been blocked")]
pub struct AccessDenied {
    pub kind: String,
    pub namespace: String,
    pub name: String,
}

/// Checks a reference from an object in `from` to `kind` `namespace/name`.
pub fn check(blocked: bool, from: &str, kind: &str, namespace: &str, name: &str) -> Result<(), AccessDenied> {
    if blocked && from != namespace {
        return Err(AccessDenied { kind: kind.into(), namespace: namespace.into(), name: name.into() });
    }
    Ok(())
}

/// True when an object in `from`, a namespace with these labels, may use one in `to` whose access list is `allowed`.
///
/// Without a list only the own namespace has access; an entry without labels admits all.
pub fn admits(from: &str, labels: &BTreeMap<String, String>, to: &str, allowed: Option<&AccessFrom>) -> bool {
    let matches = |wanted: &BTreeMap<String, String>| wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
    from == to
        || allowed.is_some_and(|allowed| allowed.namespace_selectors.iter().any(|entry| matches(&entry.match_labels)))
}

/// The user to impersonate for a service account, or for the default one when none is named.
pub fn service_account_user(default: &str, named: &str, namespace: &str) -> Option<String> {
    let name = if named.is_empty() { default } else { named };
    (!name.is_empty()).then(|| format!("system:serviceaccount:{namespace}:{name}"))
}
