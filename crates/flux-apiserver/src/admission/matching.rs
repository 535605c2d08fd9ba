//! Which requests a webhook or policy wants to see.

use serde_json::{Value, json};

use crate::object::{list_at, text};
use crate::resources::Resource;
use crate::selector::LabelSelector;

/// A write, as admission sees it.
pub(super) struct Deed<'a> {
    pub resource: &'a Resource,
    pub subresource: &'a str,
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub operation: &'static str,
    pub space: &'a str,
    /// Null for deletions.
    pub object: &'a Value,
    /// Null for creations.
    pub old: &'a Value,
    /// The namespace of the object; null for objects of the cluster.
    pub namespace: &'a Value,
}

impl Deed<'_> {
    /// The name as far as it is known.
    pub fn name(&self) -> &str {
        let object = if self.object.is_null() { self.old } else { self.object };
        crate::object::name(object)
    }

    pub fn kind(&self) -> Value {
        let own = self.resource;
        json!({"group": own.group, "version": own.version, "kind": own.kind})
    }

    pub fn gvr(&self) -> Value {
        let own = self.resource;
        json!({"group": own.group, "version": own.version, "resource": own.plural})
    }
}

/// Configurations of admission itself are never held up by admission.
pub(super) fn is_exempt(resource: &Resource) -> bool {
    resource.group == "admissionregistration.k8s.io"
        || matches!(resource.group.as_str(), "authentication.k8s.io" | "authorization.k8s.io")
            && resource.plural.ends_with("reviews")
}

fn holds(list: &[Value], wanted: &str) -> bool {
    list.iter().any(|one| one == "*" || one == wanted)
}

/// Whether one rule of `rules` or `resourceRules` names the write.
pub(super) fn rule_names(rule: &Value, deed: &Deed<'_>) -> bool {
    let own = deed.resource;
    let scope = match text(rule, "scope") {
        "Namespaced" => own.namespaced,
        "Cluster" => !own.namespaced,
        _ => true,
    };
    let names = list_at(rule, "/resourceNames");
    // A rule of another version of the same kind means this one too.
    let versions = holds(list_at(rule, "/apiVersions"), &own.version) || own.custom().is_some();
    scope
        && versions
        && holds(list_at(rule, "/operations"), deed.operation)
        && holds(list_at(rule, "/apiGroups"), &own.group)
        && list_at(rule, "/resources").iter().filter_map(Value::as_str).any(|one| names_resource(one, deed))
        && (names.is_empty() || names.iter().any(|name| name == deed.name()))
}

fn names_resource(pattern: &str, deed: &Deed<'_>) -> bool {
    let (resource, subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
    let subresources = match pattern {
        "*" => deed.subresource.is_empty(),
        _ => subresource == "*" || subresource == deed.subresource,
    };
    (resource == "*" || resource == deed.resource.plural) && subresources
}

/// Whether selectors of namespaces and objects let the write through.
pub(super) fn selected(holder: &Value, deed: &Deed<'_>) -> bool {
    let selector = |key: &str| holder.get(key).filter(|own| own.as_object().is_some_and(|own| !own.is_empty()));
    let labels = |object: &Value| object.pointer("/metadata/labels").cloned();
    let in_namespace = selector("namespaceSelector").is_none_or(|own| {
        let selector = LabelSelector::from_object(own);
        match deed.resource.is("", "namespaces") {
            true => {
                selector.matches_labels(labels(if deed.object.is_null() { deed.old } else { deed.object }).as_ref())
            }
            false if deed.resource.namespaced => selector.matches_labels(labels(deed.namespace).as_ref()),
            false => true,
        }
    });
    let of_object = selector("objectSelector").is_none_or(|own| {
        let selector = LabelSelector::from_object(own);
        let fits = |object: &Value| !object.is_null() && selector.matches_labels(labels(object).as_ref());
        fits(deed.object) || fits(deed.old)
    });
    in_namespace && of_object
}

/// Whether `matchConstraints` or `matchResources` let the write through.
pub(super) fn constrained(constraints: &Value, deed: &Deed<'_>) -> bool {
    let rules = list_at(constraints, "/resourceRules");
    let excluded = list_at(constraints, "/excludeResourceRules").iter().any(|rule| rule_names(rule, deed));
    (rules.is_empty() || rules.iter().any(|rule| rule_names(rule, deed))) && !excluded && selected(constraints, deed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::built_ins;

    fn deed<'a>(plural: &str, subresource: &'a str, object: &'a Value) -> Deed<'a> {
        let resource = built_ins().iter().find(|own| own.plural == plural).expect("a built-in resource");
        let namespace = &Value::Null;
        Deed { resource, subresource, operation: "CREATE", space: "n", object, old: &Value::Null, namespace }
    }

    #[test]
    fn rules_name_resources_and_subresources() {
        let object = json!({"metadata": {"name": "a", "labels": {"x": "y"}}});
        let rule = |resource: &str| json!({"operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": [resource]});
        assert!(rule_names(&rule("deployments"), &deed("deployments", "", &object)));
        assert!(!rule_names(&rule("deployments"), &deed("deployments", "scale", &object)));
        assert!(rule_names(&rule("deployments/*"), &deed("deployments", "scale", &object)));
        assert!(rule_names(&rule("*"), &deed("deployments", "", &object)));
        assert!(!rule_names(&rule("*"), &deed("pods", "", &object)));
        let holder = json!({"objectSelector": {"matchLabels": {"x": "z"}}});
        assert!(!selected(&holder, &deed("pods", "", &object)));
    }
}
