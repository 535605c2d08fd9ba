//! `dario.cat/mergo`, in the two forms that sprig uses.

use super::{Arguments as _, any, flow::empty};
use crate::exec::{Operand, Res, Run};
use crate::value::{Map, MapKind, Value};

/// Merges into the first map, one after another; the left wins unless `overwrite`.
pub(super) fn merge(run: &mut Run<'_>, arguments: &[Operand], overwrite: bool) -> Res<Operand> {
    let mut target = arguments.map(0).clone();
    for index in 1..arguments.len() {
        let source = arguments.map(index);
        if target.is_nil() && !source.is_nil() {
            target = Map::new(MapKind::Any);
        }
        merge_map(run, &target, source, overwrite)?;
    }
    any(Value::Map(target))
}

fn merge_map(run: &mut Run<'_>, target: &Map, source: &Map, overwrite: bool) -> Res<()> {
    run.descend()?;
    if target.same(source) {
        return Ok(());
    }
    run.charge(source.len() * 64)?;
    // A map that was empty takes slices as they are.
    let mut was_empty = target.is_empty();
    for (key, value) in source.entries() {
        run.step()?;
        let present = target.get(key.as_bytes());
        match (&value, &present) {
            (Value::Nil, _) => {
                if overwrite {
                    target.insert(key, Value::Nil);
                }
                continue;
            }
            (Value::Map(from), Some(Value::Map(into))) => {
                let (into, from) = (into.clone(), from.clone());
                if !into.is_nil() {
                    merge_map(run, &into, &from, overwrite)?;
                }
                if !into.is_empty() {
                    continue;
                }
            }
            (Value::List(_) | Value::Bytes(_), Some(old)) => {
                if overwrite || was_empty {
                    run.note_change(target, &value);
                    target.insert(key.clone(), value.clone());
                    was_empty = false;
                }
                if !empty(old) {
                    continue;
                }
            }
            _ => {}
        }
        if overwrite || present.as_ref().is_none_or(empty) {
            run.note_change(target, &value);
            target.insert(key, value);
        }
        was_empty = false;
    }
    Ok(())
}
