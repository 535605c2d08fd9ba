//! `flux create tenant`: namespaces, a ServiceAccount and a RoleBinding in each.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{is_qualified_name, labels};
use crate::cli::apply;
use crate::cli::error::CliError;
use crate::cli::export::print_object;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let tenant = parsed.name("name is required")?;
    let role = parsed.option("cluster-role").ok_or_else(|| CliError::usage("cluster-role is required"))?;
    let namespaces = parsed.list("with-namespace");
    if namespaces.is_empty() {
        return Err(CliError::usage("with-namespace is required"));
    }
    let account = parsed.option("with-service-account").unwrap_or(tenant);
    let mut all_labels = labels(parsed)?;
    all_labels.insert(flux_api::TENANT_LABEL.to_owned(), json!(tenant));
    let labels = Value::Object(all_labels);
    let mut objects = Vec::new();
    for namespace in &namespaces {
        if !is_qualified_name(namespace) {
            return Err(CliError::usage(format!("invalid namespace '{namespace}'")));
        }
        if !parsed.is_set("skip-namespace") {
            objects.push(json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": { "name": namespace, "labels": labels },
            }));
        }
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": { "name": account, "namespace": namespace, "labels": labels },
        }));
        objects.push(role_binding(tenant, namespace, account, role, &labels));
    }
    if parsed.is_set("export") {
        objects.iter().for_each(print_object);
        return Ok(ExitCode::SUCCESS);
    }
    let client = global.client().await?;
    for object in &objects {
        let what = match object["kind"].as_str() {
            Some("Namespace") => "namespace",
            Some("ServiceAccount") => "service account",
            _ => "role binding",
        };
        print::action(format!("applying {what} {}", object["metadata"]["name"].as_str().unwrap_or_default()));
        apply::tenant_object(&client, object).await?;
    }
    print::success("tenant setup completed");
    Ok(ExitCode::SUCCESS)
}

fn role_binding(tenant: &str, namespace: &str, account: &str, role: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": format!("{tenant}-reconciler"), "namespace": namespace, "labels": labels },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
        "subjects": [
            { "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("gotk:{namespace}:reconciler") },
            { "kind": "ServiceAccount", "name": account, "namespace": namespace },
        ],
    })
}
