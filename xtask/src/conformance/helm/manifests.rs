//! Part `manifests`: splitting, hooks and order (`manifests/`).

use std::collections::BTreeMap;

use anyhow::Result;
use flux_helm::manifest::{DeletePolicy, HookEvent, Order, Splitting, sort_manifests};
use serde_json::{Value, json};

use super::super::{Case, Inputs, Verdict};
use super::lines;
use super::values::{outcome, text};

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, splitting) in [("order", Splitting::V42), ("order-helm-4.3.1", Splitting::V43)] {
        for line in lines(&inputs.dir.join(format!("manifests/{name}.jsonl")))? {
            let id = format!("manifests/{name}/{}", text(&line, "id"));
            cases.push(Case::new(id, move || judge(&line, splitting)));
        }
    }
    Ok(cases)
}

fn judge(line: &Value, splitting: Splitting) -> Verdict {
    let files: BTreeMap<String, String> = line["files"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned()))
        .collect();
    for (order, key) in [(Order::Install, "install"), (Order::Uninstall, "uninstall")] {
        let sorted = sort_manifests(&files, order, splitting).map_err(|error| error.to_string());
        let verdict = outcome(line, sorted.map(|(hooks, manifests)| shown(&hooks, &manifests)), &line[key]);
        if !matches!(verdict, Verdict::Pass) {
            return verdict;
        }
    }
    Verdict::Pass
}

fn shown(hooks: &[flux_helm::manifest::Hook], manifests: &[flux_helm::manifest::Manifest]) -> Value {
    let list = |items: Vec<Value>| if items.is_empty() { Value::Null } else { Value::Array(items) };
    let hooks = hooks.iter().map(|hook| {
        json!({
            "deletePolicies": hook.delete_policies.iter().map(DeletePolicy::as_str).collect::<Vec<_>>(),
            "events": hook.events.iter().map(HookEvent::as_str).collect::<Vec<_>>(),
            "kind": hook.kind, "manifest": hook.manifest, "name": hook.name,
            "outputLogPolicies": hook.output_log_policies, "path": hook.path, "weight": hook.weight,
        })
    });
    let manifests = manifests.iter().map(|manifest| {
        json!({"content": manifest.content, "kind": manifest.head.kind, "name": manifest.head.name, "path": manifest.path})
    });
    json!({"hooks": list(hooks.collect()), "manifests": list(manifests.collect())})
}
