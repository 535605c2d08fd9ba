//! What templates need from outside: the crate itself has no clock, no randomness, no network.

use crate::value::Value;

/// Why the host could not answer; its text ends up behind `error calling lookup: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    pub message: String,
}

/// Handed in by the caller for one render.
pub trait Host {
    /// `lookup`: the object, or with an empty name the list object; an object that is not there is an empty map
    /// (`Value::from(serde_json::json!({}))`). Numbers of a cluster's objects are int64 where they are whole, which
    /// [`Value::from_unstructured`] makes.
    ///
    /// # Errors
    /// An unknown kind, or a cluster that cannot be reached.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, HostError>;

    /// The time of `now`, as nanoseconds since 1970 in UTC.
    fn now(&self) -> i128;

    /// Fills the buffer for `rand*`, `uuidv4`, `shuffle`, keys, certificates and salts. Must be
    /// cryptographically strong.
    fn random(&self, buffer: &mut [u8]);

    /// `getHostByName`; `None` when look-ups are not allowed, where Helm answers the empty text.
    fn resolve(&self, _host: &str) -> Option<Vec<String>> {
        None
    }
}

/// A host without cluster, at a fixed time: what `helm template` has. Random bytes come from the function given.
pub struct Offline {
    /// Nanoseconds since 1970.
    pub now: i128,
    pub random: fn(&mut [u8]),
}

impl Host for Offline {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Value, HostError> {
        Ok(Value::empty_map())
    }

    fn now(&self) -> i128 {
        self.now
    }

    fn random(&self, buffer: &mut [u8]) {
        (self.random)(buffer);
    }
}
