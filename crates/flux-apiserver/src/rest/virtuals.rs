//! Kinds that are answered and never stored: reviews, token requests, bindings.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Part, options};
use crate::auth::{self, Attributes, BoundTo, Claims};
use crate::object::{list_at, meta_mut, meta_text, now, text, text_at};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};
use crate::{Identity, intake, managed};

/// Seconds a token lives when the request does not say.
const TOKEN_SECONDS: i64 = 3600;
const TOKEN_SECONDS_MIN: i64 = 600;
const TOKEN_SECONDS_MAX: i64 = 1 << 32;

impl Shared {
    /// Answers a create of a kind that is not stored; `None` for all others.
    pub(crate) async fn virtual_create(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Option<Reply>, ApiError> {
        if resource.has_verb("get") {
            return Ok(None);
        }
        let form = form_of(ask)?;
        let mut object = intake::read_object(ask, resource)?;
        intake::check_place(&mut object, &ask.target.namespace, resource)?;
        let manager = ask.manager();
        managed::after_write(resource, None, &mut object, &manager, Part::Main);
        match resource.plural.as_str() {
            "selfsubjectreviews" => {
                let meta = json!({"creationTimestamp": now()});
                object["metadata"] = meta;
                object["status"] = json!({"userInfo": user_info(&ask.identity)});
            }
            "tokenreviews" => self.token_review(&mut object).await,
            "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews" => {
                self.access_review(ask, resource, &mut object).await?;
            }
            "selfsubjectrulesreviews" => self.rules_review(ask, &mut object).await,
            "bindings" => {
                let pod = meta_text(&object, "name").to_owned();
                return self.bind(ask, &pod, &object).await.map(Some);
            }
            _ => return Err(ApiError::not_implemented(&resource.qualified())),
        }
        self.value_reply(201, resource, object, form).map(Some)
    }

    async fn token_review(self: &Arc<Self>, object: &mut Value) {
        let token = text_at(object, "/spec/token").to_owned();
        let audiences: Vec<String> =
            list_at(object, "/spec/audiences").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        object["status"] = match self.review_token(&token, &audiences).await {
            Some((identity, audiences)) => {
                json!({"authenticated": true, "user": user_info(&identity), "audiences": audiences})
            }
            None => json!({"user": {}, "error": "invalid bearer token"}),
        };
    }

    async fn access_review(
        self: &Arc<Self>,
        ask: &Ask,
        resource: &Resource,
        object: &mut Value,
    ) -> Result<(), ApiError> {
        let spec = object.get("spec").cloned().unwrap_or_else(|| json!({}));
        let mut errors = Vec::new();
        let (on_resource, on_path) = (spec.get("resourceAttributes"), spec.get("nonResourceAttributes"));
        if let (Some(_), Some(path)) = (on_resource, on_path) {
            let shown = json!({"Path": text(path, "path"), "Verb": text(path, "verb")});
            errors.push(FieldError::invalid(
                "spec.nonResourceAttributes",
                shown,
                "cannot be specified in combination with resourceAttributes",
            ));
        }
        if on_resource.is_none() && on_path.is_none() {
            let words = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            errors.push(FieldError::invalid("spec.resourceAttributes", Value::Null, words));
        }
        let own = resource.plural == "selfsubjectaccessreviews";
        let groups: Vec<String> =
            list_at(&spec, "/groups").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if !own && text(&spec, "user").is_empty() && groups.is_empty() {
            errors.push(FieldError::invalid("spec.user", "", "at least one of user or group must be specified"));
        }
        if !errors.is_empty() {
            return Err(ApiError::invalid(&resource.group, "", "", &errors));
        }
        if resource.namespaced {
            let wanted = on_resource.map_or("", |on| text(on, "namespace"));
            if wanted != ask.target.namespace {
                let words = format!("spec.resourceAttributes.namespace must match namespace: {}", ask.target.namespace);
                return Err(ApiError::bad_request(words));
            }
        }
        let identity = if own {
            ask.identity.clone()
        } else {
            let extra =
                spec.get("extra").and_then(|extra| serde_json::from_value(extra.clone()).ok()).unwrap_or_default();
            Identity { name: text(&spec, "user").into(), uid: text(&spec, "uid").into(), groups, extra }
        };
        let attributes = attributes(on_resource, on_path);
        let decision = auth::decide(self, &identity, &attributes).await;
        let mut status = Map::new();
        status.insert("allowed".into(), decision.allowed.into());
        if !decision.reason.is_empty() {
            status.insert("reason".into(), decision.reason.into());
        }
        object["status"] = Value::Object(status);
        Ok(())
    }

    async fn rules_review(self: &Arc<Self>, ask: &Ask, object: &mut Value) {
        let space = text_at(object, "/spec/namespace").to_owned();
        let rules = if ask.identity.is_master() {
            let all = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
            object["status"] = json!({
                "resourceRules": [all], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false,
            });
            return;
        } else {
            self.rules().await.rules_for(&ask.identity, &space)
        };
        let on_resources: Vec<Value> = rules
            .iter()
            .filter(|rule| !rule.resources.is_empty())
            .map(|rule| {
                let mut row = json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources});
                if !rule.names.is_empty() {
                    row["resourceNames"] = json!(rule.names);
                }
                row
            })
            .collect();
        let on_paths: Vec<Value> = rules
            .iter()
            .filter(|rule| !rule.urls.is_empty())
            .map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.urls}))
            .collect();
        object["status"] = json!({"resourceRules": on_resources, "nonResourceRules": on_paths, "incomplete": false});
    }

    /// `serviceaccounts/NAME/token`.
    pub(crate) async fn token_request(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        options::check(ask, options::Kind::Create)?;
        let body = intake::body_json(ask)?;
        let parsed = crate::json::parse(&body)
            .map_err(|error| ApiError::bad_request(crate::json::go_syntax_error(&body, &error)))?;
        let kind =
            crate::typed::kind_of("authentication.k8s.io", "v1", "TokenRequest").ok_or_else(ApiError::no_such_path)?;
        let shaped = crate::typed::shape(kind, parsed.value).map_err(|misfit| {
            ApiError::bad_request(format!(
                "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: {}",
                misfit.0
            ))
        })?;
        let mut object = shaped.value;
        let seconds = object.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(TOKEN_SECONDS);
        object["apiVersion"] = "authentication.k8s.io/v1".into();
        object["kind"] = "TokenRequest".into();
        object["spec"]["expirationSeconds"] = seconds.into();
        managed::after_token(&mut object, &ask.manager());
        let (space, name) = (ask.target.namespace.clone(), ask.target.name.clone());
        let account = self
            .load(resource, &space, &name)
            .await
            .ok_or_else(|| ApiError::not_found("", "serviceaccounts", &name))?;
        if let Some(error) = seconds_error(seconds) {
            return Err(ApiError::invalid("authentication.k8s.io", "TokenRequest", "", &[error]));
        }
        let bound = self.bound(&space, &object).await?;
        let mut audiences: Vec<String> =
            list_at(&object, "/spec/audiences").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences = auth::default_audiences();
        }
        let expires = jiff::Timestamp::now().as_second() + seconds;
        let uid = meta_text(&account, "uid").to_owned();
        let claims = Claims {
            namespace: space.clone(),
            account: name.clone(),
            account_uid: uid.clone(),
            audiences: audiences.clone(),
            expires,
            bound,
        };
        let token = self.issue(&claims)?;
        let meta = meta_mut(&mut object);
        meta.insert("name".into(), name.into());
        meta.insert("namespace".into(), space.into());
        meta.insert("uid".into(), uid.into());
        meta.insert("creationTimestamp".into(), now().into());
        object["spec"]["audiences"] = json!(audiences);
        let time = jiff::Timestamp::from_second(expires).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        object["status"] = json!({"token": token, "expirationTimestamp": format!("{time:.0}")});
        Ok(Reply::value(201, &object, form))
    }

    async fn bound(self: &Arc<Self>, space: &str, object: &Value) -> Result<Option<BoundTo>, ApiError> {
        let Some(reference) = object.pointer("/spec/boundObjectRef").filter(|reference| reference.is_object()) else {
            return Ok(None);
        };
        let (kind, plural) = match text(reference, "kind") {
            "Pod" => ("pod", "pods"),
            "Secret" => ("secret", "secrets"),
            other => {
                let words = format!("cannot bind token to object of type {other}");
                return Err(ApiError::bad_request(words));
            }
        };
        let name = text(reference, "name");
        let resource = self.registry.find("", "v1", plural).ok_or_else(ApiError::no_such_path)?;
        let found = self.load(&resource, space, name).await.ok_or_else(|| ApiError::not_found("", plural, name))?;
        let uid = meta_text(&found, "uid");
        let given = text(reference, "uid");
        if !given.is_empty() && given != uid {
            let words = format!(
                "the UID in the bound object reference ({given}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(ApiError::conflict("", plural, name, &words));
        }
        Ok(Some(BoundTo { kind, name: name.to_owned(), uid: uid.to_owned() }))
    }

    /// `pods/NAME/eviction`: deletes the pod; disruption budgets are not asked, as nothing counts healthy pods here.
    pub(crate) async fn evict(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let body = intake::body_json(ask)?;
        let parsed = crate::json::parse(&body)
            .map_err(|error| ApiError::bad_request(crate::json::go_syntax_error(&body, &error)))?;
        let given = &parsed.value["deleteOptions"];
        let wanted = |pointer: &str| given.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let delete = super::DeleteOptions {
            grace: given.get("gracePeriodSeconds").and_then(Value::as_i64),
            uid: wanted("/preconditions/uid"),
            version: wanted("/preconditions/resourceVersion"),
            dry_run: options::is_dry_run(ask) || !list_at(given, "/dryRun").is_empty(),
            ..super::DeleteOptions::default()
        };
        let (space, pod) = (ask.target.namespace.clone(), ask.target.name.clone());
        if !delete.dry_run {
            self.mark_evicted(resource, &space, &pod).await?;
        }
        self.delete_object(resource, &space, &pod, &delete).await?;
        Ok(Reply::json(
            201,
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
        ))
    }

    /// Says on a pod that it is being evicted.
    async fn mark_evicted(self: &Arc<Self>, resource: &Arc<Resource>, space: &str, pod: &str) -> Result<(), ApiError> {
        for _ in 0..super::update::RETRIES {
            let entry = self.entry(resource, space, pod).await?;
            let old = super::convert::of_entry(resource, &entry)?;
            if text_at(&old, "/spec/nodeName").is_empty() {
                return Ok(());
            }
            let mut new = old.clone();
            let conditions =
                crate::object::section(&mut new, "status").entry("conditions").or_insert_with(|| json!([]));
            if let Some(list) = conditions.as_array_mut() {
                list.retain(|one| text(one, "type") != "DisruptionTarget");
                list.push(json!({
                    "type": "DisruptionTarget", "status": "True", "lastProbeTime": null, "lastTransitionTime": now(),
                    "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
                }));
            }
            match self.commit(resource, space, &entry, &old, new, false).await {
                Err(error) if error.is_modified() => {}
                other => return other.map(|_| ()),
            }
        }
        Err(ApiError::modified("", "pods", pod))
    }

    /// `pods/NAME/binding`.
    pub(crate) async fn pod_binding(self: &Arc<Self>, ask: &mut Ask) -> Result<Reply, ApiError> {
        let body = intake::body_json(ask)?;
        let parsed = crate::json::parse(&body)
            .map_err(|error| ApiError::bad_request(crate::json::go_syntax_error(&body, &error)))?;
        let pod = ask.target.name.clone();
        self.bind(ask, &pod, &parsed.value).await
    }

    /// Puts a pod on a node.
    pub(crate) async fn bind(self: &Arc<Self>, ask: &mut Ask, pod: &str, binding: &Value) -> Result<Reply, ApiError> {
        let node = text_at(binding, "/target/name").to_owned();
        let pods = self.registry.find("", "v1", "pods").ok_or_else(ApiError::no_such_path)?;
        let space = ask.target.namespace.clone();
        for _ in 0..super::update::RETRIES {
            let entry = self.entry(&pods, &space, pod).await?;
            let old = super::convert::of_entry(&pods, &entry)?;
            let assigned = text_at(&old, "/spec/nodeName");
            if !assigned.is_empty() {
                let words = format!("pod {pod} is already assigned to node {}", crate::status::go_quote(assigned));
                return Err(ApiError::conflict("", "pods/binding", pod, &words));
            }
            let mut new = old.clone();
            new["spec"]["nodeName"] = node.clone().into();
            let conditions =
                crate::object::section(&mut new, "status").entry("conditions").or_insert_with(|| json!([]));
            if let Some(list) = conditions.as_array_mut() {
                list.retain(|one| text(one, "type") != "PodScheduled");
                list.push(json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now()}));
            }
            match self.commit(&pods, &space, &entry, &old, new, options::is_dry_run(ask)).await {
                Ok(_) => {
                    return Ok(Reply::json(
                        201,
                        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
                    ));
                }
                Err(error) if error.is_modified() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApiError::modified("", "pods", pod))
    }
}

fn seconds_error(seconds: i64) -> Option<FieldError> {
    let words = if seconds < TOKEN_SECONDS_MIN {
        "may not specify a duration less than 10 minutes"
    } else if seconds > TOKEN_SECONDS_MAX {
        "may not specify a duration larger than 2^32 seconds"
    } else {
        return None;
    };
    Some(FieldError::invalid("spec.expirationSeconds", seconds, words))
}

fn attributes(on_resource: Option<&Value>, on_path: Option<&Value>) -> Attributes {
    match (on_resource, on_path) {
        (Some(on), _) => Attributes {
            verb: text(on, "verb").into(),
            group: text(on, "group").into(),
            resource: text(on, "resource").into(),
            subresource: text(on, "subresource").into(),
            namespace: text(on, "namespace").into(),
            name: text(on, "name").into(),
            path: None,
        },
        (None, Some(on)) => {
            Attributes { verb: text(on, "verb").into(), path: Some(text(on, "path").into()), ..Attributes::default() }
        }
        (None, None) => Attributes::default(),
    }
}

pub(crate) fn user_info(identity: &Identity) -> Value {
    let mut info = json!({"username": identity.name});
    if !identity.uid.is_empty() {
        info["uid"] = identity.uid.clone().into();
    }
    if !identity.groups.is_empty() {
        info["groups"] = json!(identity.groups);
    }
    if !identity.extra.is_empty() {
        info["extra"] = json!(identity.extra);
    }
    info
}
