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
    /// The arguments of both kinds; `type` is a Secret's.
    pub(crate) struct GeneratorArgs as "SecretArgs" {
        @"GeneratorArgs" "namespace" omit namespace: String,
        @"GeneratorArgs" "name" omit name: String,
        @"GeneratorArgs" "behavior" omit behavior: String,
        @"GeneratorArgs.KvPairSources" "literals" omit literals: Vec<String>,
        @"GeneratorArgs.KvPairSources" "files" omit files: Vec<String>,
        @"GeneratorArgs.KvPairSources" "envs" omit envs: Vec<String>,
        @"GeneratorArgs.KvPairSources" "env" omit env: String,
        @"GeneratorArgs" "options" omit options: Option<GeneratorOptions>,
        "type" omit secret_type: String,
    }
}

go_struct! {
    /// The arguments of a ConfigMap, as they are read.
    pub(crate) struct ConfigMapArgs as "ConfigMapArgs" {
        @"GeneratorArgs" "namespace" omit namespace: String,
        @"GeneratorArgs" "name" omit name: String,
        @"GeneratorArgs" "behavior" omit behavior: String,
        @"GeneratorArgs.KvPairSources" "literals" omit literals: Vec<String>,
        @"GeneratorArgs.KvPairSources" "files" omit files: Vec<String>,
        @"GeneratorArgs.KvPairSources" "envs" omit envs: Vec<String>,
        @"GeneratorArgs.KvPairSources" "env" omit env: String,
        @"GeneratorArgs" "options" omit options: Option<GeneratorOptions>,
    }
}

impl From<ConfigMapArgs> for GeneratorArgs {
    fn from(args: ConfigMapArgs) -> Self {
        let ConfigMapArgs { namespace, name, behavior, literals, files, envs, env, options } = args;
        Self { namespace, name, behavior, literals, files, envs, env, options, secret_type: String::new() }
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
