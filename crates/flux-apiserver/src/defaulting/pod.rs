//! Pods and pod templates.

use serde_json::{Value, json};

use super::fill::{Members, copy_missing, given, is_unset, items, round_up, section, set, set_number, spec, text};

const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
/// Octal 0644.
const FILE_MODE: i64 = 420;

/// A pod; some defaults are for pods alone, so that templates stay as written.
pub(super) fn pod(object: &mut Value) {
    let Some(spec) = spec(object) else { return };
    pod_spec(spec);
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            if let Some(resources) = given(container, "resources") {
                copy_missing(resources, "limits", "requests");
            }
        }
    }
    pod_level_requests(spec);
    set(spec, "enableServiceLinks", true);
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        host_ports(spec);
    }
}

/// The template below `key` of `members`.
pub(super) fn template_in(members: &mut Members, key: &str) {
    if let Some(spec) = given(members, key).and_then(|template| section(template, "spec")) {
        pod_spec(spec);
    }
}

/// The template below `key` of an object.
pub(super) fn template(object: &mut Value, key: &str) {
    if let Some(members) = object.as_object_mut() {
        template_in(members, key);
    }
}

fn pod_spec(spec: &mut Members) {
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "restartPolicy", "Always");
    set(spec, "securityContext", json!({}));
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "schedulerName", "default-scheduler");
    // The old name of the field is kept in step with the new one.
    let names = ["serviceAccountName", "serviceAccount"].map(|key| text(spec, key).to_owned());
    if let Some(name) = names.into_iter().find(|name| !name.is_empty()) {
        spec.insert("serviceAccountName".into(), name.clone().into());
        spec.insert("serviceAccount".into(), name.into());
    }
    items(spec, "volumes").for_each(volume);
    for list in CONTAINER_LISTS {
        items(spec, list).for_each(container);
    }
    round_up(spec, "overhead");
    if let Some(resources) = given(spec, "resources") {
        round_up(resources, "limits");
        round_up(resources, "requests");
    }
}

fn container(container: &mut Members) {
    let policy = pull_policy(text(container, "image"));
    set(container, "imagePullPolicy", policy);
    set(container, "terminationMessagePath", "/dev/termination-log");
    set(container, "terminationMessagePolicy", "File");
    items(container, "ports").for_each(|port| set(port, "protocol", "TCP"));
    for variable in items(container, "env") {
        if let Some(source) = given(variable, "valueFrom") {
            if let Some(field) = given(source, "fieldRef") {
                set(field, "apiVersion", "v1");
            }
            if let Some(file) = given(source, "fileKeyRef") {
                set(file, "optional", false);
            }
        }
    }
    if let Some(resources) = given(container, "resources") {
        round_up(resources, "limits");
        round_up(resources, "requests");
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        given(container, name).into_iter().for_each(probe);
    }
    if let Some(lifecycle) = given(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(get) = given(lifecycle, hook).and_then(|hook| given(hook, "httpGet")) {
                http_get(get);
            }
        }
    }
}

fn probe(probe: &mut Members) {
    set_number(probe, "timeoutSeconds", 1);
    set_number(probe, "periodSeconds", 10);
    set_number(probe, "successThreshold", 1);
    set_number(probe, "failureThreshold", 3);
    given(probe, "httpGet").into_iter().for_each(http_get);
    if let Some(grpc) = given(probe, "grpc")
        && is_unset(grpc.get("service"))
    {
        grpc.insert("service".into(), "".into());
    }
}

fn http_get(get: &mut Members) {
    set(get, "path", "/");
    set(get, "scheme", "HTTP");
}

/// `Always` for images that name no version.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let (name, digest) = last.split_once('@').map_or((last, false), |(name, _)| (name, true));
    match name.split_once(':') {
        Some((_, "latest")) => "Always",
        // A name that cannot be read has no tag; upstream then takes it for an exact one.
        None if !digest && !image.is_empty() && is_image(image) => "Always",
        _ => "IfNotPresent",
    }
}

/// Whether the text is an image reference: lower-case names between slashes.
fn is_image(text: &str) -> bool {
    let mut parts = text.split('/').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let is_host = first && parts.peek().is_some();
        first = false;
        let name = if parts.peek().is_none() { part.split([':', '@']).next().unwrap_or_default() } else { part };
        let plain =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '_' | '-');
        let host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':' | '[' | ']');
        let fits =
            if is_host { name.chars().all(|letter| plain(letter) || host(letter)) } else { name.chars().all(plain) };
        let edges = |letter: char| letter.is_ascii_alphanumeric() || (is_host && matches!(letter, '[' | ']'));
        let (start, end) = (name.chars().next(), name.chars().next_back());
        if !fits || !start.is_some_and(edges) || !end.is_some_and(edges) {
            return false;
        }
    }
    true
}

/// A volume of no kind is an empty directory.
pub(super) fn volume(volume: &mut Members) {
    if volume.iter().all(|(key, value)| key == "name" || value.is_null()) {
        volume.insert("emptyDir".into(), json!({}));
    }
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = given(volume, kind) {
            set(source, "defaultMode", FILE_MODE);
        }
    }
    given(volume, "downwardAPI").into_iter().for_each(field_references);
    if let Some(projected) = given(volume, "projected") {
        for source in items(projected, "sources") {
            given(source, "downwardAPI").into_iter().for_each(field_references);
            if let Some(token) = given(source, "serviceAccountToken") {
                set(token, "expirationSeconds", 3600);
            }
        }
    }
    if let Some(path) = given(volume, "hostPath")
        && path.get("type").is_none_or(Value::is_null)
    {
        path.insert("type".into(), "".into());
    }
    if let Some(image) = given(volume, "image") {
        let policy = pull_policy(text(image, "reference"));
        set(image, "pullPolicy", policy);
    }
    if let Some(claim) = given(volume, "ephemeral").and_then(|source| given(source, "volumeClaimTemplate")) {
        section(claim, "spec").into_iter().for_each(super::storage::claim_spec);
    }
    sources(volume);
}

fn field_references(source: &mut Members) {
    for item in items(source, "items") {
        if let Some(field) = given(item, "fieldRef") {
            set(field, "apiVersion", "v1");
        }
    }
}

/// The kinds of storage that volumes of pods and persistent volumes share.
pub(super) fn sources(volume: &mut Members) {
    if let Some(iscsi) = given(volume, "iscsi") {
        set(iscsi, "iscsiInterface", "default");
    }
    if let Some(rbd) = given(volume, "rbd") {
        set(rbd, "pool", "rbd");
        set(rbd, "user", "admin");
        set(rbd, "keyring", "/etc/ceph/keyring");
    }
    if let Some(scale) = given(volume, "scaleIO") {
        set(scale, "storageMode", "ThinProvisioned");
        set(scale, "fsType", "xfs");
    }
    if let Some(disk) = given(volume, "azureDisk") {
        set(disk, "cachingMode", "ReadWrite");
        set(disk, "fsType", "ext4");
        set(disk, "readOnly", false);
        set(disk, "kind", "Shared");
    }
}

/// On the host's network a container's port is the host's.
fn host_ports(spec: &mut Members) {
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            for port in items(container, "ports") {
                if let Some(number) = port.get("containerPort").and_then(Value::as_i64) {
                    set_number(port, "hostPort", number);
                }
            }
        }
    }
}

/// Requests of the whole pod follow its limits.
fn pod_level_requests(spec: &mut Members) {
    let Some(resources) = given(spec, "resources") else { return };
    copy_missing(resources, "limits", "requests");
}
