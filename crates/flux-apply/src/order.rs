//! The order in which objects are applied; deletion goes the other way round.

use std::cmp::Ordering;

use serde_json::Value;

use crate::id::ObjectId;

/// Applied before all others, in this order.
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Applied after all others.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn rank(kind: &str) -> usize {
    if let Some(at) = FIRST.iter().position(|first| *first == kind) {
        return at;
    }
    FIRST.len() + LAST.iter().position(|last| *last == kind).map_or(0, |at| at + 1)
}

/// Kind order, then group, kind, namespace and name.
pub fn compare(a: &ObjectId, b: &ObjectId) -> Ordering {
    rank(&a.kind)
        .cmp(&rank(&b.kind))
        .then_with(|| (&a.group, &a.kind, &a.namespace, &a.name).cmp(&(&b.group, &b.kind, &b.namespace, &b.name)))
}

/// Sorts objects into the order of application.
pub fn sort(objects: &mut Vec<Value>) {
    let mut keyed: Vec<(ObjectId, Value)> = objects.drain(..).map(|object| (ObjectId::of(&object), object)).collect();
    keyed.sort_by(|(a, _), (b, _)| compare(a, b));
    objects.extend(keyed.into_iter().map(|(_, object)| object));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_first_webhooks_last() {
        let id = |kind: &str, name: &str| ObjectId { kind: kind.into(), name: name.into(), ..ObjectId::default() };
        let mut ids = [
            id("ValidatingWebhookConfiguration", "w"),
            id("Ingress", "i"),
            id("Deployment", "b"),
            id("Deployment", "a"),
            id("Namespace", "n"),
            id("CustomResourceDefinition", "c"),
        ];
        ids.sort_by(compare);
        let names: Vec<&str> = ids.iter().map(|id| id.name.as_str()).collect();
        assert_eq!(names, ["c", "n", "a", "b", "i", "w"]);
    }
}
