//! Addresses of repositories, by Go's rules: texts stay as they were written but for what is normalized.

use std::fmt;

/// Why a text is no address, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse {text:?}: {reason}")]
pub struct UrlError {
    pub text: String,
    pub reason: String,
}

/// Why an address is not one of a repository that a chart may depend on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DependencyUrlError {
    #[error("aliased repository dependency is not supported: {url}")]
    Aliased { url: String },
    #[error("invalid dependency repository URL: {url}")]
    Unsupported { url: String },
}

/// The parts of an address as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub scheme: String,
    /// Host and port, with the user if there is one.
    pub authority: Option<String>,
    pub path: String,
    /// Query and fragment, with their marks.
    pub rest: String,
}

impl Parts {
    /// Takes an address apart.
    ///
    /// # Errors
    /// What Go's parser refuses.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let refused = |reason: String| UrlError { text: text.to_owned(), reason };
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return Err(refused("net/url: invalid control character in URL".into()));
        }
        let (main, rest) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        let (scheme, after) = scheme(main).ok_or_else(|| refused("missing protocol scheme".into()))?;
        let (authority, path) = match after.strip_prefix("//") {
            Some(after) => {
                let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
                (Some(authority), path)
            }
            None => (None, after),
        };
        if let Some(authority) = authority {
            check_authority(authority).map_err(&refused)?;
        }
        if scheme.is_empty() && authority.is_none() && path.split('/').next().is_some_and(|part| part.contains(':')) {
            return Err(refused("first path segment in URL cannot contain colon".into()));
        }
        check_escapes(path).map_err(&refused)?;
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            authority: authority.map(str::to_owned),
            path: path.to_owned(),
            rest: rest.to_owned(),
        })
    }

    /// Host and port, without the user.
    pub fn host(&self) -> &str {
        let authority = self.authority.as_deref().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        write!(f, "{}{}", self.path, self.rest)
    }
}

/// The scheme, empty when there is none, and what follows; `None` for a colon without a scheme before it.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Some(("", text))
}

fn check_authority(authority: &str) -> Result<(), String> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(bad) =
        host.chars().find(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_.~!$&'()*+,;=:[]<>\"%".contains(*c))
    {
        return Err(format!("invalid character {:?} in host name", bad.to_string()));
    }
    let after_host = match host.rsplit_once(']') {
        Some((_, after)) => after,
        None => host.rfind(':').map_or("", |at| &host[at..]),
    };
    if !after_host.is_empty()
        && !after_host.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(format!("invalid port {after_host:?} after host"));
    }
    Ok(())
}

fn check_escapes(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    for (at, _) in path.match_indices('%') {
        let digits = bytes.get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            let shown: String = path[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {shown:?}"));
        }
    }
    Ok(())
}

/// Whether the address is that of a registry.
pub fn is_oci(url: &str) -> bool {
    url.starts_with("oci://")
}

/// The address of a repository in the one form that is compared: `https://host/path/`, `oci://host/path`.
///
/// # Errors
/// What is no address.
pub fn normalize_url(url: &str) -> Result<String, UrlError> {
    if url.is_empty() {
        return Ok(String::new());
    }
    let mut parts = Parts::parse(url)?;
    parts.path.truncate(parts.path.trim_end_matches('/').len());
    if parts.scheme != "oci" {
        parts.path.push('/');
    }
    Ok(parts.to_string())
}

/// Checks the normalized address of a repository that a chart depends on.
///
/// # Errors
/// Aliases, which only a user's own Helm configuration explains, and other schemes.
pub fn validate_dependency_url(url: &str) -> Result<(), DependencyUrlError> {
    if ["oci", "https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    let url = url.to_owned();
    Err(if url.starts_with('@') {
        DependencyUrlError::Aliased { url }
    } else {
        DependencyUrlError::Unsupported { url }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_normalized() {
        for (url, wanted) in [
            ("http://example.com", "http://example.com/"),
            ("http://example.com//", "http://example.com/"),
            ("oci://example.com/a//", "oci://example.com/a"),
            ("http://example.com/?st=pr", "http://example.com/?st=pr"),
            ("http://example.com/next%2Fpath", "http://example.com/next%2Fpath/"),
            ("", ""),
            ("@stable", "@stable/"),
        ] {
            assert_eq!(normalize_url(url).as_deref(), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn what_is_no_address() {
        let reason = |url| Parts::parse(url).expect_err(url).reason;
        assert_eq!(reason("://badurl."), "missing protocol scheme");
        assert_eq!(reason("https://ex ample.com/x"), "invalid character \" \" in host name");
        assert_eq!(reason("http://a:b/"), "invalid port \":b\" after host");
        assert_eq!(reason("http://a/%zz"), "invalid URL escape \"%zz\"");
        assert_eq!(reason("1a:b"), "first path segment in URL cannot contain colon");
        assert!(reason("http://a\n").contains("control character"));
    }

    proptest! {
        #[test]
        fn normal_forms_stay(url in "[a-z]{2,5}://[a-z.:0-9@]{0,9}(/[a-z%]{0,3}){0,4}") {
            if let Ok(normal) = normalize_url(&url) {
                prop_assert_eq!(normalize_url(&normal), Ok(normal));
            }
        }
    }
}
