//! Hides the data of Secrets in JSON patches.

use serde_json::{Map, Value};

use crate::diff::Change;
use crate::sanitize::mask_maps;

pub(crate) const DEFAULT: &str = "***";
pub(crate) const BEFORE: &str = "*** (before)";
pub(crate) const AFTER: &str = "*** (after)";

/// Masks what a patch of a Secret says of `data` and `stringData`.
pub fn mask_secret(patch: &mut [Change]) {
    for change in patch {
        if change.path == "/data" || change.path == "/stringData" {
            let mut none = (Map::new(), Map::new());
            let old = change.old.as_mut().and_then(Value::as_object_mut).unwrap_or(&mut none.0);
            let new = change.value.as_mut().and_then(Value::as_object_mut).unwrap_or(&mut none.1);
            mask_maps(old, new);
        } else if change.path.starts_with("/data/") || change.path.starts_with("/stringData/") {
            let both = change.old.is_some() && change.value.is_some();
            let (before, after) = if both { (BEFORE, AFTER) } else { (DEFAULT, DEFAULT) };
            if let Some(old) = &mut change.old {
                *old = before.into();
            }
            if let Some(value) = &mut change.value {
                *value = after.into();
            }
        }
    }
}
