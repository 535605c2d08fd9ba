//! Formats of texts beyond names: ports, keys, paths, percentages, addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::at::At;
use super::report::Report;
use crate::names;

pub(super) const PORT_RANGE: &str = "must be between 1 and 65535, inclusive";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const ENV_NAME: &str =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const HEADER: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
const UNDERSCORED: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const HTTP_PATH: &str = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
const PORT_NAME_MAX: usize = 15;

/// Names of ports.
pub(super) fn port_name(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let mut refuse = |wrong: bool, words: &str| {
        if wrong {
            out.push(words.to_owned());
        }
    };
    refuse(name.len() > PORT_NAME_MAX, &names::max_chars(PORT_NAME_MAX));
    let charset = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
    refuse(name.is_empty() || !name.bytes().all(plain), charset);
    refuse(!name.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)");
    refuse(name.contains("--"), "must not contain consecutive hyphens");
    refuse(name.starts_with('-') || name.ends_with('-'), "must not begin or end with a hyphen");
    out
}

/// Names of environment variables, as relaxed since 1.30.
pub(super) fn env_name(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if name.is_empty() {
        out.push("environment variable name must be non-empty".to_owned());
    }
    if !name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=') {
        out.push(ENV_NAME.to_owned());
    }
    out
}

/// Keys of configuration data.
pub(super) fn config_key(key: &str) -> Vec<String> {
    let mut out = Vec::new();
    if key.len() > names::SUBDOMAIN_MAX {
        out.push(names::max_chars(names::SUBDOMAIN_MAX));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if key.is_empty() || !key.bytes().all(plain) {
        out.push(CONFIG_KEY.to_owned());
    }
    match key {
        "." | ".." => out.push(format!("must not be '{key}'")),
        _ if key.starts_with("..") => out.push("must not start with '..'".to_owned()),
        _ => {}
    }
    out
}

pub(super) fn wildcard_host(host: &str) -> Vec<String> {
    let mut out = Vec::new();
    if host.len() > names::SUBDOMAIN_MAX {
        out.push(names::max_chars(names::SUBDOMAIN_MAX));
    }
    let shaped = host.strip_prefix("*.").is_some_and(|rest| names::dns_subdomain(rest).is_empty());
    if !shaped {
        out.push(WILDCARD.to_owned());
    }
    out
}

pub(super) fn header_name(name: &str) -> Vec<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) { vec![HEADER.to_owned()] } else { Vec::new() }
}

/// A domain of a resolver's search list.
pub(super) fn underscored_subdomain(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if name.len() > names::SUBDOMAIN_MAX {
        out.push(names::max_chars(names::SUBDOMAIN_MAX));
    }
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let label = |label: &str| {
        let rest = label.strip_prefix('_').unwrap_or(label).as_bytes();
        end(rest.first()) && end(rest.last()) && rest.iter().all(|byte| inner(*byte))
    };
    if !name.split('.').all(label) {
        out.push(UNDERSCORED.to_owned());
    }
    out
}

/// Names of kernel parameters.
pub(super) fn is_sysctl(name: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let segment = |segment: &str| {
        let bytes = segment.as_bytes();
        end(bytes.first()) && end(bytes.last()) && bytes.iter().all(|byte| inner(*byte))
    };
    name.len() <= names::SUBDOMAIN_MAX && name.split(['.', '/']).all(segment)
}

pub(super) fn is_percent(text: &str) -> bool {
    text.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The number of a percentage.
pub(super) fn percent(value: &Value) -> Option<i64> {
    let text = value.as_str().filter(|text| is_percent(text))?;
    text.strip_suffix('%')?.parse().ok()
}

/// The number, be it a count or a percentage; 0 for other texts.
pub(super) fn count(value: &Value) -> i64 {
    percent(value).or_else(|| value.as_i64()).or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

impl Report {
    pub fn port(&mut self, at: &At<'_>, number: i64) {
        if !(1..=65535).contains(&number) {
            self.invalid(at, number, PORT_RANGE);
        }
    }

    /// A port by number or name; an absent one is port 0.
    pub fn port_or_name(&mut self, at: &At<'_>, value: &Value) {
        match value {
            Value::String(name) => self.each(at, name, port_name(name)),
            other => self.port(at, other.as_i64().unwrap_or(0)),
        }
    }

    /// A count or a percentage.
    pub fn count_or_percent(&mut self, at: &At<'_>, value: &Value) {
        match value {
            Value::String(text) if !is_percent(text) => self.invalid(at, text.as_str(), PERCENT),
            Value::String(_) => {}
            other => self.non_negative(at, other),
        }
    }

    pub fn at_most_100_percent(&mut self, at: &At<'_>, value: &Value) {
        if percent(value).is_some_and(|percent| percent > 100) {
            self.invalid(at, value.clone(), "must not be greater than 100%");
        }
    }

    /// `acme.io/foo`.
    pub fn domain_prefixed_path(&mut self, at: &At<'_>, text: &str) {
        if text.is_empty() {
            return self.required(at, "");
        }
        let Some((host, path)) = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty())
        else {
            return self.invalid(at, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        };
        self.dns_subdomain(at, host);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
        if !path.bytes().all(plain) {
            self.invalid(at, path, HTTP_PATH);
        }
    }

    pub fn ip(&mut self, at: &At<'_>, text: &str) {
        if parse_ip(text).is_none() {
            self.invalid(at, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }

    pub fn cidr(&mut self, at: &At<'_>, text: &str) {
        if parse_cidr(text).is_none() {
            self.invalid(at, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        }
    }

    /// A path below a directory.
    pub fn descending_path(&mut self, at: &At<'_>, path: &str) {
        if path.starts_with('/') {
            self.invalid(at, path, "must be a relative path");
        }
        self.no_backsteps(at, path);
    }

    pub fn no_backsteps(&mut self, at: &At<'_>, path: &str) {
        if path.split('/').any(|step| step == "..") {
            self.invalid(at, path, "must not contain '..'");
        }
    }

    /// A path below a directory whose names starting with `..` are taken.
    pub fn local_path(&mut self, at: &At<'_>, path: &str) {
        self.descending_path(at, path);
        if path.starts_with("..") && !path.starts_with("../") {
            self.invalid(at, path, "must not start with '..'");
        }
    }
}

/// An address; leading zeros are borne, as upstream bears them in old fields.
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let mut bytes = [0u8; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        let part = parts.next().filter(|part| (1..=8).contains(&part.len()))?;
        if !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        *byte = part.parse::<u32>().ok().and_then(|number| u8::try_from(number).ok())?;
    }
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(bytes)))
}

/// A network: its address and the length of its prefix.
pub(super) fn parse_cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address = parse_ip(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let plain = !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
    let length = length.parse::<u32>().ok().filter(|length| plain && *length <= most)?;
    Some((address, length))
}

/// Whether a network holds an address.
pub(super) fn contains((network, length): (IpAddr, u32), address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 4),
        IpAddr::V6(v6) => (u128::from(v6), 6),
    };
    let ((network, family), (address, other)) = (bits(network), bits(address));
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
    family == other && network & mask == address & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks() {
        assert!(parse_ip("10.0.0.1").is_some() && parse_ip("010.0.0.1").is_some() && parse_ip("::1").is_some());
        assert!(parse_ip("10.0.0").is_none() && parse_ip("x").is_none() && parse_ip("256.0.0.1").is_none());
        let network = parse_cidr("10.0.0.0/8").unwrap();
        assert!(contains(network, parse_ip("10.9.9.9").unwrap()));
        assert!(!contains(network, parse_ip("11.0.0.0").unwrap()));
        assert!(parse_cidr("10.0.0.0/33").is_none() && parse_cidr("10.0.0.0").is_none());
    }

    #[test]
    fn names_of_ports_and_keys() {
        assert!(port_name("http-2").is_empty());
        assert_eq!(port_name("1-").len(), 2);
        assert!(config_key("a.b_c").is_empty());
        assert_eq!(config_key(".."), ["must not be '..'"]);
        assert!(is_sysctl("net.core/somax_conn") && !is_sysctl("!") && !is_sysctl("a..b"));
    }
}
