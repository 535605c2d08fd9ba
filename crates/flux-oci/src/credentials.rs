//! Who asks: credentials, and the file in which Docker keeps them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use flux_diagnostics::Secret;
use serde::Deserialize;

/// A larger configuration is refused.
const MAX_CONFIG: usize = 1 << 20;

/// What a registry, or its token server, is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    #[default]
    Anonymous,
    Basic {
        username: String,
        password: Secret,
    },
    /// A token of the registry itself.
    Bearer(Secret),
    /// A token that the token server changes into others.
    Refresh(Secret),
}

impl Credentials {
    pub(crate) fn basic_header(&self) -> Option<String> {
        match self {
            Self::Basic { username, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose()))))
            }
            _ => None,
        }
    }
}

/// Why a Docker configuration cannot be used. No value of it is part of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DockerConfigError {
    #[error("configuration is larger than {MAX_CONFIG} bytes")]
    TooLarge,
    /// Line and column of what is wrong.
    #[error("invalid configuration at line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("invalid auth configuration for '{host}'")]
    Auth { host: String },
}

/// `.dockerconfigjson`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerConfig {
    hosts: BTreeMap<String, Credentials>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    username: String,
    password: String,
    auth: String,
    identitytoken: String,
    registrytoken: String,
}

impl DockerConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// What is not JSON of that shape, and an `auth` that is not `user:password` in base64.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        if bytes.len() > MAX_CONFIG {
            return Err(DockerConfigError::TooLarge);
        }
        let file: File = serde_json::from_slice(bytes)
            .map_err(|error| DockerConfigError::Json { line: error.line(), column: error.column() })?;
        let mut hosts = BTreeMap::new();
        for (server, entry) in file.auths {
            let credentials =
                entry.credentials().ok_or_else(|| DockerConfigError::Auth { host: host_of(&server).to_owned() })?;
            // The plain name wins over one with a scheme or a path.
            if server == host_of(&server) {
                hosts.insert(server, credentials);
            } else {
                hosts.entry(host_of(&server).to_owned()).or_insert(credentials);
            }
        }
        Ok(Self { hosts })
    }

    /// The credentials of a registry, by host and port.
    pub fn get(&self, host: &str) -> Option<&Credentials> {
        const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
        self.hosts.get(host).or_else(|| {
            let hub = HUB.contains(&host);
            HUB.iter().filter(|_| hub).find_map(|name| self.hosts.get(*name))
        })
    }
}

impl Entry {
    fn credentials(self) -> Option<Credentials> {
        if !self.registrytoken.is_empty() {
            return Some(Credentials::Bearer(Secret::new(self.registrytoken)));
        }
        if !self.identitytoken.is_empty() {
            return Some(Credentials::Refresh(Secret::new(self.identitytoken)));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username, self.password)
        } else {
            let decoded = STANDARD.decode(self.auth.trim()).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (username, password) = decoded.split_once(':')?;
            (username.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        if username.is_empty() && password.is_empty() {
            return Some(Credentials::Anonymous);
        }
        Some(Credentials::Basic { username, password: Secret::new(password) })
    }
}

/// The host of a server's name, which may be a URL.
fn host_of(server: &str) -> &str {
    let server = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    server.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic { username: username.into(), password: Secret::new(password) }
    }

    #[test]
    fn forms_of_entries() {
        let config = DockerConfig::parse(
            br#"{"auths":{"a.example":{"auth":"dTpwOnE="},"https://b.example/v1/":{"username":"u","password":"p"},
            "c.example":{"identitytoken":"t"},"d.example":{},"https://index.docker.io/v1/":{"auth":"dTpw"}},"x":1}"#,
        )
        .expect("valid");
        assert_eq!(config.get("a.example"), Some(&basic("u", "p:q")));
        assert_eq!(config.get("b.example"), Some(&basic("u", "p")));
        assert_eq!(config.get("c.example"), Some(&Credentials::Refresh(Secret::new("t"))));
        assert_eq!(config.get("d.example"), Some(&Credentials::Anonymous));
        assert_eq!(config.get("registry-1.docker.io"), Some(&basic("u", "p")));
        assert_eq!(config.get("e.example"), None);
    }

    #[test]
    fn errors_show_nothing_of_the_content() {
        let error = DockerConfig::parse(br#"{"auths":{"a":{"auth":"hunter2"}}}"#).expect_err("bad");
        assert_eq!(error.to_string(), "invalid auth configuration for 'a'");
        assert!(DockerConfig::parse(b"hunter2").expect_err("bad").to_string().starts_with("invalid configuration at"));
        assert_eq!(format!("{:?}", basic("u", "hunter2")), "Basic { username: \"u\", password: <secret> }");
    }
}
