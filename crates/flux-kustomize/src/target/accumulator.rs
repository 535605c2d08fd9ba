//! Objects gathered so far, with the rules and vars that came with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use flux_yaml::{Node, Tag};

use crate::config::Config;
use crate::error::Error;
use crate::filters::path::{self, smart_split};
use crate::filters::ref_var::{self, VarValue};
use crate::id::Id;
use crate::node::{Shape, raw, scalar_tag, shape};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::types::{Var, VarSet};

#[derive(Clone, Default)]
pub(super) struct Accumulator {
    pub map: ResMap,
    config: Option<Arc<Config>>,
    vars: VarSet,
}

impl Accumulator {
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn config(&self) -> Arc<Config> {
        self.config.clone().unwrap_or_default()
    }

    pub(super) fn merge_config(&mut self, new: &Arc<Config>) -> Result<(), Error> {
        let merged = match &self.config {
            None if Arc::ptr_eq(new, &Config::builtin()) => Arc::clone(new),
            // A general rule is dropped where a special one stands before it.
            None => Arc::new(Config::default().merge(new)?),
            // Most kustomizations have the built-in rules and no others.
            Some(own) if Arc::ptr_eq(own, new) => return Ok(()),
            Some(own) => Arc::new(own.merge(new)?),
        };
        self.config = Some(merged);
        Ok(())
    }

    /// Adds what another one has gathered.
    pub(super) fn merge(&mut self, other: Self, schema: &Schema) -> Result<(), Error> {
        if self.map.len() == 0 {
            self.map = other.map;
            self.map.check_unique(schema)?;
        } else {
            self.map.append_all(other.map.into_list(), schema)?;
        }
        if let Some(config) = &other.config {
            self.merge_config(config)?;
        }
        self.vars.merge(other.vars.iter())
    }

    /// Adds vars, and marks the objects that have their values.
    pub(super) fn merge_vars(&mut self, vars: &[Var], schema: &Schema) -> Result<(), Error> {
        for var in vars {
            let var = var.with_settled_target();
            let target = &var.target;
            let cluster_scoped = schema.is_cluster_scoped(&target.gvk().to_owned().api_version(), &target.kind);
            let wanted = Id { gvk: target.gvk(), name: &target.name, namespace: &target.namespace, cluster_scoped };
            let any_namespace = target.namespace.is_empty() && !cluster_scoped;
            let matches = |id: Id<'_>| {
                id.name == wanted.name && id.gvk == wanted.gvk && (any_namespace || id.same_namespace(&wanted))
            };
            let places: Vec<usize> = (0..self.map.len())
                .filter(|place| {
                    let resource = &self.map.as_slice()[*place];
                    !resource.is_nothing() && resource.past_ids().chain([resource.id(schema)]).any(matches)
                })
                .collect();
            match places[..] {
                [] => {}
                [place] => {
                    if let Some(resource) = self.map.bodies_mut().nth(place) {
                        resource.vars.push(var.name.clone());
                    }
                }
                _ => {
                    let reason = format!("found {} resId matches for var {var} (unable to disambiguate)", places.len());
                    return Err(Error::Var { reason });
                }
            }
        }
        self.vars.merge(vars)
    }

    /// Writes the values of vars to where they are named.
    pub(super) fn resolve_vars(&mut self) -> Result<(), Error> {
        if self.vars.is_empty() {
            return Ok(());
        }
        let mut values = BTreeMap::new();
        for var in self.vars.iter() {
            let holder = self.map.iter().find(|resource| resource.vars.contains(&var.name));
            let Some(holder) = holder else {
                let reason = format!("var '{var}' cannot be mapped to a field in the set of known resources");
                return Err(Error::Var { reason });
            };
            values.insert(var.name.clone(), value_of(holder, var)?);
        }
        let config = self.config();
        for resource in self.map.list_mut() {
            for spec in &config.var_reference {
                ref_var::apply(&mut resource.node, spec, &values)?;
            }
        }
        Ok(())
    }
}

fn value_of(holder: &Resource, var: &Var) -> Result<VarValue, Error> {
    let missing =
        || Error::Var { reason: format!("field specified in var '{var}' not found in corresponding resource") };
    let path: Vec<String> = smart_split(&var.field.field_path, '.').into_iter().flat_map(split_index).collect();
    let found: &Node = path::lookup(&holder.node, &path).ok().flatten().ok_or_else(missing)?;
    if shape(found) != Shape::Scalar {
        return Ok(VarValue { text: String::new(), tag: None });
    }
    let tag = found.as_scalar().map(scalar_tag);
    Ok(VarValue {
        text: raw(found).to_owned(),
        tag: Some(match tag {
            Some(tag @ (Tag::Int | Tag::Float | Tag::Bool)) => tag,
            _ => Tag::Str,
        }),
    })
}

/// `ports[0]` is two steps.
fn split_index(step: String) -> Vec<String> {
    let index = step.strip_suffix(']').and_then(|step| step.rsplit_once('['));
    match index {
        Some((name, index)) if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
            let steps = [name, index].into_iter().filter(|step| !step.is_empty());
            steps.map(str::to_owned).collect()
        }
        _ => vec![step],
    }
}
