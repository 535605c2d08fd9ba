//! Rules of built-in kinds: what upstream's validation packages refuse, in their words and order.

mod affinity;
mod amounts;
mod annotations;
mod at;
mod autoscaling;
mod claims;
mod cluster;
mod config;
mod containers;
mod cron;
mod environment;
mod expressions;
mod flow;
mod formats;
mod internal;
mod job_policies;
mod jobs;
mod limits;
mod mounts;
mod network;
mod networking;
mod persistent_volumes;
mod pod;
mod pod_os;
mod pod_update;
mod policies;
mod probes;
mod quantity;
pub(crate) use quantity::nano;
mod rbac;
mod report;
mod security;
mod selector;
mod service_ips;
mod services;
mod spread;
mod storage;
#[cfg(test)]
mod tests;
mod volume_kinds;
mod volumes;
mod webhooks;
mod workloads;

use serde_json::Value;

pub(super) use report::Report;

use crate::resources::Resource;

const DEPLOYMENT_COUNTS: [&str; 8] = [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
];
const REPLICA_SET_COUNTS: [&str; 6] = [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "terminatingReplicas",
];
const STATEFUL_SET_COUNTS: [&str; 7] = [
    "replicas",
    "readyReplicas",
    "currentReplicas",
    "updatedReplicas",
    "availableReplicas",
    "observedGeneration",
    "collisionCount",
];
const DAEMON_SET_COUNTS: [&str; 9] = [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
];

/// Rules for a new object, metadata apart.
pub(super) fn create(resource: &Resource, object: &Value, report: &mut Report) {
    let none = &Value::Null;
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => pod::create(object, report),
        ("", "services") => services::check(none, object, report),
        ("batch", "jobs") => jobs::job(object, report),
        ("batch", "cronjobs") => jobs::cron_job(object, report),
        ("networking.k8s.io", "ingresses") => networking::create_ingress(object, report),
        ("discovery.k8s.io", _) => cluster::slice(none, object, report),
        ("networking.k8s.io", "networkpolicies") => networking::policy(none, object, report),
        ("", "resourcequotas") => limits::quota(object, report),
        ("", "events") => flow::event(object, false, report),
        ("events.k8s.io", "events") => flow::event(object, true, report),
        _ => whole(resource, object, report),
    }
}

/// Rules that creations and updates share.
fn whole(resource: &Resource, object: &Value, report: &mut Report) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "configmaps") => config::config_map(object, report),
        ("", "secrets") => config::secret(object, report),
        ("", "persistentvolumeclaims") => claims::claim(object, report),
        ("", "persistentvolumes") => persistent_volumes::volume(object, report),
        ("", "replicationcontrollers") => workloads::replication_controller(object, report),
        ("", "podtemplates") => pod::template(&object["template"], &at::At::root("template"), report),
        ("", "limitranges") => limits::limit_range(object, report),
        ("", "namespaces") => cluster::namespace(object, report),
        ("", "nodes") => cluster::node(object, report),
        ("", "endpoints") => cluster::endpoints(object, report),
        ("apps", "deployments") => workloads::deployment(object, report),
        ("apps", "replicasets") => workloads::replica_set(object, report),
        ("apps", "daemonsets") => workloads::daemon_set(object, report),
        ("apps", "statefulsets") => workloads::stateful_set(object, report),
        ("networking.k8s.io", "ingresses") => networking::ingress(object, report),
        ("networking.k8s.io", "ingressclasses") => networking::class(object, report),
        ("networking.k8s.io", "servicecidrs") => networking::service_cidr(object, report),
        ("networking.k8s.io", "ipaddresses") => networking::ip_address(object, report),
        ("autoscaling", _) => autoscaling::autoscaler(object, report),
        ("policy", _) => autoscaling::budget(object, report),
        ("rbac.authorization.k8s.io", "roles") => rbac::role(object, true, report),
        ("rbac.authorization.k8s.io", "clusterroles") => rbac::role(object, false, report),
        ("rbac.authorization.k8s.io", "rolebindings") => rbac::binding(object, true, report),
        ("rbac.authorization.k8s.io", "clusterrolebindings") => rbac::binding(object, false, report),
        ("storage.k8s.io", "storageclasses") => storage::class(object, report),
        ("storage.k8s.io", "csidrivers") => storage::driver(object, report),
        ("storage.k8s.io", "csinodes") => storage::node(object, report),
        ("storage.k8s.io", "volumeattachments") => storage::attachment(object, report),
        ("storage.k8s.io", "volumeattributesclasses") => storage::attributes_class(object, report),
        ("scheduling.k8s.io", "priorityclasses") => storage::priority_class(object, report),
        ("node.k8s.io", _) => cluster::runtime_class(object, report),
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => flow::priority_level(object, report),
        ("coordination.k8s.io", "leases") => cluster::lease(object, report),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations" | "mutatingwebhookconfigurations") => {
            webhooks::configuration(object, report);
        }
        ("admissionregistration.k8s.io", "validatingadmissionpolicies") => policies::validating(object, report),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies") => policies::mutating(object, report),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings") => {
            policies::binding(object, true, report);
        }
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings") => {
            policies::binding(object, false, report);
        }
        _ => {}
    }
}

/// Rules for a changed object, metadata apart.
pub(super) fn update(resource: &Resource, old: &Value, new: &Value, report: &mut Report) {
    let selector = |report: &mut Report| {
        let at = at::At::root("spec.selector");
        report.immutable_selector(&at, &old["spec"]["selector"], &new["spec"]["selector"]);
    };
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => {
            pod::pod(new, report);
            pod_update::check(old, new, report);
        }
        ("", "configmaps") => config::update_config_map(old, new, report),
        ("", "secrets") => config::update_secret(old, new, report),
        ("", "services") => services::update(old, new, report),
        ("", "persistentvolumeclaims") => claims::update(old, new, report),
        ("", "persistentvolumes") => persistent_volumes::update(old, new, report),
        ("", "resourcequotas") => limits::update_quota(old, new, report),
        ("", "namespaces") => {}
        ("apps", "deployments") => {
            workloads::deployment(new, report);
            selector(report);
        }
        ("apps", "replicasets") => {
            workloads::replica_set(new, report);
            selector(report);
        }
        ("apps", "daemonsets") => {
            selector(report);
            workloads::daemon_set(new, report);
        }
        ("apps", "statefulsets") => workloads::update_stateful_set(old, new, report),
        ("apps", "controllerrevisions") => report.immutable(&at::At::root("data"), &old["data"], &new["data"]),
        ("batch", "jobs") => {
            jobs::job(new, report);
            jobs::update_job(old, new, report);
        }
        ("batch", "cronjobs") => jobs::update_cron_job(old, new, report),
        ("networking.k8s.io", "networkpolicies") => networking::policy(old, new, report),
        ("networking.k8s.io", "ingressclasses") => networking::update_class(old, new, report),
        ("networking.k8s.io", "servicecidrs") => networking::update_service_cidr(old, new, report),
        ("networking.k8s.io", "ipaddresses") => {
            report.immutable(&at::At::root("spec.parentRef"), &old["spec"]["parentRef"], &new["spec"]["parentRef"]);
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            whole(resource, new, report);
            rbac::update_binding(old, new, report);
        }
        ("storage.k8s.io", "storageclasses") => storage::update_class(old, new, report),
        ("storage.k8s.io", "volumeattachments") => {
            storage::attachment(new, report);
            report.immutable(&at::At::root("spec"), &old["spec"], &new["spec"]);
        }
        ("storage.k8s.io", "volumeattributesclasses") => {
            for field in ["driverName", "parameters"] {
                report.immutable(&at::At::root(field), &old[field], &new[field]);
            }
        }
        ("scheduling.k8s.io", "priorityclasses") => storage::update_priority_class(old, new, report),
        ("node.k8s.io", _) => report.immutable(&at::At::root("handler"), &old["handler"], &new["handler"]),
        ("discovery.k8s.io", _) => {
            cluster::slice(old, new, report);
            report.immutable(&at::At::root("addressType"), &old["addressType"], &new["addressType"]);
        }
        _ => whole(resource, new, report),
    }
}

/// Rules for a changed status.
pub(super) fn update_status(resource: &Resource, _old: &Value, new: &Value, report: &mut Report) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments") => workloads::status(new, &DEPLOYMENT_COUNTS, report),
        ("apps", "replicasets") | ("", "replicationcontrollers") => workloads::status(new, &REPLICA_SET_COUNTS, report),
        ("apps", "statefulsets") => workloads::status(new, &STATEFUL_SET_COUNTS, report),
        ("apps", "daemonsets") => workloads::status(new, &DAEMON_SET_COUNTS, report),
        ("", "services") => services::balancer_status(new, true, report),
        ("networking.k8s.io", "ingresses") => services::balancer_status(new, false, report),
        ("", "resourcequotas") => limits::quota_status(new, report),
        ("autoscaling", _) => workloads::counts(new, &["currentReplicas", "desiredReplicas"], report),
        ("policy", _) => {
            let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
            workloads::status(new, &counts, report);
        }
        _ => {}
    }
}
