//! Who may do what: authentication, impersonation, authorization.

mod cache;
mod escalation;
mod rbac;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;

pub(crate) use cache::RoleCache;
pub(crate) use escalation::check as check_escalation;
pub(crate) use rbac::{Attributes, Decision, Rules};
pub(crate) use tokens::{BoundTo, Claims, default_audiences};

use crate::identity::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
use crate::request::{Ask, decode};
use crate::server::Shared;
use crate::status::{ApiError, go_quote};
use crate::{Authorization, Identity};

/// The identity behind a request's credentials.
pub(crate) async fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            shared.identity_of_token(token.trim()).await.ok_or_else(ApiError::unauthorized)
        }
        _ if shared.config.anonymous => Ok(Identity::anonymous()),
        _ => Err(ApiError::unauthorized()),
    }
}

impl Shared {
    /// The user of a bearer token: a fixed one, or a service account's.
    pub(crate) async fn identity_of_token(&self, token: &str) -> Option<Identity> {
        let known = self.config.tokens.iter().find(|known| same(known.token.as_bytes(), token.as_bytes()));
        match known {
            Some(known) => Some(known.identity.clone()),
            None => tokens::verify(self, token, &[]).await.map(|(identity, _)| identity),
        }
    }
}

/// Compares secrets without telling by time where they differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Who the request asks to be, once that is allowed.
pub(crate) async fn impersonation(shared: &Arc<Shared>, ask: &Ask) -> Result<Option<Identity>, ApiError> {
    let all = |name: &str| -> Vec<String> {
        ask.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let user = ask.header("impersonate-user").to_owned();
    let uid = ask.header("impersonate-uid").to_owned();
    let groups = all("impersonate-group");
    let extra = extra_headers(&ask.headers);
    if user.is_empty() && uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(None);
    }
    if user.is_empty() {
        return Err(ApiError::bad_request(format!(
            "requested {} without impersonating a user name",
            go_user(&uid, &groups, &extra)
        )));
    }
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let may = |group: &str, resource: &str, subresource: &str, space: &str, name: &str| {
        let attributes = Attributes {
            verb: "impersonate".into(),
            group: group.into(),
            resource: resource.into(),
            subresource: subresource.into(),
            namespace: space.into(),
            name: name.into(),
            ..Attributes::default()
        };
        let shared = shared.clone();
        let identity = ask.identity.clone();
        async move { permit(&shared, &identity, &attributes).await }
    };
    match account {
        Some((space, name)) => may("", "serviceaccounts", "", space, name).await?,
        None => may("", "users", "", "", &user).await?,
    }
    for group in &groups {
        may("", "groups", "", "", group).await?;
    }
    for (key, values) in &extra {
        for value in values {
            may("authentication.k8s.io", "userextras", key, "", value).await?;
        }
    }
    if !uid.is_empty() {
        may("authentication.k8s.io", "uids", "", "", &uid).await?;
    }
    let mut groups = groups;
    if groups.is_empty()
        && let Some((space, _)) = account
    {
        groups = vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{space}")];
    }
    let implied = if user == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !groups.iter().any(|group| matches!(group.as_str(), AUTHENTICATED | UNAUTHENTICATED)) {
        groups.push(implied.to_owned());
    }
    Ok(Some(Identity { name: user, uid, groups, extra }))
}

fn extra_headers(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix("impersonate-extra-")
            && let Ok(value) = value.to_str()
        {
            extra.entry(decode(key, false)).or_default().push(value.to_owned());
        }
    }
    extra
}

/// Go's `%#v` of the requested user.
fn go_user(uid: &str, groups: &[String], extra: &BTreeMap<String, Vec<String>>) -> String {
    let list = |items: &[String]| items.iter().map(|item| go_quote(item)).collect::<Vec<_>>().join(", ");
    let groups = if groups.is_empty() { "[]string(nil)".to_owned() } else { format!("[]string{{{}}}", list(groups)) };
    let extra = if extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let rows = extra.iter().map(|(key, values)| format!("{}:[]string{{{}}}", go_quote(key), list(values)));
        format!("map[string][]string{{{}}}", rows.collect::<Vec<_>>().join(", "))
    };
    format!("&user.DefaultInfo{{Name:\"\", UID:{}, Groups:{groups}, Extra:{extra}}}", go_quote(uid))
}

/// Allows the request, or answers 403 in the authorizer's words.
pub(crate) async fn authorize(shared: &Arc<Shared>, ask: &Ask) -> Result<(), ApiError> {
    permit(shared, &ask.identity, &Attributes::of(ask)).await
}

/// Allows a deed, or answers 403.
pub(crate) async fn permit(shared: &Arc<Shared>, identity: &Identity, attributes: &Attributes) -> Result<(), ApiError> {
    let decision = decide(shared, identity, attributes).await;
    if decision.allowed {
        return Ok(());
    }
    let mut text = attributes.denial(&identity.name);
    if !decision.reason.is_empty() {
        text.push_str(": ");
        text.push_str(&decision.reason);
    }
    Err(ApiError::forbidden(&attributes.group, &attributes.resource, &attributes.name, &text))
}

/// Whether somebody may do something, and why.
pub(crate) async fn decide(shared: &Arc<Shared>, identity: &Identity, attributes: &Attributes) -> Decision {
    if identity.is_master() || shared.config.authorization == Authorization::AlwaysAllow {
        return Decision { allowed: true, reason: String::new() };
    }
    shared.rules().await.decide(identity, attributes)
}
