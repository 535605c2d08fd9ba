//! Who an object is: group, version, kind, name, namespace, in kustomize's spelling.

use std::fmt;

/// The effective namespace of what has none.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind. Empty parts stand for "any" where it selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GvkRef<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
}

/// Splits an `apiVersion` at its first slash.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    // Shorter than a search for a character is to begin with.
    match api_version.bytes().position(|byte| byte == b'/') {
        Some(at) => (&api_version[..at], &api_version[at + 1..]),
        None => ("", api_version),
    }
}

impl Gvk {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub(crate) fn borrow(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(crate) fn api_version(&self) -> String {
        match self.group.is_empty() {
            true => self.version.clone(),
            false => format!("{}/{}", self.group, self.version),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.group.is_empty() && self.version.is_empty() && self.kind.is_empty()
    }
}

impl<'a> GvkRef<'a> {
    pub(crate) fn new(api_version: &'a str, kind: &'a str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self { group, version, kind }
    }

    pub(crate) fn to_owned(self) -> Gvk {
        Gvk::new(self.group, self.version, self.kind)
    }

    /// True when every part the selector names is equal.
    pub(crate) fn is_selected(self, selector: GvkRef<'_>) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }
}

fn or<'a>(text: &'a str, absent: &'a str) -> &'a str {
    if text.is_empty() { absent } else { text }
}

impl fmt::Display for GvkRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", or(self.kind, "[noKind]"), or(self.version, "[noVer]"), or(self.group, "[noGrp]"))
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

/// An object's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<'a> {
    pub gvk: GvkRef<'a>,
    pub name: &'a str,
    pub namespace: &'a str,
    /// Known to live outside namespaces.
    pub cluster_scoped: bool,
}

impl<'a> Id<'a> {
    pub(crate) fn effective_namespace(&self) -> &'a str {
        if self.cluster_scoped { NO_NAMESPACE } else { or(self.namespace, DEFAULT_NAMESPACE) }
    }

    pub(crate) fn same_namespace(&self, other: &Id<'_>) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Everything equality looks at, as one text for maps.
    pub(crate) fn key(&self) -> IdKey {
        let parts = [self.gvk.group, self.gvk.version, self.gvk.kind, self.name, self.effective_namespace()];
        let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
        for part in parts {
            key.push_str(part);
            key.push('\0');
        }
        IdKey(key.into())
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.gvk, or(self.name, "[noName]"), or(self.namespace, "[noNs]"))
    }
}

/// An id as a key: equal ids have equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IdKey(Box<str>);

/// The order of kinds used for sorting field rules.
const ORDER_FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

const ORDER_LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Kinds that come first and last in the legacy order.
pub(crate) fn legacy_kinds() -> (&'static [&'static str], &'static [&'static str]) {
    (ORDER_FIRST, ORDER_LAST)
}

/// The rank of a kind in the legacy order.
fn rank(kind: &str) -> isize {
    if let Some(at) = ORDER_FIRST.iter().position(|first| *first == kind) {
        return at as isize - ORDER_FIRST.len() as isize;
    }
    ORDER_LAST.iter().position(|last| *last == kind).map_or(0, |at| at as isize + 1)
}

/// The key by which field rules are sorted.
pub(crate) fn sort_key(gvk: GvkRef<'_>) -> (isize, String) {
    (rank(gvk.kind), format!("{}_{}_{}", or(gvk.group, "~G"), or(gvk.version, "~V"), or(gvk.kind, "~K")))
}
