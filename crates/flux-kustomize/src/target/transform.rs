//! Runs the transformers and validators of a kustomization.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Target;
use super::accumulator::Accumulator;
use crate::builtin::{
    Affix, JsonPatchTransformer, MergePatchTransformer, PatchTransformer, Transformer, load_replacements,
};
use crate::config::{Config, FieldSpec, merge_all, merge_one};
use crate::error::Error;
use crate::filters::namespace::Subjects;
use crate::go::json::GoType;
use crate::origin::Origin;
use crate::resmap::ResMap;
use crate::resource::{ORIGIN, Resource, TRANSFORMATIONS, set_meta_map};
use crate::schema::Schema;
use crate::types::Label;

/// A label validators may add.
const VALIDATED_BY: &str = "validated-by";

type Named = (&'static str, Transformer);

impl Target<'_, '_> {
    pub(super) fn run_transformers(&self, gathered: &mut Accumulator) -> Result<(), Error> {
        let config = gathered.config();
        let mut all: Vec<(Transformer, Option<Origin>)> = Vec::new();
        for (kind, transformer) in self.field_transformers(&config)? {
            let origin = self.origin.as_ref().map(|origin| origin.of_builtin(self.file_name, kind));
            all.push((transformer, origin));
        }
        all.extend(self.plugin_transformers(&self.kustomization.transformers)?);
        let schema = self.build.schema();
        for (transformer, origin) in all {
            transformer.transform(&mut gathered.map, &schema)?;
            gathered.map.drop_empty();
            if let Some(origin) = origin {
                gathered.map.bodies_mut().try_for_each(|resource| note(resource, &origin))?;
            }
        }
        Ok(())
    }

    /// The transformers that are fields of the kustomization, in their fixed order.
    fn field_transformers(&self, config: &Config) -> Result<Vec<Named>, Error> {
        let kustomization = &self.kustomization;
        let mut all = self.patches()?;
        if !kustomization.namespace.is_empty() {
            let transformer = Transformer::Namespace {
                namespace: kustomization.namespace.clone(),
                specs: config.namespace.clone(),
                unset_only: false,
                subjects: Subjects::DefaultOnly,
            };
            all.push(("NamespaceTransformer", transformer));
        }
        let affix = |text: &str, specs: &[FieldSpec], is_suffix| {
            Transformer::Names(vec![Affix { text: text.to_owned(), specs: specs.to_vec(), is_suffix }])
        };
        if !kustomization.name_prefix.is_empty() {
            all.push(("PrefixTransformer", affix(&kustomization.name_prefix, &config.name_prefix, false)));
        }
        if !kustomization.name_suffix.is_empty() {
            all.push(("SuffixTransformer", affix(&kustomization.name_suffix, &config.name_suffix, true)));
        }
        self.labels(config, &mut all)?;
        if !kustomization.common_annotations.is_empty() {
            let pairs = kustomization.common_annotations.clone();
            let specs = config.common_annotations.clone();
            all.push(("AnnotationsTransformer", Transformer::Pairs { pairs, specs }));
        }
        self.json_patches(&mut all)?;
        for replica in &kustomization.replicas {
            let transformer = Transformer::Replicas { replica: replica.clone(), specs: config.replicas.clone() };
            all.push(("ReplicaCountTransformer", transformer));
        }
        for image in &kustomization.images {
            let transformer = Transformer::Image { image: image.clone(), specs: config.images.clone() };
            all.push(("ImageTagTransformer", transformer));
        }
        if !kustomization.replacements.is_empty() {
            let list = load_replacements(kustomization.replacements.clone(), &self.loader).map_err(|error| {
                let config = json!({"Replacements": kustomization.replacements.encode()});
                configuring("ReplacementTransformer", &config, error)
            })?;
            all.push(("ReplacementTransformer", Transformer::Replacements(list)));
        }
        Ok(all)
    }

    fn patches(&self) -> Result<Vec<Named>, Error> {
        let kustomization = &self.kustomization;
        let mut all = Vec::new();
        if !kustomization.patches_strategic_merge.is_empty() {
            let paths = &kustomization.patches_strategic_merge;
            let transformer = MergePatchTransformer::new(paths, "", &self.loader).map_err(|error| {
                configuring("PatchStrategicMergeTransformer", &json!({"paths": paths.encode()}), error)
            })?;
            all.push(("PatchStrategicMergeTransformer", Transformer::StrategicMerge(transformer)));
        }
        for patch in &kustomization.patches {
            let transformer = PatchTransformer::new(patch, &self.loader, || flux_yaml::emit_v2(&patch.encode()))
                .map_err(|error| configuring("PatchTransformer", &patch.encode(), error))?;
            all.push(("PatchTransformer", Transformer::Patch(transformer)));
        }
        Ok(all)
    }

    fn json_patches(&self, all: &mut Vec<Named>) -> Result<(), Error> {
        for entry in &self.kustomization.patches_json6902 {
            let made = JsonPatchTransformer::new(entry.target.as_ref(), &entry.path, &entry.patch, &self.loader);
            let transformer = made.map_err(|error| {
                let mut config = Map::new();
                if let Some(target) = &entry.target {
                    config.insert("target".into(), target.encode());
                }
                for (name, text) in [("path", &entry.path), ("jsonOp", &entry.patch)] {
                    if !text.is_empty() {
                        config.insert(name.into(), text.clone().into());
                    }
                }
                configuring("PatchJson6902Transformer", &Value::Object(config), error)
            })?;
            all.push(("PatchJson6902Transformer", Transformer::Json6902(transformer)));
        }
        Ok(())
    }

    fn labels(&self, config: &Config, all: &mut Vec<Named>) -> Result<(), Error> {
        let kustomization = &self.kustomization;
        if kustomization.labels.is_empty() && kustomization.common_labels.is_empty() {
            return Ok(());
        }
        for label in &kustomization.labels {
            let specs = label_specs(label, config)?;
            all.push(("LabelTransformer", Transformer::Pairs { pairs: label.pairs.clone(), specs }));
        }
        let pairs = kustomization.common_labels.clone();
        all.push(("LabelTransformer", Transformer::Pairs { pairs, specs: config.common_labels.clone() }));
        Ok(())
    }

    /// Validators may look, and add one label.
    pub(super) fn run_validators(&self, gathered: &mut Accumulator) -> Result<(), Error> {
        let schema = self.build.schema();
        for (validator, _) in self.plugin_transformers(&self.kustomization.validators)? {
            let before = gathered.map.clone();
            validator.transform(&mut gathered.map, &schema)?;
            if !same_but_for_label(&before, &gathered.map)? {
                let mut reason = "validator shouldn't modify the resource map".to_owned();
                if let Some(id) = missing_id(&before, &gathered.map, &schema) {
                    reason.push_str(&format!(": id in self missing from other; id: {id}"));
                }
                return Err(Error::Plugin { reason });
            }
        }
        Ok(())
    }
}

fn configuring(plugin: &'static str, config: &Value, error: Error) -> Error {
    if error.is_limit() {
        return error;
    }
    Error::PluginConfig { plugin, config: flux_yaml::emit_v2(config), inner: Box::new(error) }
}

/// The fields an entry of `labels` reaches.
fn label_specs(label: &Label, config: &Config) -> Result<Vec<FieldSpec>, Error> {
    let merging = |error: Error| error.within("failed to merge labels");
    let mut specs = label.fields.clone();
    merge_all(&mut specs, &config.labels).map_err(merging)?;
    if label.include_selectors {
        merge_all(&mut specs, &config.common_labels).map_err(merging)?;
        return Ok(specs);
    }
    if label.include_templates {
        merge_all(&mut specs, &config.template_labels)
            .map_err(|error| error.within("failed to merge template fieldSpec"))?;
    }
    merge_one(&mut specs, &FieldSpec::any("metadata/labels", true)).map_err(merging)?;
    Ok(specs)
}

/// Notes that a transformer ran over an object. One without origin is the transformer's own.
fn note(resource: &mut Resource, origin: &Origin) -> Result<(), Error> {
    if resource.annotation(ORIGIN).is_none() {
        return resource.set_annotation(ORIGIN, &origin.text());
    }
    let mut text = resource.annotation(TRANSFORMATIONS).unwrap_or_default().to_owned();
    text.push_str(&origin.entry_text());
    resource.set_annotation(TRANSFORMATIONS, &text)
}

/// The first id before that is none after.
fn missing_id(before: &ResMap, after: &ResMap, schema: &Schema) -> Option<String> {
    if before.len() != after.len() {
        return None;
    }
    let known: HashSet<_> = after.iter().map(|resource| resource.id(schema).key()).collect();
    let missing = before.iter().find(|resource| !known.contains(&resource.id(schema).key()))?;
    Some(missing.id(schema).to_string())
}

fn same_but_for_label(before: &ResMap, after: &ResMap) -> Result<bool, Error> {
    let plain = |resource: &Resource| {
        let mut node = resource.node.clone();
        let mut labels = resource.labels();
        if labels.remove(VALIDATED_BY).is_some() {
            set_meta_map(&mut node, "labels", &labels)?;
        }
        Ok(flux_yaml::to_json(&node, flux_yaml::Schema::V3)?)
    };
    if before.len() != after.len() {
        return Ok(false);
    }
    for (a, b) in before.iter().zip(after.iter()) {
        let (a, b): (Result<Value, Error>, Result<Value, Error>) = (plain(a), plain(b));
        if a? != b? {
            return Ok(false);
        }
    }
    Ok(true)
}
