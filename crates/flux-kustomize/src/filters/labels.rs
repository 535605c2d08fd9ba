//! Adds labels or annotations.

use std::collections::BTreeMap;

use flux_yaml::Node;

use super::fieldspec::{Make, apply_path, gvk_of};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::node::{is_null, mapping_mut, set_field};
use crate::shared;

/// Sets every pair in every field the rules name; values become strings.
pub(crate) fn set_pairs(object: &mut Node, pairs: &BTreeMap<String, String>, specs: &[FieldSpec]) -> Result<(), Error> {
    let specs: Vec<&FieldSpec> = {
        let gvk = gvk_of(object);
        specs.iter().filter(|spec| gvk.is_selected(spec.gvk())).collect()
    };
    for (key, value) in pairs {
        // Upstream adds one and the same node wherever the key is new.
        let group = (specs.len() > 1).then(shared::group);
        for spec in &specs {
            apply_path(object, spec, Make::Mapping, &mut |field| {
                // A null that is not to be replaced stays.
                if is_null(field) {
                    return Ok(());
                }
                let map = mapping_mut(field)?;
                let known = map.contains_key(key);
                set_field(map, key, Some(Node::string(value.as_str())), false);
                if let (false, Some(new)) = (known, map.get_mut(key)) {
                    new.anchor.clone_from(&group);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}
