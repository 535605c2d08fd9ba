//! Failures as clients see them: `Status` objects with upstream's reasons, texts and causes.

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value, json};

/// What went wrong with one field, in upstream's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldErrorType {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    TypeInvalid,
}

impl FieldErrorType {
    fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

/// One field's failure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldError {
    pub kind: FieldErrorType,
    pub field: String,
    /// `None` where upstream prints no value.
    pub value: Option<Value>,
    pub detail: String,
}

impl FieldError {
    pub fn new(
        kind: FieldErrorType,
        field: impl Into<String>,
        value: Option<Value>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, field: field.into(), value, detail: detail.into() }
    }

    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Required, field, None, detail)
    }

    pub fn invalid(field: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Invalid, field, Some(value.into()), detail)
    }

    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorType::Duplicate, field, Some(value.into()), "")
    }

    pub fn not_found(field: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(FieldErrorType::NotFound, field, Some(value.into()), "")
    }

    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorType::Forbidden, field, None, detail)
    }

    pub fn too_long(field: impl Into<String>, limit: usize) -> Self {
        Self::new(FieldErrorType::TooLong, field, None, format!("may not be more than {limit} bytes"))
    }

    pub fn too_many(field: impl Into<String>, actual: usize, limit: usize) -> Self {
        let plural = if limit == 1 { "item" } else { "items" };
        let detail = format!("must have at most {limit} {plural}");
        Self::new(FieldErrorType::TooMany, field, Some(actual.into()), detail)
    }

    /// A value outside a closed set; the set is printed as given.
    pub fn not_supported(field: impl Into<String>, value: impl Into<Value>, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|word| go_quote(word)).collect();
        let detail = if list.is_empty() { String::new() } else { format!("supported values: {}", list.join(", ")) };
        Self::new(FieldErrorType::NotSupported, field, Some(value.into()), detail)
    }

    /// The text without the field.
    pub fn body(&self) -> String {
        let mut text = self.kind.words().to_owned();
        if let Some(value) = &self.value {
            text.push_str(": ");
            text.push_str(&print_value(value));
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }

    /// `FIELD: TEXT`.
    pub fn text(&self) -> String {
        format!("{}: {}", self.field, self.body())
    }
}

fn print_value(value: &Value) -> String {
    match value {
        Value::String(text) => go_quote(text),
        other => go_json(other),
    }
}

/// JSON as Go's encoder writes it: `<`, `>` and `&` escaped.
pub(crate) fn go_json(value: &Value) -> String {
    go_escaped(value.to_string())
}

/// JSON text with the letters escaped that Go escapes for HTML.
pub(crate) fn go_escaped(text: String) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// Go's `%q`.
pub(crate) fn go_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            other if (other as u32) < 0x20 || other as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", other as u32)),
            other if other.is_control() || other == '\u{feff}' => out.push_str(&format!("\\u{:04x}", other as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// `details` of a `Status`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Details {
    pub name: String,
    pub group: String,
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

/// A failed request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Box<Details>>,
    /// Set for answers that are plain text upstream.
    pub plain: bool,
    /// `metadata.continue`, of an expired list.
    pub continue_token: Option<String>,
}

/// Name of a resource with its group, as in `deployments.apps`.
pub(crate) fn qualified(resource: &str, group: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

/// A reason among those that clients know; others are left out.
fn known_reason(text: &str) -> &'static str {
    const KNOWN: [&str; 14] = [
        "Unauthorized",
        "Forbidden",
        "NotFound",
        "AlreadyExists",
        "Conflict",
        "Gone",
        "Invalid",
        "Timeout",
        "TooManyRequests",
        "BadRequest",
        "MethodNotAllowed",
        "NotAcceptable",
        "InternalError",
        "ServiceUnavailable",
    ];
    KNOWN.into_iter().find(|known| *known == text).unwrap_or("")
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, plain: false, continue_token: None }
    }

    fn detailed(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    fn about(self, group: &str, resource: &str, name: &str) -> Self {
        self.detailed(Details { name: name.into(), group: group.into(), kind: resource.into(), ..Details::default() })
    }

    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {} not found", qualified(resource, group), go_quote(name));
        Self::new(404, "NotFound", message).about(group, resource, name)
    }

    /// The answer to a path that leads to no resource.
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").detailed(Details::default())
    }

    /// The answer of Go's own HTTP mux.
    pub fn page_not_found() -> Self {
        Self { plain: true, ..Self::new(404, "NotFound", "404 page not found\n") }
    }

    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {} already exists", qualified(resource, group), go_quote(name));
        Self::new(409, "AlreadyExists", message).about(group, resource, name)
    }

    pub fn conflict(group: &str, resource: &str, name: &str, detail: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {}: {detail}", qualified(resource, group), go_quote(name));
        Self::new(409, "Conflict", message).about(group, resource, name)
    }

    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        let detail = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, detail)
    }

    /// The conflicts of a server-side apply.
    pub fn apply_conflict(message: impl Into<String>, causes: Vec<Cause>) -> Self {
        Self::new(409, "Conflict", message).detailed(Details { causes, ..Details::default() })
    }

    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in errors.iter().map(FieldError::text) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let text = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} {} is invalid: {text}", qualified(kind, group), go_quote(name));
        let causes = errors
            .iter()
            .map(|error| Cause {
                reason: error.kind.reason().into(),
                message: error.body(),
                field: error.field.clone(),
            })
            .collect();
        let details =
            Details { name: name.into(), group: group.into(), kind: kind.into(), causes, ..Details::default() };
        Self::new(422, "Invalid", message).detailed(details)
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// `forbidden` with the authorizer's words.
    pub fn forbidden(group: &str, resource: &str, name: &str, detail: &str) -> Self {
        let subject = match (resource.is_empty(), name.is_empty()) {
            (true, _) => "forbidden: ".to_owned(),
            (false, true) => format!("{} is forbidden: ", qualified(resource, group)),
            (false, false) => format!("{} {} is forbidden: ", qualified(resource, group), go_quote(name)),
        };
        Self::new(403, "Forbidden", format!("{subject}{detail}")).about(group, resource, name)
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).detailed(Details::default())
    }

    pub fn not_acceptable(accepted: &str) -> Self {
        let message = format!("only the following media types are accepted: {accepted}");
        Self::new(406, "NotAcceptable", message)
    }

    pub fn not_acceptable_object(message: &str) -> Self {
        Self::new(406, "NotAcceptable", message)
    }

    pub fn unsupported_media_type(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A patch of a type that the resource does not take.
    pub fn unsupported_patch() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").detailed(Details::default())
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// The wordless 422 of a patch that could not be computed.
    pub fn unprocessable() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).detailed(Details::default())
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.details.get_or_insert_default().causes.push(cause);
        self
    }

    /// Whether somebody else wrote the object meanwhile.
    pub fn is_modified(&self) -> bool {
        self.reason == "Conflict"
            && self.message.ends_with("please apply your changes to the latest version and try again")
    }

    pub fn with_continue(mut self, token: String) -> Self {
        self.continue_token = Some(token);
        self
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {}", message.into()))
    }

    /// A failure upstream passes on as a bare Go error.
    pub fn bare(message: impl Into<String>) -> Self {
        Self { reason: "", ..Self::new(500, "", message) }
    }

    pub fn timeout_too_large_version(requested: u64, current: u64) -> Self {
        let cause = Cause {
            reason: "ResourceVersionTooLarge".into(),
            message: "Too large resource version".into(),
            field: String::new(),
        };
        let message = format!("Timeout: Too large resource version: {requested}, current: {current}");
        let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
        Self::new(504, "Timeout", message).detailed(details)
    }

    pub fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("{what} is not served by this server"))
    }

    /// A webhook's refusal, with its own status where it gave one.
    pub fn denied_by_webhook(webhook: &str, status: Option<&Value>) -> Self {
        let part = |key: &str| status.and_then(|own| own.get(key)).and_then(Value::as_str).unwrap_or("");
        let by = format!("admission webhook {} denied the request", go_quote(webhook));
        let message = match (part("message"), part("reason")) {
            ("", "") => format!("{by} without explanation"),
            ("", reason) => format!("{by}: {reason}"),
            (message, _) => format!("{by}: {message}"),
        };
        let code =
            status.and_then(|own| own.get("code")).and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let code = code.filter(|code| (400..600).contains(code)).unwrap_or(400);
        Self::new(code, known_reason(part("reason")), message)
    }

    /// The same refusal under a policy's reason; without one it is `Invalid`.
    pub fn for_reason(mut self, reason: &str) -> Self {
        (self.code, self.reason) = match reason {
            "Unauthorized" => (401, "Unauthorized"),
            "Forbidden" => (403, "Forbidden"),
            "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
            _ => (422, "Invalid"),
        };
        self
    }

    pub fn storage_refused() -> Self {
        Self::internal("the storage refused the write")
    }

    /// The `Status` object.
    pub fn to_value(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".into(), "Status".into());
        status.insert("apiVersion".into(), "v1".into());
        let meta = self.continue_token.as_ref().map_or_else(|| json!({}), |token| json!({"continue": token}));
        status.insert("metadata".into(), meta);
        status.insert("status".into(), "Failure".into());
        if !self.message.is_empty() {
            status.insert("message".into(), self.message.clone().into());
        }
        if !self.reason.is_empty() {
            status.insert("reason".into(), self.reason.into());
        }
        if let Some(details) = &self.details {
            status.insert("details".into(), details_value(details));
        }
        status.insert("code".into(), self.code.into());
        Value::Object(status)
    }

    /// Headers that go with the failure.
    pub fn headers(&self, headers: &mut HeaderMap) {
        if let Some(details) = &self.details
            && details.retry_after_seconds > 0
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(details.retry_after_seconds));
        }
    }
}

fn details_value(details: &Details) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            map.insert(key.into(), value.into());
        }
    };
    put("name", &details.name);
    put("group", &details.group);
    put("kind", &details.kind);
    put("uid", &details.uid);
    if !details.causes.is_empty() {
        map.insert("causes".into(), details.causes.iter().map(cause_value).collect());
    }
    if details.retry_after_seconds > 0 {
        map.insert("retryAfterSeconds".into(), details.retry_after_seconds.into());
    }
    Value::Object(map)
}

fn cause_value(cause: &Cause) -> Value {
    let mut map = Map::new();
    for (key, value) in [("reason", &cause.reason), ("message", &cause.message), ("field", &cause.field)] {
        if !value.is_empty() {
            map.insert(key.into(), value.clone().into());
        }
    }
    Value::Object(map)
}
