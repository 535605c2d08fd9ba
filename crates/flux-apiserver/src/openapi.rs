//! OpenAPI documents: those of built-in groups as they are, those of custom ones made from their schemas.

mod gnostic;
mod v2;

use std::io::Read as _;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::reply::Reply;
use crate::request::Ask;
use crate::resources::{Index, Resource};
use crate::server::Shared;
use crate::status::ApiError;

pub(crate) use v2::Cache;

impl Shared {
    /// `/openapi/v3` and the documents below it.
    pub(crate) fn openapi_v3(&self, ask: &Ask, rest: &[&str]) -> Result<Reply, ApiError> {
        let index = self.registry.current();
        if rest.is_empty() {
            return Ok(self.openapi_index(&index));
        }
        let path = rest.join("/");
        if let Some(packed) = flux_schema::openapi_v3(&path) {
            return Ok(built_in_document(ask, packed));
        }
        let missing = || {
            let mut reply = Reply::bytes(404, "", Vec::new());
            reply.content_type.clear();
            reply
        };
        match rest {
            ["apis", group, version] => {
                let list = index.custom.get(*group).map(Vec::as_slice).unwrap_or_default();
                let list: Vec<&Arc<Resource>> = list.iter().filter(|resource| resource.version == *version).collect();
                if list.is_empty() {
                    return Ok(missing());
                }
                Ok(Reply::json(200, &custom_document(group, version, &list)))
            }
            _ => Ok(missing()),
        }
    }

    fn openapi_index(&self, index: &Index) -> Reply {
        let mut paths = Map::new();
        for path in flux_schema::openapi_v3_paths() {
            let packed = flux_schema::openapi_v3(path).unwrap_or_default();
            paths.insert(path.to_owned(), link(path, packed));
        }
        for resource in index.custom.values().flatten() {
            let path = format!("apis/{}/{}", resource.group, resource.version);
            let uid = match &resource.origin {
                crate::resources::Origin::Custom { definition, version } => {
                    format!("{}{}", definition.uid, definition.versions[*version].schema)
                }
                crate::resources::Origin::BuiltIn(_) => String::new(),
            };
            let entry = link(&path, uid.as_bytes());
            paths.insert(path, entry);
        }
        let mut reply = Reply::json(200, &json!({"paths": paths}));
        // Upstream sends the index without naming its type.
        reply.content_type = "text/plain; charset=utf-8".into();
        reply
    }
}

fn link(path: &str, content: &[u8]) -> Value {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02X}")).collect();
    json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")})
}

fn built_in_document(ask: &Ask, packed: &'static [u8]) -> Reply {
    if ask.header("accept-encoding").contains("gzip") {
        let mut reply = Reply::bytes(200, "application/json", packed);
        reply.headers.push((http::header::CONTENT_ENCODING, "gzip".into()));
        return reply;
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut text).expect("embedded documents are whole");
    Reply::bytes(200, "application/json", text)
}

fn definition_name(resource: &Resource) -> String {
    let mut parts: Vec<&str> = resource.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}", parts.join("."), resource.version, resource.kind)
}

fn custom_document(group: &str, version: &str, resources: &[&Arc<Resource>]) -> Value {
    let (mut paths, mut schemas) = (Map::new(), meta_schemas());
    for resource in resources {
        let name = definition_name(resource);
        let gvk = json!([{"group": group, "version": version, "kind": resource.kind}]);
        schemas.insert(name.clone(), object_schema(resource, gvk));
        let list = json!({
            "type": "object", "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                "items": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}},
                "metadata": {"$ref": format!("#/components/schemas/{LIST_META}")},
            },
            "x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": resource.list_kind}],
        });
        schemas.insert(format!("{name}List"), list);
        add_paths(&mut paths, resource, &name);
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths, "components": {"schemas": schemas},
    })
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// The shared metadata types, from the document of a built-in group.
fn meta_schemas() -> Map<String, Value> {
    let packed = flux_schema::openapi_v3("api/v1").unwrap_or_default();
    let mut text = Vec::new();
    if flate2::read::GzDecoder::new(packed).read_to_end(&mut text).is_err() {
        return Map::new();
    }
    let document: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
    let all = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    all.into_iter().filter(|(name, _)| name.starts_with("io.k8s.apimachinery.pkg.apis.meta.v1.")).collect()
}

fn object_schema(resource: &Resource, gvk: Value) -> Value {
    let mut schema = resource.custom().map_or(Value::Null, |version| version.schema.clone());
    if !schema.is_object() {
        schema = json!({"type": "object"});
    }
    let properties = crate::object::section(&mut schema, "properties");
    properties.insert("apiVersion".into(), json!({"type": "string"}));
    properties.insert("kind".into(), json!({"type": "string"}));
    properties.insert("metadata".into(), json!({"allOf": [{"$ref": format!("#/components/schemas/{OBJECT_META}")}]}));
    schema["x-kubernetes-group-version-kind"] = gvk;
    schema
}

fn add_paths(paths: &mut Map<String, Value>, resource: &Resource, name: &str) {
    let space = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
    let base = format!("/apis/{}/{}/{space}{}", resource.group, resource.version, resource.plural);
    let gvk = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let answer = |name: &str| json!({"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}}});
    let operation = |action: &str, answers: Value, media: &[&str]| {
        let mut operation =
            json!({"responses": answers, "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk});
        if !media.is_empty() {
            let content: Map<String, Value> =
                media.iter().map(|one| ((*one).to_owned(), json!({"schema": {"type": "object"}}))).collect();
            operation["requestBody"] = json!({"content": content});
            operation["parameters"] = ["dryRun", "fieldManager", "fieldValidation"]
                .iter()
                .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
                .collect();
        }
        operation
    };
    let body = ["application/json", "application/yaml"];
    let patches = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
    paths.insert(
        base.clone(),
        json!({
            "get": operation("list", answer(&format!("{name}List")), &[]),
            "post": operation("post", answer(name), &body),
        }),
    );
    paths.insert(
        format!("{base}/{{name}}"),
        json!({
            "get": operation("get", answer(name), &[]),
            "put": operation("put", answer(name), &body),
            "patch": operation("patch", answer(name), &patches),
            "delete": operation("delete", answer(name), &[]),
        }),
    );
}
