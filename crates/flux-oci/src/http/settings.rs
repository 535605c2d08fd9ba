//! What a client is made with.

use std::time::Duration;

use crate::credentials::Secret;

/// Certificates, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Trusted beside those of the system.
    pub ca: Option<Vec<u8>>,
    /// The client's own certificate.
    pub certificate: Option<Vec<u8>>,
    pub key: Option<Secret>,
}

impl Tls {
    pub fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none()
    }
}

/// An HTTP or SOCKS proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Without credentials.
    pub address: String,
    pub username: Option<String>,
    pub password: Option<Secret>,
}

/// How often, and when, a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first.
    pub retries: u32,
    /// Before the first of them; doubled for each further one.
    pub first: Duration,
    /// The longest wait. A server that asks for more is not asked again.
    pub longest: Duration,
}

impl Default for Retry {
    /// Three tries within three seconds or so.
    fn default() -> Self {
        Self { retries: 3, first: Duration::from_millis(200), longest: Duration::from_secs(5) }
    }
}

impl Retry {
    /// How long to wait after the given number of tries; `None` to give up.
    pub(super) fn wait(&self, tried: u32, asked: Option<Duration>) -> Option<Duration> {
        use rand::Rng as _;
        if tried >= self.retries || asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let planned = self.first.saturating_mul(1 << tried.min(16)).min(self.longest);
        let spread = planned.mul_f64(rand::rng().random_range(0.9..1.1));
        Some(asked.unwrap_or(spread))
    }
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    pub tls: Tls,
    pub proxy: Option<Proxy>,
    pub user_agent: String,
    pub retry: Retry,
    /// Of one operation together, its retries included.
    pub timeout: Duration,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            tls: Tls::default(),
            proxy: None,
            user_agent: "flux/v2".into(),
            retry: Retry::default(),
            timeout: Duration::from_secs(60),
        }
    }
}
