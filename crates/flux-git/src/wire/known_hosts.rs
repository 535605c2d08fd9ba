//! `known_hosts`, as OpenSSH reads it: which host keys are trusted for a host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PublicKey;
use sha1::{Digest as _, Sha1};

/// Lines looked at; the rest of a longer file is ignored.
const MAX_LINES: usize = 10_000;

/// The keys of one host.
#[derive(Debug, Default)]
pub(super) struct HostKeys {
    pub trusted: Vec<PublicKey>,
    pub revoked: Vec<PublicKey>,
}

/// Finds the keys of a host. Lines that make no sense are skipped; those of certificate authorities are not used.
pub(super) fn keys_of(text: &str, host: &str, port: u16) -> HostKeys {
    let name = if port == 22 { host.to_lowercase() } else { format!("[{}]:{port}", host.to_lowercase()) };
    let mut keys = HostKeys::default();
    for line in text.lines().take(MAX_LINES).map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut fields = line.split_whitespace();
        let mut patterns = fields.next().unwrap_or_default();
        let marker = patterns.starts_with('@').then_some(patterns);
        if marker.is_some() {
            patterns = fields.next().unwrap_or_default();
        }
        let (Some(_), Some(data)) = (fields.next(), fields.next()) else { continue };
        if !matches(patterns, &name) {
            continue;
        }
        let Ok(key) = russh::keys::parse_public_key_base64(data) else { continue };
        match marker {
            None => keys.trusted.push(key),
            Some("@revoked") => keys.revoked.push(key),
            Some(_) => {}
        }
    }
    keys
}

/// Any pattern of the list, none of the negated ones.
fn matches(patterns: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split(',') {
        let (negated, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        if one(pattern, name) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

fn one(pattern: &str, name: &str) -> bool {
    if let Some(hashed) = pattern.strip_prefix("|1|") {
        let Some((salt, hash)) = hashed.split_once('|') else { return false };
        let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
        return hmac_sha1(&salt, name.as_bytes()) == hash.as_slice();
    }
    glob(pattern.to_lowercase().as_bytes(), name.as_bytes())
}

/// `*` and `?`.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    at = after;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        let digest = Sha1::digest(key);
        block[..digest.len()].copy_from_slice(&digest);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[track_caller]
    fn check(hosts: &str, host: &str, port: u16, expected: bool) {
        let found = keys_of(&format!("# c\n\n{hosts} {KEY} comment\n"), host, port);
        assert_eq!(!found.trusted.is_empty(), expected, "{hosts} for {host}:{port}");
    }

    #[test]
    fn names_ports_and_patterns() {
        check("github.com", "github.com", 22, true);
        check("github.com", "GitHub.com", 22, true);
        check("github.com", "github.com", 2222, false);
        check("[github.com]:2222", "github.com", 2222, true);
        check("a.example,b.example", "b.example", 22, true);
        check("*.example", "b.example", 22, true);
        check("*.example,!b.example", "b.example", 22, false);
        check("@cert-authority *.example", "b.example", 22, false);
        check("@revoked b.example", "b.example", 22, false);
        assert_eq!(keys_of(&format!("@revoked h {KEY}"), "h", 22).revoked.len(), 1);
    }

    #[test]
    fn hashed_names() {
        let salt = b"0123456789abcdefghij";
        let hash = STANDARD.encode(hmac_sha1(salt, b"git.example.com"));
        let hosts = format!("|1|{}|{hash}", STANDARD.encode(salt));
        check(&hosts, "git.example.com", 22, true);
        check(&hosts, "other.example.com", 22, false);
        // RFC 2202, first case.
        let digest: String = hmac_sha1(&[0x0b; 20], b"Hi There").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "b617318655057264e28bc0b6fb378c8ef146be00");
    }
}
