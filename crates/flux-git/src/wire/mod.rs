//! The two wire protocols: what a server offers, which references it has, and packs.

mod advertisement;
mod http;
mod keyscan;
mod known_hosts;
mod pkt;
mod ssh;

use std::io::Write;

use tokio::io::AsyncReadExt as _;

use crate::auth::Remote;
use crate::error::{GitError, one_line};
use crate::location::{Location, Scheme, redacted};
use advertisement::{Advertisement, Version};
use http::HttpSession;
use pkt::{Packet, PacketReader};
use ssh::SshSession;

pub use keyscan::scan_host_key;

/// Bounds of what a server may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The list of references, and any other answer that is not a pack.
    pub references: u64,
    pub pack: u64,
}

/// A reference that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRef {
    /// The full name.
    pub name: String,
    /// The object it names, in hex.
    pub id: String,
    /// The commit, when the object is a tag.
    pub peeled: Option<String>,
}

impl RemoteRef {
    /// The commit it leads to.
    pub fn commit(&self) -> &str {
        self.peeled.as_deref().unwrap_or(&self.id)
    }
}

enum Connection {
    Http(HttpSession),
    Ssh(Box<SshSession>),
}

/// A conversation with a server that began with its advertisement.
pub(crate) struct Session {
    connection: Connection,
    advertisement: Advertisement,
    bounds: Bounds,
    url: String,
}

impl Session {
    pub(crate) async fn connect(remote: &Remote, location: &Location, bounds: Bounds) -> Result<Self, GitError> {
        let url = redacted(&remote.url);
        let mut connection = match location.scheme {
            Scheme::Http | Scheme::Https => Connection::Http(HttpSession::open(remote, location, &url).await?),
            Scheme::Ssh => Connection::Ssh(Box::new(SshSession::open(remote, location, &url).await?)),
        };
        let smart_http = matches!(connection, Connection::Http(_));
        let mut reader = PacketReader::new(connection.reader(), bounds.references, &url);
        let read = advertisement::read(&mut reader, smart_http).await;
        let advertisement = match read {
            Ok(advertisement) => advertisement,
            Err(error) => return Err(connection.explain(error).await),
        };
        if advertisement.object_format() != "sha1" {
            let reason = format!("object format '{}'", advertisement.object_format());
            return Err(GitError::Unsupported { field: "spec.url", reason });
        }
        Ok(Self { connection, advertisement, bounds, url })
    }

    /// The references whose name begins with one of the prefixes; all when there are none.
    pub(crate) async fn references(&mut self, prefixes: &[String]) -> Result<Vec<RemoteRef>, GitError> {
        let wanted = |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
        if self.advertisement.version == Version::Zero {
            let all = self.advertisement.references.iter();
            return Ok(all.filter(|reference| wanted(&reference.name)).cloned().collect());
        }
        let mut body = Vec::new();
        pkt::text(&mut body, "command=ls-refs\n");
        self.common(&mut body);
        pkt::delimiter(&mut body);
        pkt::text(&mut body, "peel\n");
        for prefix in prefixes {
            pkt::text(&mut body, &format!("ref-prefix {prefix}\n"));
        }
        pkt::flush(&mut body);
        self.connection.send(body).await?;
        let mut reader = PacketReader::new(self.connection.reader(), self.bounds.references, &self.url);
        let mut found = Vec::new();
        let read = loop {
            match reader.next().await {
                Ok(Packet::Data(line)) => match advertisement::reference_v2(line) {
                    Some(reference) if wanted(&reference.name) => found.push(reference),
                    Some(_) => {}
                    None => {
                        let reason = "malformed reference".to_owned();
                        break Err(GitError::Protocol { url: self.url.clone(), reason });
                    }
                },
                Ok(Packet::Delimiter) => {}
                Ok(Packet::Flush) => break Ok(()),
                Ok(Packet::End) => break Err(reader.ended()),
                Err(error) => break Err(error),
            }
        };
        drop(reader);
        match read {
            Ok(()) => Ok(found),
            Err(error) => Err(self.connection.explain(error).await),
        }
    }

    fn common(&self, body: &mut Vec<u8>) {
        if self.advertisement.has("agent") {
            pkt::text(body, "agent=git/flux\n");
        }
        if self.advertisement.has("object-format") {
            pkt::text(body, "object-format=sha1\n");
        }
    }

    /// Whether an object that no reference names may be asked for.
    pub(crate) fn allows_any_object(&self) -> bool {
        self.advertisement.version == Version::Two
            || self.advertisement.has("allow-reachable-sha1-in-want")
            || self.advertisement.has("allow-any-sha1-in-want")
    }

    /// Writes a pack with these objects and what they need into `out`; without history when `shallow`.
    pub(crate) async fn pack(&mut self, wants: &[String], shallow: bool, out: &mut impl Write) -> Result<(), GitError> {
        match self.advertisement.version {
            Version::Two => self.pack_v2(wants, shallow, out).await,
            Version::Zero => self.pack_v0(wants, shallow, out).await,
        }
    }

    async fn pack_v2(&mut self, wants: &[String], shallow: bool, out: &mut impl Write) -> Result<(), GitError> {
        let mut body = Vec::new();
        pkt::text(&mut body, "command=fetch\n");
        self.common(&mut body);
        pkt::delimiter(&mut body);
        pkt::text(&mut body, "no-progress\n");
        pkt::text(&mut body, "ofs-delta\n");
        for want in wants {
            pkt::text(&mut body, &format!("want {want}\n"));
        }
        if shallow && self.advertisement.fetch_has("shallow") {
            pkt::text(&mut body, "deepen 1\n");
        }
        pkt::text(&mut body, "done\n");
        pkt::flush(&mut body);
        self.connection.send(body).await?;
        let read = async {
            let mut reader = PacketReader::new(self.connection.reader(), self.bounds.pack, &self.url);
            // Sections come before the pack; only their end is of interest.
            loop {
                match reader.next().await? {
                    Packet::Data(line) if line.trim_ascii_end() == b"packfile" => break,
                    Packet::Data(_) | Packet::Delimiter => {}
                    Packet::Flush | Packet::End => {
                        let reason = "the answer holds no pack".to_owned();
                        return Err(GitError::Protocol { url: self.url.clone(), reason });
                    }
                }
            }
            side_band(&mut reader, &self.url, out).await
        };
        match read.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.connection.explain(error).await),
        }
    }

    async fn pack_v0(&mut self, wants: &[String], shallow: bool, out: &mut impl Write) -> Result<(), GitError> {
        let offered = |name: &str| self.advertisement.has(name);
        let side = ["side-band-64k", "side-band"].into_iter().find(|name| offered(name));
        let deepen = shallow && offered("shallow");
        let chosen: Vec<&str> = ["ofs-delta", "no-progress", "shallow"]
            .into_iter()
            .filter(|name| offered(name) && (*name != "shallow" || deepen))
            .chain(side)
            .collect();
        let mut body = Vec::new();
        for (at, want) in wants.iter().enumerate() {
            let capabilities = if at == 0 { format!(" {}", chosen.join(" ")) } else { String::new() };
            pkt::text(&mut body, &format!("want {want}{capabilities}\n"));
        }
        if deepen {
            pkt::text(&mut body, "deepen 1\n");
        }
        pkt::flush(&mut body);
        pkt::text(&mut body, "done\n");
        self.connection.send(body).await?;
        let read = async {
            let mut reader = PacketReader::new(self.connection.reader(), self.bounds.pack, &self.url);
            loop {
                match reader.next().await? {
                    Packet::Data(line) if line.starts_with(b"NAK") || line.starts_with(b"ACK") => break,
                    Packet::Data(_) | Packet::Flush | Packet::Delimiter => {}
                    Packet::End => {
                        let reason = "the answer holds no pack".to_owned();
                        return Err(GitError::Protocol { url: self.url.clone(), reason });
                    }
                }
            }
            if side.is_some() {
                return side_band(&mut reader, &self.url, out).await;
            }
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = reader.raw(&mut buffer).await?;
                if count == 0 {
                    return Ok(());
                }
                out.write_all(&buffer[..count]).map_err(GitError::io("pack"))?;
            }
        };
        match read.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.connection.explain(error).await),
        }
    }
}

/// Takes the first band, the pack; progress is dropped, the third band is an error.
async fn side_band(reader: &mut PacketReader<'_>, url: &str, out: &mut impl Write) -> Result<(), GitError> {
    loop {
        match reader.next().await? {
            Packet::Data([1, data @ ..]) => out.write_all(data).map_err(GitError::io("pack"))?,
            Packet::Data([2, ..] | []) => {}
            Packet::Data([3, text @ ..]) => {
                let reason = one_line(&String::from_utf8_lossy(text));
                return Err(GitError::Remote { url: url.to_owned(), reason });
            }
            Packet::Data(_) => {
                return Err(GitError::Protocol { url: url.to_owned(), reason: "unknown side band".into() });
            }
            Packet::Flush | Packet::End => return Ok(()),
            Packet::Delimiter => {}
        }
    }
}

impl Connection {
    fn reader(&mut self) -> &mut (dyn tokio::io::AsyncRead + Send + Unpin) {
        match self {
            Self::Http(session) => session.reader(),
            Self::Ssh(session) => session.reader(),
        }
    }

    async fn send(&mut self, body: Vec<u8>) -> Result<(), GitError> {
        match self {
            Self::Http(session) => session.send(body).await,
            Self::Ssh(session) => session.send(&body).await,
        }
    }

    /// A broken conversation may have a better reason than how it broke: what ssh servers write beside it.
    async fn explain(&mut self, error: GitError) -> GitError {
        match self {
            Self::Http(_) => error,
            Self::Ssh(session) => session.explain(error).await,
        }
    }
}

/// Reads what is there of a short text.
async fn read_some(reader: &mut (dyn tokio::io::AsyncRead + Send + Unpin), most: u64) -> Vec<u8> {
    let mut text = Vec::new();
    // What was read before an error is still worth showing.
    let _ = reader.take(most).read_to_end(&mut text).await;
    text
}
