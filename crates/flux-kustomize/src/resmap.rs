//! The objects gathered so far, in order, found by id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use flux_yaml::Node;

use crate::error::Error;
use crate::id::{Id, IdKey};
use crate::labels;
use crate::resource::{Behavior, Resource, metadata};
use crate::schema::Schema;
use crate::types::{Matcher, Selector};

/// Places by present or past id.
type Places = HashMap<IdKey, Vec<usize>>;

/// Objects in the order they were added.
///
/// The indexes are made when first asked for and dropped when something may change an id.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// By present id; its presence says that present ids are unique.
    current: Option<HashMap<IdKey, usize>>,
    /// By any id the objects have or had.
    any: Option<Places>,
}

impl ResMap {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    pub(crate) fn as_slice(&self) -> &[Resource] {
        &self.list
    }

    /// For changes of any kind.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.current = None;
        self.any = None;
        &mut self.list
    }

    /// For changes that leave name, namespace, kind, `apiVersion` and history alone.
    pub(crate) fn bodies_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.list.iter_mut()
    }

    /// Changes one object; the indexes are kept when its id did not change.
    pub(crate) fn change<T>(
        &mut self,
        place: usize,
        schema: &Schema,
        work: impl FnOnce(&mut Resource) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let resource = &mut self.list[place];
        let before = (resource.id(schema).key(), resource.history.past.len());
        let result = work(resource);
        if resource.is_nothing() || before != (resource.id(schema).key(), resource.history.past.len()) {
            self.current = None;
            self.any = None;
        }
        result
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    pub(crate) fn drop_empty(&mut self) {
        if self.list.iter().any(Resource::is_nothing) {
            self.list_mut().retain(|resource| !resource.is_nothing());
        }
    }

    fn current(&mut self, schema: &Schema) -> Result<&mut HashMap<IdKey, usize>, Error> {
        if self.current.is_none() {
            let mut index = HashMap::with_capacity(self.list.len());
            for (place, resource) in self.list.iter().enumerate() {
                let id = resource.id(schema);
                if index.insert(id.key(), place).is_some() {
                    return Err(Error::DuplicateId { id: id.to_string() });
                }
            }
            self.current = Some(index);
        }
        self.current.as_mut().ok_or_else(|| Error::internal("the index was just made"))
    }

    /// Fails when two objects have the same id.
    pub(crate) fn check_unique(&mut self, schema: &Schema) -> Result<(), Error> {
        self.current(schema).map(drop)
    }

    /// Adds an object whose id is new.
    pub(crate) fn append(&mut self, resource: Resource, schema: &Schema) -> Result<(), Error> {
        let place = self.list.len();
        // Objects gathered before may have come to share an id; only the new one is judged here.
        let id = resource.id(schema);
        let key = id.key();
        let known = match self.current(schema) {
            Ok(index) => match index.entry(key) {
                Entry::Occupied(_) => true,
                Entry::Vacant(free) => {
                    free.insert(place);
                    false
                }
            },
            Err(_) => self.list.iter().any(|old| old.id(schema).key() == key),
        };
        if known {
            return Err(Error::DuplicateId { id: id.to_string() });
        }
        if let Some(any) = &mut self.any {
            index_one(any, &resource, place, schema);
        }
        self.list.push(resource);
        Ok(())
    }

    pub(crate) fn append_all(
        &mut self,
        more: impl IntoIterator<Item = Resource>,
        schema: &Schema,
    ) -> Result<(), Error> {
        more.into_iter().try_for_each(|resource| self.append(resource, schema))
    }

    /// Places of the objects that have or had this id, in order.
    pub(crate) fn places_of_any(&mut self, id: &Id<'_>, schema: &Schema) -> Vec<usize> {
        let list = &self.list;
        let any = self.any.get_or_insert_with(|| {
            let mut any = Places::with_capacity(list.len());
            for (place, resource) in list.iter().enumerate() {
                index_one(&mut any, resource, place, schema);
            }
            any
        });
        any.get(&id.key()).cloned().unwrap_or_default()
    }

    /// The one object a patch without target is for.
    pub(crate) fn patch_target(&mut self, id: &Id<'_>, schema: &Schema) -> Result<usize, Error> {
        let found = self.places_of_any(id, schema);
        match found[..] {
            [place] => Ok(place),
            [] => {
                Err(Error::PatchTarget { found: "no matches", id: id.to_string(), nearest: self.nearest(id, schema) })
            }
            _ => Err(Error::PatchTarget { found: "multiple matches", id: id.to_string(), nearest: None }),
        }
    }

    /// The object of the same kind whose name is most like the wanted one.
    fn nearest(&self, id: &Id<'_>, schema: &Schema) -> Option<String> {
        let same_kind = self.list.iter().filter(|resource| resource.kind() == id.gvk.kind);
        let nearest = same_kind.max_by_key(|resource| likeness(resource.name(), id.name))?;
        Some(nearest.id(schema).to_string())
    }

    /// Adds a generated object, or merges it into the one it is for.
    pub(crate) fn absorb(&mut self, mut new: Resource, schema: &Schema) -> Result<(), Error> {
        let behavior = new.history.behavior.unwrap_or_default();
        let id = new.id(schema);
        let name = id.name.to_owned();
        let fault = |reason| Error::Generator { name: name.clone(), reason };
        match self.places_of_any(&id, schema)[..] {
            [] => match behavior {
                Behavior::Merge | Behavior::Replace => {
                    Err(fault(format!("id {} does not exist; cannot merge or replace", go_id(&id))))
                }
                _ => self.append(new, schema),
            },
            [place] => {
                let old = &self.list[place];
                match behavior {
                    Behavior::Replace => new.merge_metadata_from(old)?,
                    Behavior::Merge => {
                        let origin = old.annotation(crate::resource::ORIGIN).map(str::to_owned);
                        new.merge_metadata_from(old)?;
                        new.merge_data_from(old)?;
                        if let Some(origin) = origin {
                            new.set_annotation(crate::resource::ORIGIN, &origin)?;
                        }
                    }
                    _ => {
                        return Err(fault(format!(
                            "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                            go_id(&id),
                            behavior.name()
                        )));
                    }
                }
                self.list[place] = new;
                self.any = None;
                Ok(())
            }
            _ => Err(fault(format!("found multiple objects that could accept merge of {id}"))),
        }
    }

    /// Places of the objects a selector matches.
    pub(crate) fn select(&self, selector: &Selector, schema: &Schema) -> Result<Vec<usize>, Error> {
        let matcher = Matcher::new(selector)?;
        // Read when the first object comes so far, as upstream does: a selector nobody needs may be wrong.
        let (mut by_labels, mut by_annotations) = (None, None);
        let mut matches = |resource: &Resource| -> Result<bool, Error> {
            if !matcher.gvk(resource.gvk()) {
                return Ok(false);
            }
            let (original, current) = (resource.original_id(schema), resource.id(schema));
            let meta = |name: &str| metadata(&resource.node).and_then(|meta| meta.get(name)).and_then(Node::as_mapping);
            Ok((matcher.namespace(original.effective_namespace()) || matcher.namespace(current.effective_namespace()))
                && (matcher.name(original.name) || matcher.name(current.name))
                && labels::lazy(&mut by_labels, &selector.label_selector)?.matches(meta("labels"))
                && labels::lazy(&mut by_annotations, &selector.annotation_selector)?.matches(meta("annotations")))
        };
        let mut places = Vec::new();
        for (place, resource) in self.list.iter().enumerate() {
            if matches(resource)? {
                places.push(place);
            }
        }
        Ok(places)
    }
}

fn index_one(any: &mut Places, resource: &Resource, place: usize, schema: &Schema) {
    if resource.is_nothing() {
        return;
    }
    for id in resource.past_ids().chain([resource.id(schema)]) {
        let places = any.entry(id.key()).or_default();
        if places.last() != Some(&place) {
            places.push(place);
        }
    }
}

/// How many characters two names share at both ends.
fn likeness(a: &str, b: &str) -> usize {
    let front = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    front + back
}

/// Go's `%#v` of an id.
fn go_id(id: &Id<'_>) -> String {
    use crate::go::print::quote;
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{}, Version:{}, Kind:{}, isClusterScoped:{}}}, Name:{}, Namespace:{}}}",
        quote(id.gvk.group),
        quote(id.gvk.version),
        quote(id.gvk.kind),
        id.cluster_scoped,
        quote(id.name),
        quote(id.namespace)
    )
}
