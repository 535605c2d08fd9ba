//! Role-based access control.

use std::collections::HashMap;

use serde_json::Value;

use crate::Identity;
use crate::object::{list_at, name, namespace, text, text_at};
use crate::request::Ask;
use crate::status::go_quote;

/// What somebody wants to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// Of a request for no resource.
    pub path: Option<String>,
}

/// An answer and why.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub allowed: bool,
    pub reason: String,
}

impl Attributes {
    pub fn of(ask: &Ask) -> Self {
        let target = &ask.target;
        if !target.is_resource {
            return Self { verb: target.verb.clone(), path: Some(ask.path.clone()), ..Self::default() };
        }
        Self {
            verb: target.verb.clone(),
            group: target.group.clone(),
            resource: target.resource.clone(),
            subresource: target.subresource.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            path: None,
        }
    }

    fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// Upstream's sentence for a refusal.
    pub fn denial(&self, user: &str) -> String {
        let user = go_quote(user);
        if let Some(path) = &self.path {
            return format!("User {user} cannot {} path {}", self.verb, go_quote(path));
        }
        let resource = go_quote(&self.full_resource());
        let place = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {}", go_quote(&self.namespace))
        };
        format!("User {user} cannot {} resource {resource} in API group {} {place}", self.verb, go_quote(&self.group))
    }
}

/// One policy rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub verbs: Vec<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    pub names: Vec<String>,
    pub urls: Vec<String>,
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn holds(list: &[String], wanted: &str) -> bool {
    list.iter().any(|one| one == wanted || one == "*")
}

impl Rule {
    pub fn read(value: &Value) -> Self {
        Self {
            verbs: strings(value, "verbs"),
            groups: strings(value, "apiGroups"),
            resources: strings(value, "resources"),
            names: strings(value, "resourceNames"),
            urls: strings(value, "nonResourceURLs"),
        }
    }

    fn allows(&self, attributes: &Attributes) -> bool {
        if !holds(&self.verbs, &attributes.verb) {
            return false;
        }
        if let Some(path) = &attributes.path {
            return self.urls.iter().any(|url| url_fits(url, path));
        }
        let resource = attributes.full_resource();
        let any_with_subresource = format!("*/{}", attributes.subresource);
        let resource_fits = self.resources.iter().any(|one| {
            *one == "*" || *one == resource || !attributes.subresource.is_empty() && *one == any_with_subresource
        });
        let name_fits = self.names.is_empty() || self.names.contains(&attributes.name);
        holds(&self.groups, &attributes.group) && resource_fits && name_fits
    }
}

fn url_fits(rule: &str, path: &str) -> bool {
    rule == "*" || rule == path || rule.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}

#[derive(Debug)]
struct Binding {
    name: String,
    namespace: String,
    role_kind: String,
    role: String,
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

impl Subject {
    fn is(&self, identity: &Identity) -> bool {
        match self.kind.as_str() {
            "User" => identity.name == self.name,
            "Group" => identity.groups.contains(&self.name),
            "ServiceAccount" => {
                identity.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
                    == Some((self.namespace.as_str(), self.name.as_str()))
            }
            _ => false,
        }
    }

    fn words(&self) -> String {
        match self.kind.as_str() {
            "ServiceAccount" => format!("ServiceAccount {}", go_quote(&format!("{}/{}", self.name, self.namespace))),
            kind => format!("{kind} {}", go_quote(&self.name)),
        }
    }
}

/// All roles and bindings.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    cluster_roles: HashMap<String, Vec<Rule>>,
    roles: HashMap<(String, String), Vec<Rule>>,
    cluster_bindings: Vec<Binding>,
    bindings: HashMap<String, Vec<Binding>>,
}

fn rules_of(role: &Value) -> Vec<Rule> {
    list_at(role, "/rules").iter().map(Rule::read).collect()
}

fn binding(value: &Value) -> Binding {
    let space = namespace(value).to_owned();
    let subjects = list_at(value, "/subjects").iter().map(|subject| Subject {
        kind: text(subject, "kind").to_owned(),
        name: text(subject, "name").to_owned(),
        namespace: match text(subject, "namespace") {
            "" => space.clone(),
            given => given.to_owned(),
        },
    });
    Binding {
        name: name(value).to_owned(),
        role_kind: text_at(value, "/roleRef/kind").to_owned(),
        role: text_at(value, "/roleRef/name").to_owned(),
        subjects: subjects.collect(),
        namespace: space,
    }
}

impl Rules {
    pub fn read(cluster_roles: &[Value], roles: &[Value], cluster_bindings: &[Value], bindings: &[Value]) -> Self {
        let mut out = Self {
            cluster_roles: cluster_roles.iter().map(|role| (name(role).to_owned(), rules_of(role))).collect(),
            roles: roles
                .iter()
                .map(|role| ((namespace(role).to_owned(), name(role).to_owned()), rules_of(role)))
                .collect(),
            cluster_bindings: cluster_bindings.iter().map(binding).collect(),
            bindings: HashMap::new(),
        };
        for one in bindings.iter().map(binding) {
            out.bindings.entry(one.namespace.clone()).or_default().push(one);
        }
        out
    }

    /// The rules of a role, or upstream's words that it is missing.
    pub fn role(&self, kind: &str, space: &str, role: &str) -> Result<&[Rule], String> {
        let found = match kind {
            "ClusterRole" => self.cluster_roles.get(role),
            _ => self.roles.get(&(space.to_owned(), role.to_owned())),
        };
        let missing = || format!("{}.rbac.authorization.k8s.io {} not found", kind.to_lowercase(), go_quote(role));
        found.map(Vec::as_slice).ok_or_else(missing)
    }

    fn bindings_for(&self, space: &str) -> impl Iterator<Item = &Binding> {
        let local = self.bindings.get(space).filter(|_| !space.is_empty());
        self.cluster_bindings.iter().chain(local.into_iter().flatten())
    }

    pub fn decide(&self, identity: &Identity, attributes: &Attributes) -> Decision {
        let mut missing = Vec::new();
        for binding in self.bindings_for(&attributes.namespace) {
            let Some(subject) = binding.subjects.iter().find(|subject| subject.is(identity)) else { continue };
            match self.role(&binding.role_kind, &binding.namespace, &binding.role) {
                Err(text) => missing.push(text),
                Ok(rules) if rules.iter().any(|rule| rule.allows(attributes)) => {
                    let reason = format!("RBAC: allowed by {}", source(binding, subject));
                    return Decision { allowed: true, reason };
                }
                Ok(_) => {}
            }
        }
        let reason = match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            many => format!("RBAC: [{}]", many.join(", ")),
        };
        Decision { allowed: false, reason }
    }

    /// Every rule somebody has in a namespace.
    pub fn rules_for(&self, identity: &Identity, space: &str) -> Vec<Rule> {
        let mut out = Vec::new();
        for binding in self.bindings_for(space) {
            if binding.subjects.iter().any(|subject| subject.is(identity))
                && let Ok(rules) = self.role(&binding.role_kind, &binding.namespace, &binding.role)
            {
                out.extend_from_slice(rules);
            }
        }
        out
    }
}

fn source(binding: &Binding, subject: &Subject) -> String {
    let (kind, name) = if binding.namespace.is_empty() {
        ("ClusterRoleBinding", binding.name.clone())
    } else {
        ("RoleBinding", format!("{}/{}", binding.name, binding.namespace))
    };
    format!("{kind} {} of {} {} to {}", go_quote(&name), binding.role_kind, go_quote(&binding.role), subject.words())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let role = json!({"metadata": {"name": "r", "namespace": "n"}, "rules": [
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"], "resourceNames": ["a"]},
            {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["*"]},
        ]});
        let cluster =
            json!({"metadata": {"name": "c"}, "rules": [{"nonResourceURLs": ["/healthz*"], "verbs": ["get"]}]});
        let bind = |kind: &str, name: &str, space: &str| {
            json!({
                "metadata": {"name": "b", "namespace": space}, "roleRef": {"kind": kind, "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": "s"}, {"kind": "Group", "name": "g"}],
            })
        };
        Rules::read(
            &[cluster],
            &[role],
            &[bind("ClusterRole", "c", "")],
            &[bind("Role", "r", "n"), bind("Role", "gone", "m")],
        )
    }

    fn check(identity: &Identity, verb: &str, space: &str, resource: &str, name: &str) -> Decision {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let group = if resource == "deployments" { "apps" } else { "" };
        rules().decide(
            identity,
            &Attributes {
                verb: verb.into(),
                group: group.into(),
                resource: resource.into(),
                subresource: subresource.into(),
                namespace: space.into(),
                name: name.into(),
                path: None,
            },
        )
    }

    #[test]
    fn rules_allow_what_they_name() {
        let account = Identity::service_account("n", "s");
        assert!(check(&account, "get", "n", "pods", "a").allowed);
        assert!(check(&account, "get", "n", "pods/log", "a").allowed);
        assert!(!check(&account, "get", "n", "pods", "b").allowed);
        assert!(!check(&account, "list", "n", "pods", "").allowed);
        assert!(check(&account, "update", "n", "deployments/scale", "x").allowed);
        assert!(!check(&account, "update", "n", "deployments", "x").allowed);
        assert!(!check(&Identity::service_account("m", "s"), "get", "n", "pods", "a").allowed);
    }

    #[test]
    fn a_missing_role_is_named() {
        let decision = check(&Identity::user("u").with_groups(["g"]), "get", "m", "pods", "a");
        assert_eq!(decision.reason, "RBAC: role.rbac.authorization.k8s.io \"gone\" not found");
    }
}
