//! Merging user values with the defaults of a chart and of the charts inside it.
//!
//! Parents win over children, tables are merged, everything else is replaced; a null of the user removes a default.
//! *Coalescing* drops nulls on the way, *merging* keeps them for a later coalescing.

use std::collections::HashSet;

use serde_json::Value;

use super::{GLOBAL, Values};
use crate::chart::Chart;

/// Why values do not fit a chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoalesceError {
    /// The key of a subchart holds no table. The odd end is Go's `%t` of a value that is no boolean.
    #[error("type mismatch on {chart}: {shown}")]
    NoTable { chart: String, shown: String },
}

/// The values a chart's templates see: the user's over the defaults, for the chart and all charts inside.
///
/// # Errors
/// A subchart's key holds something else than a table.
pub fn coalesce_values(chart: &Chart, values: &Values) -> Result<Values, CoalesceError> {
    let mut result = values.clone();
    coalesce(chart, &mut result, false)?;
    Ok(result)
}

/// As [`coalesce_values`], but nulls stay.
///
/// # Errors
/// As [`coalesce_values`].
pub fn merge_values(chart: &Chart, values: &Values) -> Result<Values, CoalesceError> {
    let mut result = values.clone();
    coalesce(chart, &mut result, true)?;
    Ok(result)
}

/// Merges `source` into `target`, which wins; a null in the target removes what the source has.
pub fn coalesce_tables(target: &mut Values, source: Values) {
    tables(target, source, false);
}

/// Merges `source` into `target`, which wins; nulls stay.
pub fn merge_tables(target: &mut Values, source: Values) {
    tables(target, source, true);
}

fn coalesce(chart: &Chart, target: &mut Values, merge: bool) -> Result<(), CoalesceError> {
    defaults(chart, target, merge);
    for subchart in &chart.dependencies {
        let name = subchart.name();
        let mut inner = match target.remove(name) {
            None => Values::new(),
            Some(Value::Object(table)) => table,
            Some(other) => {
                return Err(CoalesceError::NoTable { chart: name.to_owned(), shown: go_boolean(&other, false) });
            }
        };
        globals(&mut inner, target);
        coalesce(subchart, &mut inner, merge)?;
        target.insert(name.to_owned(), Value::Object(inner));
    }
    Ok(())
}

/// Go's `%t` of anything.
fn go_boolean(value: &Value, nested: bool) -> String {
    match value {
        Value::Null if nested => "%!t(<nil>)".to_owned(),
        Value::Null => "%!t(<nil>)".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => format!("%!t(string={text})"),
        Value::Number(number) if number.is_f64() => {
            format!("%!t(float64={})", go_float(number.as_f64().unwrap_or_default()))
        }
        Value::Number(number) => format!("%!t(int64={number})"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| go_boolean(item, true)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let shown = map.iter().map(|(key, value)| format!("%!t(string={key}):{}", go_boolean(value, true)));
            format!("map[{}]", shown.collect::<Vec<_>>().join(" "))
        }
    }
}

/// Go's `%v` of a float: an exponent below -4 and from 21 up.
fn go_float(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..21 => value.to_string(),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

/// Copies the parent's globals into the child's, the parent winning, except that a table never replaces a scalar.
fn globals(target: &mut Values, source: &Values) {
    let empty = Values::new();
    let above = match source.get(GLOBAL) {
        None => &empty,
        Some(Value::Object(table)) => table,
        // Not a table in the parent: nothing to copy, and the child gets no empty table either.
        Some(_) => {
            return;
        }
    };
    let below = match target.entry(GLOBAL).or_insert_with(|| Value::Object(Values::new())) {
        Value::Object(table) => table,
        _ => return,
    };
    for (key, value) in above {
        match (value, below.get_mut(key)) {
            (Value::Object(table), None) => _ = below.insert(key.clone(), Value::Object(table.clone())),
            (Value::Object(table), Some(Value::Object(inner))) => {
                let mut merged = table.clone();
                // Nulls stay here: the result is coalesced again with the chart's defaults.
                tables(&mut merged, std::mem::take(inner), true);
                *inner = merged;
            }
            (Value::Object(_), Some(_)) | (_, Some(Value::Object(_))) => {}
            (value, _) => _ = below.insert(key.clone(), value.clone()),
        }
    }
}

/// Puts a chart's own default values below those given.
fn defaults(chart: &Chart, target: &mut Values, merge: bool) {
    for (key, default) in chart.values.iter().flatten() {
        match target.get_mut(key) {
            Some(Value::Null) if !merge => _ = target.remove(key),
            Some(Value::Object(table)) => {
                let Value::Object(source) = default else { continue };
                // A subchart's defaults are still to come: nulls must survive to remove them.
                let merge = merge || chart.dependencies.iter().any(|subchart| subchart.name() == key);
                let mut source = source.clone();
                if !merge {
                    drop_nulls(&mut source);
                }
                tables(table, source, merge);
            }
            Some(_) => {}
            None if merge => _ = target.insert(key.clone(), default.clone()),
            None => match default {
                Value::Null => {}
                Value::Object(table) => {
                    let mut table = table.clone();
                    drop_nulls(&mut table);
                    target.insert(key.clone(), Value::Object(table));
                }
                other => _ = target.insert(key.clone(), other.clone()),
            },
        }
    }
}

fn tables(target: &mut Values, mut source: Values, merge: bool) {
    // A null that meets no default of the source stays; one that meets a default removes the key.
    let has_default: HashSet<String> =
        source.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect();
    for (key, _) in target.iter().filter(|(_, value)| value.is_null()) {
        source.insert(key.clone(), Value::Null);
    }
    for (key, value) in source {
        match (target.get_mut(&key), value) {
            (Some(Value::Null), _) if !merge && has_default.contains(&key) => _ = target.remove(&key),
            (Some(Value::Object(below)), Value::Object(value)) => tables(below, value, merge),
            (Some(_), _) => {}
            (None, value) => _ = target.insert(key, value),
        }
    }
}

fn drop_nulls(table: &mut Values) {
    table.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(inner) => {
            drop_nulls(inner);
            true
        }
        _ => true,
    });
}
