//! The address of a proxy, with its credentials.

use std::fmt;

use url::Url;

use super::{SecretData, SecretError, Sensitive};

/// Longer addresses are refused; upstream's limit.
const MAX_LENGTH: usize = 2048;
const SCHEMES: [&str; 3] = ["http", "https", "socks5"];

/// A proxy; printed without its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    pub address: Url,
    pub username: Option<String>,
    pub password: Option<Sensitive>,
}

impl ProxyUrl {
    /// The address with the credentials in it, for the client that needs them so.
    pub fn expose(&self) -> String {
        let user = self.username.as_deref().map(encode);
        let password = self.password.as_ref().map(|password| format!(":{}", encode(&password.expose_text())));
        let credentials = user.map(|user| format!("{user}{}@", password.unwrap_or_default())).unwrap_or_default();
        let address = self.address.as_str();
        let address = if self.address.path() == "/" { address.trim_end_matches('/') } else { address };
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        format!("{scheme}://{credentials}{rest}")
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyUrl").field("address", &self.address.as_str()).finish_non_exhaustive()
    }
}

/// Escapes what may not stand in the credentials of a URL.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$&+,;=!*'()".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Reads `address`, `username` and `password`.
pub fn proxy_url(secret: &SecretData) -> Result<ProxyUrl, SecretError> {
    let address = secret.require("address")?.expose_text();
    if address.is_empty() {
        return Err(SecretError::EmptyProxy { secret: secret.reference() });
    }
    let bad = |reason: String| SecretError::Proxy { secret: secret.reference(), reason };
    if address.len() > MAX_LENGTH {
        return Err(bad(format!("proxy URL exceeds maximum length of {MAX_LENGTH} characters")));
    }
    let unsupported = |scheme: &str| {
        bad(format!("proxy URL must use one of the supported schemes ({}), got '{scheme}'", SCHEMES.join(", ")))
    };
    let mut parsed = match Url::parse(&address) {
        Ok(parsed) => parsed,
        // Go takes a text without a scheme for a path.
        Err(url::ParseError::RelativeUrlWithoutBase) if !address.starts_with(':') => return Err(unsupported("")),
        Err(error) => return Err(bad(format!("failed to parse proxy address: {error}"))),
    };
    if !SCHEMES.contains(&parsed.scheme()) {
        return Err(unsupported(parsed.scheme()));
    }
    let text = |key: &str| secret.get(key).map(|value| value.expose_text().into_owned());
    let (username, password) = match (text("username"), secret.get("password")) {
        (Some(username), password) => (Some(username), password.cloned()),
        (None, _) if !parsed.username().is_empty() => {
            (Some(parsed.username().to_owned()), parsed.password().map(Sensitive::new))
        }
        (None, _) => (None, None),
    };
    // Credentials lie in their own fields. A URL with a host can lose them.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    Ok(ProxyUrl { address: parsed, username, password })
}
