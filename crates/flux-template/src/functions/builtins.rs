//! Go's own functions.

use super::{Arguments as _, Function, Special, flag, int, text};
use crate::exec::{Operand, Res, Run, Ty, fail, kinds};
use crate::go::{fmt, runes};
use crate::value::Value;

use Ty::{Any, Bool, Int, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::variadic("and", &[Reflect, Reflect], Reflect, |_, _| fail("unreachable")).special(Special::And),
    Function::variadic("or", &[Reflect, Reflect], Reflect, |_, _| fail("unreachable")).special(Special::Or),
    Function::variadic("call", &[Reflect, Reflect], Reflect, |_, _| fail("unreachable")).special(Special::Call),
    Function::new("not", &[Reflect], Bool, |_, a| flag(!kinds::truth(a.value(0)))),
    Function::new("len", &[Reflect], Int, |_, a| length(&a[0])),
    Function::variadic("index", &[Reflect, Reflect], Reflect, |_, a| index(a)),
    Function::variadic("print", &[Any], Str, |run, a| text(fmt::sprint(run, a.values(0))?)),
    Function::variadic("println", &[Any], Str, |run, a| text(fmt::sprintln(run, a.values(0))?)),
    Function::variadic("printf", &[Str, Any], Str, |run, a| {
        let values: Vec<&Value> = a.values(1).collect();
        text(fmt::sprintf(run, a.bytes(0), &values)?)
    }),
    Function::variadic("html", &[Any], Str, |run, a| text(html(&joined(run, a)?))),
    Function::variadic("js", &[Any], Str, |run, a| text(js(&joined(run, a)?))),
    Function::variadic("urlquery", &[Any], Str, |run, a| text(super::urls::query_escape(&joined(run, a)?))),
    Function::variadic("eq", &[Reflect, Reflect], Bool, |run, a| flag(equal(run, a)?)),
    Function::new("ne", &[Reflect, Reflect], Bool, |run, a| flag(!equal(run, a)?)),
    Function::new("lt", &[Reflect, Reflect], Bool, |_, a| flag(less(a)?)),
    Function::new("le", &[Reflect, Reflect], Bool, |run, a| flag(less(a)? || equal(run, a)?)),
    Function::new("gt", &[Reflect, Reflect], Bool, |run, a| flag(!(less(a)? || equal(run, a)?))),
    Function::new("ge", &[Reflect, Reflect], Bool, |_, a| flag(!less(a)?)),
];

fn length(item: &Operand) -> Res<Operand> {
    if item.is_nil_interface() {
        return fail("len of nil pointer");
    }
    match &item.value {
        Value::Str(text) | Value::Bytes(text) => int(text.len() as i64),
        Value::List(list) => int(list.len() as i64),
        Value::Map(map) => int(map.len() as i64),
        Value::Nil => fail("reflect: call of reflect.Value.Type on zero Value"),
        Value::Record(record) => fail(format!("len of type {}", kinds::record_name(record.ty).trim_start_matches('*'))),
        other => fail(format!("len of type {}", kinds::type_name(other))),
    }
}

/// An index for something of this length, which itself passes here.
fn position(index: &Value, length: usize) -> Res<usize> {
    let value = match index {
        Value::Int(value, _) => *value,
        Value::Uint(value, _) => *value as i64,
        Value::Nil => return fail("cannot index slice/array with nil"),
        other => return fail(format!("cannot index slice/array with type {}", kinds::type_name(other))),
    };
    match usize::try_from(value) {
        Ok(position) if position <= length => Ok(position),
        _ => fail(format!("index out of range: {value}")),
    }
}

fn index(arguments: &[Operand]) -> Res<Operand> {
    let mut item = arguments[0].clone();
    item.iface = false;
    if item.value.is_nil() {
        return fail("index of untyped nil");
    }
    for index in arguments.values(1) {
        item = match &item.value {
            Value::Nil => return fail("index of nil pointer"),
            Value::Str(bytes) | Value::Bytes(bytes) => {
                let at = position(index, bytes.len())?;
                match bytes.as_bytes().get(at) {
                    Some(byte) => Value::byte(*byte).into(),
                    None if matches!(item.value, Value::Str(_)) => return fail("reflect: string index out of range"),
                    None => return fail("reflect: slice index out of range"),
                }
            }
            Value::List(list) => {
                let at = position(index, list.len())?;
                let iface = kinds::elem_is_interface(list.elem());
                match list.get(at) {
                    Some(value) => Operand { value, iface, addressable: false },
                    None => return fail("reflect: slice index out of range"),
                }
            }
            Value::Map(map) => match index {
                Value::Str(key) => match map.get(key.as_bytes()) {
                    Some(value) => Operand { value, iface: kinds::map_is_interface(map.kind()), addressable: false },
                    None => kinds::zero_of_map(map.kind()),
                },
                Value::Nil => return fail("value is nil; should be of type string"),
                other => return fail(format!("value has type {}; should be string", kinds::type_name(other))),
            },
            Value::Record(record) => {
                let name = kinds::record_name(record.ty).trim_start_matches('*');
                return fail(format!("can't index item of type {name}"));
            }
            other => return fail(format!("can't index item of type {}", kinds::type_name(other))),
        };
    }
    Ok(item)
}

/// The text of all arguments; a single string is itself.
fn joined(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Vec<u8>> {
    if let [Operand { value: Value::Str(text), .. }] = arguments {
        return Ok(text.as_bytes().to_vec());
    }
    let no_value = Value::text("<no value>");
    let values = arguments.values(0).map(|value| if value.is_nil() { &no_value } else { value });
    let values: Vec<Value> = values.cloned().collect();
    // Pointers are followed; what remains prints as in an action.
    match values.as_slice() {
        [one] => fmt::print_action(run, &Operand::new(one.clone())),
        _ => fmt::sprint(run, &values),
    }
}

fn html(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(*byte),
        }
    }
    out
}

fn js(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((character, length)) = runes::decode(rest) {
        let raw = &rest[..length];
        rest = &rest[length..];
        match character {
            '\\' | '\'' | '"' => {
                out.push(b'\\');
                runes::push(&mut out, character);
            }
            '<' | '>' | '&' | '=' | '\0'..='\x1F' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            '\0'..='\x7F' => runes::push(&mut out, character),
            _ if runes::is_print(character) => out.extend_from_slice(raw),
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes()),
        }
    }
    out
}

/// The kinds that compare with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Complex,
    Int,
    Float,
    Str,
    Uint,
    Other,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Complex(_) => Basic::Complex,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Str(_) => Basic::Str,
        _ => Basic::Other,
    }
}

fn incompatible<T>(a: &Value, b: &Value) -> Res<T> {
    let (a, b) = (kinds::type_name(a), kinds::type_name(b));
    fail(format!("incompatible types for comparison: {a} and {b}"))
}

fn equal(run: &mut Run<'_>, arguments: &[Operand]) -> Res<bool> {
    let first = arguments.value(0);
    if arguments.len() < 2 {
        return fail("missing argument for comparison");
    }
    for other in arguments.values(1) {
        if equal_pair(run, first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_pair(run: &mut Run<'_>, a: &Value, b: &Value) -> Res<bool> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Complex(a), Value::Complex(b)) => a == b,
        (Value::Int(a, _), Value::Int(b, _)) => a == b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a == b,
        (Value::Int(a, _), Value::Uint(b, _)) | (Value::Uint(b, _), Value::Int(a, _)) => u64::try_from(*a) == Ok(*b),
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        _ if basic(a) != basic(b) => {
            if !a.is_nil() && !b.is_nil() {
                return incompatible(a, b);
            }
            false
        }
        _ => return equal_others(run, a, b),
    })
}

/// `%s`, which these errors use for values.
fn as_string(run: &mut Run<'_>, value: &Value) -> Res<String> {
    Ok(String::from_utf8_lossy(&fmt::sprintf(run, b"%s", &[value])?).into_owned())
}

/// Values that are nil, or have no order.
fn equal_others(run: &mut Run<'_>, a: &Value, b: &Value) -> Res<bool> {
    if kinds::kind_name(a) != kinds::kind_name(b) && !a.is_nil() && !b.is_nil() {
        let (shown_a, shown_b) = (as_string(run, a)?, fmt::shown(run, b)?);
        let (type_a, type_b) = (kinds::type_name(a), kinds::type_name(b));
        return fail(format!("non-comparable types {shown_a}: {type_a}, {type_b}: {shown_b}"));
    }
    let nil = |value: &Value| match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    };
    if nil(a) || nil(b) {
        return Ok(nil(a) == nil(b));
    }
    match b {
        Value::List(_) | Value::Map(_) | Value::Bytes(_) => {
            let shown = as_string(run, b)?;
            fail(format!("non-comparable type {shown}: {}", kinds::type_name(b)))
        }
        Value::Record(right) => match a {
            Value::Record(left) if left.ty.is_pointer() => Ok(std::rc::Rc::ptr_eq(left, right)),
            _ => super::deep_equal(run, a, b),
        },
        _ => super::deep_equal(run, a, b),
    }
}

fn less(arguments: &[Operand]) -> Res<bool> {
    let (a, b) = (arguments.value(0), arguments.value(1));
    if basic(a) == Basic::Other || basic(b) == Basic::Other {
        return fail("invalid type for comparison");
    }
    Ok(match (a, b) {
        (Value::Int(a, _), Value::Int(b, _)) => a < b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a < b,
        (Value::Int(a, _), Value::Uint(b, _)) => u64::try_from(*a).map_or(true, |a| a < *b),
        (Value::Uint(a, _), Value::Int(b, _)) => u64::try_from(*b).is_ok_and(|b| *a < b),
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ if basic(a) != basic(b) => return incompatible(a, b),
        _ => return fail("invalid type for comparison"),
    })
}
