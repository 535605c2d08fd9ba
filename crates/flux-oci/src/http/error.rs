//! What goes wrong before, and while, an answer is read.

use reqwest::Method;
use url::Url;

use super::shown;

/// Why there is no answer. Addresses are shown without credentials and queries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("{method} {url:?}: {reason}")]
    Network {
        method: String,
        url: String,
        reason: String,
        /// No connection came about, or it broke: it may do so in a moment.
        transient: bool,
    },
    #[error("Get {url:?}: {reason}")]
    Redirect { url: String, reason: &'static str },
    /// The body ended early or broke off.
    #[error("failed to read the answer of {url:?}: {reason}")]
    Body { url: String, reason: String },
    #[error("answer of {url:?} exceeds the limit of {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    #[error("failed to write the answer of {url:?}: {reason}")]
    Write { url: String, reason: String },
    #[error("credentials hold characters that no header can")]
    Credentials,
    #[error("failed to parse TLS certificate and key: {reason}")]
    Certificate { reason: String },
    #[error("the proxy's address is invalid")]
    Proxy,
    #[error("failed to construct the HTTP client: {reason}")]
    Client { reason: String },
}

impl HttpError {
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Network { transient: true, .. })
    }
}

pub(super) fn network(method: &Method, url: &Url, error: &reqwest::Error) -> HttpError {
    let reason = reason(error);
    // Certificates do not get better by asking again.
    let transient = (error.is_connect() || error.is_request()) && !reason.starts_with("tls: ");
    let name = match method.as_str() {
        "GET" => "Get".to_owned(),
        "HEAD" => "Head".to_owned(),
        other => other.to_owned(),
    };
    HttpError::Network { method: name, url: shown(url), reason, transient }
}

/// The innermost cause, with Go's words for what is wrong with a certificate.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let root = flux_diagnostics::root(error).to_string();
    let text = if error.is_timeout() { "context deadline exceeded".to_owned() } else { root };
    let Some(what) = text.strip_prefix("invalid peer certificate: ") else { return text };
    let what = match what {
        "UnknownIssuer" => "certificate signed by unknown authority".to_owned(),
        other => other.to_owned(),
    };
    format!("tls: failed to verify certificate: x509: {what}")
}
