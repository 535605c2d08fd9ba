//! What the cluster is and can: its version and its API versions.

use std::fmt;

/// The version of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the cluster says it, with a leading `v`: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes: what ranges are compared with.
    pub normalized: String,
    pub major: String,
    pub minor: String,
}

/// A text that is no version of Kubernetes, in its library's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not parse \"{text}\" as version")]
pub struct KubeVersionError {
    pub text: String,
}

impl KubeVersion {
    /// Reads `[v]MAJOR.MINOR[.PATCH][anything]`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let error = || KubeVersionError { text: text.to_owned() };
        let plain = text.strip_prefix('v').unwrap_or(text);
        let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let numbers: Vec<&str> = plain[..end].trim_end_matches('.').split('.').collect();
        let fine = |part: &&str| {
            !part.is_empty() && (part.len() == 1 || !part.starts_with('0')) && part.parse::<u64>().is_ok()
        };
        if numbers.len() < 2 || !numbers.iter().all(|part| fine(&part)) {
            return Err(error());
        }
        let version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
        let patched =
            if numbers.len() == 2 { format!("v{}.0", numbers.join(".")) } else { format!("v{}", numbers.join(".")) };
        Ok(Self { version, normalized: patched, major: numbers[0].to_owned(), minor: numbers[1].to_owned() })
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normalized)
    }
}

/// What `.Capabilities` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    /// `group/version`, and with a cluster `group/version/Kind` as well.
    pub api_versions: Vec<String>,
    /// The version of Helm that charts see.
    pub helm_version: String,
}

/// The API versions that Helm assumes without a cluster, in its order.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The version of Helm whose behaviour this is.
pub const HELM_VERSION: &str = "v4.3.1";

impl Capabilities {
    /// What Helm assumes without a cluster.
    pub fn offline(kube_version: KubeVersion) -> Self {
        let api_versions = DEFAULT_API_VERSIONS.iter().map(|version| (*version).to_owned()).collect();
        Self { kube_version, api_versions, helm_version: HELM_VERSION.to_owned() }
    }
}
