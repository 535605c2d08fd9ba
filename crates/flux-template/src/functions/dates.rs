//! sprig's dates.

use std::rc::Rc;

use super::{Arguments as _, Function, text};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::go::numbers::parse_int;
use crate::time::{self, Time, Zone};
use crate::value::{IntKind, Value};

use Ty::{Any, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], Ty::Time, |run, _| wrapped(now(run))),
    Function::new("ago", &[Any], Str, |run, a| {
        let at = match a.value(0) {
            Value::Int(_, IntKind::Int32) => now(run),
            value => time_of(run, value),
        };
        let since = now(run).since(&at);
        text(time::duration_text(time::round_duration(since, 1_000_000_000)))
    }),
    Function::new("date", &[Str, Any], Str, |run, a| dated(run, a.bytes(0), a.value(1), "Local")),
    Function::new("date_in_zone", &[Str, Any, Str], Str, in_zone),
    Function::new("dateInZone", &[Str, Any, Str], Str, in_zone),
    Function::new("htmlDate", &[Any], Str, |run, a| dated(run, b"2006-01-02", a.value(0), "Local")),
    Function::new("htmlDateInZone", &[Any, Str], Str, |run, a| {
        let zone = a.str(1).to_text().into_owned();
        dated(run, b"2006-01-02", a.value(0), &zone)
    }),
    Function::new("date_modify", &[Str, Ty::Time], Ty::Time, |_, a| modified(a, false)),
    Function::new("dateModify", &[Str, Ty::Time], Ty::Time, |_, a| modified(a, false)),
    Function::new("must_date_modify", &[Str, Ty::Time], Ty::Time, |_, a| modified(a, true)),
    Function::new("mustDateModify", &[Str, Ty::Time], Ty::Time, |_, a| modified(a, true)),
    Function::new("toDate", &[Str, Str], Ty::Time, |_, a| {
        wrapped(Time::parse(a.bytes(0), a.bytes(1)).unwrap_or_else(|_| Time::zero()))
    }),
    Function::new("mustToDate", &[Str, Str], Ty::Time, |_, a| match Time::parse(a.bytes(0), a.bytes(1)) {
        Ok(time) => wrapped(time),
        Err(message) => fail(message),
    }),
    Function::new("unixEpoch", &[Ty::Time], Str, |_, a| text(time(a, 0).unix().to_string())),
    Function::new("duration", &[Any], Str, |_, a| {
        let seconds = match a.value(0) {
            Value::Int(seconds, IntKind::Int64) => *seconds,
            Value::Str(seconds) => parse_int(seconds.as_bytes(), 10).unwrap_or_else(|_| saturated(seconds.as_bytes())),
            _ => 0,
        };
        text(time::duration_text(seconds.wrapping_mul(1_000_000_000)))
    }),
    Function::new("durationRound", &[Any], Str, |run, a| {
        let nanos = match a.value(0) {
            Value::Str(duration) => time::parse_duration(duration.as_bytes()).unwrap_or(0),
            Value::Int(nanos, IntKind::Int64) => *nanos,
            Value::Time(at) => now(run).since(at),
            _ => 0,
        };
        text(rounded(nanos))
    }),
];

fn wrapped(time: Time) -> Res<Operand> {
    Ok(Value::Time(Rc::new(time)).into())
}

fn now(run: &Run<'_>) -> Time {
    Time::from_nanos(run.host.now())
}

/// `ParseInt` answers the nearest number beside its range error.
fn saturated(text: &[u8]) -> i64 {
    match parse_int(text, 10) {
        Err(crate::go::numbers::NumberError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(crate::go::numbers::NumberError::Range) => i64::MAX,
        _ => 0,
    }
}

fn time(arguments: &[Operand], index: usize) -> &Time {
    match arguments.value(index) {
        Value::Time(time) => time,
        other => unreachable!("argument {index} was checked to be a time, not {other:?}"),
    }
}

/// Times are themselves, integers seconds since 1970, all else is now.
fn time_of(run: &Run<'_>, value: &Value) -> Time {
    match value {
        Value::Time(time) => Time::clone(time),
        Value::Int(seconds, IntKind::Int | IntKind::Int32 | IntKind::Int64) => Time::from_unix(*seconds),
        _ => now(run),
    }
}

fn in_zone(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let zone = arguments.str(2).to_text().into_owned();
    dated(run, arguments.bytes(0), arguments.value(1), &zone)
}

fn dated(run: &mut Run<'_>, layout: &[u8], value: &Value, zone: &str) -> Res<Operand> {
    run.charge(layout.len().saturating_mul(8))?;
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    text(time_of(run, value).with_zone(zone).format(layout))
}

fn modified(arguments: &[Operand], must: bool) -> Res<Operand> {
    let at = time(arguments, 1);
    match time::parse_duration(arguments.bytes(0)) {
        Ok(nanos) => wrapped(at.add(nanos)),
        Err(message) if must => fail(message),
        Err(_) => wrapped(at.clone()),
    }
}

fn rounded(nanos: i64) -> String {
    const UNITS: [(u64, &str); 6] =
        [(365 * 86_400, "y"), (30 * 86_400, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let magnitude = nanos.unsigned_abs();
    for (seconds, name) in UNITS {
        let unit = seconds * 1_000_000_000;
        if magnitude > unit {
            return format!("{}{name}", magnitude / unit);
        }
    }
    "0s".to_owned()
}

/// The methods of `time.Time`.
pub(crate) const METHODS: &[Function] = &[
    Function::new("String", &[], Str, |_, a| text(time(a, 0).text())),
    Function::new("GoString", &[], Str, |_, a| text(time(a, 0).go_text())),
    Function::new("Format", &[Str], Str, |run, a| {
        run.charge(a.bytes(1).len().saturating_mul(8))?;
        text(time(a, 0).format(a.bytes(1)))
    }),
    Function::new("Unix", &[], Ty::Int64, |_, a| super::int64(time(a, 0).unix())),
    Function::new("UnixMilli", &[], Ty::Int64, |_, a| super::int64(time(a, 0).nanos().div_euclid(1_000_000) as i64)),
    Function::new("UnixMicro", &[], Ty::Int64, |_, a| super::int64(time(a, 0).nanos().div_euclid(1_000) as i64)),
    Function::new("UnixNano", &[], Ty::Int64, |_, a| super::int64(time(a, 0).nanos() as i64)),
    Function::new("Year", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().year)),
    Function::new("Month", &[], Ty::Month, |_, a| Ok(Value::Int(time(a, 0).civil().month, IntKind::Month).into())),
    Function::new("Day", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().day)),
    Function::new("Hour", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().hour)),
    Function::new("Minute", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().minute)),
    Function::new("Second", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().second)),
    Function::new("Nanosecond", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().nanosecond)),
    Function::new("YearDay", &[], Ty::Int, |_, a| super::int(time(a, 0).civil().yearday)),
    Function::new("Weekday", &[], Reflect, |_, a| Ok(Value::Int(time(a, 0).civil().weekday, IntKind::Weekday).into())),
    Function::new("IsZero", &[], Ty::Bool, |_, a| super::flag(time(a, 0).is_zero())),
    Function::new("UTC", &[], Ty::Time, |_, a| wrapped(time(a, 0).with_zone(Zone::Utc))),
    Function::new("Local", &[], Ty::Time, |_, a| wrapped(time(a, 0).with_zone(Zone::Local))),
    Function::new("Add", &[Ty::Duration], Ty::Time, |_, a| wrapped(time(a, 0).add(a.int(1)))),
    Function::new("AddDate", &[Ty::Int, Ty::Int, Ty::Int], Ty::Time, |_, a| {
        wrapped(time(a, 0).add_date(a.int(1), a.int(2), a.int(3)))
    }),
    Function::new("Truncate", &[Ty::Duration], Ty::Time, |_, a| wrapped(time(a, 0).truncate(a.int(1)))),
    Function::new("Round", &[Ty::Duration], Ty::Time, |_, a| wrapped(time(a, 0).round(a.int(1)))),
    Function::new("Sub", &[Ty::Time], Ty::Duration, |_, a| {
        Ok(Value::Int(time(a, 0).since(time(a, 1)), IntKind::Duration).into())
    }),
    Function::new("Before", &[Ty::Time], Ty::Bool, |_, a| super::flag(time(a, 0).nanos() < time(a, 1).nanos())),
    Function::new("After", &[Ty::Time], Ty::Bool, |_, a| super::flag(time(a, 0).nanos() > time(a, 1).nanos())),
    Function::new("Equal", &[Ty::Time], Ty::Bool, |_, a| super::flag(time(a, 0).nanos() == time(a, 1).nanos())),
    Function::new("Compare", &[Ty::Time], Ty::Int, |_, a| {
        super::int(time(a, 0).nanos().cmp(&time(a, 1).nanos()) as i64)
    }),
];

fn nanos(arguments: &[Operand]) -> i64 {
    arguments.int(0)
}

/// The methods of `time.Duration`.
pub(crate) const DURATION_METHODS: &[Function] = &[
    Function::new("String", &[], Str, |_, a| text(time::duration_text(nanos(a)))),
    Function::new("Nanoseconds", &[], Ty::Int64, |_, a| super::int64(nanos(a))),
    Function::new("Microseconds", &[], Ty::Int64, |_, a| super::int64(nanos(a) / 1_000)),
    Function::new("Milliseconds", &[], Ty::Int64, |_, a| super::int64(nanos(a) / 1_000_000)),
    Function::new("Seconds", &[], Ty::Float, |_, a| super::float(units(nanos(a), 1_000_000_000))),
    Function::new("Minutes", &[], Ty::Float, |_, a| super::float(units(nanos(a), 60_000_000_000))),
    Function::new("Hours", &[], Ty::Float, |_, a| super::float(units(nanos(a), 3_600_000_000_000))),
    Function::new("Abs", &[], Ty::Duration, |_, a| duration(nanos(a).saturating_abs())),
    Function::new("Truncate", &[Ty::Duration], Ty::Duration, |_, a| {
        duration(time::truncate_duration(nanos(a), a.int(1)))
    }),
    Function::new("Round", &[Ty::Duration], Ty::Duration, |_, a| duration(time::round_duration(nanos(a), a.int(1)))),
];

fn duration(nanos: i64) -> Res<Operand> {
    Ok(Value::Int(nanos, IntKind::Duration).into())
}

fn units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

/// The methods of `time.Month` and `time.Weekday`.
pub(crate) const NAME_METHODS: &[Function] = &[Function::new("String", &[], Str, |_, a| {
    text(match a.value(0) {
        Value::Int(value, IntKind::Weekday) => time::weekday_name(*value),
        _ => time::month_name(a.int(0)),
    })
})];
