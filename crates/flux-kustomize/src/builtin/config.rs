//! Reads the configuration objects of plugins.

use std::collections::BTreeMap;

use serde_json::Value;

use super::transform::ValueTarget;
use super::{Affix, Generator, JsonPatchTransformer, MergePatchTransformer, PatchTransformer, Transformer};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::filters::namespace::Subjects;
use crate::go::json::{self, GoType, go_struct};
use crate::kv::Generated;
use crate::loader::Loader;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::types::{GeneratorArgs, Image, ObjectMeta, Patch, PatchPath, Replacement, Replica, Selector};

go_struct! {
    struct PairsConfig as "plugin" {
        "annotations" omit annotations: BTreeMap<String, String>,
        "labels" omit labels: BTreeMap<String, String>,
        "fieldSpecs" omit specs: Vec<FieldSpec>,
    }
}

go_struct! {
    struct ImageConfig as "plugin" {
        "imageTag" omit image: Image,
        "fieldSpecs" omit specs: Vec<FieldSpec>,
    }
}

go_struct! {
    struct NamespaceConfig as "plugin" {
        "metadata" omit metadata: ObjectMeta,
        "fieldSpecs" omit specs: Vec<FieldSpec>,
        "unsetOnly" omit unset_only: bool,
        "setRoleBindingSubjects" omit subjects: String,
    }
}

go_struct! {
    struct JsonConfig as "plugin" {
        "target" omit target: Option<Selector>,
        "path" omit path: String,
        "jsonOp" omit operations: String,
    }
}

go_struct! {
    struct MergeConfig as "plugin" {
        "paths" omit paths: Vec<PatchPath>,
        "patches" omit patches: String,
    }
}

go_struct! {
    struct AffixConfig as "plugin" {
        "prefix" omit prefix: String,
        "suffix" omit suffix: String,
        "fieldSpecs" omit specs: Option<Vec<FieldSpec>>,
    }
}

go_struct! {
    struct ReplacementConfig as "plugin" {
        "replacements" omit replacements: Vec<Replacement>,
    }
}

go_struct! {
    struct ReplicaConfig as "plugin" {
        "replica" omit replica: Replica,
        "fieldSpecs" omit specs: Vec<FieldSpec>,
    }
}

go_struct! {
    struct ValueAddTarget as "Target" {
        "selector" omit selector: Option<Selector>,
        "fieldPath" omit field_path: String,
        "filePathPosition" omit position: i64,
    }
}

go_struct! {
    struct ValueAddConfig as "plugin" {
        "value" omit value: String,
        "targets" omit targets: Vec<ValueAddTarget>,
        "targetFilePath" omit target_file_path: String,
    }
}

go_struct! {
    struct MetadataConfig as "plugin" {
        "metadata" omit metadata: ObjectMeta,
    }
}

/// Go's `yaml.Unmarshal` into a structure: unknown fields are ignored.
fn unmarshal<T: GoType + Default>(value: &Value) -> Result<T, Error> {
    json::decode_yaml(value, false)
        .map_err(|reason| Error::Plugin { reason: format!("error unmarshaling JSON: while decoding JSON: {reason}") })
}

fn unmarshal_text<T: GoType + Default>(text: &str) -> Result<T, Error> {
    let value = flux_yaml::yaml_to_json(text)
        .map_err(|error| Error::Plugin { reason: format!("error converting YAML to JSON: {error}") })?;
    unmarshal(&value)
}

/// What a configuration object says, and its kind, when it is for a built-in plugin.
fn builtin(config: &Resource, schema: &Schema) -> Result<Value, Error> {
    let gvk = config.gvk();
    if gvk.group.is_empty() && gvk.version == "builtin" {
        return Ok(flux_yaml::to_json(&config.node, flux_yaml::Schema::V3)?);
    }
    Err(Error::PluginsDisabled { kind: config.original_id(schema).gvk.kind.to_owned() })
}

/// Kinds of built-in plugins, and whether they generate.
fn is_generator(kind: &str) -> Option<bool> {
    match kind {
        "ConfigMapGenerator" | "SecretGenerator" | "IAMPolicyGenerator" | "HelmChartInflationGenerator" => Some(true),
        "AnnotationsTransformer"
        | "HashTransformer"
        | "ImageTagTransformer"
        | "LabelTransformer"
        | "NamespaceTransformer"
        | "PatchJson6902Transformer"
        | "PatchStrategicMergeTransformer"
        | "PatchTransformer"
        | "PrefixSuffixTransformer"
        | "PrefixTransformer"
        | "SuffixTransformer"
        | "ReplacementTransformer"
        | "ReplicaCountTransformer"
        | "ValueAddTransformer" => Some(false),
        _ => None,
    }
}

fn check_kind(config: &Resource, schema: &Schema, generator: bool) -> Result<(), Error> {
    match is_generator(config.kind()) {
        None => Err(Error::Plugin { reason: format!("unable to load builtin {}", config.gvk()) }),
        Some(found) if found == generator => Ok(()),
        Some(_) => {
            let wanted = if generator { "generator" } else { "transformer" };
            Err(Error::Plugin { reason: format!("plugin {} not a {wanted}", config.original_id(schema)) })
        }
    }
}

fn failing(config: &Resource, schema: &Schema, error: Error) -> Error {
    error.within(format!("plugin {} fails configuration", config.original_id(schema)))
}

/// Makes a generator of its configuration object.
pub(crate) fn parse_generator(config: &Resource, schema: &Schema) -> Result<Generator, Error> {
    let value = builtin(config, schema)?;
    check_kind(config, schema, true)?;
    read_generator(config.kind(), &value).map_err(|error| failing(config, schema, error))
}

fn read_generator(kind: &str, value: &Value) -> Result<Generator, Error> {
    let generated = match kind {
        "IAMPolicyGenerator" => return Ok(Generator::Iam(Box::new(unmarshal(value)?))),
        "HelmChartInflationGenerator" => return Err(Error::Plugin { reason: "must specify --enable-helm".into() }),
        "SecretGenerator" => Generated::Secret,
        _ => Generated::ConfigMap,
    };
    let mut args: GeneratorArgs = unmarshal(value)?;
    let metadata = unmarshal::<MetadataConfig>(value)?.metadata;
    if args.name.is_empty() {
        args.name = metadata.name;
    }
    if args.namespace.is_empty() {
        args.namespace = metadata.namespace;
    }
    Ok(Generator::Data { kind: generated, args: Box::new(args) })
}

/// Makes a transformer of its configuration object.
pub(crate) fn parse_transformer(config: &Resource, loader: &Loader<'_>, schema: &Schema) -> Result<Transformer, Error> {
    let value = builtin(config, schema)?;
    check_kind(config, schema, false)?;
    read_transformer(config.kind(), &value, loader).map_err(|error| failing(config, schema, error))
}

fn read_transformer(kind: &str, value: &Value, loader: &Loader<'_>) -> Result<Transformer, Error> {
    Ok(match kind {
        "AnnotationsTransformer" => {
            let config: PairsConfig = unmarshal(value)?;
            Transformer::Pairs { pairs: config.annotations, specs: config.specs }
        }
        "LabelTransformer" => {
            let config: PairsConfig = unmarshal(value)?;
            Transformer::Pairs { pairs: config.labels, specs: config.specs }
        }
        "HashTransformer" => Transformer::Hash,
        "ImageTagTransformer" => {
            let config: ImageConfig = unmarshal(value)?;
            Transformer::Image { image: config.image, specs: config.specs }
        }
        "NamespaceTransformer" => {
            let config: NamespaceConfig =
                unmarshal(value).map_err(|error| error.within("unmarshalling NamespaceTransformer config"))?;
            Transformer::Namespace {
                namespace: config.metadata.namespace,
                specs: config.specs,
                unset_only: config.unset_only,
                subjects: Subjects::parse(&config.subjects)?,
            }
        }
        "PatchJson6902Transformer" => {
            let config: JsonConfig = unmarshal(value)?;
            let target = config.target.as_ref();
            Transformer::Json6902(JsonPatchTransformer::new(target, &config.path, &config.operations, loader)?)
        }
        "PatchStrategicMergeTransformer" => {
            let config: MergeConfig = unmarshal(value)?;
            Transformer::StrategicMerge(MergePatchTransformer::new(&config.paths, &config.patches, loader)?)
        }
        "PatchTransformer" => {
            let entry: Patch = unmarshal(value)?;
            Transformer::Patch(PatchTransformer::new(&entry, loader, || flux_yaml::emit_v2(value))?)
        }
        "PrefixTransformer" => Transformer::Names(vec![affix(value, false)?]),
        "SuffixTransformer" => Transformer::Names(vec![affix(value, true)?]),
        "PrefixSuffixTransformer" => Transformer::Names(vec![affix(value, false)?, affix(value, true)?]),
        "ReplacementTransformer" => {
            let config: ReplacementConfig = unmarshal(value)?;
            Transformer::Replacements(load_replacements(config.replacements, loader)?)
        }
        "ReplicaCountTransformer" => {
            let config: ReplicaConfig = unmarshal(value)?;
            Transformer::Replicas { replica: config.replica, specs: config.specs }
        }
        _ => value_add(unmarshal(value)?, loader)?,
    })
}

fn affix(value: &Value, is_suffix: bool) -> Result<Affix, Error> {
    let config: AffixConfig = unmarshal(value)?;
    let Some(specs) = config.specs else {
        return Err(Error::Plugin { reason: "fieldSpecs is not expected to be nil".into() });
    };
    Ok(Affix { text: if is_suffix { config.suffix } else { config.prefix }, specs, is_suffix })
}

/// Reads the replacements that lie in files of their own.
pub(crate) fn load_replacements(list: Vec<Replacement>, loader: &Loader<'_>) -> Result<Vec<Replacement>, Error> {
    let mut loaded = Vec::with_capacity(list.len());
    for entry in list {
        if entry.path.is_empty() {
            loaded.push(entry);
            continue;
        }
        if entry.source.is_some() || entry.targets.is_some_and(|targets| !targets.is_empty()) {
            return Err(Error::Replacement { reason: "cannot specify both path and inline replacement".into() });
        }
        let text = loader.load_text(&entry.path)?;
        let value = flux_yaml::yaml_to_json(&text)
            .map_err(|error| Error::Plugin { reason: format!("error converting YAML to JSON: {error}") })?;
        match &value {
            Value::Array(_) => loaded.extend(unmarshal::<Vec<Replacement>>(&value)?),
            Value::Object(_) => loaded.push(unmarshal(&value)?),
            other => {
                let kind = match other {
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Number(_) => "float64",
                    _ => "invalid",
                };
                let reason = format!("unsupported replacement type encountered within replacement path: {kind}");
                return Err(Error::Replacement { reason });
            }
        }
    }
    Ok(loaded)
}

fn value_add(mut config: ValueAddConfig, loader: &Loader<'_>) -> Result<Transformer, Error> {
    let fault = |reason: String| Error::Plugin { reason };
    let mut value = config.value.trim().to_owned();
    if value.is_empty() {
        value = loader.root().file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy().into_owned());
    }
    if !config.target_file_path.is_empty() {
        let more: ValueAddConfig = unmarshal_text(&loader.load_text(&config.target_file_path)?)?;
        config.targets.extend(more.targets);
    }
    if config.targets.is_empty() {
        return Err(fault("must specify at least one target".into()));
    }
    for target in &config.targets {
        if target.field_path.is_empty() {
            return Err(fault("fieldPath cannot be empty".into()));
        }
        if target.position < 0 {
            return Err(fault(format!("value of FilePathPosition ({}) cannot be negative", target.position)));
        }
    }
    let targets = config.targets.into_iter().map(|target| ValueTarget {
        selector: target.selector,
        field_path: target.field_path,
        position: target.position,
    });
    Ok(Transformer::ValueAdd { value, targets: targets.collect() })
}
