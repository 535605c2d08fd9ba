//! The kinds with rules of their own, and how to address them.

/// A kind that is watched. Order is the order in which planned units are worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
    ReplicaSet,
    Pod,
    Service,
    Endpoints,
    EndpointSlice,
    HorizontalPodAutoscaler,
    PodDisruptionBudget,
    Ingress,
    /// A kind that only stages know: index into the resources found for them.
    Custom(u16),
}

/// Where a kind is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

/// kind, group, version, name, plural
type Row = (Kind, &'static str, &'static str, &'static str, &'static str);

const ROWS: [Row; 15] = [
    (Kind::Node, "", "v1", "Node", "nodes"),
    (Kind::PersistentVolume, "", "v1", "PersistentVolume", "persistentvolumes"),
    (Kind::PersistentVolumeClaim, "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    (Kind::Deployment, "apps", "v1", "Deployment", "deployments"),
    (Kind::StatefulSet, "apps", "v1", "StatefulSet", "statefulsets"),
    (Kind::DaemonSet, "apps", "v1", "DaemonSet", "daemonsets"),
    (Kind::Job, "batch", "v1", "Job", "jobs"),
    (Kind::ReplicaSet, "apps", "v1", "ReplicaSet", "replicasets"),
    (Kind::Pod, "", "v1", "Pod", "pods"),
    (Kind::Service, "", "v1", "Service", "services"),
    (Kind::Endpoints, "", "v1", "Endpoints", "endpoints"),
    (Kind::EndpointSlice, "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    (Kind::HorizontalPodAutoscaler, "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    (Kind::PodDisruptionBudget, "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    (Kind::Ingress, "networking.k8s.io", "v1", "Ingress", "ingresses"),
];

/// Every built-in kind with its address.
pub(crate) fn builtin() -> impl Iterator<Item = (Kind, Resource)> {
    ROWS.iter().map(|(kind, group, version, name, plural)| {
        let namespaced = !matches!(kind, Kind::Node | Kind::PersistentVolume);
        let resource = Resource {
            group: (*group).into(),
            version: (*version).into(),
            kind: (*name).into(),
            plural: (*plural).into(),
            namespaced,
        };
        (*kind, resource)
    })
}

/// Whether this crate makes up the status of a kind by rules, so that a stage for it would fight with them.
pub(crate) fn has_rules(group: &str, kind: &str) -> bool {
    ROWS.iter().any(|row| row.1 == group && row.3 == kind)
}

impl Kind {
    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.0 == self)
    }

    /// `apps/v1`; empty for kinds that only stages know.
    pub(crate) fn api_version(self) -> String {
        self.row().map(|row| api_version(row.1, row.2)).unwrap_or_default()
    }

    /// `Deployment`; empty for kinds that only stages know.
    pub(crate) fn name(self) -> &'static str {
        self.row().map_or("", |row| row.3)
    }

    /// The kind that an owner reference or a scale target names, if it is one of ours.
    pub(crate) fn find(group: &str, name: &str) -> Option<Kind> {
        ROWS.iter().find(|row| row.1 == group && row.3 == name).map(|row| row.0)
    }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

impl Resource {
    /// `/apis/GROUP/VERSION` or `/api/VERSION`.
    pub(crate) fn group_path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    /// The path of the collection; cluster-wide when `namespace` is empty.
    pub(crate) fn path(&self, namespace: &str) -> String {
        if namespace.is_empty() || !self.namespaced {
            format!("{}/{}", self.group_path(), self.plural)
        } else {
            format!("{}/namespaces/{namespace}/{}", self.group_path(), self.plural)
        }
    }

    /// `GROUP/VERSION` or `VERSION`.
    pub(crate) fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }
}
