//! `net/url`, and sprig's two functions over it.

use super::{Arguments as _, Function, map, text};
use crate::exec::{Operand, Res, Run, Ty, fail, kinds};
use crate::go::quoting::quote_text;
use crate::value::{Map, MapKind, Value};

use Ty::{Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Str], Reflect, |_, a| match Url::parse(a.bytes(0)) {
        Ok(url) => map(url.to_map()),
        Err(message) => fail(format!("unable to parse url: {message}")),
    }),
    Function::new("urlJoin", &[Ty::Map], Str, join),
];

/// What part of a URL text stands in: each leaves other characters alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Query,
    Fragment,
}

/// `url.QueryEscape`.
pub(crate) fn query_escape(bytes: &[u8]) -> Vec<u8> {
    escape(bytes, Part::Query)
}

fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    match part {
        Part::Host | Part::Zone => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => !b"$&+,/:;=@".contains(&byte) || b"?".contains(&byte),
        Part::User => !b"$&+,;=".contains(&byte),
        Part::Query => true,
        Part::Fragment => !b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(bytes: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b' ' if part == Part::Query => out.push(b'+'),
            _ if must_escape(byte, part) => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

fn unescape(bytes: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let invalid = |text: &[u8]| format!("invalid URL escape {}", quote_text(text));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            let host = matches!(part, Part::Host | Part::Zone);
            if host && byte < 0x80 && must_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quote_text(&[byte])));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let code = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(value) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err(invalid(&bytes[at..bytes.len().min(at + 3)]));
        };
        if part == Part::Host && value < 0x80 && &bytes[at..at + 3] != b"%25" {
            return Err(invalid(&bytes[at..at + 3]));
        }
        if part == Part::Zone && value != b'%' && value != b' ' && must_escape(value, Part::Host) {
            return Err(invalid(&bytes[at..at + 3]));
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}

#[derive(Clone, Default, Debug)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    /// Name, and password when there is one.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    path: Vec<u8>,
    raw_path: Vec<u8>,
    force_query: bool,
    query: Vec<u8>,
    fragment: Vec<u8>,
    raw_fragment: Vec<u8>,
    omit_host: bool,
}

fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|byte| *byte == at) {
        Some(found) => (&bytes[..found], Some(&bytes[found + 1..])),
        None => (bytes, None),
    }
}

impl Url {
    fn parse(raw: &[u8]) -> Result<Self, String> {
        let (before, fragment) = cut(raw, b'#');
        let failed = |text: &[u8], message: String| format!("parse {}: {message}", quote_text(text));
        let mut url = Self::parse_plain(before).map_err(|message| failed(before, message))?;
        if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
            url.fragment = unescape(fragment, Part::Fragment).map_err(|message| failed(raw, message))?;
            if escape(&url.fragment, Part::Fragment) != fragment {
                url.raw_fragment = fragment.to_vec();
            }
        }
        Ok(url)
    }

    fn parse_plain(raw: &[u8]) -> Result<Self, String> {
        if raw.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if raw == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(raw)?;
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with(b"?") && rest.iter().filter(|byte| **byte == b'?').count() == 1 {
            url.force_query = true;
            rest = &rest[..rest.len() - 1];
        } else {
            let (path, query) = cut(rest, b'?');
            rest = path;
            url.query = query.unwrap_or_default().to_vec();
        }
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            let segment = cut(rest, b'/').0;
            if segment.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if (!url.scheme.is_empty() || !rest.starts_with(b"///")) && rest.starts_with(b"//") {
            let after = &rest[2..];
            let end = after.iter().position(|byte| *byte == b'/').unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            url.parse_authority(authority)?;
            rest = path;
        } else if !url.scheme.is_empty() && rest.starts_with(b"/") {
            url.omit_host = true;
        }
        url.path = unescape(rest, Part::Path)?;
        if escape(&url.path, Part::Path) != rest {
            url.raw_path = rest.to_vec();
        }
        Ok(url)
    }

    fn parse_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
            self.host = host(authority)?;
            return Ok(());
        };
        self.host = host(&authority[at + 1..])?;
        let user = &authority[..at];
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !user.iter().all(good) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(user, b':');
        let password = password.map(|password| unescape(password, Part::User)).transpose()?;
        self.user = Some((unescape(name, Part::User)?, password));
        Ok(())
    }

    fn user_text(&self) -> Vec<u8> {
        let Some((name, password)) = &self.user else { return Vec::new() };
        let mut out = escape(name, Part::User);
        if let Some(password) = password {
            out.push(b':');
            out.extend_from_slice(&escape(password, Part::User));
        }
        out
    }

    fn hostname(&self) -> &[u8] {
        if self.host.starts_with(b"[")
            && let Some(end) = self.host.iter().position(|byte| *byte == b']')
        {
            return &self.host[1..end];
        }
        let colon = self.host.iter().rposition(|byte| *byte == b':');
        match colon {
            Some(colon) if self.host[colon + 1..].iter().all(u8::is_ascii_digit) => &self.host[..colon],
            _ => &self.host,
        }
    }

    fn to_map(&self) -> Map {
        let text = |bytes: &[u8]| Value::text(bytes);
        Map::from_entries(
            MapKind::Any,
            [
                ("scheme", text(&self.scheme)),
                ("host", text(&self.host)),
                ("hostname", text(self.hostname())),
                ("path", text(&self.path)),
                ("query", text(&self.query)),
                ("opaque", text(&self.opaque)),
                ("fragment", text(&self.fragment)),
                ("userinfo", text(&self.user_text())),
            ],
        )
    }

    /// `EscapedPath`: as written where that means the same path.
    fn escaped_path(&self) -> Vec<u8> {
        let written = &self.raw_path;
        let valid = |byte: &u8| b"!$&'()*+,;=:@[]%".contains(byte) || !must_escape(*byte, Part::Path);
        if !written.is_empty() && written.iter().all(valid) && unescape(written, Part::Path).as_ref() == Ok(&self.path)
        {
            return written.clone();
        }
        if self.path == b"*" { b"*".to_vec() } else { escape(&self.path, Part::Path) }
    }

    fn print(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if !self.opaque.is_empty() {
            out.extend_from_slice(&self.opaque);
        } else {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                let omit = self.omit_host && self.host.is_empty() && self.user.is_none();
                if !omit && (!self.host.is_empty() || !self.path.is_empty() || self.user.is_some()) {
                    out.extend_from_slice(b"//");
                }
                if self.user.is_some() {
                    out.extend_from_slice(&self.user_text());
                    out.push(b'@');
                }
                out.extend_from_slice(&escape_host(&self.host));
            }
            let path = self.escaped_path();
            if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend_from_slice(&path);
        }
        if self.force_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            match self.raw_fragment.is_empty() {
                true => out.extend_from_slice(&escape(&self.fragment, Part::Fragment)),
                false => out.extend_from_slice(&self.raw_fragment),
            }
        }
        out
    }
}

fn escape_host(host: &[u8]) -> Vec<u8> {
    escape(host, Part::Host)
}

fn scheme(raw: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in raw.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&raw[..at], &raw[at + 1..])),
            _ => break,
        }
    }
    Ok((b"", raw))
}

fn host(host: &[u8]) -> Result<Vec<u8>, String> {
    let bad_port = |port: &[u8]| format!("invalid port {} after host", quote_text(port));
    let good_port = |port: &[u8]| port.is_empty() || (port[0] == b':' && port[1..].iter().all(u8::is_ascii_digit));
    if let Some(open) = host.iter().rposition(|byte| *byte == b'[') {
        if open > 0 {
            return Err("invalid IP-literal".to_owned());
        }
        let Some(close) = host.iter().rposition(|byte| *byte == b']') else {
            return Err("missing ']' in host".to_owned());
        };
        if !good_port(&host[close + 1..]) {
            return Err(bad_port(&host[close + 1..]));
        }
        if let Some(zone) = super::strings::find(&host[..close], b"%25") {
            let mut out = unescape(&host[..zone], Part::Host)?;
            out.extend(unescape(&host[zone..close], Part::Zone)?);
            out.extend(unescape(&host[close..], Part::Host)?);
            return Ok(out);
        }
    } else if let Some(colon) = host.iter().rposition(|byte| *byte == b':')
        && !good_port(&host[colon..])
    {
        return Err(bad_port(&host[colon..]));
    }
    unescape(host, Part::Host)
}

fn join(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let entries = arguments.map(0);
    let get = |key: &str| -> Res<Vec<u8>> {
        match entries.get(key.as_bytes()) {
            None => Ok(Vec::new()),
            Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
            Some(Value::Nil) => fail("runtime error: invalid memory address or nil pointer dereference"),
            Some(other) => {
                let kind = kinds::kind_name(&other);
                fail(format!("unable to parse {key} key, must be of type string, but {kind} found"))
            }
        }
    };
    let mut url = Url {
        scheme: get("scheme")?,
        host: get("host")?,
        path: get("path")?,
        query: get("query")?,
        opaque: get("opaque")?,
        fragment: get("fragment")?,
        ..Url::default()
    };
    let user = get("userinfo")?;
    if !user.is_empty() {
        let whole = [b"proto://".as_slice(), &user, b"@host"].concat();
        match Url::parse(&whole) {
            Ok(parsed) => url.user = parsed.user,
            Err(message) => return fail(format!("unable to parse userinfo in dict: {message}")),
        }
    }
    let printed = url.print();
    run.charge(printed.len())?;
    text(printed)
}
