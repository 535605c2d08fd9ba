//! Requests over the server's own service, and open watches.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use flux_apiserver::LocalService;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::ServiceExt as _;

const AGENT: &str = "replay/1.0";
/// The only headers that are compared.
const KEPT: [&str; 7] =
    ["content-type", "warning", "retry-after", "location", "allow", "www-authenticate", "cache-control"];
/// Written by a controller that did not run while recording.
const SKIPPED: &str = "kube-root-ca.crt";
const INITIAL_END: &str = "k8s.io/initial-events-end";
const END: &str = "<end of stream>";

/// Both ways into the server: as the replaying identity, and with the credentials of each request.
pub(super) struct Client {
    pub admin: LocalService,
    pub open: LocalService,
}

/// Values saved by earlier steps.
pub(super) type Saved = BTreeMap<String, Value>;

/// Replaces `{{name}}`.
pub(super) fn substitute(text: &str, saved: &Saved, quote: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let tail = &rest[start + 2..];
        let Some(end) = tail.find("}}") else { break };
        let name = &tail[..end];
        out.push_str(&rest[..start]);
        if name.is_empty() || !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
            out.push_str("{{");
            rest = tail;
            continue;
        }
        let value = match saved.get(name) {
            Some(Value::String(text)) => text.clone(),
            // What the recorder's language prints for an absent value.
            Some(Value::Null) => "None".to_owned(),
            Some(other) => other.to_string(),
            None => "MISSING".to_owned(),
        };
        out.push_str(&if quote { percent(&value) } else { value });
        rest = &tail[end + 2..];
    }
    out.push_str(rest);
    out
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Client {
    /// Sends a request and gives the answer as it came.
    async fn send(&self, step: &Value, saved: &Saved) -> Result<Response<flux_apiserver::Body>> {
        let mut uri = substitute(step["path"].as_str().unwrap_or("/"), saved, true);
        if let Some(query) = step["query"].as_str().filter(|query| !query.is_empty()) {
            uri.push('?');
            uri.push_str(&substitute(query, saved, true));
        }
        let uri: String =
            uri.chars().map(|letter| if letter == ' ' { "%20".to_owned() } else { letter.to_string() }).collect();
        let mut request = Request::builder().method(step["method"].as_str().unwrap_or("GET")).uri(uri);
        let given = step["headers"].as_object();
        let has = |name: &str| given.is_some_and(|map| map.keys().any(|key| key.eq_ignore_ascii_case(name)));
        for (name, value) in [("user-agent", AGENT), ("accept", "application/json")] {
            if !has(name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in given.into_iter().flatten() {
            request = request.header(name, substitute(value.as_str().unwrap_or(""), saved, false));
        }
        let user = &step["user"];
        let text = |value: &Value| substitute(value.as_str().unwrap_or(""), saved, false);
        if let Some(token) = user.get("bearer") {
            request = request.header("authorization", format!("Bearer {}", text(token)));
        }
        for (key, header) in [("name", "impersonate-user"), ("uid", "impersonate-uid")] {
            if let Some(value) = user.get(key) {
                request = request.header(header, text(value));
            }
        }
        for group in user["groups"].as_array().into_iter().flatten() {
            request = request.header("impersonate-group", group.as_str().unwrap_or(""));
        }
        for (key, values) in user["extra"].as_object().into_iter().flatten() {
            for value in values.as_array().into_iter().flatten() {
                request = request.header(format!("impersonate-extra-{key}"), value.as_str().unwrap_or(""));
            }
        }
        let body = step["body"].as_str().map(|body| substitute(body, saved, false)).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).context("build the request")?;
        let anonymous = user == "anonymous" || user.get("bearer").is_some();
        let service = if anonymous { &self.open } else { &self.admin };
        Ok(service.clone().oneshot(request).await.unwrap_or_else(|never| match never {}))
    }

    /// Sends a request and reads the whole answer.
    pub async fn request(&self, step: &Value, saved: &Saved) -> Result<Value> {
        let response = self.send(step, saved).await?;
        let (mut out, is_json) = outcome(&response);
        let data = tokio::time::timeout(Duration::from_secs(70), response.into_body().collect()).await;
        let data = data.context("the answer did not end")?.unwrap_or_else(|never| match never {}).to_bytes();
        add_body(&mut out, &data, is_json);
        Ok(Value::Object(out))
    }

    /// Opens a watch; a refused one has its body in the outcome.
    pub async fn watch(&self, step: &Value, saved: &Saved) -> Result<(Value, Watch)> {
        let response = self.send(step, saved).await?;
        let (mut out, is_json) = outcome(&response);
        let (sender, events) = mpsc::unbounded_channel();
        if response.status() == 200 {
            tokio::spawn(pump(response.into_body(), sender));
        } else {
            let data = response.into_body().collect().await.unwrap_or_else(|never| match never {}).to_bytes();
            add_body(&mut out, &data, is_json);
        }
        Ok((Value::Object(out), Watch { events }))
    }
}

fn outcome(response: &Response<flux_apiserver::Body>) -> (Map<String, Value>, bool) {
    let mut headers = Map::new();
    for name in KEPT {
        let values: Vec<&str> =
            response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        if values.is_empty() {
            continue;
        }
        let value = if name == "warning" { json!(values) } else { json!(values.join(", ")) };
        headers.insert(name.to_owned(), value);
    }
    let is_json = headers.get("content-type").and_then(Value::as_str).is_some_and(|text| text.contains("json"));
    let mut out = Map::new();
    out.insert("status".into(), response.status().as_u16().into());
    out.insert("headers".into(), Value::Object(headers));
    (out, is_json)
}

fn add_body(out: &mut Map<String, Value>, data: &[u8], is_json: bool) {
    if data.is_empty() {
        return;
    }
    match serde_json::from_slice(data) {
        Ok(value) if is_json => out.insert("body".into(), value),
        _ => out.insert("text".into(), String::from_utf8_lossy(data).into_owned().into()),
    };
}

async fn pump(mut body: flux_apiserver::Body, sender: mpsc::UnboundedSender<Value>) {
    let mut buffer = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        buffer.extend_from_slice(&data);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            if let Ok(event) = serde_json::from_slice(&line)
                && sender.send(event).is_err()
            {
                return;
            }
        }
    }
}

/// An open watch.
pub(super) struct Watch {
    events: mpsc::UnboundedReceiver<Value>,
}

impl Watch {
    /// Reads what a `read` step asks for.
    pub async fn read(&mut self, step: &Value) -> Value {
        let number = |key: &str, otherwise: u64| step[key].as_u64().unwrap_or(otherwise);
        let count = number("count", 0) as usize;
        let idle = Duration::from_millis(number("idle_ms", 0));
        let to_end = step["end"].as_bool().unwrap_or(false);
        let keep_bookmarks = step["keep_bookmarks"].as_bool().unwrap_or(false);
        let end = Instant::now() + Duration::from_millis(number("timeout_ms", 20_000));
        let mut got = Vec::new();
        while to_end || got.len() < count || !idle.is_zero() {
            let mut wait = end.saturating_duration_since(Instant::now());
            if !to_end && got.len() >= count {
                wait = wait.min(idle);
            }
            match tokio::time::timeout(wait, self.events.recv()).await {
                Err(_) => break,
                Ok(None) => {
                    if to_end {
                        got.push(json!({"type": END}));
                    }
                    break;
                }
                Ok(Some(event)) if dropped(&event, keep_bookmarks) => {}
                Ok(Some(event)) => got.push(event),
            }
        }
        Value::Array(got)
    }
}

fn dropped(event: &Value, keep_bookmarks: bool) -> bool {
    let meta = &event["object"]["metadata"];
    meta["name"] == SKIPPED
        || event["type"] == "BOOKMARK" && !keep_bookmarks && meta["annotations"].get(INITIAL_END).is_none()
}
