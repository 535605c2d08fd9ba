//! Documents that are served as they are.

include!("../data/openapi-v3/paths.rs");

/// A discovery document: `api`, `apis` (the legacy roots), `api.aggregated` or `apis.aggregated`.
/// In `api` the text `<server>` stands for the address that answers.
pub fn discovery_document(name: &str) -> Option<&'static [u8]> {
    match name {
        "api" => Some(include_bytes!("../data/discovery/api.json")),
        "apis" => Some(include_bytes!("../data/discovery/apis.json")),
        "api.aggregated" => Some(include_bytes!("../data/discovery/api.aggregated.json")),
        "apis.aggregated" => Some(include_bytes!("../data/discovery/apis.aggregated.json")),
        _ => None,
    }
}

/// The answer of `/version`.
pub fn version_json() -> &'static [u8] {
    include_bytes!("../data/version.json")
}

/// The gzip-compressed document of an OpenAPI v3 path, such as `api/v1` or `apis/apps/v1`.
pub fn openapi_v3(path: &str) -> Option<&'static [u8]> {
    OPENAPI_V3.iter().find(|(own, _)| *own == path).map(|(_, bytes)| *bytes)
}

/// Every path that [`openapi_v3`] knows, sorted.
pub fn openapi_v3_paths() -> impl Iterator<Item = &'static str> {
    OPENAPI_V3.iter().map(|(path, _)| *path)
}
