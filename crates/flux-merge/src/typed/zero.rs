//! The fields that a Go struct always has.
//!
//! kube-apiserver computes ownership on Go structs: a nested struct that is not a pointer is always there,
//! even when nobody wrote it, and so is a required list (as null). So nobody owns `spec` of a Deployment, while
//! `spec.strategy.rollingUpdate`, a pointer, is owned. For custom resources this does not hold.

use flux_schema::{Field, NodeId, Schema, TypeRef};
use serde_json::{Map, Value};

/// Adds to a built-in object the fields its Go struct would have.
pub fn fill_zero(object: &mut Value, of: &TypeRef) {
    visit(object, of.schema(), of.id());
}

fn visit(value: &mut Value, schema: &Schema, id: NodeId) {
    let node = schema.node(id);
    match value {
        Value::Object(members) => {
            let Some(map) = &node.map else { return };
            fill(members, schema, &map.fields);
            let Some(element) = map.element.filter(|element| is_container(schema, *element)) else { return };
            for (name, member) in members.iter_mut() {
                if map.field(name).is_none() {
                    visit(member, schema, element);
                }
            }
        }
        Value::Array(items) => {
            let Some(list) = &node.list else { return };
            if is_container(schema, list.element) {
                items.iter_mut().for_each(|item| visit(item, schema, list.element));
            }
        }
        _ => {}
    }
}

/// Whether there can be a struct somewhere inside.
fn is_container(schema: &Schema, id: NodeId) -> bool {
    let node = schema.node(id);
    node.list.is_some() || node.map.as_ref().is_some_and(|map| !map.fields.is_empty())
}

fn fill(members: &mut Map<String, Value>, schema: &Schema, fields: &[Field]) {
    for field in fields {
        let is_struct = field.default.as_deref().is_some_and(|default| default.as_object().is_some_and(Map::is_empty))
            && schema.node(field.node).map.as_ref().is_some_and(|map| !map.fields.is_empty());
        match members.get_mut(&*field.name) {
            Some(Value::Null) if is_struct => {
                members.remove(&*field.name);
            }
            Some(own) => {
                visit(own, schema, field.node);
                continue;
            }
            None => {}
        }
        if is_struct {
            let mut own = Value::Object(Map::new());
            visit(&mut own, schema, field.node);
            members.insert(field.name.to_string(), own);
        } else if field.required {
            members.entry(&*field.name).or_insert_with(|| zero_of(field));
        }
    }
}

fn zero_of(field: &Field) -> Value {
    match field.default.as_deref() {
        Some(scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => scalar.clone(),
        _ => Value::Null,
    }
}
