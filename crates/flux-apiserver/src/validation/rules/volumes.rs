//! Volumes of pods.

use serde_json::Value;

use super::at::At;
use super::pod::Around;
use super::quantity::nano;
use super::report::{Report, given, items, number, text};
use super::{claims, environment, selector, volume_kinds};
use crate::names;

/// The kinds in upstream's order, with the name that its errors use.
const KINDS: [(&str, &str); 31] = [
    ("emptyDir", "emptyDir"),
    ("hostPath", "hostPath"),
    ("gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret"),
    ("nfs", "nfs"),
    ("iscsi", "iscsi"),
    ("glusterfs", "glusterfs"),
    ("flocker", "flocker"),
    ("persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd"),
    ("cinder", "cinder"),
    ("cephfs", "cephFS"),
    ("quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI"),
    ("fc", "fc"),
    ("flexVolume", "flexVolume"),
    ("configMap", "configMap"),
    ("azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk"),
    ("storageos", "storageos"),
    ("projected", "projected"),
    ("scaleIO", "scaleIO"),
    ("csi", "csi"),
    ("ephemeral", "ephemeral"),
    ("image", "image"),
    ("podCertificate", "podCertificate"),
];

const TOKEN_SECONDS_MIN: i64 = 600;
const TOKEN_SECONDS_MAX: i64 = 1 << 32;
const KEY_TYPES: [&str; 6] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

/// Checks the volumes; sound ones become known to the containers.
pub(super) fn check<'a>(around: &mut Around<'a>, meta: &Value, at: &At<'_>, report: &mut Report) {
    let spec: &'a Value = around.spec;
    let pod_name = text(meta, "name");
    let mut seen = Vec::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let (at, name) = (at.index(index), text(volume, "name"));
        let before = report.errors.len();
        source(around, volume, pod_name, &at, report);
        if name.is_empty() {
            report.required(&at.child("name"), "");
        } else {
            report.dns_label(&at.child("name"), name);
        }
        if seen.contains(&name) {
            report.duplicate(&at.child("name"), name);
        }
        if report.errors.len() == before {
            seen.push(name);
            around.volumes.push((name, volume));
        }
        let claim = text(&volume["persistentVolumeClaim"], "claimName");
        let made = |other: &Value| {
            given(other, "ephemeral").is_some() && format!("{pod_name}-{}", text(other, "name")) == claim
        };
        if !pod_name.is_empty() && !claim.is_empty() && items(spec, "volumes").iter().any(made) {
            let words = "must not reference a PVC that gets created for an ephemeral volume";
            report.invalid(&at.child("persistentVolumeClaim").child("claimName"), claim, words);
        }
    }
}

fn source(around: &Around<'_>, volume: &Value, pod_name: &str, at: &At<'_>, report: &mut Report) {
    let mut found = false;
    for (kind, shown) in KINDS {
        let Some(own) = given(volume, kind) else { continue };
        if found {
            report.forbidden(&at.child(shown), "may not specify more than 1 volume type");
            continue;
        }
        found = true;
        one(around, kind, own, &at.child(if kind == "gcePersistentDisk" { "persistentDisk" } else { kind }), report);
        let name = text(volume, "name");
        if kind == "ephemeral" && !pod_name.is_empty() && !name.is_empty() {
            let claim = format!("{pod_name}-{name}");
            for wrong in names::dns_subdomain(&claim) {
                report.invalid(&at.child("name"), name, format!("PVC name \"{claim}\": {wrong}"));
            }
        }
    }
    if !found {
        report.required(at, "must specify a volume type");
    }
}

fn one(around: &Around<'_>, kind: &str, own: &Value, at: &At<'_>, report: &mut Report) {
    match kind {
        "emptyDir" => {
            if nano(&own["sizeLimit"]) < 0 {
                report.forbidden(&at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
            }
        }
        "secret" | "configMap" => {
            report.required_text(
                &at.child(if kind == "secret" { "secretName" } else { "name" }),
                &own[if kind == "secret" { "secretName" } else { "name" }],
            );
            mode(&own["defaultMode"], &at.child("defaultMode"), report);
            for (index, item) in items(own, "items").iter().enumerate() {
                key_to_path(item, &at.child("items").index(index), report);
            }
        }
        "persistentVolumeClaim" => report.required_text(&at.child("claimName"), &own["claimName"]),
        "downwardAPI" => {
            mode(&own["defaultMode"], &at.child("defaultMode"), report);
            items(own, "items").iter().for_each(|file| pod_file(file, at, report));
        }
        "projected" => {
            mode(&own["defaultMode"], &at.child("defaultMode"), report);
            projected(own, at, report);
        }
        "csi" => {
            volume_kinds::driver_name(&own["driver"], &at.child("driver"), report);
            if let Some(secret) = given(own, "nodePublishSecretRef") {
                let name = text(secret, "name");
                if name.is_empty() {
                    report.required(&at.child("nodePublishSecretRef").child("name"), "");
                } else {
                    report.dns_subdomain(&at.child("name"), name);
                }
            }
        }
        "ephemeral" => {
            let template_at = at.child("volumeClaimTemplate");
            match given(own, "volumeClaimTemplate") {
                None => report.required(&template_at, ""),
                Some(template) => claims::template(template, &template_at, report),
            }
        }
        "image" => {
            if around.is_pod {
                report.required_text(&at.child("reference"), &own["reference"]);
            }
            let policies = ["Always", "IfNotPresent", "Never"];
            report.required_one_of(&at.child("pullPolicy"), &own["pullPolicy"], &policies);
        }
        _ => volume_kinds::check(kind, own, at, report),
    }
}

fn mode(bits: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(bits) = bits.as_i64().filter(|bits| !(0..=0o777).contains(bits)) {
        report.invalid(at, bits, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

fn key_to_path(item: &Value, at: &At<'_>, report: &mut Report) {
    report.required_text(&at.child("key"), &item["key"]);
    report.required_text(&at.child("path"), &item["path"]);
    report.local_path(&at.child("path"), text(item, "path"));
    mode(&item["mode"], &at.child("mode"), report);
}

/// A file that tells of the pod; upstream names no index.
fn pod_file(file: &Value, at: &At<'_>, report: &mut Report) {
    report.required_text(&at.child("path"), &file["path"]);
    report.local_path(&at.child("path"), text(file, "path"));
    if let Some(field) = given(file, "fieldRef") {
        environment::field(field, &environment::FILE_FIELDS, &at.child("fieldRef"), report);
        if given(file, "resourceFieldRef").is_some() {
            report.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
        }
    } else if let Some(amount) = given(file, "resourceFieldRef") {
        environment::amount(amount, true, &at.child("resourceFieldRef"), report);
    } else {
        report.required(at, "one of fieldRef and resourceFieldRef is required");
    }
    mode(&file["mode"], &at.child("mode"), report);
}

/// Paths taken within a projected volume.
struct Paths<'a>(Vec<&'a str>);

impl<'a> Paths<'a> {
    fn take(&mut self, path: &'a str, shown: &str, at: &At<'_>, report: &mut Report) {
        if path.is_empty() {
            return;
        }
        if self.0.contains(&path) {
            report.invalid(at, shown, "conflicting duplicate paths");
        } else {
            self.0.push(path);
        }
    }
}

fn projected(own: &Value, at: &At<'_>, report: &mut Report) {
    let mut paths = Paths(Vec::new());
    for (index, source) in items(own, "sources").iter().enumerate() {
        let list = at.child("sources");
        let source_at = list.index(index);
        let mut count = 0;
        for kind in ["secret", "configMap"] {
            let Some(own) = given(source, kind) else { continue };
            count += 1;
            let kind_at = source_at.child(kind);
            report.required_text(&kind_at.child("name"), &own["name"]);
            for (index, item) in items(own, "items").iter().enumerate() {
                key_to_path(item, &kind_at.child("items").index(index), report);
                paths.take(text(item, "path"), text(own, "name"), at, report);
            }
        }
        if let Some(own) = given(source, "downwardAPI") {
            count += 1;
            for file in items(own, "items") {
                pod_file(file, &source_at.child("downwardAPI"), report);
                paths.take(text(file, "path"), text(file, "path"), at, report);
            }
        }
        if let Some(own) = given(source, "serviceAccountToken") {
            count += 1;
            token(own, at, &source_at.child("serviceAccountToken"), report);
        }
        if let Some(own) = given(source, "clusterTrustBundle") {
            count += 1;
            let bundle_at = source_at.child("clusterTrustBundle");
            trust_bundle(own, &bundle_at, report);
            paths.take(text(own, "path"), text(own, "path"), at, report);
        }
        if let Some(own) = given(source, "podCertificate") {
            count += 1;
            let kind_at = source_at.child("podCertificate");
            certificate(own, &kind_at, report);
            for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
                let path = text(own, field);
                if !path.is_empty() {
                    report.local_path(&kind_at.child(field), path);
                }
                paths.take(path, path, at, report);
            }
        }
        if count > 1 {
            report.forbidden(&source_at, "may not specify more than 1 volume type per source");
        }
    }
}

fn token(own: &Value, volume_at: &At<'_>, at: &At<'_>, report: &mut Report) {
    let seconds = number(own, "expirationSeconds");
    let seconds_at = at.child("expirationSeconds");
    if seconds < TOKEN_SECONDS_MIN {
        report.invalid(&seconds_at, seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds > TOKEN_SECONDS_MAX {
        report.invalid(&seconds_at, seconds, "may not specify a duration larger than 2^32 seconds");
    }
    match text(own, "path") {
        "" => report.required(&volume_at.child("path"), ""),
        path => report.local_path(&volume_at.child("path"), path),
    }
}

fn trust_bundle(own: &Value, at: &At<'_>, report: &mut Report) {
    let (name, signer) = (given(own, "name"), given(own, "signerName"));
    match (name, signer) {
        (Some(_), Some(_)) => report.invalid(at, own.clone(), "only one of name and signerName may be used"),
        (Some(name), None) => {
            if name == "" {
                report.required(&at.child("name"), "must be a valid object name");
            }
            if given(own, "labelSelector").is_some() {
                let shown = selector::printed(&own["labelSelector"]);
                let words = "labelSelector must be unset if name is specified";
                report.invalid_printed(&at.child("labelSelector"), &shown, words);
            }
        }
        (None, Some(signer)) => {
            if signer == "" {
                report.required(&at.child("signerName"), "must be a valid signer name");
            }
            selector::check(&own["labelSelector"], &at.child("labelSelector"), report);
        }
        (None, None) => report.required(at, "either name or signerName must be specified"),
    }
    report.required_text(&at.child("path"), &own["path"]);
    report.local_path(&at.child("path"), text(own, "path"));
}

fn certificate(own: &Value, at: &At<'_>, report: &mut Report) {
    let kind = text(own, "keyType");
    if !KEY_TYPES.contains(&kind) {
        report.not_supported(&at.child("keyType"), kind, &KEY_TYPES);
    }
    let paths = ["credentialBundlePath", "keyPath", "certificateChainPath"];
    if paths.iter().all(|path| text(own, path).is_empty()) {
        report.required(at, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
    }
}
