//! ConfigMap and Secret generators.

use std::collections::BTreeMap;

use crate::go::json::go_struct;

go_struct! {
    pub(crate) struct GeneratorOptions as "GeneratorOptions" {
        "labels" omit labels: BTreeMap<String, String>,
        "annotations" omit annotations: BTreeMap<String, String>,
        "disableNameSuffixHash" omit disable_name_suffix_hash: bool,
        "immutable" omit immutable: bool,
    }
}

go_struct! {
    /// The arguments of both; `type` is a Secret's.
    pub(crate) struct GeneratorArgs as "GeneratorArgs" {
        "namespace" omit namespace: String,
        "name" omit name: String,
        "behavior" omit behavior: String,
        "literals" omit literals: Vec<String>,
        "files" omit files: Vec<String>,
        "envs" omit envs: Vec<String>,
        "env" omit env: String,
        "options" omit options: Option<GeneratorOptions>,
        "type" omit secret_type: String,
    }
}

impl GeneratorArgs {
    /// Fills what the own options lack from the kustomization's; a true there beats a false here.
    pub(crate) fn with_global(mut self, global: Option<&GeneratorOptions>) -> Self {
        let Some(global) = global else { return self };
        let own = self.options.get_or_insert_default();
        for (from, into) in [(&global.labels, &mut own.labels), (&global.annotations, &mut own.annotations)] {
            for (key, value) in from {
                into.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        own.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        own.immutable |= global.immutable;
        self
    }
}
