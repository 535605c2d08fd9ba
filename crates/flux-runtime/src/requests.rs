//! Requests that people make by annotations.

use std::collections::BTreeMap;

use flux_api::RECONCILE_REQUEST_ANNOTATION;

/// True when a change of annotations asks for an attempt.
pub fn is_new(old: Option<&BTreeMap<String, String>>, new: Option<&BTreeMap<String, String>>) -> bool {
    let request = |annotations: Option<&BTreeMap<String, String>>| {
        annotations.and_then(|annotations| annotations.get(RECONCILE_REQUEST_ANNOTATION).cloned())
    };
    request(new).is_some_and(|new| request(old).as_ref() != Some(&new))
}

/// A request beside the reconcile request, such as for a forced upgrade. It holds when both annotations have the same
/// value and neither was handled before; `handled` then is that value.
pub fn take(
    annotations: &BTreeMap<String, String>,
    annotation: &str,
    handled_reconcile: &str,
    handled: &mut String,
) -> bool {
    let Some(request) = annotations.get(annotation) else { return false };
    let before = std::mem::replace(handled, request.clone());
    let reconcile = annotations.get(RECONCILE_REQUEST_ANNOTATION);
    reconcile == Some(request) && before != *request && handled_reconcile != request
}
