//! The first thing a server says.

use super::RemoteRef;
use super::pkt::{Packet, PacketReader};
use crate::error::GitError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// References first; also what version 1 is after its first line.
    Zero,
    /// Commands.
    Two,
}

#[derive(Debug)]
pub(super) struct Advertisement {
    pub version: Version,
    capabilities: Vec<String>,
    /// Of version 0 alone.
    pub references: Vec<RemoteRef>,
}

impl Advertisement {
    /// Whether a capability is offered, with or without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.capabilities.iter().any(|capability| {
            capability.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    }

    /// Whether the fetch command knows a feature.
    pub(super) fn fetch_has(&self, feature: &str) -> bool {
        let features = self.capabilities.iter().find_map(|capability| capability.strip_prefix("fetch="));
        features.is_some_and(|features| features.split(' ').any(|known| known == feature))
    }

    pub(super) fn object_format(&self) -> &str {
        self.capabilities.iter().find_map(|capability| capability.strip_prefix("object-format=")).unwrap_or("sha1")
    }
}

/// Reads it whole. Over HTTP it begins with a line that names the service.
pub(super) async fn read(reader: &mut PacketReader<'_>, smart_http: bool) -> Result<Advertisement, GitError> {
    let mut advertisement = Advertisement { version: Version::Zero, capabilities: Vec::new(), references: Vec::new() };
    let mut first = true;
    loop {
        let line = match reader.next().await? {
            Packet::Data(line) => line.trim_ascii_end(),
            // The end of the service's name; a second flush ends the rest.
            Packet::Flush if smart_http && first => continue,
            Packet::Flush => return Ok(advertisement),
            Packet::Delimiter => continue,
            Packet::End if first => return Err(reader.ended()),
            Packet::End => return Ok(advertisement),
        };
        if first && line.starts_with(b"# service=") {
            continue;
        }
        match line {
            b"version 2" if first => advertisement.version = Version::Two,
            b"version 1" if first => {}
            line if advertisement.version == Version::Two => {
                advertisement.capabilities.push(String::from_utf8_lossy(line).into_owned());
            }
            line => advertised(&mut advertisement, line),
        }
        first = false;
    }
}

/// One line of version 0: `id name`, the first one with capabilities after a zero byte.
fn advertised(advertisement: &mut Advertisement, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    let (reference, capabilities) = line.split_once('\0').unwrap_or((&line, ""));
    advertisement.capabilities.extend(capabilities.split(' ').filter(|text| !text.is_empty()).map(ToOwned::to_owned));
    let Some((id, name)) = reference.split_once(' ') else { return };
    if !is_id(id) || name == "capabilities^{}" {
        return;
    }
    if let Some(tag) = name.strip_suffix("^{}") {
        if let Some(last) = advertisement.references.last_mut().filter(|last| last.name == tag) {
            last.peeled = Some(id.to_owned());
        }
        return;
    }
    advertisement.references.push(RemoteRef { name: name.to_owned(), id: id.to_owned(), peeled: None });
}

/// One line of `ls-refs`: `id name [symref-target:...] [peeled:id]`.
pub(super) fn reference_v2(line: &[u8]) -> Option<RemoteRef> {
    let line = String::from_utf8_lossy(line.trim_ascii_end());
    let mut parts = line.split(' ');
    let (id, name) = (parts.next()?, parts.next()?);
    if !is_id(id) || name.is_empty() {
        return None;
    }
    let peeled = parts.find_map(|part| part.strip_prefix("peeled:")).filter(|id| is_id(id)).map(ToOwned::to_owned);
    Some(RemoteRef { name: name.to_owned(), id: id.to_owned(), peeled })
}

/// A hash in lower-case hex.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pkt;

    const ID: &str = "a0c14dc8580a23f79bc654faa79c4f62b46c2c22";

    async fn parse(bytes: Vec<u8>) -> Advertisement {
        let mut input = bytes.as_slice();
        read(&mut PacketReader::new(&mut input, 10_000, "u"), true).await.unwrap()
    }

    #[tokio::test]
    async fn both_versions() {
        let mut bytes = Vec::new();
        pkt::text(&mut bytes, "# service=git-upload-pack\n");
        pkt::flush(&mut bytes);
        pkt::text(&mut bytes, "version 2\n");
        pkt::text(&mut bytes, "fetch=shallow filter\n");
        pkt::flush(&mut bytes);
        let two = parse(bytes).await;
        assert_eq!(two.version, Version::Two);
        assert!(two.fetch_has("shallow") && two.has("fetch") && !two.has("fet"));

        let mut bytes = Vec::new();
        pkt::text(&mut bytes, "# service=git-upload-pack\n");
        pkt::flush(&mut bytes);
        pkt::text(&mut bytes, &format!("{ID} HEAD\0shallow agent=x\n"));
        pkt::text(&mut bytes, &format!("{ID} refs/tags/v1\n"));
        pkt::text(&mut bytes, &format!("{ID} refs/tags/v1^{{}}\n"));
        pkt::flush(&mut bytes);
        let zero = parse(bytes).await;
        assert_eq!(zero.version, Version::Zero);
        assert_eq!(zero.references.len(), 2);
        assert_eq!(zero.references[1].peeled.as_deref(), Some(ID));
        assert!(zero.has("shallow") && zero.has("agent"));
    }

    #[test]
    fn lines_of_ls_refs() {
        let line = format!("{ID} HEAD symref-target:refs/heads/main peeled:{ID}\n");
        let reference = reference_v2(line.as_bytes()).unwrap();
        assert_eq!((reference.name.as_str(), reference.peeled.as_deref()), ("HEAD", Some(ID)));
        assert!(reference_v2(b"zz HEAD").is_none());
        assert!(reference_v2(ID.as_bytes()).is_none());
    }
}
