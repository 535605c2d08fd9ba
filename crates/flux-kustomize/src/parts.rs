//! Parts of the engine on their own, for tests of one plugin, filter or merge.

use std::path::Path;

use flux_yaml::{Limits, Node};
use serde_json::Value;

use crate::builtin::{Transformer, parse_generator, parse_transformer};
use crate::config::FieldSpec;
use crate::documents;
use crate::error::Error;
use crate::filters::fieldspec::{self, Make, set_text};
use crate::filters::iam::{self, IamPolicyGenerator};
use crate::filters::image::ImageFilter;
use crate::filters::json_patch::JsonPatch;
use crate::filters::labels::set_pairs;
use crate::filters::namespace::{NamespaceFilter, Subjects};
use crate::filters::{replacement, value_add};
use crate::fs::FileSystem;
use crate::go::json::{decode_yaml, go_struct};
use crate::loader::{Loader, Session};
use crate::merge;
use crate::node;
use crate::objects::Objects;
use crate::options::Options;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::sort::sort;
use crate::target::finish;
use crate::types::{Image, Replacement, Replica, SortOptions};

pub use crate::merge::MergeOptions;

fn read_map(text: &str, schema: &Schema) -> Result<ResMap, Error> {
    let mut map = ResMap::default();
    let nodes = documents::read(text.as_bytes(), &Limits::default())?;
    map.append_all(nodes.into_iter().map(Resource::new), schema)?;
    Ok(map)
}

fn read_config(config: &str) -> Result<Resource, Error> {
    let nodes = documents::read(config.as_bytes(), &Limits::default())?;
    let first = nodes.into_iter().next().ok_or_else(|| Error::Plugin { reason: "no plugin configuration".into() })?;
    Ok(Resource::new(first))
}

go_struct! {
    struct SortConfig as "plugin" {
        "sortOptions" omit options: Option<SortOptions>,
    }
}

/// Runs the transformer that `config` configures over `resources`; its files are read below `path`.
/// A `SortOrderTransformer` stands for the field `sortOptions`.
pub fn transform(fs: &dyn FileSystem, path: &Path, config: &str, resources: &str) -> Result<Objects, Error> {
    let options = Options::default();
    let session = Session::new(&options);
    let loader = Loader::start(&session, fs, path)?;
    let schema = Schema::default();
    let config = read_config(config)?;
    let mut map = read_map(resources, &schema)?;
    if config.kind() == "SortOrderTransformer" {
        let value = flux_yaml::to_json(&config.node, flux_yaml::Schema::V3)?;
        let config: SortConfig = decode_yaml(&value, false).map_err(|reason| Error::Plugin { reason })?;
        let fifo = SortOptions { order: "fifo".into(), legacy: None };
        sort(&mut map, &config.options.unwrap_or(fifo), &schema)?;
    } else {
        let transformer: Transformer = parse_transformer(&config, &loader, &schema)?;
        transformer.transform(&mut map, &schema)?;
    }
    map.drop_empty();
    Ok(Objects::new(finish(map, false, false)?, Vec::new()))
}

/// Runs the generator that `config` configures; its files are read below `path`.
pub fn generate(fs: &dyn FileSystem, path: &Path, config: &str) -> Result<Objects, Error> {
    let options = Options::default();
    let session = Session::new(&options);
    let loader = Loader::start(&session, fs, path)?;
    let schema = Schema::default();
    let generator = parse_generator(&read_config(config)?, &schema)?;
    let mut map = ResMap::default();
    map.append_all(generator.generate(&loader)?, &schema)?;
    Ok(Objects::new(finish(map, false, false)?, Vec::new()))
}

/// Merges `patch` into `target`, both YAML; `None` when nothing is left.
pub fn merge(target: &str, patch: &str, options: MergeOptions) -> Result<Option<Node>, Error> {
    let read = |text: &str| -> Result<Node, Error> {
        let options = flux_yaml::ParseOptions { keep_comments: true, ..flux_yaml::ParseOptions::default() };
        Ok(flux_yaml::parse_one(text, &options)?.unwrap_or_else(Node::null))
    };
    merge::merge(read(target)?, read(patch)?, &Schema::default(), options)
}

go_struct! {
    struct FilterConfig as "Filter" {
        "annotations" omit annotations: std::collections::BTreeMap<String, String>,
        "labels" omit labels: std::collections::BTreeMap<String, String>,
        "fsSlice" omit fs_slice: Vec<FieldSpec>,
        "fieldSpecs" omit field_specs: Vec<FieldSpec>,
        "fieldSpec" omit field_spec: FieldSpec,
        "imageTag" omit image: Image,
        "namespace" omit namespace: String,
        "unsetOnly" omit unset_only: bool,
        "setRoleBindingSubjects" omit subjects: String,
        "patch" omit patch: String,
        "prefix" omit prefix: String,
        "suffix" omit suffix: String,
        "replica" omit replica: Replica,
        "value" omit value: String,
        "fieldPath" omit field_path: String,
        "filePathPosition" omit position: i64,
        "replacements" omit replacements: Vec<Replacement>,
        "iamPolicyGenerator" omit iam: IamPolicyGenerator,
    }
}

/// Runs one filter, named as upstream's package, over the documents of `resources`.
pub fn filter(name: &str, config: &str, resources: &str) -> Result<Vec<Node>, Error> {
    let nodes = documents::parse(resources, &Limits::default())?;
    let mut objects: Vec<Resource> = nodes.into_iter().map(Resource::new).collect();
    let schema = Schema::default();
    if name == "patchstrategicmerge" {
        return merge_patch(config, objects, &schema);
    }
    let node = flux_yaml::parse_one(config, &flux_yaml::ParseOptions::default())?.unwrap_or_else(Node::null);
    let value: Value = flux_yaml::to_json(&node, flux_yaml::Schema::V3)?;
    let config: FilterConfig = decode_yaml(&value, false).map_err(|reason| Error::Plugin { reason })?;
    if name == "iampolicygenerator" {
        let mut nodes: Vec<Node> = objects.into_iter().map(|object| object.node).collect();
        nodes.extend(iam::generate(&config.iam)?);
        return Ok(nodes);
    }
    if name == "replacement" {
        replacement::apply(&mut objects, &config.replacements)?;
    } else {
        objects.iter_mut().try_for_each(|object| apply(name, &config, &mut object.node, &value, &schema))?;
    }
    Ok(objects
        .into_iter()
        .map(|mut object| {
            node::settle(&mut object.node);
            if object.has_history_annotations() { object.annotated() } else { object.node }
        })
        .collect())
}

fn merge_patch(patch: &str, objects: Vec<Resource>, schema: &Schema) -> Result<Vec<Node>, Error> {
    let patch = flux_yaml::parse_one(patch, &flux_yaml::ParseOptions::default())?.unwrap_or_else(Node::null);
    let options = MergeOptions { infer_associative_lists: false, prepend: true };
    let mut out = Vec::new();
    for object in objects {
        if let Some(mut merged) = merge::merge(object.node, patch.clone(), schema, options)? {
            node::settle(&mut merged);
            out.push(merged);
        }
    }
    Ok(out)
}

fn apply(name: &str, config: &FilterConfig, object: &mut Node, value: &Value, schema: &Schema) -> Result<(), Error> {
    match name {
        "annotations" => set_pairs(object, &config.annotations, &config.fs_slice),
        "labels" => set_pairs(object, &config.labels, &config.fs_slice),
        "imagetag" => {
            let filter = ImageFilter::new(&config.image);
            // The older filter has no rules of its own.
            match value.get("fieldSpecs") {
                Some(_) => filter.apply_specs(object, &config.field_specs),
                None => filter.apply_anywhere(object),
            }
        }
        "namespace" => NamespaceFilter {
            namespace: &config.namespace,
            specs: &config.field_specs,
            unset_only: config.unset_only,
            subjects: Subjects::parse(&config.subjects)?,
        }
        .apply(object, schema),
        "patchjson6902" => {
            let mut document = flux_yaml::to_json(object, flux_yaml::Schema::V3)?;
            JsonPatch::parse(config.patch.trim_start_matches('\n'))?.apply(&mut document)?;
            *object = crate::node::from_json(&document);
            Ok(())
        }
        "prefix" | "suffix" => fieldspec::apply(object, &config.field_spec, Make::Text, &mut |field| {
            let new = format!("{}{}{}", config.prefix, node::raw(field), config.suffix);
            set_text(field, &new)
        }),
        "replicacount" => fieldspec::apply(object, &config.field_spec, Make::Number, &mut |field| {
            node::set_scalar_text(field, &config.replica.count.to_string(), flux_yaml::Tag::Int)
        }),
        "valueadd" => value_add::apply(object, &config.value, &config.field_path, config.position),
        other => Err(Error::Plugin { reason: format!("no filter is called `{other}`") }),
    }
}
