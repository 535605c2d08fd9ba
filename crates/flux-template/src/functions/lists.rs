//! sprig's lists.

use super::cast::to_int;
use super::flow::empty;
use super::{Arguments as _, Function, any, deep_equal, flag, list};
use crate::exec::{Operand, Res, Run, Ty, fail, kinds};
use crate::value::{Elem, List, Value};

use Ty::{Any, Bool, Int, Reflect};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("list", &[Any], Reflect, |_, a| list(a.values(0).cloned().collect())),
    Function::variadic("tuple", &[Any], Reflect, |_, a| list(a.values(0).cloned().collect())),
    Function::new("append", &[Any, Any], Reflect, push),
    Function::new("mustAppend", &[Any, Any], Reflect, push),
    Function::new("push", &[Any, Any], Reflect, push),
    Function::new("mustPush", &[Any, Any], Reflect, push),
    Function::new("prepend", &[Any, Any], Reflect, prepend),
    Function::new("mustPrepend", &[Any, Any], Reflect, prepend),
    Function::new("first", &[Any], Any, |_, a| any(items(a.value(0), "Cannot find first on type")?.swap_first())),
    Function::new("mustFirst", &[Any], Any, |_, a| any(items(a.value(0), "Cannot find first on type")?.swap_first())),
    Function::new("last", &[Any], Any, |_, a| {
        any(items(a.value(0), "Cannot find last on type")?.pop().unwrap_or_default())
    }),
    Function::new("mustLast", &[Any], Any, |_, a| {
        any(items(a.value(0), "Cannot find last on type")?.pop().unwrap_or_default())
    }),
    Function::new("rest", &[Any], Reflect, rest),
    Function::new("mustRest", &[Any], Reflect, rest),
    Function::new("initial", &[Any], Reflect, initial),
    Function::new("mustInitial", &[Any], Reflect, initial),
    Function::new("reverse", &[Any], Reflect, reverse),
    Function::new("mustReverse", &[Any], Reflect, reverse),
    Function::new("compact", &[Any], Reflect, compact),
    Function::new("mustCompact", &[Any], Reflect, compact),
    Function::new("uniq", &[Any], Reflect, uniq),
    Function::new("mustUniq", &[Any], Reflect, uniq),
    Function::variadic("without", &[Any, Any], Reflect, without),
    Function::variadic("mustWithout", &[Any, Any], Reflect, without),
    Function::new("has", &[Any, Any], Bool, has),
    Function::new("mustHas", &[Any, Any], Bool, has),
    // sprig's `slice` takes the place of Go's.
    Function::variadic("slice", &[Any, Any], Any, slice),
    Function::variadic("mustSlice", &[Any, Any], Any, slice),
    Function::variadic("concat", &[Any], Any, concat),
    Function::new("chunk", &[Int, Any], Reflect, chunk),
    Function::new("mustChunk", &[Int, Any], Reflect, chunk),
    Function::new("sortAlpha", &[Any], Reflect, sort_alpha),
];

trait First {
    fn swap_first(self) -> Value;
}

impl First for Vec<Value> {
    fn swap_first(self) -> Value {
        self.into_iter().next().unwrap_or_default()
    }
}

/// What a nil argument does to `reflect.TypeOf(list).Kind()`.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The items of any slice, or the error that begins with these words.
fn items(value: &Value, error: &str) -> Res<Vec<Value>> {
    match value {
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.as_bytes().iter().map(|byte| Value::byte(*byte)).collect()),
        Value::Nil => fail(NIL),
        other => fail(format!("{error} {}", kinds::kind_name(other))),
    }
}

fn charged(run: &mut Run<'_>, items: &[Value]) -> Res<()> {
    run.charge(items.len().saturating_mul(size_of::<Value>()))
}

fn push(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut items = items(arguments.value(0), "Cannot push on type")?;
    charged(run, &items)?;
    items.push(arguments.value(1).clone());
    list(items)
}

fn prepend(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut items = items(arguments.value(0), "Cannot prepend on type")?;
    charged(run, &items)?;
    items.insert(0, arguments.value(1).clone());
    list(items)
}

/// A nil slice where sprig answers one.
fn or_nil(items: Option<Vec<Value>>) -> Res<Operand> {
    match items {
        Some(items) => list(items),
        None => Ok(Value::List(List::nil(Elem::Any)).into()),
    }
}

fn rest(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let items = items(arguments.value(0), "Cannot find rest on type")?;
    charged(run, &items)?;
    or_nil((!items.is_empty()).then(|| items[1..].to_vec()))
}

fn initial(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let items = items(arguments.value(0), "Cannot find initial on type")?;
    charged(run, &items)?;
    or_nil((!items.is_empty()).then(|| items[..items.len() - 1].to_vec()))
}

fn reverse(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut items = items(arguments.value(0), "Cannot find reverse on type")?;
    charged(run, &items)?;
    items.reverse();
    list(items)
}

fn compact(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut items = items(arguments.value(0), "Cannot compact on type")?;
    charged(run, &items)?;
    items.retain(|item| !empty(item));
    list(items)
}

fn in_list(run: &mut Run<'_>, haystack: &[Value], needle: &Value) -> Res<bool> {
    for item in haystack {
        if deep_equal(run, needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut kept: Vec<Value> = Vec::new();
    // Strings, by far the most frequent, need no search.
    let mut seen = std::collections::HashSet::new();
    for item in items(arguments.value(0), "Cannot find uniq on type")? {
        let new = match &item {
            Value::Str(text) => seen.insert(text.clone()),
            _ => !in_list(run, &kept, &item)?,
        };
        if new {
            kept.push(item);
        }
    }
    list(kept)
}

fn without(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let omit: Vec<Value> = arguments.values(1).cloned().collect();
    let mut kept = Vec::new();
    for item in items(arguments.value(0), "Cannot find without on type")? {
        if !in_list(run, &omit, &item)? {
            kept.push(item);
        }
    }
    list(kept)
}

fn has(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let haystack = match arguments.value(1) {
        Value::Nil => return flag(false),
        value => items(value, "Cannot find has on type")?,
    };
    flag(in_list(run, &haystack, arguments.value(0))?)
}

fn slice(_: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let value = arguments.value(0);
    let length = items(value, "list should be type of slice or array but")?.len();
    if length == 0 {
        return any(Value::Nil);
    }
    let index = |at: usize, otherwise: usize| match arguments.get(at) {
        Some(operand) => to_int(&operand.value),
        None => otherwise as i64,
    };
    let (from, to) = (index(1, 0), index(2, length));
    if from < 0 || from > to || to > length as i64 {
        return fail("reflect.Value.Slice: slice index out of bounds");
    }
    let range = from as usize..to as usize;
    any(match value {
        Value::List(list) => Value::List(List::new(list.elem(), list.items()[range].to_vec())),
        Value::Bytes(bytes) => Value::Bytes(bytes.as_bytes()[range].into()),
        _ => Value::Nil,
    })
}

fn concat(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut all = Vec::new();
    for value in arguments.values(0) {
        let more = match value {
            Value::List(_) | Value::Bytes(_) | Value::Nil => items(value, "")?,
            other => return fail(format!("Cannot concat type {} as list", kinds::kind_name(other))),
        };
        charged(run, &more)?;
        all.extend(more);
    }
    any(if all.is_empty() { Value::List(List::nil(Elem::Any)) } else { Value::list(all) })
}

fn chunk(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let size = arguments.int(0);
    let items = items(arguments.value(1), "Cannot chunk type")?;
    charged(run, &items)?;
    let chunks: Vec<Value> = match usize::try_from(size) {
        Ok(0) if items.is_empty() => return fail("runtime error: makeslice: len out of range"),
        Ok(0) => return fail("runtime error: makeslice: len out of range"),
        Ok(size) => items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect(),
        Err(_) => {
            // The count of chunks by Go's arithmetic; none is left or it is negative.
            let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
            if count < 0.0 {
                return fail("runtime error: makeslice: len out of range");
            }
            if count > 0.0 {
                return fail("runtime error: makeslice: len out of range");
            }
            Vec::new()
        }
    };
    Ok(Value::List(List::new(Elem::Lists, chunks)).into())
}

fn sort_alpha(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let value = arguments.value(0);
    let sorted = super::strings::to_strings(run, value)?;
    let (Value::List(list), Value::List(_) | Value::Bytes(_)) = (&sorted, value) else {
        return if value.is_nil() { super::texts(vec![Value::text("<nil>")]) } else { Ok(sorted.into()) };
    };
    let mut items = list.items().to_vec();
    run.charge(items.len().saturating_mul(256))?;
    items.sort_by(|a, b| match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    // A list of strings is sorted in place.
    list.replace(items);
    Ok(sorted.into())
}
