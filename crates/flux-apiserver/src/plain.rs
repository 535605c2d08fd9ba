//! Paths that are no resources: health, version, discovery, OpenAPI.

use std::sync::Arc;

use crate::reply::Reply;
use crate::request::Ask;
use crate::server::Shared;
use crate::status::ApiError;

impl Shared {
    /// Answers a path that is no resource.
    pub(crate) async fn plain(self: &Arc<Self>, ask: &mut Ask) -> Result<Reply, ApiError> {
        let path = ask.path.clone();
        match path.trim_end_matches('/') {
            "/healthz" | "/livez" | "/readyz" => Ok(Reply::text(200, "ok")),
            "/version" => Ok(Reply::bytes(200, "application/json", flux_schema::version_json())),
            _ => Err(ApiError::page_not_found()),
        }
    }
}
