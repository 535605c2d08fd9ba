//! When a deleted object may go, and what follows a write.

use serde_json::Value;

use crate::object::{finalizers, list_at, meta};
use crate::resources::Resource;
use crate::server::Shared;

/// Whether an object that is being deleted has nothing left to wait for.
pub(crate) fn may_go(resource: &Resource, object: &Value) -> bool {
    let grace = meta(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let held = resource.is("", "namespaces") && !list_at(object, "/spec/finalizers").is_empty();
    finalizers(object).is_empty() && grace == 0 && !held
}

impl Shared {
    /// Lets the parts of the server that mirror objects know of a write. `new` is `None` after a removal.
    pub(crate) async fn after_write(
        self: &std::sync::Arc<Self>,
        resource: &Resource,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        self.note(resource, old, new);
        self.recount(resource, new.or(old));
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("apiextensions.k8s.io", "customresourcedefinitions") => self.definition_changed(old, new).await,
            ("", "services") if new.is_none() => {
                if let Some(old) = old {
                    self.release(old);
                }
            }
            ("rbac.authorization.k8s.io", _) => self.roles.forget(),
            _ => {}
        }
    }
}
