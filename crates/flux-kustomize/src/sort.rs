//! The legacy order of the result.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::error::Error;
use crate::id::{GvkRef, Id, legacy_kinds};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::types::SortOptions;

/// Sorts as a kustomization's `sortOptions` say.
pub(crate) fn sort(map: &mut ResMap, options: &SortOptions, schema: &Schema) -> Result<(), Error> {
    match (options.order.as_str(), &options.legacy) {
        ("legacy", Some(legacy)) => legacy_order(map, &legacy.order_first, &legacy.order_last, schema),
        ("legacy", None) => sort_legacy(map, schema),
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => {
            let reason =
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'";
            Err(Error::Sort { reason: reason.into() })
        }
        _ => Err(Error::Sort { reason: "the field 'sortOptions.order' must be one of [fifo, legacy]".into() }),
    }
}

/// Sorts in the fixed order of kinds.
pub(crate) fn sort_legacy(map: &mut ResMap, schema: &Schema) -> Result<(), Error> {
    let (first, last) = legacy_kinds();
    let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
    legacy_order(map, &owned(first), &owned(last), schema)
}

fn legacy_order(map: &mut ResMap, first: &[String], last: &[String], schema: &Schema) -> Result<(), Error> {
    let mut ranks: HashMap<&str, isize> = HashMap::new();
    for (place, kind) in first.iter().enumerate() {
        ranks.insert(kind, place as isize - first.len() as isize);
    }
    for (place, kind) in last.iter().enumerate() {
        ranks.insert(kind, place as isize + 1);
    }
    let rank = |kind: &str| ranks.get(kind).copied().unwrap_or(0);
    let list = std::mem::take(map).into_list();
    // Keys are sorted rather than the objects, which are large.
    let mut keyed: Vec<(SortKey, usize)> = list
        .iter()
        .enumerate()
        .map(|(place, resource)| {
            let id = resource.id(schema);
            let key = SortKey {
                rank: rank(id.gvk.kind),
                kind: kind_text(id.gvk),
                namespace_kind: (id.gvk.kind == "Namespace").then_some(id.gvk.group.is_empty()),
                id: id_text(&id),
            };
            (key, place)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.compare(&b.0));
    let mut list: Vec<Option<Resource>> = list.into_iter().map(Some).collect();
    map.append_all(keyed.into_iter().filter_map(|(_, place)| list[place].take()), schema)
        .map_err(|error| error.within("SortOrderTransformer: Failed to append to resources"))
}

struct SortKey {
    rank: isize,
    kind: String,
    /// For the kind Namespace: whether it is the core group's.
    namespace_kind: Option<bool>,
    id: String,
}

impl SortKey {
    fn compare(&self, other: &Self) -> Ordering {
        let kinds = match (self.namespace_kind, other.namespace_kind) {
            // The core group's sorts first, though its text would sort last.
            (Some(a), Some(b)) if a || b => other.kind.cmp(&self.kind),
            _ => self.kind.cmp(&other.kind),
        };
        self.rank.cmp(&other.rank).then(kinds).then_with(|| self.id.cmp(&other.id))
    }
}

fn or<'a>(text: &'a str, absent: &'a str) -> &'a str {
    if text.is_empty() { absent } else { text }
}

fn kind_text(gvk: GvkRef<'_>) -> String {
    [or(gvk.group, "~G"), "_", or(gvk.version, "~V"), "_", or(gvk.kind, "~K")].concat()
}

/// As the id's group, version and kind are shown, its namespace and its name.
fn id_text(id: &Id<'_>) -> String {
    let gvk = id.gvk;
    let shown = [or(gvk.kind, "[noKind]"), ".", or(gvk.version, "[noVer]"), ".", or(gvk.group, "[noGrp]")];
    let [kind, dot, version, again, group] = shown;
    [kind, dot, version, again, group, "|", or(id.namespace, "~X"), "|", or(id.name, "~N")].concat()
}
