//! Git over ssh, with a server in this process.

use std::process::Stdio;
use std::sync::Arc;

use flux_git::{Auth, FetchOptions, GitError, Ref, Remote, Secret, SshAuth, check_ssh_key, fetch, resolve};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::server::{Auth as Answer, Config, Handler, Msg, Session};
use russh::{Channel, ChannelId, ChannelMsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::servers::Fixture;
use crate::wishes::{LONG, tree};

struct Server {
    user: PublicKey,
    root: std::path::PathBuf,
    protocol: bool,
    channel: Option<Channel<Msg>>,
    version_two: bool,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Answer, Self::Error> {
        let known = user == "git" && key.public_key.key_data() == self.user.key_data();
        Ok(if known { Answer::Accept } else { Answer::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        _channel: ChannelId,
        name: &str,
        value: &str,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.version_two |= self.protocol && name == "GIT_PROTOCOL" && value == "version=2";
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(command).into_owned();
        let path = command.strip_prefix("git-upload-pack '/").and_then(|rest| rest.strip_suffix('\'')).unwrap();
        let mut program = tokio::process::Command::new("git");
        program.arg("upload-pack").arg(self.root.join(path)).stdin(Stdio::piped()).stdout(Stdio::piped());
        program.stderr(Stdio::piped()).kill_on_drop(true);
        if self.version_two {
            program.env("GIT_PROTOCOL", "version=2");
        }
        let mut child = program.spawn().unwrap();
        let mut channel = self.channel.take().unwrap();
        session.channel_success(id)?;
        tokio::spawn(async move {
            let (mut stdin, mut stdout) = (child.stdin.take(), child.stdout.take().unwrap());
            let mut stderr = child.stderr.take().unwrap();
            let mut buffer = vec![0; 32 * 1024];
            loop {
                tokio::select! {
                    count = stdout.read(&mut buffer) => match count {
                        Ok(count) if count > 0 => channel.data(&buffer[..count]).await.unwrap(),
                        _ => break,
                    },
                    message = channel.wait() => match message {
                        Some(ChannelMsg::Data { data }) => {
                            if let Some(stdin) = &mut stdin {
                                let _ = stdin.write_all(&data).await;
                            }
                        }
                        Some(ChannelMsg::Eof) => stdin = None,
                        Some(_) => {}
                        None => break,
                    },
                }
            }
            let mut words = Vec::new();
            let _ = stderr.read_to_end(&mut words).await;
            let _ = channel.extended_data(1, words.as_slice()).await;
            let _ = channel.exit_status(0).await;
            let _ = channel.eof().await;
            let _ = channel.close().await;
            // Killed when dropped, and closures take only what they name.
            drop(child);
        });
        Ok(())
    }
}

struct Started {
    port: u16,
    host_key: PublicKey,
}

async fn start(fixture: &Fixture, user: &PrivateKey, protocol: bool) -> Started {
    let host = key(&Algorithm::Ed25519);
    let config = Arc::new(Config { keys: vec![host.clone()], ..Config::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (root, user) = (fixture.root(), user.public_key().clone());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let handler =
                Server { user: user.clone(), root: root.clone(), protocol, channel: None, version_two: false };
            if let Ok(session) = russh::server::run_stream(config.clone(), socket, handler).await {
                tokio::spawn(session);
            }
        }
    });
    Started { port, host_key: host.public_key().clone() }
}

fn key(algorithm: &Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm.clone()).unwrap()
}

impl Started {
    fn known_hosts(&self) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, self.host_key.to_openssh().unwrap())
    }

    fn remote(&self, user: &PrivateKey, known_hosts: String) -> Remote {
        let identity = Secret::new(user.to_openssh(LineEnding::LF).unwrap().to_string());
        let auth = Auth::Ssh(SshAuth { identity, passphrase: None, known_hosts });
        Remote { auth, ..Remote::new(format!("ssh://git@127.0.0.1:{}/repo.git", self.port), LONG) }
    }
}

#[tokio::test]
async fn both_versions() {
    let fixture = Fixture::new();
    for protocol in [true, false] {
        let user = key(&Algorithm::Ed25519);
        let server = start(&fixture, &user, protocol).await;
        let remote = server.remote(&user, server.known_hosts());
        let tree = tree(&remote, &Ref::branch("main"), fixture.scratch()).await;
        assert_eq!(tree.commit().short_message(), "first");
    }
}

#[tokio::test]
async fn unknown_hosts_and_users_are_refused() {
    let fixture = Fixture::new();
    let user = key(&Algorithm::Ed25519);
    let server = start(&fixture, &user, true).await;
    let failed = async |user: &PrivateKey, known_hosts: String| {
        resolve(&server.remote(user, known_hosts), &Ref::branch("main")).await.unwrap_err().to_string()
    };
    let other = key(&Algorithm::Ed25519);
    let unknown = format!("example.com {}", other.public_key().to_openssh().unwrap());
    assert!(failed(&user, unknown).await.contains("knownhosts: key is unknown"));
    let changed = format!("[127.0.0.1]:{} {}", server.port, other.public_key().to_openssh().unwrap());
    assert!(failed(&user, changed).await.contains("knownhosts: key mismatch"));
    let revoked = format!("{}@revoked {}", server.known_hosts(), server.known_hosts());
    assert!(failed(&user, revoked).await.contains("knownhosts: key is revoked"));
    assert!(failed(&user, String::new()).await.contains("'known_hosts' is required"));
    assert!(failed(&other, server.known_hosts()).await.contains("ssh: unable to authenticate"));
    let without = Remote { auth: Auth::None, ..server.remote(&user, String::new()) };
    let error = resolve(&without, &Ref::branch("main")).await.unwrap_err();
    assert!(matches!(error, GitError::Credentials { .. }), "{error}");
}

#[tokio::test]
async fn what_the_server_says_is_shown() {
    let fixture = Fixture::new();
    let user = key(&Algorithm::Ed25519);
    let server = start(&fixture, &user, true).await;
    let mut remote = server.remote(&user, server.known_hosts());
    remote.url = remote.url.replace("repo.git", "nothing.git");
    let options = FetchOptions::new(fixture.scratch());
    let error = fetch(&remote, &Ref::branch("main"), &options).await.unwrap_err();
    assert!(matches!(error, GitError::RepositoryNotFound { .. }), "{error}");
}

#[test]
fn encrypted_keys_need_their_passphrase() {
    let plain = key(&Algorithm::Ed25519);
    let identity = Secret::new(plain.to_openssh(LineEnding::LF).unwrap().to_string());
    check_ssh_key(&SshAuth { identity, ..SshAuth::default() }).unwrap();
    let bad = SshAuth { identity: Secret::new("nonsense"), ..SshAuth::default() };
    assert!(check_ssh_key(&bad).is_err());
}

#[tokio::test]
async fn a_server_shows_its_key() {
    let (fixture, user) = (Fixture::new(), key(&Algorithm::Ed25519));
    let server = start(&fixture, &user, true).await;
    let line = flux_git::scan_host_key(&format!("127.0.0.1:{}", server.port), LONG).await.unwrap();
    assert_eq!(format!("{line}\n"), server.known_hosts());
    // What was scanned is what a fetch trusts.
    let remote = server.remote(&user, line);
    resolve(&remote, &Ref::branch("main")).await.unwrap();
}
