//! Checks of definitions, with upstream's words.

use serde_json::{Map, Value};

use super::cel_check::{self, Defect};
use super::prune::flag;
use super::rules;
use crate::names;
use crate::object::{list_at, name, text, text_at};
use crate::status::{FieldError, FieldErrorType, go_json};

type Errors = Vec<FieldError>;

/// Checks a definition; `old` is its former state on updates.
pub(crate) fn check(old: Option<&Value>, new: &Value) -> Errors {
    let mut errors = Vec::new();
    let spec = &new["spec"];
    let wanted = format!("{}.{}", text_at(spec, "/names/plural"), text(spec, "group"));
    if name(new) != wanted {
        errors.push(FieldError::invalid("metadata.name", name(new), "must be spec.names.plural+\".\"+spec.group"));
    }
    group(spec, &mut errors);
    scope(spec, &mut errors);
    versions(spec, &mut errors);
    names_of(spec, &mut errors);
    conversion(spec, &mut errors);
    protected(new, &mut errors);
    stored(new, &mut errors);
    if let Some(old) = old {
        for (pointer, field) in [
            ("/spec/group", "spec.group"),
            ("/spec/names/kind", "spec.names.kind"),
            ("/spec/names/plural", "spec.names.plural"),
            ("/spec/scope", "spec.scope"),
        ] {
            let established = super::definition::has_condition(old, "Established");
            let always = field == "spec.group" || field == "spec.names.plural";
            if old.pointer(pointer) != new.pointer(pointer) && (established || always) {
                let shown = new.pointer(pointer).cloned().unwrap_or(Value::Null);
                errors.push(FieldError::invalid(field, shown, "field is immutable"));
            }
        }
    }
    errors
}

fn named(given: &str, field: &str, rule: fn(&str) -> Vec<String>, errors: &mut Errors) {
    errors.extend(rule(given).into_iter().map(|words| FieldError::invalid(field, given, words)));
}

fn group(spec: &Value, errors: &mut Errors) {
    let group = text(spec, "group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !names::dns_subdomain(group).is_empty() {
        named(group, "spec.group", names::dns_subdomain, errors);
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
}

fn scope(spec: &Value, errors: &mut Errors) {
    let scope = text(spec, "scope");
    if scope.is_empty() {
        errors.push(FieldError::required("spec.scope", ""));
    } else if !["Cluster", "Namespaced"].contains(&scope) {
        errors.push(FieldError::not_supported("spec.scope", scope, &["Cluster", "Namespaced"]));
    }
}

/// A version as Go's internal type prints it: in the order of the struct.
fn shown_version(version: &Value) -> String {
    let name = go_json(&text(version, "name").into());
    let warning = go_json(version.get("deprecationWarning").unwrap_or(&Value::Null));
    format!(
        "{{\"Name\":{name},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{warning},\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}",
        flag(version, "served"),
        flag(version, "storage"),
        flag(version, "deprecated"),
    )
}

/// An error about a value whose printed form is not that of its JSON.
fn invalid_printed(field: &str, printed: &str, detail: &str) -> FieldError {
    FieldError::new(FieldErrorType::Invalid, field, None, format!("{printed}: {detail}"))
}

fn versions(spec: &Value, errors: &mut Errors) {
    let list = list_at(spec, "/versions");
    let single = list.len() == 1;
    let mut seen: Vec<&str> = Vec::new();
    for (index, version) in list.iter().enumerate() {
        let own = text(version, "name");
        named(own, &format!("spec.versions[{index}].name"), names::dns_1035, errors);
        if seen.contains(&own) {
            errors.push(invalid_printed("spec.versions", &shown_list(list), "must contain unique version names"));
        }
        seen.push(own);
        // With one version its parts are told of as if they stood at the top, where upstream keeps them.
        let at = if single { "spec".to_owned() } else { format!("spec.versions[{index}]") };
        let schema_at =
            if single { "spec.validation.openAPIV3Schema".to_owned() } else { format!("{at}.schema.openAPIV3Schema") };
        columns(version, &at, errors);
        match version.pointer("/schema/openAPIV3Schema") {
            None if flag(version, "served") || flag(version, "storage") => {
                let field = if single { "spec.versions[0].schema.openAPIV3Schema".to_owned() } else { schema_at };
                errors.push(FieldError::required(field, "schemas are required"));
            }
            None => {}
            Some(schema) => structural(schema, &schema_at, true, errors),
        }
        selectable(version, &at, errors);
    }
    let storage = list.iter().filter(|version| flag(version, "storage")).count();
    if storage != 1 {
        let words = "must have exactly one version marked as storage version";
        errors.push(invalid_printed("spec.versions", &shown_list(list), words));
    }
}

fn shown_list(list: &[Value]) -> String {
    format!("[{}]", list.iter().map(shown_version).collect::<Vec<_>>().join(","))
}

fn columns(version: &Value, at: &str, errors: &mut Errors) {
    for (index, column) in list_at(version, "/additionalPrinterColumns").iter().enumerate() {
        let field = |name: &str| format!("{at}.additionalPrinterColumns[{index}].{name}");
        if text(column, "name").is_empty() {
            errors.push(FieldError::required(field("name"), ""));
        }
        let kind = text(column, "type");
        if kind.is_empty() {
            errors.push(FieldError::required(field("type"), "must be one of boolean,date,integer,number,string"));
        } else if !["integer", "number", "string", "boolean", "date"].contains(&kind) {
            errors.push(FieldError::invalid(field("type"), kind, "must be one of boolean,date,integer,number,string"));
        }
        let path = text(column, "jsonPath");
        if path.is_empty() {
            errors.push(FieldError::required(field("JSONPath"), ""));
        } else if !path.starts_with('.') {
            errors.push(FieldError::invalid(field("JSONPath"), path, "must be a simple json path starting with ."));
        }
    }
}

fn selectable(version: &Value, at: &str, errors: &mut Errors) {
    for (index, one) in list_at(version, "/selectableFields").iter().enumerate() {
        let path = text(one, "jsonPath");
        if !path.starts_with('.') {
            let field = format!("{at}.selectableFields[{index}].jsonPath");
            errors.push(FieldError::invalid(field, path, "must be a simple json path starting with ."));
        }
    }
}

/// Types a schema may have.
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

fn structural(schema: &Value, at: &str, root: bool, errors: &mut Errors) {
    let Some(map) = schema.as_object() else { return };
    let kind = text(schema, "type");
    let free = flag(schema, "x-kubernetes-preserve-unknown-fields") || flag(schema, "x-kubernetes-int-or-string");
    if kind.is_empty() && !free {
        let place = if root {
            "must not be empty at the root"
        } else if at.ends_with(".items") {
            "must not be empty for specified array items"
        } else {
            "must not be empty for specified object fields"
        };
        errors.push(FieldError::required(format!("{at}.type"), place));
    } else if root && kind != "object" && !kind.is_empty() {
        errors.push(FieldError::invalid(format!("{at}.type"), kind, "must be object at the root"));
    } else if !kind.is_empty() && !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(format!("{at}.type"), kind, &TYPES));
    }
    list_rules(map, at, errors);
    cel_rules(schema, at, root, errors);
    if let Some(default) = map.get("default") {
        for error in super::validate(default, None, &without_default(schema)) {
            let detail = error.detail.clone();
            errors.push(FieldError { field: format!("{at}.default"), detail, ..error });
        }
    }
    for (key, inner) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if root && key == "metadata" {
            continue;
        }
        structural(inner, &format!("{at}.properties[{key}]"), false, errors);
    }
    if let Some(inner) = map.get("additionalProperties").filter(|inner| inner.is_object()) {
        structural(inner, &format!("{at}.additionalProperties"), false, errors);
    }
    if let Some(inner) = map.get("items") {
        structural(inner, &format!("{at}.items"), false, errors);
    } else if kind == "array" {
        errors.push(FieldError::required(format!("{at}.items"), "must be specified"));
    }
}

fn without_default(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(map) = schema.as_object_mut() {
        map.remove("default");
    }
    schema
}

fn list_rules(map: &Map<String, Value>, at: &str, errors: &mut Errors) {
    let list_type = map.get("x-kubernetes-list-type").and_then(Value::as_str);
    let keys = map.get("x-kubernetes-list-map-keys").and_then(Value::as_array).map_or(0, Vec::len);
    match list_type {
        Some("map") if keys == 0 => {
            let words = "must not be empty if x-kubernetes-list-type is map";
            errors.push(FieldError::required(format!("{at}.x-kubernetes-list-map-keys"), words));
        }
        Some("map" | "set" | "atomic") | None => {}
        Some(other) => errors.push(FieldError::not_supported(
            format!("{at}.x-kubernetes-list-type"),
            other,
            &["atomic", "map", "set"],
        )),
    }
}

const HOPELESS: &str = "exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";

fn cel_rules(schema: &Value, at: &str, root: bool, errors: &mut Errors) {
    for (index, rule) in list_at(schema, "/x-kubernetes-validations").iter().enumerate() {
        let field = |name: &str| format!("{at}.x-kubernetes-validations[{index}].{name}");
        let source = text(rule, "rule");
        if source.trim().is_empty() {
            errors.push(FieldError::required(field("rule"), "rule is not specified"));
            continue;
        }
        let wrong =
            |why: &str| invalid_printed(&field("rule"), &shown_rule(rule), &format!("compilation failed: {why}"));
        match rules::compile(source) {
            Err(why) => errors.push(wrong(&why)),
            Ok(tree) => match cel_check::check(source, &tree, schema, root, flag(rule, "optionalOldSelf")) {
                Some(Defect::Types(why)) => errors.push(wrong(&why)),
                Some(Defect::Cost) => {
                    errors.push(FieldError::forbidden(field("rule"), format!("estimated rule cost {HOPELESS}")));
                    let words =
                        "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
                    errors.push(FieldError::forbidden(field("rule"), words));
                    let whole = at.find("openAPIV3Schema").map_or(at, |start| &at[..start + "openAPIV3Schema".len()]);
                    let words = format!(
                        "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema {HOPELESS}"
                    );
                    if !errors.iter().any(|error| error.field == whole && error.detail == words) {
                        errors.push(FieldError::forbidden(whole, words));
                    }
                }
                None => {}
            },
        }
    }
}

/// A rule as Go's internal type prints it.
fn shown_rule(rule: &Value) -> String {
    let part = |key: &str| go_json(&text(rule, key).into());
    let or_null = |key: &str| go_json(rule.get(key).unwrap_or(&Value::Null));
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        part("rule"),
        part("message"),
        part("messageExpression"),
        or_null("reason"),
        part("fieldPath"),
        or_null("optionalOldSelf"),
    )
}

fn names_of(spec: &Value, errors: &mut Errors) {
    let names_given = &spec["names"];
    for key in ["plural", "singular", "kind", "listKind"] {
        let given = text(names_given, key);
        let field = format!("spec.names.{key}");
        if given.is_empty() {
            errors.push(FieldError::required(field, ""));
        } else {
            let lower = given.to_lowercase();
            let shown = if matches!(key, "kind" | "listKind") { lower.as_str() } else { given };
            let wrong = names::dns_1035(shown).into_iter();
            errors.extend(wrong.map(|words| {
                let words = if matches!(key, "kind" | "listKind") {
                    format!("may have mixed case, but should otherwise match: {words}")
                } else {
                    words
                };
                FieldError::invalid(field.as_str(), given, words)
            }));
        }
    }
    for key in ["shortNames", "categories"] {
        for (index, given) in list_at(names_given, &format!("/{key}")).iter().filter_map(Value::as_str).enumerate() {
            named(given, &format!("spec.names.{key}[{index}]"), names::dns_1035, errors);
        }
    }
    let (kind, list) = (text(names_given, "kind"), text(names_given, "listKind"));
    if !kind.is_empty() && kind == list {
        errors.push(FieldError::invalid("spec.names.listKind", list, "kind and listKind may not be the same"));
    }
}

fn conversion(spec: &Value, errors: &mut Errors) {
    let Some(own) = spec.get("conversion") else { return };
    match text(own, "strategy") {
        "" => errors.push(FieldError::required("spec.conversion.strategy", "")),
        "None" => {}
        "Webhook" => {
            if own.pointer("/webhook/clientConfig").is_none() {
                errors.push(FieldError::required(
                    "spec.conversion.webhookClientConfig",
                    "required when strategy is set to Webhook",
                ));
            }
            if list_at(own, "/webhook/conversionReviewVersions").is_empty() {
                errors.push(FieldError::required("spec.conversion.conversionReviewVersions", ""));
            }
        }
        other => errors.push(FieldError::not_supported("spec.conversion.strategy", other, &["None", "Webhook"])),
    }
}

const APPROVAL: &str = "api-approved.kubernetes.io";

fn protected(new: &Value, errors: &mut Errors) {
    let group = text_at(new, "/spec/group");
    let guarded =
        ["k8s.io", "kubernetes.io"].iter().any(|suffix| group == *suffix || group.ends_with(&format!(".{suffix}")));
    let approved =
        new.pointer("/metadata/annotations").and_then(|map| map.get(APPROVAL)).and_then(Value::as_str).unwrap_or("");
    if guarded && approved.is_empty() {
        let words = format!(
            "protected groups must have approval annotation \"{APPROVAL}\", see https://github.com/kubernetes/enhancements/pull/1111"
        );
        errors.push(FieldError::required(format!("metadata.annotations[{APPROVAL}]"), words));
    }
}

fn stored(new: &Value, errors: &mut Errors) {
    let list = list_at(new, "/status/storedVersions");
    if list.is_empty() {
        let shown = new.pointer("/status/storedVersions").cloned().unwrap_or(Value::Null);
        errors.push(FieldError::invalid("status.storedVersions", shown, "must have at least one stored version"));
    }
    let versions = list_at(new, "/spec/versions");
    let known: Vec<&str> = versions.iter().map(|version| text(version, "name")).collect();
    for storage in versions.iter().filter(|version| flag(version, "storage")).map(|version| text(version, "name")) {
        if !list.is_empty() && !list.iter().any(|stored| stored == storage) {
            let shown = Value::Array(list.to_vec());
            let words = format!("must have the storage version {storage}");
            errors.push(FieldError::invalid("status.storedVersions", shown, words));
        }
    }
    for (index, version) in list.iter().filter_map(Value::as_str).enumerate() {
        if !known.contains(&version) {
            let words = "must appear in spec.versions";
            errors.push(FieldError::invalid(format!("status.storedVersions[{index}]"), version, words));
        }
    }
}
