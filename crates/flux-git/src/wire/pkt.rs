//! Packet lines: four hex digits of length, then data.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::error::{GitError, one_line};

/// The longest packet of the protocol, its length digits included.
const MAX_PACKET: usize = 65_520;

/// Appends a packet of text.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}", text.len() + 4).as_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

pub(super) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Data(&'a [u8]),
    Flush,
    Delimiter,
    /// The end of an answer, or of the stream.
    End,
}

/// Reads packets until a budget of bytes is used up.
pub(super) struct PacketReader<'a> {
    inner: tokio::io::BufReader<&'a mut (dyn AsyncRead + Send + Unpin)>,
    left: u64,
    limit: u64,
    url: &'a str,
    buffer: Vec<u8>,
}

impl<'a> PacketReader<'a> {
    /// Nothing is read beyond the last packet but what a following reader does not need: an answer ends with its
    /// flush packet.
    pub(super) fn new(inner: &'a mut (dyn AsyncRead + Send + Unpin), limit: u64, url: &'a str) -> Self {
        let inner = tokio::io::BufReader::with_capacity(16 * 1024, inner);
        Self { inner, left: limit, limit, url, buffer: Vec::new() }
    }

    fn spend(&mut self, count: usize) -> Result<(), GitError> {
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(GitError::TooLarge { url: self.url.to_owned(), what: "the answer", limit: self.limit }),
        }
    }

    fn broken(&self, error: &io::Error) -> GitError {
        let reason =
            if error.kind() == io::ErrorKind::UnexpectedEof { "unexpected EOF".to_owned() } else { innermost(error) };
        GitError::Network { url: self.url.to_owned(), reason }
    }

    /// The error of a stream that is over too early.
    pub(super) fn ended(&self) -> GitError {
        self.broken(&io::ErrorKind::UnexpectedEof.into())
    }

    fn malformed(&self, reason: &str) -> GitError {
        GitError::Protocol { url: self.url.to_owned(), reason: reason.to_owned() }
    }

    /// The next packet. An error that the server reports is one here.
    pub(super) async fn next(&mut self) -> Result<Packet<'_>, GitError> {
        let mut digits = [0; 4];
        let first = self.inner.read(&mut digits).await.map_err(|error| self.broken(&error))?;
        if first == 0 {
            return Ok(Packet::End);
        }
        self.inner.read_exact(&mut digits[first..]).await.map_err(|error| self.broken(&error))?;
        let length = std::str::from_utf8(&digits).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        match length {
            Some(0) => return Ok(Packet::Flush),
            Some(1) => return Ok(Packet::Delimiter),
            Some(2) => return Ok(Packet::End),
            Some(length @ 4..=MAX_PACKET) => self.buffer.resize(length - 4, 0),
            _ => return Err(self.malformed("invalid packet length")),
        }
        self.spend(self.buffer.len() + 4)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.inner.read_exact(&mut buffer).await;
        self.buffer = buffer;
        read.map_err(|error| self.broken(&error))?;
        if let Some(reason) = self.buffer.strip_prefix(b"ERR ") {
            let reason = one_line(&String::from_utf8_lossy(reason));
            return Err(GitError::Remote { url: self.url.to_owned(), reason });
        }
        Ok(Packet::Data(&self.buffer))
    }

    /// Bytes that are in no packet.
    pub(super) async fn raw(&mut self, buffer: &mut [u8]) -> Result<usize, GitError> {
        let count = self.inner.read(buffer).await.map_err(|error| self.broken(&error))?;
        self.spend(count)?;
        Ok(count)
    }
}

/// The cause that says most.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    one_line(&flux_diagnostics::root(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8], limit: u64) -> Vec<Result<Vec<u8>, GitError>> {
        let mut input = bytes;
        let mut reader = PacketReader::new(&mut input, limit, "u");
        let mut all = Vec::new();
        loop {
            match reader.next().await {
                Ok(Packet::Data(data)) => all.push(Ok(data.to_vec())),
                Ok(Packet::End) => return all,
                Ok(other) => all.push(Ok(format!("{other:?}").into_bytes())),
                Err(error) => {
                    all.push(Err(error));
                    return all;
                }
            }
        }
    }

    #[tokio::test]
    async fn packets() {
        let mut bytes = Vec::new();
        text(&mut bytes, "hello\n");
        delimiter(&mut bytes);
        flush(&mut bytes);
        let all: Vec<_> = read(&bytes, 100).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all, [b"hello\n".to_vec(), b"Delimiter".to_vec(), b"Flush".to_vec()]);
    }

    #[tokio::test]
    async fn hostile_packets() {
        let one = |bytes: &'static [u8], limit| async move { read(bytes, limit).await.pop().unwrap().unwrap_err() };
        assert!(matches!(one(b"zzzz", 10).await, GitError::Protocol { .. }));
        assert!(matches!(one(b"0003", 10).await, GitError::Protocol { .. }));
        assert!(matches!(one(b"ffff", 100_000).await, GitError::Protocol { .. }));
        assert!(matches!(one(b"0010abc", 100).await, GitError::Network { .. }));
        assert!(matches!(one(b"00", 100).await, GitError::Network { .. }));
        assert!(matches!(one(b"0010aaaaaaaaaaaa", 10).await, GitError::TooLarge { .. }));
        assert!(matches!(one(b"000cERR nope", 100).await, GitError::Remote { .. }));
    }
}
