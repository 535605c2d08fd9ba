//! Flags of the programs that this one stands in for, which change nothing here.

/// Flags of kube-apiserver that test frameworks and manifests give. What would keep others out (authentication by webhook,
/// encryption of stored objects) is not among them: leaving that out in silence would be wrong.
pub(super) const KUBE_APISERVER: [&str; 86] = [
    "admission-control-config-file",
    "advertise-address",
    "aggregator-reject-forwarding-redirect",
    "allow-privileged",
    "api-audiences",
    "apiserver-count",
    "audit-log-compress",
    "audit-log-format",
    "audit-log-maxage",
    "audit-log-maxbackup",
    "audit-log-maxsize",
    "audit-log-path",
    "audit-policy-file",
    "contention-profiling",
    "cors-allowed-origins",
    "default-watch-cache-size",
    "delete-collection-workers",
    "disable-http2-serving",
    "enable-admission-plugins",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-garbage-collector",
    "enable-logs-handler",
    "enable-priority-and-fairness",
    "endpoint-reconciler-type",
    "etcd-cafile",
    "etcd-certfile",
    "etcd-compaction-interval",
    "etcd-count-metric-poll-period",
    "etcd-db-metric-poll-interval",
    "etcd-healthcheck-timeout",
    "etcd-keyfile",
    "etcd-prefix",
    "etcd-readycheck-timeout",
    "etcd-servers",
    "etcd-servers-overrides",
    "event-ttl",
    "external-hostname",
    "feature-gates",
    "goaway-chance",
    "http2-max-streams-per-connection",
    "insecure-bind-address",
    "insecure-port",
    "kubelet-certificate-authority",
    "kubelet-client-certificate",
    "kubelet-client-key",
    "kubelet-port",
    "kubelet-preferred-address-types",
    "kubelet-timeout",
    "kubernetes-service-node-port",
    "lease-reuse-duration-seconds",
    "livez-grace-period",
    "logging-format",
    "max-connection-bytes-per-sec",
    "max-mutating-requests-inflight",
    "max-requests-inflight",
    "min-request-timeout",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
    "proxy-client-cert-file",
    "proxy-client-key-file",
    "request-timeout",
    "requestheader-allowed-names",
    "requestheader-client-ca-file",
    "requestheader-extra-headers-prefix",
    "requestheader-group-headers",
    "requestheader-uid-headers",
    "requestheader-username-headers",
    "runtime-config",
    "service-account-extend-token-expiration",
    "service-account-jwks-uri",
    "service-account-key-file",
    "service-account-lookup",
    "service-account-max-token-expiration",
    "service-account-signing-key-file",
    "shutdown-delay-duration",
    "shutdown-send-retry-after",
    "storage-backend",
    "storage-initialization-timeout",
    "storage-media-type",
    "tls-cipher-suites",
    "tls-min-version",
    "vmodule",
    "watch-cache",
    "watch-cache-sizes",
];

/// Flags of etcd that test frameworks give.
pub(super) const ETCD: [&str; 13] = [
    "advertise-client-urls",
    "data-dir",
    "initial-advertise-peer-urls",
    "initial-cluster",
    "initial-cluster-state",
    "initial-cluster-token",
    "listen-metrics-urls",
    "listen-peer-urls",
    "log-level",
    "name",
    "quota-backend-bytes",
    "snapshot-count",
    "unsafe-no-fsync",
];

/// Flags that need no value.
const SWITCHES: [&str; 8] = [
    "allow-privileged",
    "contention-profiling",
    "enable-bootstrap-token-auth",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
    "unsafe-no-fsync",
    "watch-cache",
];

/// The command line without these flags and their values.
pub(super) fn without(arguments: impl Iterator<Item = String>, ignored: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let flag =
            argument.strip_prefix("--").map(|flag| flag.split_once('=').map_or((flag, None), |(f, v)| (f, Some(v))));
        match flag {
            Some((name, value)) if ignored.contains(&name) => {
                let has_value = value.is_some() || SWITCHES.contains(&name);
                if !has_value {
                    arguments.next_if(|next| !next.starts_with("--"));
                }
            }
            _ => out.push(argument),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_with_their_values() {
        let given = [
            "x",
            "--etcd-servers",
            "http://a",
            "--secure-port=1",
            "--allow-privileged",
            "--profiling=false",
            "--cert-dir",
            "d",
        ];
        let kept = without(given.iter().map(|one| (*one).to_owned()), &KUBE_APISERVER);
        assert_eq!(kept, ["x", "--secure-port=1", "--cert-dir", "d"]);
    }

    /// What controller-runtime's envtest gives both programs by default.
    #[test]
    fn the_flags_of_envtest_are_taken() {
        let given = [
            "kube-apiserver",
            "--advertise-address=127.0.0.1",
            "--allow-privileged=true",
            "--authorization-mode=RBAC",
            "--bind-address=127.0.0.1",
            "--cert-dir=/tmp/x",
            "--client-ca-file=/tmp/x/ca.crt",
            "--disable-admission-plugins=ServiceAccount",
            "--etcd-servers=http://127.0.0.1:1",
            "--secure-port=1234",
            "--service-account-issuer=https://127.0.0.1:1234/",
            "--service-account-key-file=/tmp/x/sa.crt",
            "--service-account-signing-key-file=/tmp/x/sa.key",
            "--service-cluster-ip-range=10.0.0.0/24",
        ];
        let kept = super::super::known_arguments(given.iter().map(|one| (*one).to_owned()));
        let parsed = <super::super::KubeApiserver as clap::Parser>::try_parse_from(kept).unwrap().arguments;
        assert_eq!((parsed.secure_port, parsed.disable_admission_plugins), (1234, vec!["ServiceAccount".to_owned()]));
        let given = [
            "etcd",
            "--advertise-client-urls=http://127.0.0.1:5",
            "--data-dir=/tmp/y",
            "--listen-client-urls=http://127.0.0.1:5",
            "--listen-peer-urls=http://localhost:0",
            "--unsafe-no-fsync=true",
        ];
        let kept = without(given.iter().map(|one| (*one).to_owned()), &ETCD);
        let parsed = <super::super::Etcd as clap::Parser>::try_parse_from(kept).unwrap();
        assert_eq!(parsed.listen_client_urls, ["http://127.0.0.1:5"]);
    }
}
