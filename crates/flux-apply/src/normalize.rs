//! Brings objects into the form in which upstream applies them.
//!
//! Upstream reads built-in kinds into Go structs and prints them again. What that does is seen by others:
//! fields that Go always prints become owned, protocols of ports are filled in, `stringData` becomes
//! `data`, unknown fields vanish. We do the same by the published types.

use base64::Engine as _;
use flux_schema::{Field, Scalar, TypeRef};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};
use x509_cert::der::Decode as _;

use crate::kinds::is_crd;
use crate::metadata;

#[cfg(test)]
mod tests;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY_DEPTH: usize = 256;

/// Normalizes a set. Roles stay as they are: an upstream defect of old has made that the rule.
pub fn normalize_all(objects: &mut [Value]) {
    for object in objects {
        let role = metadata::api_version(object) == "rbac.authorization.k8s.io/v1"
            && matches!(metadata::kind(object), "Role" | "ClusterRole");
        if !role {
            normalize(object);
        }
    }
}

/// Normalizes one object; one that does not fit its type stays as it is, for the server to refuse.
pub fn normalize(object: &mut Value) {
    if let Some(mut typed) = typed(object) {
        fill_protocols(&mut typed);
        secret_data(&mut typed);
        *object = typed;
    }
    let crd = is_crd(object);
    let Some(map) = object.as_object_mut() else { return };
    metadata::object_in(map, "metadata").insert("creationTimestamp".into(), Value::Null);
    if !crd {
        map.remove("status");
    }
}

/// The object as Go would print it; `None` for custom kinds and what does not fit its type.
pub fn typed(object: &Value) -> Option<Value> {
    let (group, version) = metadata::group_version(object);
    let kind = flux_schema::schema_for(group, version, metadata::kind(object))?;
    print(&kind, object, 0)
}

/// Removes what a server may wrongly add to a HorizontalPodAutoscaler in a dry run: doubled and empty metrics.
pub fn normalize_dry_run(object: &mut Value) {
    if metadata::kind(object) != "HorizontalPodAutoscaler" {
        return;
    }
    if let Some(typed) = typed(object) {
        *object = typed;
    }
    if metadata::api_version(object) != "autoscaling/v2" {
        return;
    }
    let Some(Value::Array(metrics)) = object.pointer_mut("/spec/metrics") else { return };
    let mut kept: Vec<Value> = Vec::with_capacity(metrics.len());
    for metric in metrics.drain(..) {
        let named = metric.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
        if named && !kept.contains(&metric) {
            kept.push(metric);
        }
    }
    *metrics = kept;
}

/// A value as Go prints it: declared fields alone, always-printed ones filled in.
fn print(kind: &TypeRef, value: &Value, depth: usize) -> Option<Value> {
    if depth > QUANTITY_DEPTH {
        return None;
    }
    let node = kind.node();
    match value {
        Value::Object(map) => {
            if let Some(shape) = &node.map {
                return print_map(kind, shape, map, depth);
            }
            // A scalar of any shape, such as a raw extension.
            node.scalar.is_none().then(|| value.clone())
        }
        Value::Array(list) => {
            let element = kind.element()?;
            list.iter().map(|item| print(&element, item, depth + 1)).collect::<Option<_>>().map(Value::Array)
        }
        Value::Null => Some(Value::Null),
        scalar => match node.scalar {
            Some(expected) => fits(expected, scalar).then(|| scalar.clone()),
            None => (node.map.is_none() && node.list.is_none()).then(|| scalar.clone()),
        },
    }
}

fn print_map(kind: &TypeRef, shape: &flux_schema::Map, map: &Map<String, Value>, depth: usize) -> Option<Value> {
    if shape.fields.is_empty() {
        if shape.element.is_none() {
            return Some(Value::Object(map.clone()));
        }
        let mut printed = Map::new();
        for (key, value) in map {
            let member = kind.field(key)?;
            printed.insert(key.clone(), print(&member, value, depth + 1)?);
        }
        return Some(Value::Object(printed));
    }
    let mut printed = Map::new();
    for (key, value) in map {
        let Some(member) = shape.member(key) else { continue };
        if value.is_null() {
            continue;
        }
        printed.insert(key.clone(), print(&kind.at(member), value, depth + 1)?);
    }
    if kind.name() != Some(OBJECT_META) {
        for field in shape.fields.iter() {
            if !printed.contains_key(&*field.name)
                && let Some(value) = always_printed(kind, field, depth)
            {
                printed.insert(field.name.to_string(), value);
            }
        }
    }
    Some(Value::Object(printed))
}

/// A type, one of its fields, and the zero value that Go prints for it.
type Printed = (&'static str, &'static str, fn() -> Value);

/// Fields that Go always prints although the published types do not show it.
const PRINTED: [Printed; 2] = [
    ("io.k8s.api.apps.v1.StatefulSetSpec", "serviceName", || Value::String(String::new())),
    // The server takes 0 for the port itself.
    ("io.k8s.api.core.v1.ServicePort", "targetPort", || Value::from(0)),
];

/// What Go prints for a field that is not set: zero values that may not be left out.
fn always_printed(kind: &TypeRef, field: &Field, depth: usize) -> Option<Value> {
    let known = PRINTED.iter().find(|(of, name, _)| kind.name() == Some(*of) && *field.name == **name);
    if let Some((_, _, zero)) = known {
        return Some(zero());
    }
    let member = kind.at(field.node);
    match field.default.as_deref() {
        Some(Value::Object(map)) if map.is_empty() => {
            if member.node().scalar.is_some() {
                return None;
            }
            print(&member, &Value::Object(Map::new()), depth + 1)
        }
        Some(zero) if field.required && is_zero(zero) => Some(zero.clone()),
        None if field.required && member.node().scalar.is_none() => Some(Value::Null),
        _ => None,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(value) => !value,
        _ => false,
    }
}

fn fits(expected: Scalar, value: &Value) -> bool {
    match expected {
        Scalar::String | Scalar::Bytes | Scalar::DateTime | Scalar::Formatted => value.is_string(),
        Scalar::Int32 | Scalar::Int64 | Scalar::Integer => value.is_i64() || value.is_u64(),
        Scalar::Number => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::IntOrString | Scalar::Quantity => value.is_string() || value.is_number(),
        Scalar::Any => true,
    }
}

fn fill_protocols(object: &mut Value) {
    let (group, _) = metadata::group_version(object);
    let pod = match (group, metadata::kind(object)) {
        ("", "Pod") => "/spec",
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => "/spec/template/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        ("", "Service") => {
            fill_ports(object.pointer_mut("/spec/ports"));
            return;
        }
        _ => return,
    };
    let Some(Value::Array(containers)) = object.pointer_mut(&format!("{pod}/containers")) else { return };
    for container in containers {
        fill_ports(container.get_mut("ports"));
    }
}

fn fill_ports(ports: Option<&mut Value>) {
    let Some(Value::Array(ports)) = ports else { return };
    for port in ports.iter_mut().filter_map(Value::as_object_mut) {
        let protocol = port.entry("protocol").or_insert_with(|| "".into());
        if protocol.as_str() == Some("") {
            *protocol = "TCP".into();
        }
    }
}

/// Moves `stringData` into `data`, as the server would.
fn secret_data(object: &mut Value) {
    if metadata::api_version(object) != "v1" || metadata::kind(object) != "Secret" {
        return;
    }
    let Some(map) = object.as_object_mut() else { return };
    let Some(Value::Object(plain)) = map.remove("stringData") else { return };
    if plain.is_empty() {
        return;
    }
    let data = metadata::object_in(map, "data");
    for (key, value) in plain {
        let text = value.as_str().unwrap_or_default();
        data.insert(key, base64::engine::general_purpose::STANDARD.encode(text).into());
    }
}

/// Removes a CA bundle that is no certificate from a definition's conversion webhook: the server would refuse it.
pub fn remove_invalid_ca_bundle(object: &mut Value) {
    if !is_crd(object) {
        return;
    }
    let Some(Value::Object(config)) = object.pointer_mut("/spec/conversion/webhook/clientConfig") else { return };
    let invalid =
        config.get("caBundle").and_then(Value::as_str).is_some_and(|bundle| !bundle.is_empty() && !is_bundle(bundle));
    if invalid {
        config.remove("caBundle");
    }
}

fn is_bundle(base64: &str) -> bool {
    let Ok(pem) = base64::engine::general_purpose::STANDARD.decode(base64) else { return false };
    if pem.is_empty() {
        return true;
    }
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    certificates.into_iter().any(|certificate| x509_cert::Certificate::from_der(&certificate).is_ok())
}
