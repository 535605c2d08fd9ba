//! sprig's dictionaries.

use super::{Arguments as _, Function, any, flag, list, map, text_of, texts};
use crate::exec::{Operand, Res, Run, Ty, fail, kinds};
use crate::value::{Map, MapKind, Value};

use Ty::{Any, Bool, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("dict", &[Any], Reflect, dict),
    Function::new("get", &[Ty::Map, Str], Any, |_, a| any(a.map(0).get(a.bytes(1)).unwrap_or_else(|| Value::text("")))),
    Function::new("set", &[Ty::Map, Str, Any], Reflect, set),
    Function::new("unset", &[Ty::Map, Str], Reflect, |_, a| {
        a.map(0).remove(a.bytes(1));
        Ok(a[0].clone())
    }),
    Function::new("hasKey", &[Ty::Map, Str], Bool, |_, a| flag(a.map(0).contains(a.bytes(1)))),
    Function::variadic("pluck", &[Str, Ty::Map], Reflect, |_, a| {
        list((1..a.len()).filter_map(|index| a.map(index).get(a.bytes(0))).collect())
    }),
    Function::variadic("keys", &[Ty::Map], Reflect, |run, a| {
        let mut keys = Vec::new();
        for index in 0..a.len() {
            run.charge(a.map(index).len() * 64)?;
            keys.extend(a.map(index).entries().into_iter().map(|(key, _)| Value::Str(key)));
        }
        texts(keys)
    }),
    Function::new("values", &[Ty::Map], Reflect, |run, a| {
        run.charge(a.map(0).len() * 64)?;
        list(a.map(0).entries().into_iter().map(|(_, value)| value).collect())
    }),
    Function::variadic("pick", &[Ty::Map, Str], Reflect, |_, a| {
        let picked = Map::new(MapKind::Any);
        for index in 1..a.len() {
            if let Some(value) = a.map(0).get(a.bytes(index)) {
                picked.insert(a.str(index).clone(), value);
            }
        }
        map(picked)
    }),
    Function::variadic("omit", &[Ty::Map, Str], Reflect, |run, a| {
        run.charge(a.map(0).len() * 64)?;
        let omitted: std::collections::HashSet<&[u8]> = (1..a.len()).map(|index| a.bytes(index)).collect();
        let kept = a.map(0).entries().into_iter().filter(|(key, _)| !omitted.contains(key.as_bytes()));
        map(Map::from_entries(MapKind::Any, kept))
    }),
    Function::variadic("merge", &[Ty::Map, Ty::Map], Any, |run, a| super::merge::merge(run, a, false)),
    Function::variadic("mustMerge", &[Ty::Map, Ty::Map], Any, |run, a| super::merge::merge(run, a, false)),
    Function::variadic("mergeOverwrite", &[Ty::Map, Ty::Map], Any, |run, a| super::merge::merge(run, a, true)),
    Function::variadic("mustMergeOverwrite", &[Ty::Map, Ty::Map], Any, |run, a| super::merge::merge(run, a, true)),
    Function::variadic("dig", &[Any], Any, dig),
];

fn dict(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let made = Map::new(MapKind::Any);
    for pair in arguments.chunks(2) {
        let key = text_of(run, &pair[0].value)?;
        let value = pair.get(1).map_or_else(|| Value::text(""), |operand| operand.value.clone());
        made.insert(key, value);
    }
    map(made)
}

fn set(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let target = arguments.map(0);
    if target.is_nil() {
        return fail("assignment to entry in nil map");
    }
    let value = arguments.value(2);
    run.note_change(target, value);
    target.insert(arguments.str(1).clone(), value.clone());
    Ok(arguments[0].clone())
}

/// Go's text for a failed type assertion.
fn assertion<T>(value: &Value, wanted: &str) -> Res<T> {
    let got = if value.is_nil() { "nil".into() } else { kinds::type_name(value) };
    fail(format!("interface conversion: interface {{}} is {got}, not {wanted}"))
}

fn dig(_: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let count = arguments.len();
    if count < 3 {
        return fail("dig needs at least three arguments");
    }
    let plain = |value: &Value| -> Res<Map> {
        match value {
            Value::Map(map) if map.kind() == MapKind::Any => Ok(map.clone()),
            other => assertion(other, "map[string]interface {}"),
        }
    };
    let mut at = plain(arguments.value(count - 1))?;
    let mut keys = Vec::with_capacity(count - 2);
    for index in 0..count - 2 {
        match arguments.value(index) {
            Value::Str(key) => keys.push(key),
            other => return assertion(other, "string"),
        }
    }
    let (last, before) = keys.split_last().expect("at least one key");
    for key in before {
        match at.get(key.as_bytes()) {
            Some(value) => at = plain(&value)?,
            None => return any(arguments.value(count - 2).clone()),
        }
    }
    any(at.get(last.as_bytes()).unwrap_or_else(|| arguments.value(count - 2).clone()))
}
