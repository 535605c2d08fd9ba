//! The invariants K1 to K3, judged over a record: no mistaken prune, no orphan, no half inventory.

use std::collections::BTreeSet;

use serde_json::Value;

use super::recorder::{OWNER_LABEL, Record, Seen, inventory_id};

/// All that breaks an invariant, as sentences.
pub fn violations(record: &Record, stable: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    mistaken_prunes(record, stable, &mut found);
    orphans(record, &mut found);
    half_inventories(record, &mut found);
    found
}

/// K1: an object that is in every desired set never sees a DELETE.
fn mistaken_prunes(record: &Record, stable: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
    for (id, track) in record.iter().filter(|(id, _)| stable(id)) {
        for seen in &track.seen {
            if let Seen::Deleted { revision, .. } = seen {
                found.push(format!("K1: {id} was deleted at {revision:?} though every commit holds it"));
            }
        }
    }
}

/// K2: at the end every live object with an owner label is in its owner's inventory.
fn orphans(record: &Record, found: &mut Vec<String>) {
    for (id, track) in record {
        let Some(Seen::Present { object, .. }) = track.seen.last() else { continue };
        let Some(owner) = owner_id(object) else { continue };
        let inventory = record.get(&owner).and_then(|track| track.seen.last()).and_then(|seen| match seen {
            Seen::Present { object, .. } => Some(inventory(object)),
            Seen::Deleted { .. } => None,
        });
        match inventory {
            Some(inventory) if inventory.contains(id.as_str()) => {}
            Some(_) => found.push(format!("K2: {id} is live but not in the inventory of {owner}")),
            None => found.push(format!("K2: {id} is live but its owner {owner} is gone")),
        }
    }
}

/// K3: whenever an object is there, the inventory of that moment covers it. Revisions order the two.
fn half_inventories(record: &Record, found: &mut Vec<String>) {
    for (id, track) in record {
        for seen in &track.seen {
            let Seen::Present { revision, object } = seen else { continue };
            let Some(owner) = owner_id(object) else { continue };
            let Some(owner_track) = record.get(&owner) else { continue };
            let at_that_time = owner_track.seen.iter().rev().find_map(|seen| match seen {
                Seen::Present { revision: then, object } if then < revision => Some(object),
                _ => None,
            });
            // Before the recorder's first look at the owner nothing can be said.
            if at_that_time.is_some_and(|owner| !inventory(owner).contains(id.as_str())) {
                found.push(format!("K3: {id} is there at {revision} and the inventory of {owner} lacks it"));
                break;
            }
        }
    }
}

fn owner_id(object: &Value) -> Option<String> {
    let labels = object.pointer("/metadata/labels")?;
    let name = labels[OWNER_LABEL].as_str()?;
    let namespace = labels["kustomize.toolkit.fluxcd.io/namespace"].as_str()?;
    let owner = format!("{namespace}_{name}_kustomize.toolkit.fluxcd.io_Kustomization");
    (owner != inventory_id(object)).then_some(owner)
}

fn inventory(kustomization: &Value) -> BTreeSet<&str> {
    let entries = kustomization.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::recorder::Track;
    use super::*;

    fn config_map(revision: u64) -> Seen {
        let labels = json!({OWNER_LABEL: "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
        let metadata = json!({"namespace": "default", "name": "a", "labels": labels});
        Seen::Present { revision, object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}) }
    }

    fn owner(revision: u64, ids: &[&str]) -> Seen {
        let entries: Vec<Value> = ids.iter().map(|id| json!({"id": id, "v": "v1"})).collect();
        let object = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"namespace": "flux-system", "name": "apps"}, "status": {"inventory": {"entries": entries}}});
        Seen::Present { revision, object }
    }

    fn record(owner_seen: Vec<Seen>, object_seen: Vec<Seen>) -> Record {
        Record::from([
            (inventory_id(owner_seen[0].object()), Track { seen: owner_seen }),
            ("default_a__ConfigMap".to_owned(), Track { seen: object_seen }),
        ])
    }

    #[test]
    fn a_covered_object_breaks_nothing() {
        let record = record(vec![owner(3, &["default_a__ConfigMap"])], vec![config_map(4)]);
        assert_eq!(violations(&record, &|_| true), Vec::<String>::new());
    }

    #[test]
    fn each_invariant_is_noticed() {
        let late = record(vec![owner(3, &[]), owner(5, &["default_a__ConfigMap"])], vec![config_map(4)]);
        assert!(violations(&late, &|_| false)[0].starts_with("K3"));
        let orphan = record(vec![owner(5, &[])], vec![config_map(4)]);
        assert!(violations(&orphan, &|_| false)[0].starts_with("K2"));
        let object = config_map(4).object().clone();
        let deleted = Seen::Deleted { revision: Some(6), object };
        let pruned = record(vec![owner(3, &["default_a__ConfigMap"])], vec![config_map(4), deleted, config_map(7)]);
        assert!(violations(&pruned, &|id| id.contains("ConfigMap"))[0].starts_with("K1"));
    }
}
