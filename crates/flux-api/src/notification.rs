//! `notification.toolkit.fluxcd.io`: events out, webhooks in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Duration;
use crate::meta::{Condition, LocalObjectReference};
use crate::serde_rules::{is_false, is_zero, non_empty};

/// ReceiverSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverSpec {
    /// events
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// interval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// oidcProviders
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oidc_providers: Vec<OidcProvider>,
    /// resourceFilter
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub resource_filter: Option<String>,
    /// resources
    pub resources: Vec<ReceiverResource>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// type
    #[serde(rename = "type")]
    pub type_: String,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// OidcProvider
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcProvider {
    /// audience
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// issuerURL
    #[serde(rename = "issuerURL")]
    pub issuer_url: String,
    /// validations
    pub validations: Vec<OidcValidation>,
    /// variables
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<OidcVariable>,
}

/// OidcValidation
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcValidation {
    /// expression
    pub expression: String,
    /// message
    pub message: String,
}

/// OidcVariable
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OidcVariable {
    /// expression
    pub expression: String,
    /// name
    pub name: String,
}

/// ReceiverResource
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverResource {
    /// apiVersion
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// filter
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// kind
    pub kind: String,
    /// matchLabels
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// ReceiverStatus
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverStatus {
    /// conditions
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// lastHandledReconcileAt
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// observedGeneration
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// webhookPath
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub webhook_path: Option<String>,
}

/// AlertSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertSpec {
    /// eventMetadata
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// eventSeverity
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_severity: Option<EventSeverity>,
    /// eventSources
    pub event_sources: Vec<EventSource>,
    /// exclusionList
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// inclusionList
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// providerRef
    pub provider_ref: LocalObjectReference,
    /// summary
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// EventSource
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSource {
    /// apiVersion
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// kind
    pub kind: String,
    /// matchLabels
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// name
    pub name: String,
    /// namespace
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// ProviderSpec
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderSpec {
    /// address
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// certSecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// channel
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// commitStatusExpr
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub commit_status_expr: Option<String>,
    /// interval
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// proxy
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// proxySecretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// secretRef
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// serviceAccountName
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// suspend
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// timeout
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// type
    #[serde(rename = "type")]
    pub type_: String,
    /// username
    #[serde(deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Fields that this version does not know; a controller refuses them instead of ignoring them.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

string_enum! {
    /// EventSeverity
    pub enum EventSeverity {
        Info = "info",
        Error = "error",
    }
}

kind! {
    /// Receiver
    Receiver(ReceiverSpec, ReceiverStatus) in "notification.toolkit.fluxcd.io" / "v1", "receivers"
}
flux_object!(Receiver, ReceiverStatus, suspend: true, generation: true, requests: true);

kind! {
    /// Alert
    Alert(AlertSpec) in "notification.toolkit.fluxcd.io" / "v1beta3", "alerts"
}

kind! {
    /// Provider
    Provider(ProviderSpec) in "notification.toolkit.fluxcd.io" / "v1beta3", "providers"
}
