//! What all commands share: namespace, time limit, how to reach the cluster.

use std::collections::HashMap;

use super::client;
use super::error::CliError;
use super::parse::Parsed;
use super::print;

const DEFAULT_NAMESPACE: &str = "flux-system";

/// The root's flags.
#[derive(Debug)]
pub struct Global {
    /// The namespace to work in.
    pub namespace: String,
    /// How long one operation may take.
    pub timeout: std::time::Duration,
    /// Print what is generated.
    pub verbose: bool,
    /// How to reach the cluster.
    pub connection: Connection,
}

/// The connection flags, empty when not given.
#[derive(Debug, Default)]
pub struct Connection {
    /// A file instead of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<String>,
    /// Context, cluster and user of the file.
    pub context: Option<String>,
    /// Cluster of the file.
    pub cluster: Option<String>,
    /// User of the file.
    pub user: Option<String>,
    /// All other flags that were given, by name.
    pub overrides: HashMap<String, String>,
    /// Groups to impersonate.
    pub groups: Vec<String>,
}

const OVERRIDES: &[&str] = &[
    "as",
    "certificate-authority",
    "client-certificate",
    "client-key",
    "disable-compression",
    "insecure-skip-tls-verify",
    "server",
    "tls-server-name",
    "token",
];

impl Global {
    /// Reads the root's flags; the namespace must be a DNS label.
    pub fn new(parsed: &Parsed) -> Result<Self, CliError> {
        let option = |name: &str| parsed.option(name).map(str::to_owned);
        let connection = Connection {
            kubeconfig: option("kubeconfig"),
            context: option("context"),
            cluster: option("cluster"),
            user: option("user"),
            overrides: OVERRIDES
                .iter()
                .filter(|name| parsed.changed(name))
                .map(|name| ((*name).to_owned(), parsed.text(name).to_owned()))
                .collect(),
            groups: parsed.list("as-group"),
        };
        let namespace = namespace(parsed, &connection);
        if !is_dns_label(&namespace) {
            return Err(CliError::usage(format!("namespace must be a valid DNS label: {namespace:?}")));
        }
        Ok(Self { namespace, timeout: parsed.duration("timeout").std(), verbose: parsed.is_set("verbose"), connection })
    }

    /// A client for the cluster; reads the kubeconfig now.
    pub async fn client(&self) -> Result<kube::Client, CliError> {
        client::connect(&self.connection).await
    }

    /// Ends a future when `--timeout` is over.
    pub async fn within<T>(&self, what: &str, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(CliError::Timeout { what: what.to_owned() }),
        }
    }
}

fn namespace(parsed: &Parsed, connection: &Connection) -> String {
    if parsed.changed("namespace") {
        return parsed.text("namespace").to_owned();
    }
    let follows = parsed.is_set("ns-follows-kube-context")
        || std::env::var_os("FLUX_NS_FOLLOWS_KUBE_CONTEXT").is_some_and(|value| !value.is_empty());
    if follows && let Some(namespace) = client::context_namespace(connection) {
        return namespace;
    }
    match std::env::var("FLUX_SYSTEM_NAMESPACE") {
        Ok(name) if is_dns_label(&name) => name,
        Ok(name) if !name.is_empty() => {
            print::warning(format!(" ignoring invalid FLUX_SYSTEM_NAMESPACE: {name:?}"));
            DEFAULT_NAMESPACE.to_owned()
        }
        _ => DEFAULT_NAMESPACE.to_owned(),
    }
}

/// Up to 63 lower-case letters, digits and dashes, no dash at either end.
pub fn is_dns_label(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}
