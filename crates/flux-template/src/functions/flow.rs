//! sprig's defaults, reflection and choices.

use super::{Arguments as _, Function, any, deep_equal, flag, text};
use crate::exec::{Operand, Res, Run, Ty, fail, kinds};
use crate::value::{List, Map, Value};

use Ty::{Any, Bool, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("default", &[Any, Any], Any, |_, a| match a.get(1) {
        Some(given) if !empty(&given.value) => any(given.value.clone()),
        _ => any(a.value(0).clone()),
    }),
    Function::new("empty", &[Any], Bool, |_, a| flag(empty(a.value(0)))),
    Function::variadic("coalesce", &[Any], Any, |_, a| {
        any(a.values(0).find(|value| !empty(value)).cloned().unwrap_or_default())
    }),
    Function::variadic("all", &[Any], Bool, |_, a| flag(!a.values(0).any(empty))),
    Function::variadic("any", &[Any], Bool, |_, a| flag(a.values(0).any(|value| !empty(value)))),
    Function::new("ternary", &[Any, Any, Bool], Any, |_, a| any(a.value(usize::from(!a.flag(2))).clone())),
    Function::new("deepCopy", &[Any], Any, copied),
    Function::new("mustDeepCopy", &[Any], Any, copied),
    Function::new("deepEqual", &[Any, Any], Bool, |run, a| flag(deep_equal(run, a.value(0), a.value(1))?)),
    Function::new("typeOf", &[Any], Str, |_, a| text(kinds::type_name(a.value(0)).as_ref())),
    Function::new("typeIs", &[Str, Any], Bool, |_, a| flag(a.bytes(0) == kinds::type_name(a.value(1)).as_bytes())),
    Function::new("typeIsLike", &[Str, Any], Bool, |_, a| {
        let name = kinds::type_name(a.value(1));
        flag(a.bytes(0) == name.as_bytes() || name.strip_prefix('*').is_some_and(|name| a.bytes(0) == name.as_bytes()))
    }),
    Function::new("kindOf", &[Any], Str, |_, a| text(kinds::kind_name(a.value(0)))),
    Function::new("kindIs", &[Str, Any], Bool, |_, a| flag(a.bytes(0) == kinds::kind_name(a.value(1)).as_bytes())),
    Function::new("getHostByName", &[Str], Str, |run, a| {
        let name = a.str(0).to_text();
        // Without leave to ask, Helm answers the empty text.
        let Some(mut addresses) = run.host.resolve(&name) else { return text("") };
        if addresses.is_empty() {
            return fail("invalid argument to Intn");
        }
        let index = super::random::below(run, addresses.len() as u64) as usize;
        text(addresses.swap_remove(index))
    }),
];

/// sprig's `empty`: zero, nil or without elements; structs never are.
pub(super) fn empty(value: &Value) -> bool {
    !kinds::truth(value)
}

fn copied(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    match arguments.value(0) {
        Value::Nil => fail("reflect: call of reflect.Value.Type on zero Value"),
        value => any(deep_copy(run, value)?),
    }
}

/// Copies lists and maps all the way down.
fn deep_copy(run: &mut Run<'_>, value: &Value) -> Res<Value> {
    run.step()?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            run.descend()?;
            run.charge(list.len() * size_of::<Value>())?;
            let items = list.items();
            let items = items.iter().map(|item| deep_copy(run, item)).collect::<Res<Vec<_>>>()?;
            Value::List(List::new(list.elem(), items))
        }
        Value::Map(map) if !map.is_nil() => {
            run.descend()?;
            let copy = |(key, value)| Ok((key, deep_copy(run, &value)?));
            let entries = map.entries().into_iter().map(copy).collect::<Res<Vec<_>>>()?;
            Value::Map(Map::from_entries(map.kind(), entries))
        }
        Value::Record(record) => {
            // Fields that are not exported stay behind.
            let private = |name: &str| name.starts_with(|first: char| first.is_lowercase());
            let copy = |(name, value): &(&'static str, Value)| match (private(name), value) {
                (false, value) => (*name, value.clone()),
                (true, Value::Uint(_, kind)) => (*name, Value::Uint(0, *kind)),
                (true, _) => (*name, Value::text("")),
            };
            let fields = record.fields.iter().map(copy).collect();
            Value::Record(std::rc::Rc::new(crate::value::Record { ty: record.ty, fields }))
        }
        other => other.clone(),
    })
}
