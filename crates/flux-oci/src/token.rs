//! Challenges of registries, and the tokens that answer them.

use serde::Deserialize;

/// A larger header is not looked at.
const MAX_CHALLENGE: usize = 8192;

/// What `WWW-Authenticate` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer {
        /// Address of the token server.
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads the header; of several challenges the bearer's is taken first.
    pub fn parse(header: &str) -> Option<Self> {
        if header.len() > MAX_CHALLENGE {
            return None;
        }
        let mut basic = None;
        let mut rest = header.trim_start();
        while !rest.is_empty() {
            let end = rest.find([' ', ',']).unwrap_or(rest.len());
            let scheme = &rest[..end];
            let (parameters, after) = parameters(&rest[end..]);
            let value = |name: &str| {
                parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = value("realm")
            {
                return Some(Self::Bearer { realm, service: value("service"), scope: value("scope") });
            }
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            }
            rest = after.trim_start_matches([' ', ',']);
        }
        basic
    }
}

/// `key="value", key=value` up to the next scheme, and what follows.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', ',']);
        let word = trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(trimmed.len());
        let after = trimmed[word..].trim_start();
        let Some(value) = after.strip_prefix('=').filter(|_| word > 0) else { return (found, trimmed) };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find([',', ' ']).unwrap_or(value.len());
                (value[..end].to_owned(), &value[end..])
            }
        };
        found.push((trimmed[..word].to_owned(), value));
        rest = after;
    }
}

fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// What a token server answers.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TokenAnswer {
    pub token: String,
    pub access_token: String,
    /// Seconds; 60 when it is not said.
    pub expires_in: Option<u64>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_challenges() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
                scope: scope.map(Into::into),
            })
        };
        assert_eq!(
            Challenge::parse(r#"Bearer realm="https://a/t",service="r",scope="repository:a/b:pull,push""#),
            bearer("https://a/t", Some("r"), Some("repository:a/b:pull,push"))
        );
        assert_eq!(
            Challenge::parse(r#"bearer  realm = https://a/t , service=r"#),
            bearer("https://a/t", Some("r"), None)
        );
        assert_eq!(
            Challenge::parse(r#"Basic realm="x, y", Bearer realm="https://a""#),
            bearer("https://a", None, None)
        );
        assert_eq!(Challenge::parse("Basic"), Some(Challenge::Basic));
        assert_eq!(Challenge::parse(r#"Basic realm="a\"b"#), Some(Challenge::Basic));
        for none in ["", "Negotiate", "Bearer", "Bearer service=x", "=", ",,,"] {
            assert_eq!(Challenge::parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(header in "[ -~]{0,60}") {
            let _ = Challenge::parse(&header);
        }
    }
}
