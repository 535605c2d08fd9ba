//! A Kubernetes client as the connection flags say.

use kube::api::{Api, ApiResource, DynamicObject};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Client, Config};

use super::error::CliError;
use super::global::Connection;
use super::kinds::Kind;

/// Reads the kubeconfig and makes a client; says nothing to the server yet.
pub async fn connect(connection: &Connection) -> Result<Client, CliError> {
    let mut config = match read(connection)? {
        Some(kubeconfig) => {
            let options = KubeConfigOptions {
                context: connection.context.clone(),
                cluster: connection.cluster.clone(),
                user: connection.user.clone(),
            };
            Config::from_custom_kubeconfig(kubeconfig, &options).await?
        }
        None if connection.overrides.contains_key("server") => Config::new(server(connection)?),
        None => {
            Config::incluster().map_err(|_| CliError::state("no kubeconfig found: set --kubeconfig or KUBECONFIG"))?
        }
    };
    override_config(&mut config, connection)?;
    Ok(Client::try_from(config)?)
}

/// The namespace of the current context.
pub fn context_namespace(connection: &Connection) -> Option<String> {
    let kubeconfig = read(connection).ok()??;
    let current = connection.context.clone().or(kubeconfig.current_context)?;
    let context = kubeconfig.contexts.into_iter().find(|context| context.name == current)?;
    context.context?.namespace.filter(|namespace| !namespace.is_empty())
}

/// `--kubeconfig`, else `$KUBECONFIG`, else `~/.kube/config` when it is there.
fn read(connection: &Connection) -> Result<Option<Kubeconfig>, CliError> {
    if let Some(path) = &connection.kubeconfig {
        return Ok(Some(Kubeconfig::read_from(path)?));
    }
    if let Some(kubeconfig) = Kubeconfig::from_env()? {
        return Ok(Some(kubeconfig));
    }
    match std::env::home_dir().map(|home| home.join(".kube/config")) {
        Some(path) if path.exists() => Ok(Some(Kubeconfig::read_from(path)?)),
        _ => Ok(None),
    }
}

fn server(connection: &Connection) -> Result<http::Uri, CliError> {
    let address = connection.overrides.get("server").map(String::as_str).unwrap_or_default();
    let address = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    address.parse().map_err(|_| CliError::usage(format!("invalid --server {address:?}")))
}

fn override_config(config: &mut Config, connection: &Connection) -> Result<(), CliError> {
    let given = &connection.overrides;
    let text = |name: &str| given.get(name).cloned();
    if given.contains_key("server") {
        config.cluster_url = server(connection)?;
    }
    if let Some(token) = text("token") {
        config.auth_info.token = Some(token.into());
    }
    if given.contains_key("client-certificate") {
        config.auth_info.client_certificate = text("client-certificate");
        config.auth_info.client_certificate_data = None;
    }
    if given.contains_key("client-key") {
        config.auth_info.client_key = text("client-key");
        config.auth_info.client_key_data = None;
    }
    if let Some(path) = given.get("certificate-authority") {
        config.root_cert = Some(certificates(path)?);
    }
    if let Some(name) = text("tls-server-name") {
        config.tls_server_name = Some(name);
    }
    if given.get("insecure-skip-tls-verify").is_some_and(|value| value == "true") {
        config.accept_invalid_certs = true;
    }
    if let Some(user) = text("as") {
        config.auth_info.impersonate = Some(user);
    }
    if !connection.groups.is_empty() {
        config.auth_info.impersonate_groups = Some(connection.groups.clone());
    }
    if given.get("disable-compression").is_some_and(|value| value == "true") {
        config.disable_compression = true;
    }
    Ok(())
}

/// The certificates of a PEM file as DER.
fn certificates(path: &str) -> Result<Vec<Vec<u8>>, CliError> {
    use base64::Engine as _;
    let text = std::fs::read_to_string(path).map_err(CliError::io(format!("read {path}")))?;
    let mut found = Vec::new();
    for part in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body: String =
            part.split("-----END").next().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        let der = base64::engine::general_purpose::STANDARD
            .decode(body)
            .map_err(|_| CliError::usage(format!("{path} is no PEM file of certificates")))?;
        found.push(der);
    }
    Ok(found)
}

/// The resource of a Flux kind.
pub fn resource(kind: &Kind) -> ApiResource {
    let gvk = GroupVersionKind::gvk(kind.info.group, kind.info.version, kind.info.kind);
    ApiResource::from_gvk_with_plural(&gvk, kind.info.plural)
}

/// The objects of a Flux kind in one namespace, or in all when there is none.
pub fn api(client: &Client, kind: &Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = resource(kind);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}
