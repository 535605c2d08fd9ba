//! The field rules kustomize has built in: which fields its transformers touch, and which fields name other objects.
//! Facts as data.

use super::FieldSpec;
use crate::id::GvkRef;

/// group, version, kind, path, create.
pub(super) type Rule = (&'static str, &'static str, &'static str, &'static str, bool);

/// A kind that holds a pod: version, kind, and the path to the pod's spec.
pub(super) type Holder = (&'static str, &'static str, &'static str);

const CORE_POD: Holder = ("v1", "Pod", "spec");
const POD: Holder = ("", "Pod", "spec");
const POD_TEMPLATE: Holder = ("", "PodTemplate", "template/spec");
const DEPLOYMENT: Holder = ("", "Deployment", "spec/template/spec");
const REPLICA_SET: Holder = ("", "ReplicaSet", "spec/template/spec");
const REPLICATION_CONTROLLER: Holder = ("", "ReplicationController", "spec/template/spec");
const DAEMON_SET: Holder = ("", "DaemonSet", "spec/template/spec");
const STATEFUL_SET: Holder = ("", "StatefulSet", "spec/template/spec");
const JOB: Holder = ("", "Job", "spec/template/spec");
const CRON_JOB: Holder = ("", "CronJob", "spec/jobTemplate/spec/template/spec");

/// Every field of every pod, and fields of their own.
pub(super) struct Rules {
    pods: &'static [Holder],
    fields: &'static [&'static str],
    own: &'static [Rule],
}

impl Rules {
    const fn of(own: &'static [Rule]) -> Self {
        Self { pods: &[], fields: &[], own }
    }

    pub(super) fn specs(&self) -> Vec<FieldSpec> {
        let of_pods = self.pods.iter().flat_map(|(version, kind, spec)| {
            self.fields.iter().map(move |field| {
                let gvk = GvkRef { group: "", version, kind };
                FieldSpec::new(gvk, &format!("{spec}/{field}"), false)
            })
        });
        of_pods.chain(self.own.iter().map(FieldSpec::from_rule)).collect()
    }
}

#[rustfmt::skip]
pub(super) static NAME_PREFIX: &[Rule] = &[
    ("", "", "", "metadata/name", false),
];

#[rustfmt::skip]
pub(super) static NAME_SUFFIX: &[Rule] = &[
    ("", "", "", "metadata/name", false),
];

#[rustfmt::skip]
pub(super) static COMMON_LABELS: &[Rule] = &[
    ("", "v1", "Service", "spec/selector", true),
    ("", "v1", "ReplicationController", "spec/selector", true),
    ("", "", "Deployment", "spec/selector/matchLabels", true),
    ("apps", "", "Deployment", "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels", false),
    ("apps", "", "Deployment", "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels", false),
    ("apps", "", "Deployment", "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels", false),
    ("apps", "", "Deployment", "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels", false),
    ("apps", "", "Deployment", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", false),
    ("", "", "ReplicaSet", "spec/selector/matchLabels", true),
    ("", "", "DaemonSet", "spec/selector/matchLabels", true),
    ("apps", "", "StatefulSet", "spec/selector/matchLabels", true),
    ("apps", "", "StatefulSet", "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels", false),
    ("apps", "", "StatefulSet", "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels", false),
    ("apps", "", "StatefulSet", "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels", false),
    ("apps", "", "StatefulSet", "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels", false),
    ("apps", "", "StatefulSet", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", false),
    ("batch", "", "Job", "spec/selector/matchLabels", false),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
    ("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
    ("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
    ("", "", "", "metadata/labels", true),
    ("", "v1", "ReplicationController", "spec/template/metadata/labels", true),
    ("", "", "Deployment", "spec/template/metadata/labels", true),
    ("", "", "ReplicaSet", "spec/template/metadata/labels", true),
    ("", "", "DaemonSet", "spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/template/metadata/labels", true),
    ("batch", "", "Job", "spec/template/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
];

#[rustfmt::skip]
pub(super) static TEMPLATE_LABELS: &[Rule] = &[
    ("", "", "", "metadata/labels", true),
    ("", "v1", "ReplicationController", "spec/template/metadata/labels", true),
    ("", "", "Deployment", "spec/template/metadata/labels", true),
    ("", "", "ReplicaSet", "spec/template/metadata/labels", true),
    ("", "", "DaemonSet", "spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/template/metadata/labels", true),
    ("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
    ("batch", "", "Job", "spec/template/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels", true),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels", true),
];

#[rustfmt::skip]
pub(super) static COMMON_ANNOTATIONS: &[Rule] = &[
    ("", "", "", "metadata/annotations", true),
    ("", "v1", "ReplicationController", "spec/template/metadata/annotations", true),
    ("", "", "Deployment", "spec/template/metadata/annotations", true),
    ("", "", "ReplicaSet", "spec/template/metadata/annotations", true),
    ("", "", "DaemonSet", "spec/template/metadata/annotations", true),
    ("", "", "StatefulSet", "spec/template/metadata/annotations", true),
    ("batch", "", "Job", "spec/template/metadata/annotations", true),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations", true),
    ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations", true),
];

#[rustfmt::skip]
pub(super) static NAMESPACE: &[Rule] = &[
    ("", "", "Namespace", "metadata/name", true),
    ("apiregistration.k8s.io", "", "APIService", "spec/service/namespace", true),
    ("apiextensions.k8s.io", "", "CustomResourceDefinition", "spec/conversion/webhook/clientConfig/service/namespace", false),
];

#[rustfmt::skip]
pub(super) static VAR_REFERENCE: Rules = Rules {
    pods: &[POD, DEPLOYMENT, REPLICA_SET, DAEMON_SET, STATEFUL_SET, JOB, CRON_JOB],
    fields: &[
        "containers/args",
        "containers/command",
        "containers/env/value",
        "containers/volumeMounts/mountPath",
        "initContainers/args",
        "initContainers/command",
        "initContainers/env/value",
        "initContainers/volumeMounts/mountPath",
    ],
    own: &[
        ("", "", "CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server", false),
        ("", "", "DaemonSet", "spec/template/spec/volumes/nfs/server", false),
        ("", "", "Deployment", "spec/template/spec/volumes/nfs/server", false),
        ("", "", "Deployment", "spec/template/metadata/annotations", false),
        ("", "", "Ingress", "spec/rules/host", false),
        ("", "", "Ingress", "spec/tls/hosts", false),
        ("", "", "Ingress", "spec/tls/secretName", false),
        ("", "", "Job", "spec/template/spec/volumes/nfs/server", false),
        ("", "", "Pod", "spec/volumes/nfs/server", false),
        ("", "", "ReplicaSet", "spec/template/spec/volumes/nfs/server", false),
        ("", "", "Service", "spec/ports/port", false),
        ("", "", "Service", "spec/ports/targetPort", false),
        ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server", false),
        ("", "", "PersistentVolume", "spec/nfs/server", false),
        ("", "", "", "metadata/labels", false),
        ("", "", "", "metadata/annotations", false),
    ],
};

#[rustfmt::skip]
pub(super) static IMAGES: &[Rule] = &[
    ("", "", "", "spec/containers[]/image", true),
    ("", "", "", "spec/initContainers[]/image", true),
    ("", "", "", "spec/volumes[]/image/reference", true),
    ("", "", "", "spec/template/spec/containers[]/image", true),
    ("", "", "", "spec/template/spec/initContainers[]/image", true),
    ("", "", "", "spec/template/spec/volumes[]/image/reference", true),
];

#[rustfmt::skip]
pub(super) static REPLICAS: &[Rule] = &[
    ("", "", "Deployment", "spec/replicas", true),
    ("", "", "ReplicationController", "spec/replicas", true),
    ("", "", "ReplicaSet", "spec/replicas", true),
    ("", "", "StatefulSet", "spec/replicas", true),
];

/// Kind and version of what is named, and the fields that name it.
#[rustfmt::skip]
pub(super) static NAME_REFERENCE: &[(&str, &str, &str, Rules)] = &[
    ("", "", "Deployment", Rules::of(&[
        ("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false),
    ])),
    ("", "", "ReplicationController", Rules::of(&[
        ("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false),
    ])),
    ("", "", "ReplicaSet", Rules::of(&[
        ("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false),
    ])),
    ("", "", "StatefulSet", Rules::of(&[
        ("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false),
    ])),
    ("", "v1", "ConfigMap", Rules {
        pods: &[CORE_POD, POD_TEMPLATE, DEPLOYMENT, REPLICA_SET, DAEMON_SET, STATEFUL_SET, JOB, CRON_JOB],
        fields: &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
        own: &[
            ("", "", "Node", "spec/configSource/configMap", false),
            ("", "", "Role", "rules/resourceNames", false),
            ("", "", "ClusterRole", "rules/resourceNames", false),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", false),
        ],
    }),
    ("", "v1", "Secret", Rules {
        pods: &[CORE_POD, POD_TEMPLATE, DEPLOYMENT, REPLICA_SET, DAEMON_SET, STATEFUL_SET, JOB, CRON_JOB],
        fields: &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
        own: &[
            ("", "", "Ingress", "spec/tls/secretName", false),
            ("", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret", false),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret", false),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret", false),
            ("", "", "Ingress", "spec/tls/secretName", false),
            ("", "", "ServiceAccount", "imagePullSecrets/name", false),
            ("", "", "StorageClass", "parameters/secretName", false),
            ("", "", "StorageClass", "parameters/adminSecretName", false),
            ("", "", "StorageClass", "parameters/userSecretName", false),
            ("", "", "StorageClass", "parameters/secretRef", false),
            ("", "", "Role", "rules/resourceNames", false),
            ("", "", "ClusterRole", "rules/resourceNames", false),
            ("serving.knative.dev", "v1", "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name", false),
            ("", "", "PersistentVolume", "spec/azureFile/secretName", false),
        ],
    }),
    ("", "v1", "Service", Rules::of(&[
        ("apps", "", "StatefulSet", "spec/serviceName", false),
        ("", "", "Ingress", "spec/rules/http/paths/backend/serviceName", false),
        ("", "", "Ingress", "spec/backend/serviceName", false),
        ("", "", "Ingress", "spec/rules/http/paths/backend/service/name", false),
        ("", "", "Ingress", "spec/defaultBackend/service/name", false),
        ("apiregistration.k8s.io", "", "APIService", "spec/service/name", false),
        ("admissionregistration.k8s.io", "", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service", false),
        ("admissionregistration.k8s.io", "", "MutatingWebhookConfiguration", "webhooks/clientConfig/service", false),
    ])),
    ("rbac.authorization.k8s.io", "", "Role", Rules::of(&[
        ("rbac.authorization.k8s.io", "", "RoleBinding", "roleRef/name", false),
    ])),
    ("rbac.authorization.k8s.io", "", "ClusterRole", Rules::of(&[
        ("rbac.authorization.k8s.io", "", "RoleBinding", "roleRef/name", false),
        ("rbac.authorization.k8s.io", "", "ClusterRoleBinding", "roleRef/name", false),
    ])),
    ("", "v1", "ServiceAccount", Rules {
        pods: &[POD, STATEFUL_SET, DEPLOYMENT, REPLICATION_CONTROLLER, CRON_JOB, JOB, DAEMON_SET],
        fields: &[
            "serviceAccountName",
        ],
        own: &[
            ("rbac.authorization.k8s.io", "", "RoleBinding", "subjects", false),
            ("rbac.authorization.k8s.io", "", "ClusterRoleBinding", "subjects", false),
        ],
    }),
    ("", "v1", "PersistentVolumeClaim", Rules {
        pods: &[POD, STATEFUL_SET, DEPLOYMENT, REPLICATION_CONTROLLER, CRON_JOB, JOB, DAEMON_SET],
        fields: &[
            "volumes/persistentVolumeClaim/claimName",
        ],
        own: &[
        ],
    }),
    ("", "v1", "PersistentVolume", Rules::of(&[
        ("", "", "PersistentVolumeClaim", "spec/volumeName", false),
        ("", "", "ClusterRole", "rules/resourceNames", false),
    ])),
    ("storage.k8s.io", "v1", "StorageClass", Rules::of(&[
        ("", "", "PersistentVolume", "spec/storageClassName", false),
        ("", "", "PersistentVolumeClaim", "spec/storageClassName", false),
        ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName", false),
    ])),
    ("scheduling.k8s.io", "v1", "PriorityClass", Rules {
        pods: &[POD, STATEFUL_SET, DEPLOYMENT, REPLICATION_CONTROLLER, CRON_JOB, JOB, DAEMON_SET],
        fields: &[
            "priorityClassName",
        ],
        own: &[
        ],
    }),
    ("networking.k8s.io/v1", "v1", "IngressClass", Rules::of(&[
        ("", "", "Ingress", "spec/ingressClassName", false),
    ])),
    ("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicy", Rules::of(&[
        ("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicyBinding", "spec/policyName", false),
    ])),
];
