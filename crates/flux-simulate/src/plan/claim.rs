//! Claims are bound at once to a volume that holds nothing.

use super::status::Conditions;
use super::{Context, Part, Plan};
use crate::SIMULATED_LABEL;
use crate::kinds::Kind;
use crate::world::{Key, Object};
use serde_json::{Value, json};

pub(super) fn plan(ctx: &Context, claim: &Object, plan: &mut Plan) {
    let named = claim.spec["volumeName"].as_str().unwrap_or_default();
    let name = if named.is_empty() { format!("pvc-{}", claim.uid) } else { named.to_owned() };
    let volume = ctx.world.get(&Key::new(Kind::PersistentVolume, "", &name));
    let Some(volume) = volume else {
        // A volume that the claim names itself is its author's to make.
        if named.is_empty() {
            create_volume(claim, &name, plan);
        } else if named.strip_prefix("pvc-") == Some(&claim.uid) {
            lost(ctx, claim, plan);
        } else {
            pending(claim, plan);
        }
        return;
    };
    if named.is_empty() {
        let annotations =
            json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
        let body = json!({"metadata": {"annotations": annotations}, "spec": {"volumeName": name}});
        plan.patch(claim, Part::Main, body);
        return;
    }
    let mut status = claim.status.as_object().cloned().unwrap_or_default();
    status.insert("phase".into(), "Bound".into());
    status.insert("accessModes".into(), claim.spec["accessModes"].clone());
    status.insert("capacity".into(), volume.spec["capacity"].clone());
    plan.set_status(claim, status);
}

fn pending(claim: &Object, plan: &mut Plan) {
    let mut status = claim.status.as_object().cloned().unwrap_or_default();
    status.insert("phase".into(), "Pending".into());
    plan.set_status(claim, status);
}

fn lost(ctx: &Context, claim: &Object, plan: &mut Plan) {
    let mut status = claim.status.as_object().cloned().unwrap_or_default();
    status.insert("phase".into(), "Lost".into());
    Conditions::of(claim, ctx.now).store(&mut status);
    plan.set_status(claim, status);
}

fn create_volume(claim: &Object, name: &str, plan: &mut Plan) {
    let mut spec = json!({
        "accessModes": claim.spec["accessModes"],
        "capacity": {"storage": claim.spec["resources"]["requests"]["storage"]},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim.key.name,
                     "namespace": claim.key.namespace, "uid": claim.uid},
        "hostPath": {"path": format!("/simulated/{name}")},
        "persistentVolumeReclaimPolicy": "Delete",
    });
    for field in ["storageClassName", "volumeMode"] {
        if let Some(value) = claim.spec.get(field) {
            spec[field] = value.clone();
        }
    }
    let metadata = json!({"name": name, "labels": {SIMULATED_LABEL: "true"},
                          "annotations": {"pv.kubernetes.io/provisioned-by": crate::FIELD_MANAGER}});
    let body = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec});
    plan.create(Kind::PersistentVolume, claim, body);
}

/// A volume is bound while its claim is there; one of ours goes with the claim, another one is released.
pub(super) fn plan_volume(ctx: &Context, volume: &Object, plan: &mut Plan) {
    let reference = &volume.spec["claimRef"];
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let phase = if text("name").is_empty() {
        "Available"
    } else {
        let claim = ctx.world.get(&Key::new(Kind::PersistentVolumeClaim, text("namespace"), text("name")));
        match claim {
            Some(claim) if text("uid").is_empty() || claim.uid == text("uid") => "Bound",
            _ if volume.labels.contains_key(SIMULATED_LABEL) => return plan.delete(volume),
            _ => "Released",
        }
    };
    if volume.status["phase"] != phase {
        let mut status = volume.status.as_object().cloned().unwrap_or_default();
        status.insert("phase".into(), Value::from(phase));
        plan.set_status(volume, status);
    }
}
