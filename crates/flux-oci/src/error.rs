//! Why a registry gave nothing.

use serde::Deserialize;

use crate::http::HttpError;
use crate::reference::ReferenceError;

/// One error of a registry's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiError {
    pub code: String,
    pub message: String,
}

/// Why a registry gave nothing. Worded as the library that Helm uses.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{method} {url:?}: response status code {status}: {}", api_text(.errors, *.status))]
    Status { method: &'static str, url: String, status: u16, errors: Vec<ApiError> },
    #[error("GET {url:?}: basic credential not found")]
    NoCredentials { url: String },
    #[error("GET {url:?}: unsupported challenge of the registry: {challenge:?}")]
    Challenge { url: String, challenge: String },
    /// The address to which credentials would go is not one to send them to.
    #[error("token server {url:?} is refused: {reason}")]
    TokenServer { url: String, reason: &'static str },
    #[error("GET {url:?}: the answer has no token")]
    NoToken { url: String },
    #[error("GET {url:?}: invalid answer: {reason}")]
    Invalid { url: String, reason: String },
    #[error("{digest}: unsupported or invalid digest")]
    BadDigest { digest: String },
    #[error("mismatch digest: content of {url:?} is not {digest}")]
    DigestMismatch { url: String, digest: String },
    #[error("mismatch size: content of {url:?} is not {expected} bytes")]
    SizeMismatch { url: String, expected: u64 },
    #[error("{what} of {size} bytes exceeds the limit of {limit} bytes")]
    TooLarge { what: &'static str, size: u64, limit: u64 },
    #[error("more than {limit} tags in {repository}")]
    TooManyTags { repository: String, limit: usize },
    #[error("tags of {repository}: the link to the next page is refused: {reason}")]
    NextPage { repository: String, reason: &'static str },
    #[error("manifest does not contain minimum number of descriptors (2), descriptors found: {found}")]
    TooFewDescriptors { found: usize },
    #[error("could not load config with mediatype {expected}, found {found:?}")]
    NotAChart { expected: &'static str, found: String },
    #[error("manifest does not contain a layer with mediatype {expected}")]
    NoChartLayer { expected: &'static str },
    #[error("the index at {reference} names no chart")]
    NoChartInIndex { reference: String },
    #[error("context deadline exceeded")]
    Timeout,
}

impl OciError {
    /// Whether the registry wants other credentials.
    pub fn is_authentication(&self) -> bool {
        matches!(self, Self::NoCredentials { .. } | Self::Status { status: 401 | 403, .. })
    }
}

/// The errors as the library prints them, or else the name of the status.
fn api_text(errors: &[ApiError], status: u16) -> String {
    let texts: Vec<String> = errors.iter().map(ApiError::text).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        let known = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        return known.unwrap_or_default().to_owned();
    }
    texts.join("; ")
}

impl ApiError {
    fn text(&self) -> String {
        let code = self.code.to_lowercase().replace('_', " ");
        match (code.is_empty(), self.message.is_empty()) {
            (_, true) => code,
            (true, false) => self.message.clone(),
            (false, false) => format!("{code}: {}", self.message),
        }
    }
}
