//! Which of the kinds with rules the API server has.

use super::execute::get;
use crate::Error;
use crate::kinds::{Kind, Resource, builtin};

/// Every kind with rules that is served. Asked of the collections themselves, so that what is found can be watched.
pub(super) async fn served(client: &kube::Client) -> Result<Vec<(Kind, Resource)>, Error> {
    let mut found = Vec::new();
    for (kind, resource) in builtin() {
        let path = format!("{}?limit=1", resource.path(""));
        match get(client, &path).await {
            Ok(_) => found.push((kind, resource)),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                tracing::debug!(
                    kind = resource.kind,
                    group = resource.group,
                    "kind is not served, so it is not simulated"
                );
            }
            Err(source) => return Err(Error::Discovery { path, source }),
        }
    }
    Ok(found)
}
