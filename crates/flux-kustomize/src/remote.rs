//! Which texts name a git repository, and how: a port of kustomize's reading of URLs.

use crate::options::RepoSpec;

const DEFAULT_TIMEOUT: u64 = 27;

/// True for an http or https URL.
pub(crate) fn is_file_url(text: &str) -> bool {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Reads a repository URL; `None` when the text names none, and so may be a path.
pub(crate) fn parse(raw: &str) -> Option<RepoSpec> {
    if raw.starts_with('/') {
        return None;
    }
    let (url, query) = raw.split_once('?').unwrap_or((raw, ""));
    let (host, rest) = split_host(url)?;
    let all_segments = host.starts_with("file://");
    let (repo, path) = split_path(&rest, all_segments)?;
    if repo.is_empty() || leaves_repository(&path) {
        return None;
    }
    let mut spec = RepoSpec {
        raw: raw.to_owned(),
        clone_url: format!("{host}{repo}"),
        path: path.strip_prefix('/').unwrap_or(&path).to_owned(),
        reference: None,
        timeout_seconds: DEFAULT_TIMEOUT,
        submodules: true,
    };
    read_query(query, &mut spec);
    Some(spec)
}

fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// The part up to and with the host, and the rest.
fn split_host(url: &str) -> Option<(String, String)> {
    let url = strip(url, "git::").unwrap_or(url);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let (scheme, url) = schemes.iter().find_map(|scheme| Some((*scheme, strip(url, scheme)?))).unwrap_or(("", url));
    let (user, url) = split_user(url);
    let github = strip(url, "github.com/").is_some() || strip(url, "github.com:").is_some();
    let scp_style = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp_style {
        return None;
    }
    if scheme == "file://" {
        return Some((scheme.into(), format!("{user}{url}")));
    }
    let mut at = url.find('/');
    if scp_style {
        let colon = url.find(':');
        if at.is_none_or(|slash| colon.is_some_and(|colon| colon > 0 && colon < slash)) {
            at = colon;
        }
    }
    let (host, rest) = at.map_or((url, ""), |at| url.split_at(at + 1));
    if github {
        let over_ssh = scheme.starts_with("ssh://") || !user.is_empty();
        let prefix = if over_ssh { format!("{user}github.com:") } else { "https://github.com/".to_owned() };
        return Some((prefix, rest.to_owned()));
    }
    (!host.is_empty()).then(|| (format!("{scheme}{user}{host}"), rest.to_owned()))
}

fn split_user(url: &str) -> (&str, &str) {
    let Some(at) = url.find('@') else { return ("", url) };
    let name = &url[..at];
    let fine = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fine { url.split_at(at + 1) } else { ("", url) }
}

/// The repository's part of the path, and the folder in it.
fn split_path(rest: &str, all_segments: bool) -> Option<(String, String)> {
    if let Some(at) = rest.find("_git/") {
        let (root, below) = rest.split_at(at + "_git/".len());
        let (name, path) = below.split_once('/').unwrap_or((below, ""));
        return Some((format!("{root}{name}"), path.to_owned()));
    }
    if let Some((repo, path)) = rest.split_once("//") {
        return Some((repo.to_owned(), path.to_owned()));
    }
    if let Some(at) = rest.find(".git") {
        let (repo, path) = rest.split_at(at + ".git".len());
        return Some((repo.to_owned(), path.to_owned()));
    }
    if all_segments {
        return Some((rest.to_owned(), String::new()));
    }
    let mut segments = rest.splitn(3, '/');
    let (owner, name) = (segments.next()?, segments.next()?);
    Some((format!("{owner}/{name}"), segments.next().unwrap_or_default().to_owned()))
}

fn leaves_repository(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    crate::fs::clean(path.as_ref()).starts_with("..")
}

/// A query that cannot be read says nothing.
fn read_query(query: &str, spec: &mut RepoSpec) {
    if query.contains(';') || !is_escaped(query) {
        return;
    }
    let get = |name: &str| {
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.filter(|(key, _)| unescape(key) == name).map(|(_, value)| unescape(value)).next();
        value.filter(|value| !value.is_empty())
    };
    spec.reference = get("ref").or_else(|| get("version"));
    if let Some(seconds) = get("timeout").and_then(|text| seconds(&text)) {
        spec.timeout_seconds = seconds;
    }
    if let Some(text) = get("submodules") {
        match text.as_str() {
            "0" | "f" | "F" | "false" | "FALSE" | "False" => spec.submodules = false,
            "1" | "t" | "T" | "true" | "TRUE" | "True" => spec.submodules = true,
            _ => {}
        }
    }
}

/// `61`, or a Go duration such as `1m5s`; at least one second.
fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then_some(seconds);
    }
    let (mut rest, mut total) = (text.strip_prefix('+').unwrap_or(text), 0.0_f64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        let units = [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (unit, factor) = units.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        total += number * factor;
        rest = &rest[digits + unit.len()..];
    }
    // Longer than any fetch may take is as good as for ever.
    (total > 0.0).then_some(total.ceil().min(1e9) as u64)
}

/// Every `%` is followed by two hex digits.
fn is_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                match (hex(ahead.next()), hex(ahead.next())) {
                    (Some(high), Some(low)) => {
                        out.push((high * 16 + low) as u8);
                        bytes = ahead;
                    }
                    _ => out.push(byte),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, clone: &str, path: &str, reference: Option<&str>) {
        let spec = parse(url).unwrap_or_else(|| panic!("{url} is a repository"));
        assert_eq!((spec.clone_url.as_str(), spec.path.as_str()), (clone, path), "{url}");
        assert_eq!(spec.reference.as_deref(), reference, "{url}");
    }

    #[test]
    fn repositories() {
        check("https://github.com/o/r/path?ref=v1", "https://github.com/o/r", "path", Some("v1"));
        check("github.com/o/r//deep/path?version=v2", "https://github.com/o/r", "deep/path", Some("v2"));
        check("git@github.com:o/r.git/p", "git@github.com:o/r.git", "p", None);
        check("ssh://git@example.com/o/r.git//p", "ssh://git@example.com/o/r.git", "p", None);
        check("https://dev.azure.com/o/p/_git/r/sub?ref=main", "https://dev.azure.com/o/p/_git/r", "sub", Some("main"));
        check("file:///srv/repo.git/x", "file:///srv/repo.git", "x", None);
        check("git::https://example.com/o/r", "https://example.com/o/r", "", None);
    }

    #[test]
    fn queries() {
        let read = |query: &str| parse(&format!("https://example.com/o/r?{query}")).unwrap();
        let of = |query: &str| (read(query).reference, read(query).timeout_seconds, read(query).submodules);
        assert_eq!(of("timeout=1m5s&submodules=0"), (None, 65, false));
        assert_eq!(of("timeout=61"), (None, 61, true));
        assert_eq!(of("timeout=x&ref=a%2Fb"), (Some("a/b".into()), 27, true));
        assert_eq!(of("timeout=-5s&version=v1&ref="), (Some("v1".into()), 27, true));
        assert_eq!(of("ref=%zz&timeout=5"), (None, 27, true));
    }

    #[test]
    fn paths_are_no_repositories() {
        for path in ["../base", "base", "/abs", "a/b/c", "https://github.com/o/r//../x", "./github.com/o/r"] {
            assert!(parse(path).is_none(), "{path}");
        }
    }
}
