//! The formats that drafts before 2019-09 check, with the library's words for what is wrong.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::pattern;

/// Checks a text; unknown formats accept everything.
pub(super) fn check(format: &str, text: &str) -> Result<(), String> {
    match format {
        "ipv4" => ipv4(text),
        "ipv6" => ipv6(text),
        "hostname" => hostname(text),
        "email" => email(text),
        "date" => date(text),
        "time" => time(text),
        "date-time" => date_time(text),
        "uuid" => uuid(text),
        "json-pointer" => json_pointer(text),
        "uri" | "iri" => uri(text),
        "uri-reference" | "iri-reference" => uri_reference(text),
        "regex" => pattern::compile(text).map(|_| ()),
        _ => Ok(()),
    }
}

fn fail<T>(text: impl Into<String>) -> Result<T, String> {
    Err(text.into())
}

fn ipv4(text: &str) -> Result<(), String> {
    if text.split('.').count() != 4 {
        return fail("expected four decimals");
    }
    for group in text.split('.') {
        if group.len() > 1 && group.starts_with('0') {
            return fail("leading zeros");
        }
        match group.parse::<i64>() {
            Ok(0..=255) => {}
            Ok(_) => return fail("decimal must be between 0 and 255"),
            Err(_) => return fail(format!("strconv.Atoi: parsing \"{group}\": invalid syntax")),
        }
    }
    text.parse::<Ipv4Addr>().map(|_| ()).map_err(|error| error.to_string())
}

fn ipv6(text: &str) -> Result<(), String> {
    if !text.contains(':') {
        return fail("missing colon");
    }
    text.parse::<Ipv6Addr>().map(|_| ()).map_err(|_| format!("ParseAddr(\"{text}\"): unable to parse IP"))
}

fn hostname(text: &str) -> Result<(), String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return fail("more than 253 characters long");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return fail("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return fail("label starts with hyphen");
        }
        if label.ends_with('-') {
            return fail("label ends with hyphen");
        }
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return fail(format!("invalid character '{c}'"));
        }
    }
    Ok(())
}

fn email(text: &str) -> Result<(), String> {
    if text.len() > 254 {
        return fail("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return fail("missing @") };
    if local.len() > 64 {
        return fail("local part more than 64 characters long");
    }
    if local.len() > 1 && local.starts_with('"') {
        if local[1..local.len() - 1].contains(['\\', '"']) {
            return fail("backslash and quote are not allowed within quoted local part");
        }
    } else {
        for (found, message) in [
            (local.starts_with('.'), "starts with dot"),
            (local.ends_with('.'), "ends with dot"),
            (local.contains(".."), "consecutive dots"),
        ] {
            if found {
                return fail(message);
            }
        }
        let fine = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
        if let Some(c) = local.chars().find(|c| !fine(*c)) {
            return fail(format!("invalid character '{c}'"));
        }
    }
    match domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|error| format!("invalid ipv6 address: {error}")),
            None => ipv4(address).map_err(|error| format!("invalid ipv4 address: {error}")),
        },
        None => hostname(domain).map_err(|error| format!("invalid domain: {error}")),
    }
}

fn date(text: &str) -> Result<(), String> {
    let valid = text.len() == 10 && crate::Time::parse(&format!("{text}T00:00:00Z")).is_ok();
    if valid {
        Ok(())
    } else {
        fail(format!("parsing time \"{text}\" as \"2006-01-02\": cannot parse \"{text}\" as \"2006\""))
    }
}

fn time(text: &str) -> Result<(), String> {
    if text.len() < 9 {
        return fail("less than 9 characters long");
    }
    let bytes = text.as_bytes();
    if bytes[2] != b':' || bytes[5] != b':' {
        return fail("missing colon in correct place");
    }
    // A leap second is one second too many for a calendar.
    let usual = text.get(..6).zip(text.get(8..)).map(|(minute, rest)| {
        let second = if &bytes[6..8] == b"60" { "59" } else { text.get(6..8).unwrap_or("xx") };
        format!("2000-01-01T{minute}{second}{}", rest.replace('z', "Z"))
    });
    let valid = usual.is_some_and(|usual| crate::Time::parse(&usual).is_ok());
    if valid { Ok(()) } else { fail("hour/min/sec out of range") }
}

fn date_time(text: &str) -> Result<(), String> {
    if text.len() < 20 {
        return fail("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return fail("11th character must be t or T");
    }
    let (day, rest) = (text.get(..10).unwrap_or_default(), text.get(11..).unwrap_or_default());
    date(day).map_err(|error| format!("invalid date element: {error}"))?;
    time(rest).map_err(|error| format!("invalid time element: {error}"))
}

fn uuid(text: &str) -> Result<(), String> {
    const SIZES: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != SIZES.len() {
        return fail("must have 5 elements");
    }
    for (at, (group, size)) in groups.iter().zip(SIZES).enumerate() {
        if group.len() != size {
            return fail(format!("element {} must be {size} characters long", at + 1));
        }
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return fail(format!("non-hex character '{c}'"));
        }
    }
    Ok(())
}

fn json_pointer(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return fail("not starting with /");
    }
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if escaped { Ok(()) } else { fail("~ must be followed by 0 or 1") }
}

fn uri(text: &str) -> Result<(), String> {
    uri_reference(text)?;
    if url::Url::parse(text).is_ok() { Ok(()) } else { fail("relative url") }
}

fn uri_reference(text: &str) -> Result<(), String> {
    if text.contains('\\') {
        return fail("contains \\\\");
    }
    let broken = text
        .match_indices('%')
        .find(|(at, _)| !text.get(at + 1..at + 3).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())));
    match broken {
        Some((at, _)) => {
            let part: String = text[at..].chars().take(3).collect();
            fail(format!("parse \"{text}\": invalid URL escape \"{part}\""))
        }
        None => Ok(()),
    }
}
