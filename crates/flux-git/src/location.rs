//! Addresses of repositories.

use ::url::Url;

use crate::error::GitError;

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
    Ssh,
}

/// A parsed address, without credentials in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub scheme: Scheme,
    /// User of an ssh address; user and password of an http one are credentials.
    pub user: Option<String>,
    pub(crate) password: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    /// With a leading slash.
    pub path: String,
    url: Url,
}

impl Location {
    /// Reads `http`, `https` and `ssh` URLs and the form `user@host:path`.
    pub fn parse(text: &str) -> Result<Self, GitError> {
        let bad = |reason: &str| GitError::Url { url: redacted(text), reason: reason.to_owned() };
        let expanded = expand_scp(text);
        let url = Url::parse(expanded.as_deref().unwrap_or(text)).map_err(|error| bad(&error.to_string()))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "ssh" => Scheme::Ssh,
            other => return Err(bad(&format!("unsupported scheme '{other}'"))),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("no host"))?.to_owned();
        let user = Some(decoded(url.username())).filter(|user| !user.is_empty());
        let password = url.password().map(decoded);
        let path = decoded(url.path());
        if path.contains(['\0', '\n', '\r']) || host.contains(['\n', '\r']) {
            return Err(bad("control character"));
        }
        let (port, mut url) = (url.port(), url);
        // Both fail only for addresses without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { scheme, user, password, host, port, path, url })
    }

    /// The address without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Same scheme, host and port: credentials for one may be sent to the other.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.url.port_or_known_default() == other.url.port_or_known_default()
    }
}

/// `user@host:path` as an ssh URL; `None` when the text is not of that form.
fn expand_scp(text: &str) -> Option<String> {
    if text.contains("://") {
        return None;
    }
    let (host, path) = text.split_once(':')?;
    let (user, host) = host.split_once('@').map_or(("", host), |(user, host)| (user, host));
    let plain = |part: &str| !part.contains(['/', '\\', ' ']);
    if host.is_empty() || path.is_empty() || path.starts_with(':') || !plain(host) || !plain(user) {
        return None;
    }
    let at = if user.is_empty() { "" } else { "@" };
    Some(format!("ssh://{user}{at}{host}/{}", path.trim_start_matches('/')))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = &rest[3..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address without user, password, query and fragment; fit for messages.
pub fn redacted(text: &str) -> String {
    if let Ok(mut url) = Url::parse(text)
        && url.has_host()
    {
        if url.scheme() != "ssh" {
            let _ = url.set_username("");
        }
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        // The parser adds a slash that was not there.
        let shown = url.to_string();
        return if text.ends_with('/') { shown } else { shown.trim_end_matches('/').to_owned() };
    }
    match text.rsplit_once('@') {
        Some((before, after)) if before.contains(':') => format!("<redacted>@{after}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let location = Location::parse("ssh://git@host:2222/~me/a b.git").unwrap();
        assert_eq!((location.user.as_deref(), location.port), (Some("git"), Some(2222)));
        assert_eq!(location.path, "/~me/a b.git");
        let location = Location::parse("https://u%40x:p@host/a").unwrap();
        assert_eq!(location.user.as_deref(), Some("u@x"));
        assert_eq!(location.url().as_str(), "https://host/a");
        for bad in ["", "ext::sh -c x", "file:///etc", "ftp://a/b", "-oProxyCommand=x", "/a/b", "ssh://h/a%0ab"] {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        assert_eq!(redacted("https://u:p@h/a?token=x"), "https://h/a");
        assert_eq!(redacted("ssh://git@h/a"), "ssh://git@h/a");
        assert_eq!(redacted("u:p@h"), "<redacted>@h");
    }
}
