//! Defaults of built-in kinds.
//!
//! What Kubernetes writes by hand for a kind, and what its types declare. Objects come in the shape of their Go
//! type, so a field that is absent was empty, and the result must be brought into no other shape.

mod admission;
mod apps;
mod autoscaling;
mod batch;
mod core;
mod fill;
mod misc;
mod networking;
mod pod;
mod service;
mod storage;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// Fills the defaults of a kind in the version it is given.
pub(crate) fn apply_defaults(group: &str, version: &str, kind: &str, object: &mut Value) {
    let fill: fn(&mut Value) = match (group, kind) {
        ("", "Pod") => pod::pod,
        ("", "PodTemplate") => |object| pod::template(object, "template"),
        ("", "ReplicationController") => core::replication_controller,
        ("", "Service") => service::service,
        ("", "Secret") => core::secret,
        ("", "PersistentVolume") => storage::volume,
        ("", "PersistentVolumeClaim") => storage::claim,
        ("", "Namespace") => core::namespace,
        ("", "Node") => core::node,
        ("", "Endpoints") => core::endpoints,
        ("", "LimitRange") => core::limit_range,
        ("", "ResourceQuota") => core::quota,
        ("apps", "Deployment") => apps::deployment,
        ("apps", "StatefulSet") => apps::stateful_set,
        ("apps", "DaemonSet") => apps::daemon_set,
        ("apps", "ReplicaSet") => apps::replica_set,
        ("batch", "Job") => batch::job,
        ("batch", "CronJob") => batch::cron_job,
        ("autoscaling", "HorizontalPodAutoscaler") if version == "v1" => autoscaling::v1,
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaling::v2,
        ("networking.k8s.io", "NetworkPolicy") => networking::policy,
        ("networking.k8s.io", "IngressClass") => networking::ingress_class,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => misc::role_binding,
        ("storage.k8s.io", "StorageClass") => storage::class,
        ("storage.k8s.io", "CSIDriver") => storage::driver,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => admission::validating,
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => admission::mutating,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => admission::policy,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => admission::binding,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => admission::policy,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding") => admission::binding,
        ("discovery.k8s.io", "EndpointSlice") => networking::endpoint_slice,
        ("scheduling.k8s.io", "PriorityClass") => misc::priority_class,
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => misc::flow_schema,
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => misc::priority_level,
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => misc::resource_claim,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => misc::definition,
        ("apiregistration.k8s.io", "APIService") => misc::api_service,
        _ => return,
    };
    fill(object);
}
