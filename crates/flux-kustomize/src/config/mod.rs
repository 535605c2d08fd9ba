//! Which fields transformers touch: the built-in rules, and what `configurations` and `crds` add.

mod crds;
mod defaults;
mod spec;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::go::json::{self, go_struct};

pub(crate) use crds::from_crds;
pub(crate) use spec::{FieldSpec, NameReference, merge_all, merge_one, split_path};

go_struct! {
    /// The rules in force.
    pub(crate) struct Config as "TransformerConfig" {
        "namePrefix" omit name_prefix: Vec<FieldSpec>,
        "nameSuffix" omit name_suffix: Vec<FieldSpec>,
        "namespace" omit namespace: Vec<FieldSpec>,
        "commonLabels" omit common_labels: Vec<FieldSpec>,
        "labels" omit labels: Vec<FieldSpec>,
        "templateLabels" omit template_labels: Vec<FieldSpec>,
        "commonAnnotations" omit common_annotations: Vec<FieldSpec>,
        "nameReference" omit name_reference: Vec<NameReference>,
        "varReference" omit var_reference: Vec<FieldSpec>,
        "images" omit images: Vec<FieldSpec>,
        "replicas" omit replicas: Vec<FieldSpec>,
    }
}

impl Config {
    /// The built-in rules, made once.
    pub(crate) fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Config>> = OnceLock::new();
        Arc::clone(BUILTIN.get_or_init(|| Arc::new(Self::from_tables())))
    }

    fn from_tables() -> Self {
        let specs = |rules: &[defaults::Rule]| rules.iter().map(FieldSpec::from_rule).collect::<Vec<_>>();
        let mut config = Self {
            name_prefix: specs(defaults::NAME_PREFIX),
            name_suffix: specs(defaults::NAME_SUFFIX),
            namespace: specs(defaults::NAMESPACE),
            common_labels: specs(defaults::COMMON_LABELS),
            labels: Vec::new(),
            template_labels: specs(defaults::TEMPLATE_LABELS),
            common_annotations: specs(defaults::COMMON_ANNOTATIONS),
            name_reference: defaults::NAME_REFERENCE
                .iter()
                .map(|(group, version, kind, rules)| NameReference::new(group, version, kind, rules.specs()))
                .collect(),
            var_reference: defaults::VAR_REFERENCE.specs(),
            images: specs(defaults::IMAGES),
            replicas: specs(defaults::REPLICAS),
        };
        config.sort();
        config
    }

    /// Reads a `configurations` file; unknown fields are refused.
    pub(crate) fn from_file(text: &str) -> Result<Self, Error> {
        let value = flux_yaml::yaml_to_json(text)
            .map_err(|source| Error::Config { reason: format!("error converting YAML to JSON: {source}") })?;
        let mut config: Self = json::decode_yaml(&value, true).map_err(|reason| Error::Config {
            reason: format!("error unmarshaling JSON: while decoding JSON: {reason}"),
        })?;
        config.sort();
        Ok(config)
    }

    /// These rules and the other's, sorted by kind.
    pub(crate) fn merge(&self, other: &Self) -> Result<Self, Error> {
        let all = |name: &str, own: &[FieldSpec], more: &[FieldSpec]| {
            let mut merged = own.to_vec();
            match merge_all(&mut merged, more) {
                Ok(()) => Ok(merged),
                Err(error) => Err(error.within(format!("failed to merge {name} fieldSpec"))),
            }
        };
        let mut merged = Self {
            name_prefix: all("NamePrefix", &self.name_prefix, &other.name_prefix)?,
            name_suffix: all("NameSuffix", &self.name_suffix, &other.name_suffix)?,
            namespace: all("NameSpace", &self.namespace, &other.namespace)?,
            common_annotations: all("CommonAnnotations", &self.common_annotations, &other.common_annotations)?,
            common_labels: all("CommonLabels", &self.common_labels, &other.common_labels)?,
            labels: all("Labels", &self.labels, &other.labels)?,
            template_labels: all("TemplateLabels", &self.template_labels, &other.template_labels)?,
            var_reference: all("VarReference", &self.var_reference, &other.var_reference)?,
            name_reference: spec::merge_references(&self.name_reference, &other.name_reference)
                .map_err(|error| error.within("failed to merge NameReference fieldSpec"))?,
            images: all("Images", &self.images, &other.images)?,
            replicas: all("Replicas", &self.replicas, &other.replicas)?,
        };
        merged.sort();
        Ok(merged)
    }

    fn sort(&mut self) {
        let lists = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ];
        for list in lists {
            list.sort_by_cached_key(FieldSpec::sort_key);
        }
        self.name_reference.sort_by_cached_key(NameReference::sort_key);
    }
}
