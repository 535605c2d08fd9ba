//! Unlock: a revision whose action was cut off is marked as failed.

use flux_helm::Release;
use flux_helm::release::Status;

use super::ActionError;
use crate::spec;
use crate::work::{Request, Work};

/// Unlocks the last release. The answer is the release and the state in which it was found, when it was locked.
pub async fn run(
    work: &mut Work,
    request: &Request,
) -> Result<Option<(Release, Status)>, (Release, Status, ActionError)> {
    let name = spec::short_release_name(&request.object);
    let last = match work.storage.last(&name).await {
        Ok(last) => last,
        Err(error) => return Err((Release::default(), Status::Unset, error.into())),
    };
    let Some(mut release) = last else { return Ok(None) };
    let found = release.info.status.clone();
    if !found.is_pending() {
        return Ok(None);
    }
    release.info.status = Status::Failed;
    release.info.description = format!("Release unlocked from stale '{found}' state");
    match work.update(&release).await {
        Ok(()) => Ok(Some((release, found))),
        Err(error) => Err((release, found, error.into())),
    }
}
