//! `reflect.DeepEqual`.

use std::rc::Rc;

use crate::exec::{Res, Run};
use crate::value::Value;

/// Equal in type and content. NaN equals nothing, unless inside the very same list or map.
pub(crate) fn deep_equal(run: &mut Run<'_>, a: &Value, b: &Value) -> Res<bool> {
    run.step()?;
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, x), Value::Int(b, y)) => a == b && x == y,
        (Value::Uint(a, x), Value::Uint(b, y)) => a == b && x == y,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a), Value::Complex(b)) => a == b,
        (Value::Str(a), Value::Str(b)) | (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.elem() != b.elem() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.same(b) {
                return Ok(true);
            }
            run.descend()?;
            for (a, b) in a.items().iter().zip(b.items().iter()) {
                if !deep_equal(run, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.kind() != b.kind() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.same(b) {
                return Ok(true);
            }
            run.descend()?;
            for (key, left) in a.entries() {
                match b.get(key.as_bytes()) {
                    Some(right) if deep_equal(run, &left, &right)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Time(a), Value::Time(b)) => a.nanos() == b.nanos() && a.text() == b.text(),
        (Value::Record(a), Value::Record(b)) => {
            if a.ty != b.ty {
                return Ok(false);
            }
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            for ((_, left), (_, right)) in a.fields.iter().zip(&b.fields) {
                if !deep_equal(run, left, right)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}
