//! OpenAPI version 2, made from the documents of version 3: clients of old read types and patch keys there.

use std::io::Read as _;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{custom_document, gnostic};
use crate::reply::Reply;
use crate::request::Ask;
use crate::resources::{Index, Resource};
use crate::server::Shared;
use crate::status::ApiError;

const JSON: &str = "application/json";
/// Both names under which clients ask for the same encoding.
const PROTOBUF: [&str; 2] = [
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

/// The last document made, for the index it was made of.
#[derive(Default)]
pub(crate) struct Cache(RwLock<Option<Made>>);

#[derive(Clone)]
struct Made {
    of: std::sync::Weak<Index>,
    json: Bytes,
    protobuf: Bytes,
    etag: String,
}

impl Shared {
    /// `/openapi/v2`.
    pub(crate) fn openapi_v2(&self, ask: &Ask) -> Result<Reply, ApiError> {
        let accept = ask.header("accept");
        let wanted = accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim()).find_map(|range| {
            match range {
                "" | "*/*" | "application/*" | JSON => Some(JSON),
                // One of the two names cannot be parsed by Go, so both get the other.
                other => PROTOBUF.contains(&other).then_some(PROTOBUF[0]),
            }
        });
        let Some(content_type) = wanted else {
            let mut reply = Reply::bytes(406, "", Vec::new());
            reply.content_type.clear();
            return Ok(reply);
        };
        let made = self.made_v2();
        let etag = if content_type == JSON { made.etag.clone() } else { made.etag.replacen('"', "\"P", 1) };
        let body = if content_type == JSON { made.json } else { made.protobuf };
        let known = ask.header("if-none-match") == etag;
        let mut reply = if known { Reply::bytes(304, "", Bytes::new()) } else { Reply::bytes(200, content_type, body) };
        reply.headers.push((http::header::ETAG, etag));
        reply.headers.push((http::header::VARY, "Accept-Encoding".into()));
        reply.headers.push((http::header::VARY, "Accept".into()));
        Ok(reply)
    }

    fn made_v2(&self) -> Made {
        let index = self.registry.current();
        let held = self.openapi.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(held) = held
            && held.of.ptr_eq(&Arc::downgrade(&index))
        {
            return held;
        }
        let document = document(&index);
        let json = Bytes::from(crate::status::go_json(&document).into_bytes());
        let etag: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02X}")).collect();
        let made = Made {
            of: Arc::downgrade(&index),
            protobuf: gnostic::encode(&document).into(),
            etag: format!("\"{etag}\""),
            json,
        };
        *self.openapi.0.write().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        made
    }
}

/// The document of everything that is served.
fn document(index: &Index) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    let mut add = |document: &Value| {
        for (path, item) in members(document.get("paths")) {
            paths.entry(path.clone()).or_insert_with(|| path_item(item));
        }
        for (name, schema) in members(document.pointer("/components/schemas")) {
            definitions.entry(name.clone()).or_insert_with(|| self::schema(schema));
        }
    };
    for path in flux_schema::openapi_v3_paths() {
        let mut text = Vec::new();
        let packed = flux_schema::openapi_v3(path).unwrap_or_default();
        if flate2::read::GzDecoder::new(packed).read_to_end(&mut text).is_ok()
            && let Ok(document) = serde_json::from_slice(&text)
        {
            add(&document);
        }
    }
    for (group, resources) in &index.custom {
        let mut versions: Vec<&str> = resources.iter().map(|resource| resource.version.as_str()).collect();
        versions.sort_unstable();
        versions.dedup();
        for version in versions {
            let list: Vec<&Arc<Resource>> = resources.iter().filter(|resource| resource.version == version).collect();
            add(&custom_document(group, version, &list));
        }
    }
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": git_version()},
        "paths": paths, "definitions": definitions,
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header",
        }},
        "security": [{"BearerToken": []}],
    })
}

fn git_version() -> String {
    let version: Value = serde_json::from_slice(flux_schema::version_json()).unwrap_or(Value::Null);
    crate::object::text(&version, "gitVersion").to_owned()
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// A schema as version 2 has it: references stand alone, there are no defaults, no choices and no nulls.
fn schema(given: &Value) -> Value {
    let Some(map) = given.as_object() else { return given.clone() };
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        return json!({"$ref": target.replace("#/components/schemas/", "#/definitions/")});
    }
    if let Some([only]) = map.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
        && only.get("$ref").is_some()
    {
        let mut out = schema(only);
        if let Some(description) = map.get("description") {
            out["description"] = description.clone();
        }
        return out;
    }
    let mut out = Map::new();
    let mut loose = map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
        && map.get("type").is_none_or(|kind| kind != "object");
    loose |= map.get("nullable") == Some(&Value::Bool(true));
    for (key, value) in map {
        match key.as_str() {
            "default" | "nullable" | "oneOf" | "anyOf" | "allOf" | "not" | "example" => {}
            // A value that may be null or anything has no type there.
            "type" | "items" | "properties" if loose => {}
            "x-kubernetes-validations" => {}
            "properties" => {
                let inner = members(Some(value)).map(|(name, inner)| (name.clone(), schema(inner)));
                out.insert(key.clone(), Value::Object(inner.collect()));
            }
            "items" | "additionalProperties" => {
                out.insert(key.clone(), schema(value));
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    if map.contains_key("oneOf") && !map.contains_key("type") {
        out.insert("type".into(), "string".into());
    }
    Value::Object(out)
}

fn path_item(given: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in members(Some(given)) {
        let value = match key.as_str() {
            "parameters" => parameters(value),
            "get" | "put" | "post" | "delete" | "options" | "head" | "patch" => operation(value),
            _ => continue,
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}

fn parameters(given: &Value) -> Value {
    let list = given.as_array().into_iter().flatten().map(|parameter| {
        let mut out = Map::new();
        for (key, value) in members(Some(parameter)) {
            match key.as_str() {
                "schema" => {
                    for (key, value) in members(Some(value)).filter(|(key, _)| *key != "default") {
                        out.insert(key.clone(), value.clone());
                    }
                }
                "name" | "in" | "required" | "description" => {
                    out.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        Value::Object(out)
    });
    list.collect()
}

fn operation(given: &Value) -> Value {
    let mut out = Map::new();
    let media =
        |content: Option<&Value>| -> Vec<Value> { members(content).map(|(name, _)| name.as_str().into()).collect() };
    let first = |content: Option<&Value>| members(content).find_map(|(_, one)| one.get("schema")).map(schema);
    let mut list = given.get("parameters").map(parameters).unwrap_or_else(|| json!([]));
    if let Some(body) = given.get("requestBody") {
        let mut parameter = json!({"name": "body", "in": "body"});
        if let Some(schema) = first(body.get("content")) {
            parameter["schema"] = schema;
        }
        if body.get("required") == Some(&Value::Bool(true)) {
            parameter["required"] = true.into();
        }
        if let Some(list) = list.as_array_mut() {
            list.push(parameter);
        }
        out.insert("consumes".into(), media(body.get("content")).into());
    }
    if list.as_array().is_some_and(|list| !list.is_empty()) {
        out.insert("parameters".into(), list);
    }
    let (mut responses, mut produces) = (Map::new(), Vec::new());
    for (code, response) in members(given.get("responses")) {
        let mut one = json!({"description": response.get("description").cloned().unwrap_or_else(|| "".into())});
        if let Some(schema) = first(response.get("content")) {
            one["schema"] = schema;
        }
        for media in media(response.get("content")) {
            if !produces.contains(&media) {
                produces.push(media);
            }
        }
        responses.insert(code.clone(), one);
    }
    out.insert("produces".into(), produces.into());
    out.insert("responses".into(), Value::Object(responses));
    for key in ["operationId", "tags", "x-kubernetes-action", "x-kubernetes-group-version-kind"] {
        if let Some(value) = given.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    out.insert("schemes".into(), json!(["https"]));
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_lose_what_version_2_does_not_know() {
        let given = json!({"type": "object", "properties": {
            "a": {"allOf": [{"$ref": "#/components/schemas/x.A"}], "default": {}},
            "b": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
            "c": {"type": "string", "nullable": true},
        }});
        let expect = json!({"type": "object", "properties": {
            "a": {"$ref": "#/definitions/x.A"}, "b": {"format": "int-or-string", "type": "string"}, "c": {},
        }});
        assert_eq!(schema(&given), expect);
    }

    #[test]
    fn bodies_become_parameters() {
        let schema = json!({"$ref": "#/components/schemas/A"});
        let given = json!({"post": {
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"200": {"content": {"application/json": {"schema": schema}}}},
        }});
        let made = path_item(&given);
        assert_eq!(made.pointer("/post/parameters/0/schema/$ref"), Some(&json!("#/definitions/A")));
        assert_eq!(made.pointer("/post/responses/200/schema/$ref"), Some(&json!("#/definitions/A")));
        assert_eq!(made.pointer("/post/consumes/0"), Some(&json!("application/json")));
    }
}
