//! Name prefixes and suffixes.

use crate::config::FieldSpec;
use crate::error::Error;
use crate::filters::fieldspec::{self, Make, set_text};
use crate::id::GvkRef;
use crate::node::raw;
use crate::resmap::ResMap;
use crate::schema::Schema;

/// Kinds whose names stay: definitions, API services and namespaces.
const SKIPPED: [GvkRef<'static>; 3] = [
    GvkRef { group: "", version: "", kind: "CustomResourceDefinition" },
    GvkRef { group: "apiregistration.k8s.io", version: "", kind: "APIService" },
    GvkRef { group: "", version: "", kind: "Namespace" },
];

/// A prefix or a suffix.
pub(crate) struct Affix {
    pub text: String,
    pub specs: Vec<FieldSpec>,
    pub is_suffix: bool,
}

impl Affix {
    pub(crate) fn transform(&self, map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        for resource in map.list_mut() {
            let original = resource.original_id(schema).gvk.to_owned();
            if SKIPPED.iter().any(|skipped| original.borrow().is_selected(*skipped)) {
                continue;
            }
            for spec in self.specs.iter().filter(|spec| original.borrow().is_selected(spec.gvk())) {
                if spec.path() == "metadata/name" && !self.text.is_empty() {
                    let history = &mut resource.history;
                    let list = if self.is_suffix { &mut history.suffixes } else { &mut history.prefixes };
                    list.push(self.text.clone());
                    resource.store_id(schema);
                }
                fieldspec::apply(&mut resource.node, spec, Make::Text, &mut |field| {
                    let old = raw(field);
                    let new =
                        if self.is_suffix { format!("{old}{}", self.text) } else { format!("{}{old}", self.text) };
                    set_text(field, &new)
                })?;
            }
        }
        Ok(())
    }
}
