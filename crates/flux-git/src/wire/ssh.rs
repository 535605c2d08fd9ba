//! Git over ssh, within the process. Only hosts in the handed-in `known_hosts` are talked to.

use std::sync::Arc;
use std::sync::Mutex;

use russh::client::{self, Handle, Handler};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::known_hosts::{self, HostKeys};
use crate::auth::{Auth, Remote, SshAuth, private_key};
use crate::error::{GitError, one_line};
use crate::location::Location;

/// The user of most hosts.
const DEFAULT_USER: &str = "git";
/// What a server says beside the data is kept up to here.
const MAX_WORDS: usize = 4096;

pub(super) struct SshSession {
    write: ChannelWriteHalf<client::Msg>,
    data: DuplexStream,
    words: Arc<Mutex<Vec<u8>>>,
    pump: tokio::task::JoinHandle<()>,
    url: String,
    // Ends the connection when dropped.
    _handle: Handle<HostCheck>,
}

/// Accepts the host's key if it is known.
struct HostCheck {
    keys: HostKeys,
    refusal: Arc<Mutex<Option<&'static str>>>,
}

impl Handler for HostCheck {
    type Error = russh::Error;

    async fn check_server_key(&mut self, offered: &russh::keys::PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let refusal = match offered {
            russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } => judge(&self.keys, key),
            russh::keys::PublicKeyOrCertificate::Certificate(_) => {
                Some("knownhosts: host certificates are not supported")
            }
        };
        *self.refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = refusal;
        Ok(refusal.is_none())
    }
}

fn judge(keys: &HostKeys, key: &PublicKey) -> Option<&'static str> {
    let same = |known: &PublicKey| known.key_data() == key.key_data();
    if keys.revoked.iter().any(same) {
        Some("knownhosts: key is revoked")
    } else if keys.trusted.iter().any(same) {
        None
    } else if keys.trusted.is_empty() {
        Some("knownhosts: key is unknown")
    } else {
        Some("knownhosts: key mismatch")
    }
}

impl SshSession {
    pub(super) async fn open(remote: &Remote, location: &Location, url: &str) -> Result<Self, GitError> {
        let Auth::Ssh(auth) = &remote.auth else {
            return Err(GitError::Credentials { reason: "invalid 'ssh' auth option: 'identity' is required".into() });
        };
        if remote.proxy.is_some() {
            let reason = "no proxy can be used for ssh addresses".to_owned();
            return Err(GitError::Unsupported { field: "spec.proxySecretRef", reason });
        }
        let handle = connect(auth, location, url).await?;
        let broken =
            |error: russh::Error| GitError::Network { url: url.to_owned(), reason: one_line(&error.to_string()) };
        let channel = handle.channel_open_session().await.map_err(broken)?;
        // A server that does not allow the variable speaks version 0.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(broken)?;
        channel.exec(true, format!("git-upload-pack {}", quoted(&location.path))).await.map_err(broken)?;
        let (read, write) = channel.split();
        let (data, sink) = tokio::io::duplex(256 * 1024);
        let words = Arc::default();
        let pump = tokio::spawn(pump(read, sink, Arc::clone(&words)));
        Ok(Self { write, data, words, pump, url: url.to_owned(), _handle: handle })
    }

    pub(super) async fn send(&mut self, body: &[u8]) -> Result<(), GitError> {
        self.write
            .data_bytes(body.to_vec())
            .await
            .map_err(|error| GitError::Network { url: self.url.clone(), reason: one_line(&error.to_string()) })
    }

    pub(super) fn reader(&mut self) -> &mut (dyn AsyncRead + Send + Unpin) {
        &mut self.data
    }

    /// Prefers what the server wrote to its error stream.
    pub(super) async fn explain(&mut self, error: GitError) -> GitError {
        if !matches!(error, GitError::Network { .. } | GitError::Protocol { .. }) {
            return error;
        }
        // Ends with the channel; the caller's timeout holds here too.
        let mut rest = [0; 1024];
        while matches!(self.data.read(&mut rest).await, Ok(count) if count > 0) {}
        let words = self.words.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let words = one_line(&String::from_utf8_lossy(&words));
        let lower = words.to_lowercase();
        let url = self.url.clone();
        if words.is_empty() {
            return match error {
                GitError::Network { reason, .. } => GitError::Network { url, reason },
                other => other,
            };
        }
        if lower.contains("not found") || lower.contains("does not appear to be a git repository") {
            return GitError::RepositoryNotFound { url, reason: "repository not found" };
        }
        GitError::Remote { url, reason: words }
    }
}

impl Drop for SshSession {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

async fn connect(auth: &SshAuth, location: &Location, url: &str) -> Result<Handle<HostCheck>, GitError> {
    let network = |reason: String| GitError::Network { url: url.to_owned(), reason };
    let refused = |reason: String| GitError::Authentication { url: url.to_owned(), reason };
    if auth.known_hosts.trim().is_empty() {
        return Err(GitError::Credentials { reason: "invalid 'ssh' auth option: 'known_hosts' is required".into() });
    }
    let key = private_key(auth).map_err(|error| GitError::Credentials { reason: error.to_string() })?;
    let port = location.port.unwrap_or(22);
    let host = location.host.trim_start_matches('[').trim_end_matches(']');
    let keys = known_hosts::keys_of(&auth.known_hosts, host, port);
    let mut config = client::Config { nodelay: true, ..client::Config::default() };
    prefer(&mut config, &keys);
    let refusal = Arc::new(Mutex::new(None));
    let check = HostCheck { keys, refusal: Arc::clone(&refusal) };
    let mut handle = match client::connect(Arc::new(config), (host, port), check).await {
        Ok(handle) => handle,
        Err(error) => {
            let refusal = *refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            return Err(match refusal {
                Some(reason) => refused(format!("ssh: handshake failed: {reason}")),
                None => network(format!("ssh: handshake failed: {}", one_line(&error.to_string()))),
            });
        }
    };
    let user = location.user.as_deref().unwrap_or(DEFAULT_USER);
    let hash = if key.algorithm().is_rsa() {
        let best = handle.best_supported_rsa_hash().await.map_err(|error| network(error.to_string()))?;
        best.unwrap_or(Some(HashAlg::Sha256))
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let result = handle.authenticate_publickey(user, key).await;
    match result.map_err(|error| network(format!("ssh: handshake failed: {}", one_line(&error.to_string()))))? {
        client::AuthResult::Success => Ok(handle),
        client::AuthResult::Failure { .. } => {
            // The connection goes with the handle anyway.
            let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
            Err(refused(
                "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
                    .into(),
            ))
        }
    }
}

/// Asks for a key of a kind that is known for the host, so that a server with several keys is recognised.
fn prefer(config: &mut client::Config, keys: &HostKeys) {
    let known: Vec<_> = config
        .preferred
        .key
        .iter()
        .filter(|offered| {
            keys.trusted.iter().any(|key| {
                let algorithm = key.algorithm();
                &algorithm == *offered || (algorithm.is_rsa() && (*offered).clone().is_rsa())
            })
        })
        .cloned()
        .collect();
    if !known.is_empty() {
        config.preferred.key = known.into();
    }
}

/// Data goes to the reader, with back-pressure; words are kept.
async fn pump(mut channel: ChannelReadHalf, mut sink: DuplexStream, words: Arc<Mutex<Vec<u8>>>) {
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } if sink.write_all(&data).await.is_err() => return,
            ChannelMsg::ExtendedData { data, .. } => {
                let mut words = words.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let room = MAX_WORDS.saturating_sub(words.len()).min(data.len());
                words.extend_from_slice(&data[..room]);
            }
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// The path as one word of the server's shell.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''").replace('!', "'\\!'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word() {
        assert_eq!(quoted("/org/repo.git"), "'/org/repo.git'");
        assert_eq!(quoted("/a'; rm -rf ~; '!"), "'/a'\\''; rm -rf ~; '\\'''\\!''");
    }
}
