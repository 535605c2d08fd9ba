//! Admission webhooks: those that change objects, then those that only look.

use std::sync::Arc;

use base64::Engine as _;
use serde_json::{Value, json};

use super::call;
use super::matching::{Deed, is_exempt, rule_names, selected};
use super::policies::{self, Environment};
use crate::object::{list_at, text};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, go_quote};

const GROUP: &str = "admissionregistration.k8s.io";

/// The webhooks of a kind of configuration, by configuration name and then as listed.
async fn configured(shared: &Arc<Shared>, plural: &str) -> Vec<Value> {
    if !shared.store.any(&format!("{GROUP}/{plural}"), "") {
        return Vec::new();
    }
    let Some(resource) = shared.registry.find(GROUP, "v1", plural) else { return Vec::new() };
    let all = shared.all(&resource, "").await;
    all.iter().flat_map(|one| list_at(one, "/webhooks").iter().cloned()).collect()
}

/// The namespace of a request, for selectors and expressions.
pub(super) async fn namespace_of(shared: &Arc<Shared>, space: &str) -> Value {
    match shared.registry.find("", "v1", "namespaces") {
        Some(resource) if !space.is_empty() => shared.load(&resource, "", space).await.unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

/// Whether a webhook wants to see a write; an expression that fails is told as a failed call.
fn wanted(webhook: &Value, deed: &Deed<'_>, ask: &Ask) -> Result<bool, String> {
    if !list_at(webhook, "/rules").iter().any(|rule| rule_names(rule, deed)) || !selected(webhook, deed) {
        return Ok(false);
    }
    let conditions = list_at(webhook, "/matchConditions");
    if conditions.is_empty() {
        return Ok(true);
    }
    let environment = Environment::of(deed, ask, &Value::Null);
    policies::conditions_hold(conditions, &environment)
}

fn review(deed: &Deed<'_>, ask: &Ask) -> Value {
    let with_type = |object: &Value| object.clone();
    let mut request = json!({
        "uid": uuid::Uuid::new_v4().to_string(), "kind": deed.kind(), "resource": deed.gvr(), "requestKind": deed.kind(),
        "requestResource": deed.gvr(), "name": deed.name(), "operation": deed.operation,
        "userInfo": crate::rest::user_info(&ask.identity), "object": with_type(deed.object), "oldObject": with_type(deed.old),
        "dryRun": crate::rest::is_dry_run(ask),
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": options_kind(deed.operation)},
    });
    if !deed.space.is_empty() {
        request["namespace"] = deed.space.into();
    }
    if !deed.subresource.is_empty() {
        request["subResource"] = deed.subresource.into();
        request["requestSubResource"] = deed.subresource.into();
    }
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})
}

fn options_kind(operation: &str) -> &'static str {
    match operation {
        "CREATE" => "CreateOptions",
        "UPDATE" => "UpdateOptions",
        _ => "DeleteOptions",
    }
}

/// What came of one webhook.
enum Verdict {
    /// Nothing to say, or nothing that counts.
    Passed,
    Patch(Value),
}

async fn ask_one(shared: &Arc<Shared>, ask: &mut Ask, webhook: &Value, deed: &Deed<'_>) -> Result<Verdict, ApiError> {
    let hook = text(webhook, "name").to_owned();
    let ignores = text(webhook, "failurePolicy") == "Ignore";
    let failed = |why: String| ApiError::internal(format!("failed calling webhook {}: {why}", go_quote(&hook)));
    match wanted(webhook, deed, ask) {
        Ok(false) => return Ok(Verdict::Passed),
        Ok(true) => {}
        Err(_) if ignores => return Ok(Verdict::Passed),
        Err(why) => return Err(failed(why)),
    }
    if crate::rest::is_dry_run(ask) && !matches!(text(webhook, "sideEffects"), "None" | "NoneOnDryRun") {
        return Err(ApiError::bad_request(format!("admission webhook {} does not support dry run", go_quote(&hook))));
    }
    let review = review(deed, ask);
    let answer = match call::call(shared, webhook, &review).await.and_then(|answer| response(&answer, &review)) {
        Ok(answer) => answer,
        Err(why) if ignores => {
            tracing::warn!(webhook = %hook, why = %why, "failed calling webhook, failing open");
            return Ok(Verdict::Passed);
        }
        Err(why) => return Err(failed(why)),
    };
    for warning in list_at(&answer, "/warnings").iter().filter_map(Value::as_str) {
        ask.warn(warning);
    }
    if answer.get("allowed") != Some(&Value::Bool(true)) {
        return Err(ApiError::denied_by_webhook(&hook, answer.get("status")));
    }
    match answer.get("patch").and_then(Value::as_str) {
        None => Ok(Verdict::Passed),
        Some(patch) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(patch).unwrap_or_default();
            let patch =
                serde_json::from_slice(&bytes).map_err(|error| failed(format!("the patch cannot be read: {error}")))?;
            Ok(Verdict::Patch(patch))
        }
    }
}

/// The answer's response, once it is one to this review.
fn response(answer: &Value, review: &Value) -> Result<Value, String> {
    let response = answer.get("response").filter(|own| own.is_object()).ok_or("webhook response was absent")?;
    let (expected, found) = (&review["request"]["uid"], &response["uid"]);
    if expected != found {
        return Err(format!("expected response.uid={expected}, got {found}"));
    }
    Ok(response.clone())
}

/// Lets webhooks change an object; true when one did.
pub(super) async fn mutate(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Arc<Resource>,
    operation: &'static str,
    old: &Value,
    object: &mut Value,
) -> Result<bool, ApiError> {
    if is_exempt(resource) {
        return Ok(false);
    }
    let webhooks = configured(shared, "mutatingwebhookconfigurations").await;
    if webhooks.is_empty() {
        return Ok(false);
    }
    let (space, subresource) = (ask.target.namespace.clone(), ask.target.subresource.clone());
    let namespace = namespace_of(shared, &space).await;
    let (mut changed, mut again) = (false, Vec::new());
    for round in 0..2 {
        for (index, webhook) in webhooks.iter().enumerate() {
            if round == 1 && !again.contains(&index) {
                continue;
            }
            let before = object.clone();
            let deed = Deed {
                resource: resource.as_ref(),
                subresource: &subresource,
                operation,
                space: &space,
                object: &before,
                old,
                namespace: &namespace,
            };
            if let Verdict::Patch(patch) = ask_one(shared, ask, webhook, &deed).await? {
                flux_merge::json_patch(object, &patch).map_err(|error| {
                    ApiError::internal(format!("failed calling webhook {}: {error}", go_quote(text(webhook, "name"))))
                })?;
            }
            if *object != before {
                changed = true;
                // Those that looked before and want to see later changes are asked once more.
                let earlier = webhooks[..index].iter().enumerate();
                again
                    .extend(earlier.filter(|(_, own)| text(own, "reinvocationPolicy") == "IfNeeded").map(|(at, _)| at));
            }
        }
        if again.is_empty() {
            break;
        }
    }
    if changed {
        let mut findings = crate::intake::Findings::default();
        let value = std::mem::take(object);
        let shaped = crate::intake::into_shape(value, resource, &[], &[], &mut findings).map_err(ApiError::internal)?;
        *object = crate::intake::defaulted(shaped, resource);
    }
    Ok(changed)
}

/// Asks webhooks that only look.
pub(super) async fn validate(shared: &Arc<Shared>, ask: &mut Ask, deed: &Deed<'_>) -> Result<(), ApiError> {
    if is_exempt(deed.resource) {
        return Ok(());
    }
    for webhook in configured(shared, "validatingwebhookconfigurations").await {
        ask_one(shared, ask, &webhook, deed).await?;
    }
    Ok(())
}
