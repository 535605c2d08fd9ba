//! Reads the configuration field by field, so that an error names its path.

use super::{Config, NodeSpec, Stage, Taint, default_allocatable};
use crate::ConfigError;
use crate::quantity;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Bounds what a mistyped file can ask for.
const MAX_NODES: u64 = 5_000;
const MAX_ITEMS: usize = 1_000;
const MAX_DELAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn config(cluster: &str, file: &Value) -> Result<Config, ConfigError> {
    let mut config = Config::for_cluster(cluster);
    if file.is_null() {
        return Ok(config);
    }
    for (key, value) in object(file, ".")? {
        match key.as_str() {
            "map" => {}
            "nodes" => {
                for (name, list) in object(value, "nodes")? {
                    let specs = nodes(list, &format!("nodes.{name}"))?;
                    if name == cluster {
                        config.nodes = specs;
                    }
                }
            }
            "stages" => config.stages = each(value, "stages", stage)?,
            "failingImages" => config.failing_images = each(value, "failingImages", string)?,
            "seed" => config.seed = value.as_u64().ok_or(invalid("seed", "a whole number of at least 0"))?,
            "delays" => delays(value, &mut config)?,
            _ => return Err(ConfigError::Unknown { field: key.clone() }),
        }
    }
    Ok(config)
}

fn delays(value: &Value, config: &mut Config) -> Result<(), ConfigError> {
    for (key, value) in object(value, "delays")? {
        let at = format!("delays.{key}");
        match key.as_str() {
            "min" => config.delays.min = duration(value, &at)?,
            "max" => config.delays.max = duration(value, &at)?,
            _ => return Err(ConfigError::Unknown { field: at }),
        }
    }
    if config.delays.min > config.delays.max {
        return Err(invalid("delays.min", "at most `delays.max`"));
    }
    Ok(())
}

fn nodes(value: &Value, at: &str) -> Result<Vec<NodeSpec>, ConfigError> {
    let specs = each(value, at, node)?;
    if specs.iter().map(|spec| u64::from(spec.count)).sum::<u64>() > MAX_NODES {
        return Err(invalid(at, "at most 5000 nodes"));
    }
    Ok(specs)
}

fn node(value: &Value, at: &str) -> Result<NodeSpec, ConfigError> {
    let mut spec = NodeSpec {
        name: String::new(),
        count: 1,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: default_allocatable(),
    };
    for (key, value) in object(value, at)? {
        let at = format!("{at}.{key}");
        match key.as_str() {
            "name" => spec.name = string(value, &at)?,
            "count" => {
                let count = value.as_u64().filter(|count| *count <= MAX_NODES);
                spec.count = count.ok_or(invalid(&at, "a whole number up to 5000"))? as u32;
            }
            "labels" => spec.labels = strings(value, &at)?,
            "taints" => spec.taints = each(value, &at, taint)?,
            "allocatable" => {
                for (resource, value) in object(value, &at)? {
                    let at = format!("{at}.{resource}");
                    let text = scalar(value).ok_or(invalid(&at, "a quantity"))?;
                    quantity::parse(&text).ok_or(invalid(&at, "a quantity"))?;
                    spec.allocatable.insert(resource.clone(), text);
                }
            }
            _ => return Err(ConfigError::Unknown { field: at }),
        }
    }
    if spec.name.is_empty() {
        return Err(ConfigError::Missing { field: format!("{at}.name") });
    }
    if !is_dns_label(&spec.name) {
        return Err(invalid(&format!("{at}.name"), "a lower-case DNS label"));
    }
    Ok(spec)
}

fn taint(value: &Value, at: &str) -> Result<Taint, ConfigError> {
    let mut taint = Taint { key: String::new(), value: String::new(), effect: String::new() };
    for (key, value) in object(value, at)? {
        let at = format!("{at}.{key}");
        match key.as_str() {
            "key" => taint.key = string(value, &at)?,
            "value" => taint.value = scalar(value).ok_or(invalid(&at, "a string"))?,
            "effect" => taint.effect = string(value, &at)?,
            _ => return Err(ConfigError::Unknown { field: at }),
        }
    }
    if taint.key.is_empty() {
        return Err(ConfigError::Missing { field: format!("{at}.key") });
    }
    if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&taint.effect.as_str()) {
        return Err(invalid(&format!("{at}.effect"), "`NoSchedule`, `PreferNoSchedule` or `NoExecute`"));
    }
    Ok(taint)
}

fn stage(value: &Value, at: &str) -> Result<Stage, ConfigError> {
    let mut stage = Stage {
        group: String::new(),
        kind: String::new(),
        namespace: None,
        name: None,
        match_labels: BTreeMap::new(),
        delay: Duration::ZERO,
        status: Value::Null,
    };
    for (key, value) in object(value, at)? {
        let at = format!("{at}.{key}");
        match key.as_str() {
            "group" => stage.group = string(value, &at)?,
            "kind" => stage.kind = string(value, &at)?,
            "namespace" => stage.namespace = Some(string(value, &at)?),
            "name" => stage.name = Some(string(value, &at)?),
            "matchLabels" => stage.match_labels = strings(value, &at)?,
            "delay" => stage.delay = duration(value, &at)?,
            "status" => stage.status = Value::Object(object(value, &at)?.clone()),
            _ => return Err(ConfigError::Unknown { field: at }),
        }
    }
    if stage.kind.is_empty() {
        return Err(ConfigError::Missing { field: format!("{at}.kind") });
    }
    let is_pod = stage.group.is_empty() && stage.kind == "Pod";
    if crate::kinds::has_rules(&stage.group, &stage.kind) && !is_pod {
        return Err(invalid(&format!("{at}.kind"), "a kind without built-in rules, or `Pod`"));
    }
    if stage.status.is_null() && !is_pod {
        return Err(ConfigError::Missing { field: format!("{at}.status") });
    }
    Ok(stage)
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, ConfigError> {
    value.as_object().ok_or(invalid(at, "a mapping"))
}

fn each<T>(
    value: &Value,
    at: &str,
    read: impl Fn(&Value, &str) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    let list = value.as_array().ok_or(invalid(at, "a list"))?;
    if list.len() > MAX_ITEMS {
        return Err(invalid(at, "at most 1000 items"));
    }
    list.iter().enumerate().map(|(index, item)| read(item, &format!("{at}[{index}]"))).collect()
}

fn string(value: &Value, at: &str) -> Result<String, ConfigError> {
    value.as_str().map(str::to_owned).ok_or(invalid(at, "a string"))
}

fn strings(value: &Value, at: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let entries = object(value, at)?.iter();
    entries.map(|(key, value)| Ok((key.clone(), string(value, &format!("{at}.{key}"))?))).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A Go-like duration: `1m30s`, `200ms`; a bare `0` too.
fn duration(value: &Value, at: &str) -> Result<Duration, ConfigError> {
    let text = scalar(value).unwrap_or_default();
    let parsed = parse_duration(&text).filter(|parsed| *parsed <= MAX_DELAY);
    parsed.ok_or(invalid(at, "a duration up to 24h, such as `200ms` or `1m30s`"))
}

fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

fn is_dns_label(text: &str) -> bool {
    text.len() <= 50
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn invalid(field: &str, expected: &'static str) -> ConfigError {
    ConfigError::Invalid { field: field.to_owned(), expected }
}
