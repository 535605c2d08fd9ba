//! Which of a chart's dependencies take part, under which name, and what their values lend to the parent.

use serde_json::{Map, Value};

use super::coalesce::{CoalesceError, coalesce_values, merge_tables, merge_values};
use super::{Values, path_value, table};
use crate::chart::{Chart, Dependency};

/// Removes disabled charts, applies aliases, and imports values: what Helm does to a chart before it is rendered.
///
/// # Errors
/// A subchart's values are no table.
pub fn process_dependencies(chart: &mut Chart, values: &Values) -> Result<(), CoalesceError> {
    enable(chart, values, "")?;
    import(chart)
}

fn enable(chart: &mut Chart, values: &Values, path: &str) -> Result<(), CoalesceError> {
    let Some(mut wanted) = chart.metadata.dependencies.take() else { return Ok(()) };
    let present = std::mem::take(&mut chart.dependencies);
    // Charts that nobody asked for stay, and so do those of a version that nobody asked for.
    let undeclared = present.iter().filter(|chart| !wanted.iter().any(|wanted| matches(chart, wanted)));
    let mut charts: Vec<Chart> = undeclared.cloned().collect();
    for wanted in &mut wanted {
        if let Some(found) = present.iter().find(|chart| matches(chart, wanted)) {
            let mut copy = found.clone();
            if !wanted.alias.is_empty() {
                copy.metadata.name.clone_from(&wanted.alias);
            }
            charts.push(copy);
        }
        if !wanted.alias.is_empty() {
            wanted.name.clone_from(&wanted.alias);
        }
        wanted.enabled = true;
    }
    chart.dependencies = charts;
    let seen = coalesce_values(chart, values)?;
    by_tags(&mut wanted, &seen);
    by_conditions(&mut wanted, &seen, path);
    let disabled: Vec<String> =
        wanted.iter().filter(|wanted| !wanted.enabled).map(|wanted| wanted.name.clone()).collect();
    chart.dependencies.retain(|chart| !disabled.iter().any(|name| name == chart.name()));
    wanted.retain(|wanted| !disabled.contains(&wanted.name));
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        enable(subchart, &seen, &path)?;
    }
    chart.metadata.dependencies = Some(wanted).filter(|wanted| !wanted.is_empty());
    Ok(())
}

fn matches(chart: &Chart, wanted: &Dependency) -> bool {
    chart.name() == wanted.name && is_compatible(&wanted.version, &chart.metadata.version)
}

/// Whether the version lies in the range; false when either does not read.
pub(crate) fn is_compatible(range: &str, version: &str) -> bool {
    let range = range.parse::<flux_semver::Constraint>();
    let version = flux_semver::Version::parse(version);
    matches!((range, version), (Ok(range), Ok(version)) if range.matches(&version))
}

fn by_tags(wanted: &mut [Dependency], values: &Values) {
    let Some(tags) = table(values, "tags") else { return };
    for wanted in wanted {
        let flags: Vec<bool> = wanted.tags.iter().filter_map(|tag| tags.get(tag)?.as_bool()).collect();
        wanted.enabled = flags.is_empty() || flags.contains(&true);
    }
}

fn by_conditions(wanted: &mut [Dependency], values: &Values, path: &str) {
    for wanted in wanted {
        let paths = wanted.condition.trim().split(',').filter(|condition| !condition.is_empty());
        let mut flags = paths.filter_map(|condition| path_value(values, &format!("{path}{condition}"))?.as_bool());
        if let Some(flag) = flags.next() {
            wanted.enabled = flag;
        }
    }
}

fn import(chart: &mut Chart) -> Result<(), CoalesceError> {
    for subchart in &mut chart.dependencies {
        import(subchart)?;
    }
    let Some(mut wanted) = chart.metadata.dependencies.take() else { return Ok(()) };
    let mut merged = merge_values(chart, &Values::new())?;
    let mut imported = Values::new();
    for wanted in &mut wanted {
        let rules = std::mem::take(&mut wanted.import_values);
        for rule in &rules {
            let Some((child, parent)) = import_rule(rule) else { continue };
            let pair = [("child", &child), ("parent", &parent)];
            let pair = pair.map(|(key, text)| (key.to_owned(), Value::String(text.clone())));
            wanted.import_values.push(Value::Object(pair.into_iter().collect()));
            if let Some(found) = table(&merged, &format!("{}.{child}", wanted.name)) {
                merge_tables(&mut imported, at_path(&parent, found.clone()));
            }
        }
    }
    // The parent's own values win over imported ones.
    merge_tables(&mut merged, imported);
    chart.values = Some(merged);
    chart.metadata.dependencies = Some(wanted);
    Ok(())
}

/// The child's path and the parent's. A name stands for what the child exports under it.
fn import_rule(rule: &Value) -> Option<(String, String)> {
    match rule {
        Value::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        Value::Object(map) => Some((go_text(map.get("child")), go_text(map.get("parent")))),
        _ => None,
    }
}

fn go_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "<nil>".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn at_path(path: &str, values: Values) -> Values {
    if path == "." {
        return values;
    }
    path.split('.').rev().fold(values, |inner, key| Map::from_iter([(key.to_owned(), Value::Object(inner))]))
}
