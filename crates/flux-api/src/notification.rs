//! `notification.toolkit.fluxcd.io`: events out, webhooks in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Duration;
use crate::meta::{Condition, LocalObjectReference};
use crate::serde_rules::{is_false, is_zero, non_empty};

/// What a `Receiver` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverSpec {
    /// Kinds of events to react to; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// How often to reconcile the receiver itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Token issuers that may call this receiver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oidc_providers: Vec<OidcProvider>,
    /// CEL expression that decides which objects are asked to reconcile.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub resource_filter: Option<String>,
    /// Objects that are asked to reconcile.
    pub resources: Vec<ReceiverResource>,
    /// Secret with the token of the webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Kind of the service.
    #[serde(rename = "type")]
    pub type_: String,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Token issuers that may call this receiver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcProvider {
    /// Audience that the token must be made for.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Address of the token issuer.
    #[serde(rename = "issuerURL")]
    pub issuer_url: String,
    /// Rules that the token's claims must satisfy.
    pub validations: Vec<OidcValidation>,
    /// Named expressions that the validations use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<OidcVariable>,
}

/// Rules that the token's claims must satisfy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcValidation {
    /// CEL expression that must be true.
    pub expression: String,
    /// What is said when the expression is not true.
    pub message: String,
}

/// Named expressions that the validations use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcVariable {
    /// CEL expression that gives the value.
    pub expression: String,
    /// Name of the variable.
    pub name: String,
}

/// Objects that are asked to reconcile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverResource {
    /// API group and version of the objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// CEL expression that decides whether the object is asked to reconcile.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Kind of the objects.
    pub kind: String,
    /// Labels that the objects must carry; needs the name `*`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Name of the object, or `*`.
    pub name: String,
    /// Namespace of the object; by default this one's.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What was last observed of a `Receiver`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverStatus {
    /// State of the object, one entry per aspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Last handled request for a reconciliation.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation that was last seen through.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// Path of the webhook's address.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub webhook_path: Option<String>,
}

/// What a `Alert` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertSpec {
    /// Metadata to add to the events; never replaces what is there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// Lowest severity to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_severity: Option<EventSeverity>,
    /// Objects whose events are sent.
    pub event_sources: Vec<EventSource>,
    /// Regular expressions of messages to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Regular expressions of messages to send; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// Provider that sends the notifications.
    pub provider_ref: LocalObjectReference,
    /// Short text for the notification; use eventMetadata instead.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// Objects whose events are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSource {
    /// API group and version of the objects.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the objects.
    pub kind: String,
    /// Labels that the objects must carry; needs the name `*`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Name of the object, or `*`.
    pub name: String,
    /// Namespace of the object; by default this one's.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What a `Provider` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderSpec {
    /// Endpoint that notifications are sent to; `address` in the Secret takes its place.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Channel, room, topic or project that notifications go to.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// CEL expression that gives the id of the commit status.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub commit_status_expr: Option<String>,
    /// No longer used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// Address of a proxy; use proxySecretRef instead.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Secret with the address and login of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// ServiceAccount to act as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Stops reconciliation until it is false again.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// How long one operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Kind of the service.
    #[serde(rename = "type")]
    pub type_: String,
    /// Name to post as.
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

string_enum! {
    /// Lowest severity to send.
    pub enum EventSeverity {
        Info = "info",
        Error = "error",
    }
}

kind! {
    /// An endpoint for webhooks that asks for the reconciliation of objects.
    Receiver(ReceiverSpec, ReceiverStatus) in "notification.toolkit.fluxcd.io" / "v1", "receivers"
}
flux_object!(Receiver, ReceiverStatus, suspend: true, generation: true, requests: true);

kind! {
    /// Which events of which objects go to which provider.
    Alert(AlertSpec) in "notification.toolkit.fluxcd.io" / "v1beta3", "alerts"
}

kind! {
    /// Where and how notifications are sent.
    Provider(ProviderSpec) in "notification.toolkit.fluxcd.io" / "v1beta3", "providers"
}
