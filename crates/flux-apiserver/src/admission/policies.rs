//! ValidatingAdmissionPolicies: rules in CEL, put to work by bindings.

use std::sync::Arc;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::{self, Context};
use serde_json::{Value, json};

use super::matching::{Deed, constrained, is_exempt};
use crate::crd::rules;
use crate::object::{list_at, name, split_api_version, text, text_at};
use crate::request::Ask;
use crate::server::Shared;
use crate::status::{ApiError, Cause};

const GROUP: &str = "admissionregistration.k8s.io";
/// Expressions see objects of at most so many values, so that one evaluation stays short.
const VALUES_MAX: usize = 200_000;

/// What expressions may name.
pub(super) struct Environment {
    values: Vec<(&'static str, Value)>,
}

impl Environment {
    pub fn of(deed: &Deed<'_>, ask: &Ask, params: &Value) -> Self {
        let request = json!({
            "kind": deed.kind(), "resource": deed.gvr(), "subResource": deed.subresource, "requestKind": deed.kind(),
            "requestResource": deed.gvr(), "requestSubResource": deed.subresource, "name": deed.name(),
            "namespace": deed.space, "operation": deed.operation, "userInfo": crate::rest::user_info(&ask.identity),
            "dryRun": crate::rest::is_dry_run(ask), "options": {},
        });
        let values = vec![
            ("object", deed.object.clone()),
            ("oldObject", deed.old.clone()),
            ("request", request),
            ("params", params.clone()),
            ("namespaceObject", deed.namespace.clone()),
        ];
        Self { values }
    }

    /// Evaluates one expression; the error is the evaluator's text.
    fn evaluate(&self, source: &str, variables: &[(String, cel::Value)]) -> Result<cel::Value, String> {
        if self.values.iter().map(|(_, value)| size(value)).sum::<usize>() > VALUES_MAX {
            return Err("the objects are too large to be looked at".to_owned());
        }
        let program = rules::program(source).ok_or_else(|| format!("compilation failed: {source}"))?;
        let base = Context::default().with_all();
        let mut context = base.new_inner_scope();
        for (name, value) in &self.values {
            context.add_variable_from_value(*name, rules::plain(value));
        }
        let held =
            variables.iter().map(|(name, value)| (cel::objects::Key::String(Arc::new(name.clone())), value.clone()));
        let map = cel::objects::Map { map: Arc::new(held.collect()) };
        context.add_variable_from_value("variables", cel::Value::Map(map));
        cel::Value::resolve(&program, &context).map_err(|error| {
            let text = error.to_string();
            text.strip_prefix("No such key: ").map_or(text.clone(), |key| format!("no such key: {key}"))
        })
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// Whether all `matchConditions` hold; the error names the one that could not be told.
pub(super) fn conditions_hold(conditions: &[Value], environment: &Environment) -> Result<bool, String> {
    let mut trouble = None;
    for condition in conditions {
        match environment.evaluate(text(condition, "expression"), &[]) {
            Ok(cel::Value::Bool(true)) => {}
            // One that does not hold decides, whatever happened to the others.
            Ok(cel::Value::Bool(false)) => return Ok(false),
            Ok(_) => trouble = Some(format!("match condition {} is no boolean", text(condition, "name"))),
            Err(why) => {
                trouble = Some(format!("expression '{}' resulted in error: {why}", text(condition, "expression")))
            }
        }
    }
    trouble.map_or(Ok(true), Err)
}

/// Holds a write against all policies that are bound.
pub(super) async fn check(shared: &Arc<Shared>, ask: &mut Ask, deed: &Deed<'_>) -> Result<(), ApiError> {
    if is_exempt(deed.resource) || !shared.store.any(&format!("{GROUP}/validatingadmissionpolicies"), "") {
        return Ok(());
    }
    let find = |plural: &str| shared.registry.find(GROUP, "v1", plural);
    let (Some(policies), Some(bindings)) =
        (find("validatingadmissionpolicies"), find("validatingadmissionpolicybindings"))
    else {
        return Ok(());
    };
    let bindings = shared.all(&bindings, "").await;
    for policy in shared.all(&policies, "").await {
        if !constrained(&policy["spec"]["matchConstraints"], deed) {
            continue;
        }
        let bound = bindings.iter().filter(|binding| text_at(binding, "/spec/policyName") == name(&policy));
        for binding in bound {
            let own = binding.pointer("/spec/matchResources");
            if own.is_some_and(|own| !constrained(own, deed)) {
                continue;
            }
            for failure in judge(shared, ask, deed, &policy, binding).await {
                settle(ask, deed, &policy, binding, failure)?;
            }
        }
    }
    Ok(())
}

/// A rule that does not hold, or that could not be told.
struct Failure {
    message: String,
    reason: String,
}

impl Failure {
    fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), reason: String::new() }
    }
}

async fn judge(shared: &Arc<Shared>, ask: &Ask, deed: &Deed<'_>, policy: &Value, binding: &Value) -> Vec<Failure> {
    let ignores = text_at(policy, "/spec/failurePolicy") == "Ignore";
    let trouble = |why: String| if ignores { Vec::new() } else { vec![Failure::plain(why)] };
    let params = match parameters(shared, deed, policy, binding).await {
        Ok(params) => params,
        Err(why) => return trouble(why),
    };
    let mut found = Vec::new();
    for params in params {
        let environment = Environment::of(deed, ask, &params);
        match conditions_hold(list_at(policy, "/spec/matchConditions"), &environment) {
            Ok(true) => found.extend(validations(policy, &environment, ignores)),
            Ok(false) => {}
            Err(why) => found.extend(trouble(why)),
        }
    }
    found
}

/// The objects that the expressions see as `params`, one after another; null where the policy has none.
async fn parameters(
    shared: &Arc<Shared>,
    deed: &Deed<'_>,
    policy: &Value,
    binding: &Value,
) -> Result<Vec<Value>, String> {
    let (Some(kind), Some(reference)) = (policy.pointer("/spec/paramKind"), binding.pointer("/spec/paramRef")) else {
        return Ok(vec![Value::Null]);
    };
    let (group, version) = split_api_version(text(kind, "apiVersion"));
    let missing = || format!("failed to configure binding: no kind {} is served", text(kind, "kind"));
    let resource = shared.registry.kind(group, version, text(kind, "kind")).ok_or_else(missing)?;
    let space = match text(reference, "namespace") {
        "" if resource.namespaced => deed.space,
        other => other,
    };
    let found = if text(reference, "name").is_empty() {
        let selector = crate::selector::LabelSelector::from_object(&reference["selector"]);
        shared.all(&resource, space).await.into_iter().filter(|object| selector.matches(object)).collect()
    } else {
        shared.load(&resource, space, text(reference, "name")).await.into_iter().collect::<Vec<_>>()
    };
    if found.is_empty() && text(reference, "parameterNotFoundAction") != "Allow" {
        return Err(
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
                .into(),
        );
    }
    Ok(found)
}

fn validations(policy: &Value, environment: &Environment, ignores: bool) -> Vec<Failure> {
    let mut variables: Vec<(String, cel::Value)> = Vec::new();
    for variable in list_at(policy, "/spec/variables") {
        // A variable that cannot be computed is missing for those that use it, and nobody else.
        if let Ok(value) = environment.evaluate(text(variable, "expression"), &variables) {
            variables.push((text(variable, "name").to_owned(), value));
        }
    }
    let mut found = Vec::new();
    for validation in list_at(policy, "/spec/validations") {
        let source = text(validation, "expression");
        match environment.evaluate(source, &variables) {
            Ok(cel::Value::Bool(true)) => {}
            Ok(cel::Value::Bool(false)) => {
                let message = message(validation, environment, &variables);
                found.push(Failure { message, reason: text(validation, "reason").to_owned() });
            }
            _ if ignores => {}
            Ok(_) => found.push(Failure::plain(format!("expression '{source}' resulted in error: it is no boolean"))),
            Err(why) => found.push(Failure::plain(format!("expression '{source}' resulted in error: {why}"))),
        }
    }
    found
}

fn message(validation: &Value, environment: &Environment, variables: &[(String, cel::Value)]) -> String {
    let source = text(validation, "messageExpression");
    if !source.is_empty()
        && let Ok(cel::Value::String(words)) = environment.evaluate(source, variables)
        && !words.trim().is_empty()
        && !words.contains('\n')
    {
        return words.trim().to_owned();
    }
    match text(validation, "message") {
        "" => format!("failed expression: {}", text(validation, "expression").trim()),
        words => words.trim().to_owned(),
    }
}

fn settle(ask: &mut Ask, deed: &Deed<'_>, policy: &Value, binding: &Value, failure: Failure) -> Result<(), ApiError> {
    let (policy, bound) = (name(policy), name(binding));
    for action in list_at(binding, "/spec/validationActions").iter().filter_map(Value::as_str) {
        match action {
            "Deny" => {
                let words = format!(
                    "ValidatingAdmissionPolicy '{policy}' with binding '{bound}' denied request: {}",
                    failure.message
                );
                let own = deed.resource;
                let cause = Cause { reason: String::new(), message: words.clone(), field: String::new() };
                let error = ApiError::forbidden(&own.group, &own.plural, deed.name(), &words).with_cause(cause);
                return Err(error.for_reason(&failure.reason));
            }
            "Warn" => ask.warn(format!(
                "Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{bound}': {}",
                failure.message
            )),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::built_ins;

    #[test]
    fn rules_that_do_not_hold_are_named() {
        let object = json!({"metadata": {"name": "x"}, "spec": {"replicas": 7}});
        let resource = built_ins().iter().find(|own| own.plural == "deployments").expect("a built-in resource");
        let (old, namespace) = (Value::Null, json!({"metadata": {"labels": {"tier": "a"}}}));
        let deed = Deed {
            resource,
            subresource: "",
            operation: "CREATE",
            space: "n",
            object: &object,
            old: &old,
            namespace: &namespace,
        };
        let values = vec![
            ("object", deed.object.clone()),
            ("oldObject", Value::Null),
            ("request", json!({"operation": "CREATE"})),
            ("params", json!({"max": 5})),
            ("namespaceObject", deed.namespace.clone()),
        ];
        let environment = Environment { values };
        let policy = json!({"spec": {
            "variables": [{"name": "n", "expression": "object.spec.replicas"}],
            "validations": [
                {"expression": "variables.n <= params.max", "messageExpression": "'too many: ' + string(variables.n)"},
                {"expression": "request.operation == 'CREATE'"},
                {"expression": "namespaceObject.metadata.labels.tier == 'b'", "reason": "Unauthorized"},
                {"expression": "object.spec.nope == 1"},
            ],
        }});
        let found = validations(&policy, &environment, false);
        let texts: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(texts[0], "too many: 7");
        assert_eq!(texts[1], "failed expression: namespaceObject.metadata.labels.tier == 'b'");
        assert!(texts[2].starts_with("expression 'object.spec.nope == 1' resulted in error: "));
        assert_eq!(validations(&policy, &environment, true).len(), 2);
        assert_eq!(conditions_hold(&[json!({"expression": "object.spec.replicas > 10"})], &environment), Ok(false));
    }
}
