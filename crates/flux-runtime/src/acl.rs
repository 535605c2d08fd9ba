//! References across namespaces.

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
