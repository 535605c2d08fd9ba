//! Kinds that are answered and never stored.

use std::sync::Arc;

use crate::reply::Reply;
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;

impl Shared {
    /// Answers a create of a kind that is not stored; `None` for all others.
    pub(crate) async fn virtual_create(
        self: &Arc<Self>,
        _ask: &mut Ask,
        resource: &Arc<Resource>,
    ) -> Result<Option<Reply>, ApiError> {
        if resource.has_verb("get") {
            return Ok(None);
        }
        Err(ApiError::not_implemented(&resource.qualified()))
    }
}
