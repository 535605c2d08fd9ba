//! What a request asks for, read from its method, path and query.

use http::{HeaderMap, Method, Uri};

use crate::Identity;
use crate::status::ApiError;

/// A request, ready to be answered.
pub(crate) struct Ask {
    pub method: Method,
    pub path: String,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
    pub identity: Identity,
    pub target: Target,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}

/// What the path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// False for paths such as `/healthz` and `/apis/GROUP`.
    pub is_resource: bool,
    /// The verb the authorizer sees.
    pub verb: String,
    pub group: String,
    pub version: String,
    pub namespace: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    /// Path pieces behind the subresource.
    pub rest: Vec<String>,
}

/// A decoded query string.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        });
        Self(pairs.collect())
    }

    /// The first value of a key; `None` when absent or empty, which upstream treats alike.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).collect()
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }

    /// A boolean as upstream's query decoder reads it: everything but `false` and `0` is true.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key)?;
        Some(!matches!(value.to_lowercase().as_str(), "false" | "0"))
    }

    /// An integer, or upstream's words.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(key) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))
    }
}

/// Percent-decoding; `+` is a space in queries.
pub(crate) fn decode(text: &str, form: bool) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' if form => bytes.push(b' '),
            b'%' => match tail.split_at_checked(2).and_then(|(hex, tail)| Some((from_hex(hex)?, tail))) {
                Some((byte, tail)) => {
                    bytes.push(byte);
                    rest = tail;
                }
                None => bytes.push(first),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn from_hex(hex: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

impl Target {
    /// Reads a path and method, as upstream's request info resolver does.
    pub fn read(method: &Method, uri: &Uri, query: &Query) -> Self {
        let verb = method.as_str().to_lowercase();
        let plain = Self { verb: verb.clone(), ..Self::default() };
        let mut parts: Vec<String> = uri.path().trim_matches('/').split('/').map(|part| decode(part, false)).collect();
        let head = match parts[0].as_str() {
            "api" if parts.len() >= 3 => 2,
            "apis" if parts.len() >= 4 => 3,
            _ => return plain,
        };
        let (group, version) =
            if head == 2 { (String::new(), parts[1].clone()) } else { (parts[1].clone(), parts[2].clone()) };
        let mut rest: Vec<String> = parts.drain(head..).collect();
        let mut target = Self { is_resource: true, group, version, ..Self::default() };
        let watch_prefix = rest[0] == "watch" && rest.len() > 1;
        if watch_prefix {
            rest.remove(0);
        }
        if rest[0] == "namespaces" && rest.len() > 1 {
            target.namespace = rest[1].clone();
            let of_namespace = rest.len() == 2 || rest.len() == 3 && matches!(rest[2].as_str(), "status" | "finalize");
            if !of_namespace {
                rest.drain(..2);
            }
        }
        target.resource = rest[0].clone();
        target.name = rest.get(1).cloned().unwrap_or_default();
        target.subresource = rest.get(2).cloned().unwrap_or_default();
        target.rest = rest.into_iter().skip(3).collect();
        target.verb = resource_verb(&verb, &target, query, watch_prefix);
        target
    }
}

fn resource_verb(method: &str, target: &Target, query: &Query, watch_prefix: bool) -> String {
    let single = !target.name.is_empty();
    let watches = watch_prefix || query.flag("watch").unwrap_or(false);
    let verb = match method {
        "post" => "create",
        "put" => "update",
        "patch" => "patch",
        "delete" if single => "delete",
        "delete" => "deletecollection",
        "get" | "head" if single && !watch_prefix => "get",
        "get" | "head" if watches => "watch",
        "get" | "head" => "list",
        other => other,
    };
    verb.to_owned()
}

impl Ask {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The field manager: asked for, or the program's name in the User-Agent.
    pub fn manager(&self) -> String {
        if let Some(manager) = self.query.get("fieldManager") {
            return manager.to_owned();
        }
        let agent = self.header("user-agent");
        let program = agent.split('/').next().unwrap_or("");
        let printable: String = program.chars().filter(|letter| !letter.is_control()).take(128).collect();
        if printable.is_empty() { "unknown".to_owned() } else { printable }
    }

    pub fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: &str, path: &str) -> Target {
        let uri: Uri = path.parse().unwrap();
        let query = Query::parse(uri.query().unwrap_or(""));
        Target::read(&Method::from_bytes(method.as_bytes()).unwrap(), &uri, &query)
    }

    #[test]
    fn paths_name_resources() {
        let found = target("GET", "/api/v1/namespaces/x/pods/p/status");
        assert_eq!((found.verb.as_str(), found.namespace.as_str(), found.resource.as_str()), ("get", "x", "pods"));
        assert_eq!((found.name.as_str(), found.subresource.as_str()), ("p", "status"));
        let found = target("GET", "/api/v1/namespaces/x");
        assert_eq!((found.resource.as_str(), found.name.as_str(), found.namespace.as_str()), ("namespaces", "x", "x"));
        let found = target("DELETE", "/apis/apps/v1/namespaces/x/deployments");
        assert_eq!((found.verb.as_str(), found.group.as_str()), ("deletecollection", "apps"));
        assert_eq!(target("GET", "/apis/apps/v1/deployments?watch=1").verb, "watch");
        assert!(!target("GET", "/apis/apps/v1").is_resource);
        assert!(!target("GET", "/healthz").is_resource);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db+c&watch=0&limit=x");
        assert_eq!(query.get("labelSelector"), Some("a=b c"));
        assert_eq!(query.flag("watch"), Some(false));
        assert!(query.integer("limit").is_err());
    }
}
