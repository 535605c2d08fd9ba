//! `flux tree kustomization`: the inventory as a tree, nested units included.

use std::process::ExitCode;

use flux_api::{HelmRelease, Kustomization};
use flux_apply::ObjectId;
use kube::Client;
use kube::api::Api;
use serde_json::{Value, json};

use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::print;

/// Nested units deeper than this are cut; a cycle ends here.
const DEPTH_LIMIT: usize = 32;

struct Node {
    id: ObjectId,
    children: Vec<Node>,
}

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let name = parsed.name("kustomization name is required")?;
    let client = global.client().await?;
    let unit = kustomization(&client, &global.namespace, name).await?;
    let mut root = Node {
        id: ObjectId {
            namespace: global.namespace.clone(),
            name: name.to_owned(),
            group: Kustomization::GROUP.into(),
            kind: Kustomization::KIND.into(),
        },
        children: Vec::new(),
    };
    grow(&client, &mut root, &unit, parsed.is_set("compact"), 0).await?;
    match parsed.text("output") {
        "json" => print::line(&serde_json::to_string_pretty(&value(&root))?),
        "yaml" => print::line(&flux_yaml::emit_v2(&value(&root))),
        _ => {
            let mut text = format!("{}\n", label(&root.id));
            draw(&mut text, &root.children, "");
            print::line(&text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn kustomization(client: &Client, namespace: &str, name: &str) -> Result<Kustomization, CliError> {
    Ok(Api::<Kustomization>::namespaced(client.clone(), namespace).get(name).await?)
}

async fn grow(
    client: &Client,
    node: &mut Node,
    unit: &Kustomization,
    compact: bool,
    depth: usize,
) -> Result<(), CliError> {
    if depth > DEPTH_LIMIT {
        return Ok(());
    }
    let inventory = unit.status.as_ref().and_then(|status| status.inventory.as_ref());
    for entry in inventory.into_iter().flat_map(|inventory| &inventory.entries) {
        let id: ObjectId = entry.id.parse().map_err(|error| CliError::state(format!("{error}")))?;
        let is_unit = id.group == Kustomization::GROUP && id.kind == Kustomization::KIND;
        if (compact && !id.group.contains("toolkit.fluxcd.io")) || (is_unit && same_object(&id, unit)) {
            continue;
        }
        let mut child = Node { id, children: Vec::new() };
        if is_unit && unit.spec.kube_config.is_none() {
            let nested = kustomization(client, &child.id.namespace, &child.id.name)
                .await
                .map_err(|error| CliError::state(format!("failed to find object: {error}")))?;
            Box::pin(grow(client, &mut child, &nested, compact, depth + 1)).await?;
        } else if child.id.group == HelmRelease::GROUP && child.id.kind == HelmRelease::KIND {
            child.children = release_objects(client, &child.id, compact).await?;
        }
        node.children.push(child);
    }
    Ok(())
}

fn same_object(id: &ObjectId, unit: &Kustomization) -> bool {
    unit.metadata.name.as_deref() == Some(&id.name) && unit.metadata.namespace.as_deref() == Some(&id.namespace)
}

/// The inventory in the release's status.
async fn release_objects(client: &Client, id: &ObjectId, compact: bool) -> Result<Vec<Node>, CliError> {
    let release = Api::<HelmRelease>::namespaced(client.clone(), &id.namespace).get(&id.name).await?;
    if release.spec.kube_config.is_some() {
        return Ok(Vec::new());
    }
    let inventory = release.status.and_then(|status| status.inventory);
    let ids = inventory.into_iter().flat_map(|inventory| inventory.entries).filter_map(|entry| entry.id.parse().ok());
    Ok(ids
        .filter(|id: &ObjectId| !compact || id.group.contains("toolkit.fluxcd.io"))
        .map(|id| Node { id, children: Vec::new() })
        .collect())
}

fn label(id: &ObjectId) -> String {
    if id.namespace.is_empty() {
        format!("{}/{}", id.kind, id.name)
    } else {
        format!("{}/{}/{}", id.kind, id.namespace, id.name)
    }
}

fn draw(text: &mut String, nodes: &[Node], indent: &str) {
    for (place, node) in nodes.iter().enumerate() {
        let last = place + 1 == nodes.len();
        let (branch, below) =
            if last { ("\u{2514}\u{2500}\u{2500} ", "    ") } else { ("\u{251c}\u{2500}\u{2500} ", "\u{2502}   ") };
        text.push_str(&format!("{indent}{branch}{}\n", label(&node.id)));
        draw(text, &node.children, &format!("{indent}{below}"));
    }
}

fn value(node: &Node) -> Value {
    let mut value = json!({
        "resource": {
            "Namespace": node.id.namespace,
            "Name": node.id.name,
            "GroupKind": { "Group": node.id.group, "Kind": node.id.kind },
        },
    });
    if !node.children.is_empty() {
        value["resources"] = node.children.iter().map(self::value).collect();
    }
    value
}
