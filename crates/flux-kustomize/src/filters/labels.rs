//! Adds labels or annotations.

use std::collections::BTreeMap;

use flux_yaml::Node;

use super::fieldspec::{Make, applies_to, apply};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::node::{is_null, mapping_mut, set_field};

/// Sets every pair in every field the rules name; values become strings.
pub(crate) fn set_pairs(object: &mut Node, pairs: &BTreeMap<String, String>, specs: &[FieldSpec]) -> Result<(), Error> {
    let specs: Vec<&FieldSpec> = specs.iter().filter(|spec| applies_to(spec, object)).collect();
    for (key, value) in pairs {
        for spec in &specs {
            apply(object, spec, Make::Mapping, &mut |field| {
                // A null that is not to be replaced stays.
                if !is_null(field) {
                    set_field(mapping_mut(field)?, key, Some(Node::string(value.as_str())), false);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}
