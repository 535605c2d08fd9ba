//! Answers on their way out.

use bytes::Bytes;
use futures::Stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::Body;
use crate::negotiate::{Encoding, Form};
use crate::request::Ask;
use crate::status::{ApiError, go_json};

/// An answer before its headers are written.
pub(crate) struct Reply {
    pub code: u16,
    pub content_type: String,
    pub body: Body,
    pub headers: Vec<(HeaderName, String)>,
    /// Everything but documents that may be cached.
    pub private: bool,
}

impl Reply {
    pub fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, "application/json", json_bytes(value))
    }

    pub fn bytes(code: u16, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        let content_type = content_type.to_owned();
        Self { code, content_type, body: Body::full(bytes), headers: Vec::new(), private: true }
    }

    pub fn text(code: u16, text: impl Into<String>) -> Self {
        Self::bytes(code, "text/plain; charset=utf-8", text.into())
    }

    pub fn stream(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        let body = Body::stream(stream);
        Self { code: 200, content_type: "application/json".into(), body, headers: Vec::new(), private: true }
    }

    /// A value in the encoding the client asked for.
    pub fn value(code: u16, value: &Value, form: Form) -> Self {
        match form.encoding {
            Encoding::Json => Self::json(code, value),
            Encoding::Yaml => Self::bytes(code, "application/yaml", flux_yaml::emit_v2(value)),
        }
    }

    pub fn error(error: &ApiError) -> Self {
        if error.plain {
            return Self::text(error.code, error.message.clone());
        }
        let mut reply = Self::json(error.code, &error.to_value());
        let mut headers = http::HeaderMap::new();
        error.headers(&mut headers);
        reply
            .headers
            .extend(headers.iter().map(|(name, value)| (name.clone(), value.to_str().unwrap_or("").to_owned())));
        reply
    }

    /// Writes status and headers.
    pub fn finish(self, warnings: &[String]) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        };
        if !self.content_type.is_empty() {
            put(header::CONTENT_TYPE, &self.content_type);
        }
        if self.private {
            put(header::CACHE_CONTROL, "no-cache, private");
        }
        put(HeaderName::from_static("audit-id"), &uuid::Uuid::new_v4().to_string());
        for warning in warnings {
            put(header::WARNING, &warning_header(warning));
        }
        for (name, value) in self.headers {
            put(name, &value);
        }
        response
    }
}

/// JSON with the line end upstream's encoder writes.
pub(crate) fn json_bytes(value: &Value) -> Vec<u8> {
    let mut text = go_json(value).into_bytes();
    text.push(b'\n');
    text
}

/// `299 - "TEXT"`, quoted as upstream does.
fn warning_header(text: &str) -> String {
    let mut out = String::from("299 - \"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' | '\r' | '\t' => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// The answer of a read or write of objects, negotiated.
pub(crate) fn form_of(ask: &Ask) -> Result<Form, ApiError> {
    let mut form = crate::negotiate::negotiate(&ask.headers)?;
    let include = ask.query.get("includeObject").unwrap_or("");
    if matches!(form.view, crate::negotiate::View::Table { .. })
        && !matches!(include, "" | "Metadata" | "Object" | "None")
    {
        return Err(ApiError::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty"
        )));
    }
    form.include = crate::table::Include::read(ask.query.get("includeObject").unwrap_or(""));
    Ok(form)
}
