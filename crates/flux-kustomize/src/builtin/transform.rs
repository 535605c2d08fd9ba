//! What a transformer does to the objects gathered so far.

use std::collections::{BTreeMap, HashMap};

use super::{Affix, JsonPatchTransformer, MergePatchTransformer, PatchTransformer};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::filters::fieldspec::{self, Make, plain_id};
use crate::filters::image::ImageFilter;
use crate::filters::labels::set_pairs;
use crate::filters::namespace::{NamespaceFilter, Subjects};
use crate::filters::{replacement, value_add};
use crate::go::print::json_text;
use crate::hash::hash;
use crate::id::IdKey;
use crate::node;
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::types::{Image, Replacement, Replica, Selector};

/// One transformer, configured.
pub(crate) enum Transformer {
    /// Labels or annotations, by the fields named.
    Pairs {
        pairs: BTreeMap<String, String>,
        specs: Vec<FieldSpec>,
    },
    Hash,
    Image {
        image: Image,
        specs: Vec<FieldSpec>,
    },
    Namespace {
        namespace: String,
        specs: Vec<FieldSpec>,
        unset_only: bool,
        subjects: Subjects,
    },
    Json6902(JsonPatchTransformer),
    StrategicMerge(MergePatchTransformer),
    Patch(PatchTransformer),
    /// Prefixes and suffixes, in order.
    Names(Vec<Affix>),
    Replacements(Vec<Replacement>),
    Replicas {
        replica: Replica,
        specs: Vec<FieldSpec>,
    },
    ValueAdd {
        value: String,
        targets: Vec<ValueTarget>,
    },
}

/// Where a value is added.
pub(crate) struct ValueTarget {
    pub selector: Option<Selector>,
    pub field_path: String,
    pub position: i64,
}

impl Transformer {
    pub(crate) fn transform(&self, map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
        match self {
            Self::Pairs { pairs, specs } => set_all(map, pairs, specs),
            Self::Hash => add_hashes(map, schema),
            Self::Image { image, specs } => set_images(map, image, specs),
            Self::Namespace { namespace, .. } if namespace.is_empty() => Ok(()),
            Self::Namespace { namespace, specs, unset_only, subjects } => {
                let filter = NamespaceFilter { namespace, specs, unset_only: *unset_only, subjects: *subjects };
                set_namespaces(map, &filter, schema)
            }
            Self::Json6902(patch) => patch.transform(map, schema),
            Self::StrategicMerge(patches) => patches.transform(map, schema),
            Self::Patch(patch) => patch.transform(map, schema),
            Self::Names(affixes) => affixes.iter().try_for_each(|affix| affix.transform(map, schema)),
            Self::Replacements(list) => replacement::apply(map.list_mut(), list),
            Self::Replicas { replica, specs } => set_replicas(map, replica, specs),
            Self::ValueAdd { value, targets } => add_values(map, value, targets, schema),
        }
    }
}

/// True when rules reach what makes an object's id.
fn touches_ids(specs: &[FieldSpec]) -> bool {
    specs.iter().any(|spec| match spec.parts() {
        [first] => matches!(first.as_str(), "apiVersion" | "kind" | "metadata"),
        [first, second, ..] => first == "metadata" && matches!(second.as_str(), "name" | "namespace"),
        [] => true,
    })
}

fn set_all(map: &mut ResMap, pairs: &BTreeMap<String, String>, specs: &[FieldSpec]) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    let set = |resource: &mut crate::resource::Resource| set_pairs(&mut resource.node, pairs, specs);
    match touches_ids(specs) {
        true => map.list_mut().iter_mut().try_for_each(set),
        false => map.bodies_mut().try_for_each(set),
    }
}

fn set_images(map: &mut ResMap, image: &Image, specs: &[FieldSpec]) -> Result<(), Error> {
    let filter = ImageFilter::new(image);
    for resource in map.list_mut().iter_mut() {
        filter.apply_anywhere(&mut resource.node)?;
    }
    map.list_mut().iter_mut().try_for_each(|resource| filter.apply_specs(&mut resource.node, specs))
}

fn add_hashes(map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
    if !map.iter().any(|resource| resource.history.needs_hash) {
        return Ok(());
    }
    for resource in map.list_mut().iter_mut().filter(|resource| resource.history.needs_hash) {
        let hash = hash(resource)?;
        resource.store_id(schema);
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name)?;
    }
    Ok(())
}

/// Sets namespaces, and fails as soon as two objects come to have one id.
fn set_namespaces(map: &mut ResMap, filter: &NamespaceFilter<'_>, schema: &Schema) -> Result<(), Error> {
    let list = map.list_mut();
    let mut counts: HashMap<IdKey, usize> = HashMap::with_capacity(list.len());
    for resource in list.iter() {
        *counts.entry(resource.id(schema).key()).or_default() += 1;
    }
    for place in 0..list.len() {
        let resource = &mut list[place];
        if resource.is_nothing() || resource.history.helm_generated {
            continue;
        }
        let before = resource.id(schema).key();
        resource.store_id(schema);
        filter.apply(&mut resource.node, schema)?;
        let after = resource.id(schema).key();
        if let Some(count) = counts.get_mut(&before) {
            *count -= 1;
        }
        let count = counts.entry(after.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let same = list.iter().filter(|resource| resource.id(schema).key() == after);
            let texts: Result<Vec<_>, Error> = same
                .map(|resource| Ok(json_text(&flux_yaml::to_json(&resource.annotated(), flux_yaml::Schema::V3)?)))
                .collect();
            let reason = format!("namespace transformation produces ID conflict: [{}]", texts?.join(" "));
            return Err(Error::Namespace { reason });
        }
    }
    Ok(())
}

fn set_replicas(map: &mut ResMap, replica: &Replica, specs: &[FieldSpec]) -> Result<(), Error> {
    let count = replica.count.to_string();
    let mut found = false;
    for spec in specs {
        for resource in map.bodies_mut() {
            let named =
                resource.name() == replica.name || resource.history.past.iter().any(|past| past.name == replica.name);
            if !named || resource.is_nothing() {
                continue;
            }
            let now = plain_id(&resource.node);
            let wanted = |id: crate::id::Id<'_>| id.name == replica.name && id.gvk.is_selected(spec.gvk());
            if !resource.past_ids().chain([now]).any(wanted) {
                continue;
            }
            found = true;
            fieldspec::apply(&mut resource.node, spec, Make::Number, &mut |field| {
                node::set_scalar_text(field, &count, flux_yaml::Tag::Int)
            })?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds = specs.iter().map(|spec| spec.gvk().to_string()).collect();
    Err(Error::Replicas { name: replica.name.clone(), kinds })
}

fn add_values(map: &mut ResMap, value: &str, targets: &[ValueTarget], schema: &Schema) -> Result<(), Error> {
    for target in targets {
        let places = match &target.selector {
            None => (0..map.len()).collect(),
            Some(selector) => map.select(selector, schema)?,
        };
        let list = map.list_mut();
        for place in places {
            let object = &mut list[place].node;
            if target.field_path == "metadata/namespace" {
                let filter = NamespaceFilter {
                    namespace: value,
                    specs: &[],
                    unset_only: false,
                    subjects: Subjects::DefaultOnly,
                };
                filter.apply(object, schema)?;
            } else {
                value_add::apply(object, value, &target.field_path, target.position)?;
            }
        }
    }
    Ok(())
}
