//! Ingresses: the address of a controller that does not exist.

use super::{Context, Plan};
use crate::world::Object;
use serde_json::json;

/// All of them share one, as those of one controller do.
const ADDRESS: &str = "198.18.0.1";

pub(super) fn plan(_: &Context, ingress: &Object, plan: &mut Plan) {
    let held = &ingress.status["loadBalancer"]["ingress"];
    if held.as_array().is_some_and(|list| !list.is_empty()) {
        return;
    }
    let mut status = ingress.status.as_object().cloned().unwrap_or_default();
    status.insert("loadBalancer".into(), json!({"ingress": [{"ip": ADDRESS}]}));
    plan.set_status(ingress, status);
}
