//! Numbers.

use super::cast::{to_float, to_int};
use super::decimal::Decimal;
use super::{Arguments as _, Function, float, int, int64, text};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::go::numbers::parse_int;
use crate::value::{Elem, List, Value};

use Ty::{Any, Float, Int, Int64, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] =
    &[
        Function::new("atoi", &[Str], Int, |_, a| {
            int(parse_int(a.bytes(0), 10).unwrap_or_else(|_| atoi_error(a.bytes(0))))
        }),
        Function::new("int64", &[Any], Int64, |_, a| int64(to_int(a.value(0)))),
        Function::new("int", &[Any], Int, |_, a| int(to_int(a.value(0)))),
        Function::new("float64", &[Any], Float, |_, a| float(to_float(a.value(0)))),
        Function::new("toDecimal", &[Any], Int64, |run, a| {
            let shown = crate::go::fmt::sprint(run, [a.value(0)])?;
            int64(parse_int(&shown, 8).unwrap_or(0))
        }),
        Function::new("add1", &[Any], Int64, |_, a| int64(to_int(a.value(0)).wrapping_add(1))),
        Function::variadic("add", &[Any], Int64, |_, a| {
            int64(a.values(0).fold(0, |sum: i64, value| sum.wrapping_add(to_int(value))))
        }),
        Function::new("sub", &[Any, Any], Int64, |_, a| int64(to_int(a.value(0)).wrapping_sub(to_int(a.value(1))))),
        Function::new("div", &[Any, Any], Int64, |_, a| int64(divided(a, i64::wrapping_div)?)),
        Function::new("mod", &[Any, Any], Int64, |_, a| int64(divided(a, i64::wrapping_rem)?)),
        Function::variadic("mul", &[Any, Any], Int64, |_, a| {
            int64(a.values(0).map(to_int).reduce(i64::wrapping_mul).unwrap_or(0))
        }),
        Function::variadic("max", &[Any, Any], Int64, |_, a| int64(a.values(0).map(to_int).max().unwrap_or(0))),
        Function::variadic("biggest", &[Any, Any], Int64, |_, a| int64(a.values(0).map(to_int).max().unwrap_or(0))),
        Function::variadic("min", &[Any, Any], Int64, |_, a| int64(a.values(0).map(to_int).min().unwrap_or(0))),
        Function::variadic("maxf", &[Any, Any], Float, |_, a| {
            float(a.values(0).map(to_float).reduce(go_max).unwrap_or(0.0))
        }),
        Function::variadic("minf", &[Any, Any], Float, |_, a| {
            float(a.values(0).map(to_float).reduce(go_min).unwrap_or(0.0))
        }),
        Function::new("add1f", &[Any], Float, |_, a| {
            float(decimals(a.values(0).map(to_float).chain([1.0]), |x, y| Ok(x.add(y)))?)
        }),
        Function::variadic("addf", &[Any], Float, |_, a| {
            float(decimals(std::iter::once(0.0).chain(a.values(0).map(to_float)), |x, y| Ok(x.add(y)))?)
        }),
        Function::variadic("subf", &[Any, Any], Float, |_, a| {
            float(decimals(a.values(0).map(to_float), |x, y| Ok(x.add(&y.negated())))?)
        }),
        Function::variadic("mulf", &[Any, Any], Float, |_, a| {
            float(decimals(a.values(0).map(to_float), |x, y| Ok(x.multiply(y)))?)
        }),
        Function::variadic("divf", &[Any, Any], Float, |_, a| {
            float(decimals(a.values(0).map(to_float), |x, y| {
                if y.is_zero() { fail("decimal division by 0") } else { Ok(x.divide(y)) }
            })?)
        }),
        Function::new("floor", &[Any], Float, |_, a| float(to_float(a.value(0)).floor())),
        Function::new("ceil", &[Any], Float, |_, a| float(to_float(a.value(0)).ceil())),
        Function::variadic("round", &[Any, Int, Float], Float, |_, a| float(round(a))),
        Function::new("until", &[Int], Reflect, |run, a| {
            let count = a.int(0);
            ints(run, 0, count, if count < 0 { -1 } else { 1 })
        }),
        Function::new("untilStep", &[Int, Int, Int], Reflect, |run, a| ints(run, a.int(0), a.int(1), a.int(2))),
        Function::variadic("seq", &[Int], Str, seq),
    ];

/// `strconv.Atoi` answers the nearest number with its range error; its caller ignores the error.
fn atoi_error(text: &[u8]) -> i64 {
    match parse_int(text, 10) {
        Err(crate::go::numbers::NumberError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(crate::go::numbers::NumberError::Range) => i64::MAX,
        _ => 0,
    }
}

fn divided(arguments: &[Operand], divide: fn(i64, i64) -> i64) -> Res<i64> {
    match to_int(arguments.value(1)) {
        0 => fail("runtime error: integer divide by zero"),
        divisor => Ok(divide(to_int(arguments.value(0)), divisor)),
    }
}

/// `math.Max`.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { b } else { a };
    }
    a.max(b)
}

/// `math.Min`.
fn go_min(a: f64, b: f64) -> f64 {
    -go_max(-a, -b)
}

fn decimals(mut numbers: impl Iterator<Item = f64>, operate: impl Fn(&Decimal, &Decimal) -> Res<Decimal>) -> Res<f64> {
    let decimal = |number: f64| -> Res<Decimal> {
        if number.is_finite() {
            return Ok(Decimal::from_float(number));
        }
        fail(format!("Cannot create a Decimal from {}", crate::go::numbers::format_float(number, b'g', -1)))
    };
    let mut result = decimal(numbers.next().unwrap_or(0.0))?;
    for number in numbers {
        result = operate(&result, &decimal(number)?)?;
    }
    Ok(result.to_float())
}

fn round(arguments: &[Operand]) -> f64 {
    let threshold = match arguments.value(2) {
        Value::Float(threshold) => *threshold,
        _ => 0.5,
    };
    let power = 10f64.powf(arguments.int(1) as f64);
    let digit = power * to_float(arguments.value(0));
    let fraction = digit.fract();
    let rounded = if fraction >= threshold { digit.ceil() } else { digit.floor() };
    rounded / power
}

/// The numbers of sprig's `untilStep`, asked for in advance.
fn steps(run: &mut Run<'_>, start: i64, stop: i64, step: i64) -> Res<Vec<i64>> {
    let up = stop >= start;
    if (up && step <= 0) || (!up && step >= 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    run.charge(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size_of::<Value>()))?;
    let mut numbers = Vec::new();
    let mut at = start;
    for _ in 0..count {
        numbers.push(at);
        at = at.wrapping_add(step);
    }
    Ok(numbers)
}

fn ints(run: &mut Run<'_>, start: i64, stop: i64, step: i64) -> Res<Operand> {
    let numbers = steps(run, start, stop, step)?.into_iter().map(Value::int).collect();
    Ok(Value::List(List::new(Elem::Int, numbers)).into())
}

fn seq(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let numbers: Vec<i64> = (0..arguments.len()).map(|index| arguments.int(index)).collect();
    let (start, step, end) = match numbers.as_slice() {
        [end] => (1, if *end < 1 { -1 } else { 1 }, *end),
        [start, end] => (*start, if end < start { -1 } else { 1 }, *end),
        [start, step, end] if end < start && *step > 0 => {
            _ = (start, step, end);
            return text("");
        }
        [start, step, end] => (*start, *step, *end),
        _ => return text(""),
    };
    let beyond = if end < start { -1 } else { 1 };
    let numbers = steps(run, start, end.wrapping_add(beyond), step)?;
    let mut out = String::new();
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(&number.to_string());
    }
    text(out)
}
