//! Who may do what.

use http::HeaderMap;

use crate::Identity;
use crate::request::Ask;
use crate::server::Shared;
use crate::status::ApiError;

/// The identity behind a request's credentials.
pub(crate) async fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Identity, ApiError> {
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) => {
            let known = shared.config.tokens.iter().find(|known| known.token == token);
            known.map(|known| known.identity.clone()).ok_or_else(ApiError::unauthorized)
        }
        None if shared.config.anonymous => Ok(Identity::anonymous()),
        None => Err(ApiError::unauthorized()),
    }
}

pub(crate) async fn impersonation(_: &Shared, _: &Ask) -> Result<Option<Identity>, ApiError> {
    Ok(None)
}

pub(crate) async fn authorize(_: &Shared, _: &Ask) -> Result<(), ApiError> {
    Ok(())
}
