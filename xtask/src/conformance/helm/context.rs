//! The chart that snippets run in: files and user values of `functions/contexts.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use flux_template::helm::{self, KubeVersion};
use flux_template::{Map, MapKind, Value};
use serde_json::Value as Json;

/// A chart with one subchart, ready to render, but for its values.
pub struct Context {
    files: BTreeMap<String, String>,
    values: Json,
    capabilities: Vec<String>,
}

impl Context {
    pub fn new(recorded: &Json, capabilities: &Json) -> Result<Self> {
        let files = recorded["files"].as_object().context("a context has files")?;
        let files: BTreeMap<String, String> =
            files.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned())).collect();
        let read = |text: &str| flux_yaml::yaml_to_json(text).context("parse values");
        let mut values = read(&files["values.yaml"])?;
        remove_nulls(&mut values);
        let user = read(recorded["userValues"].as_str().unwrap_or_default())?;
        overlay(&mut values, user);
        let mut sub = read(&files["charts/sub/values.yaml"])?;
        let global = values["global"].clone();
        overlay(&mut sub["global"], global);
        let given = values["sub"].take();
        overlay(&mut sub, given);
        values["sub"] = sub;
        let mut api_versions: Vec<String> = capabilities["apiVersions"]
            .as_array()
            .context("capabilities have API versions")?
            .iter()
            .filter_map(|version| version.as_str().map(str::to_owned))
            .collect();
        api_versions.extend(["monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor"].map(str::to_owned));
        Ok(Self { files, values, capabilities: api_versions })
    }

    /// The templates of the chart with `text` as `templates/main.txt`, and files that replace or join the context's.
    pub fn templates(&self, text: &str, files: &Json) -> BTreeMap<String, String> {
        let mut templates = BTreeMap::new();
        for (name, text) in self.files(files) {
            if name.starts_with("templates/") || name.starts_with("charts/sub/templates/") {
                templates.insert(format!("corpus/{name}"), text);
            }
        }
        templates.insert("corpus/templates/main.txt".to_owned(), text.to_owned());
        templates
    }

    fn files(&self, files: &Json) -> BTreeMap<String, String> {
        let mut all = self.files.clone();
        for (name, text) in files.as_object().into_iter().flatten() {
            all.insert(name.clone(), text.as_str().unwrap_or_default().to_owned());
        }
        all
    }

    /// The scopes of the chart and its subchart.
    pub fn scopes(&self, files: &Json) -> Result<(Value, Value)> {
        let files = self.files(files);
        let kube = KubeVersion {
            version: "v1.34.0".into(),
            normalized: "v1.34.0".into(),
            major: "1".into(),
            minor: "34".into(),
        };
        let capabilities = helm::capabilities(&kube, &self.capabilities, "v4.2.1");
        let release = Value::map([
            ("Name", Value::text("rel")),
            ("Namespace", Value::text("ns")),
            ("IsUpgrade", Value::Bool(true)),
            ("IsInstall", Value::Bool(false)),
            ("Revision", Value::int(3)),
            ("Service", Value::text("Helm")),
        ]);
        let values = Value::named_values(self.values.as_object().context("values are a mapping")?);
        let sub_values = values.as_map().and_then(|values| values.get(b"sub")).unwrap_or_default();
        let sub_values = match &sub_values {
            Value::Map(map) => Value::Map(Map::from_entries(MapKind::Values, map.entries())),
            _ => Value::Map(Map::new(MapKind::Values)),
        };
        let scope = |prefix: &str, values: &Value, subcharts: Value, root: bool| -> Result<Value> {
            let chart = flux_yaml::yaml_to_json(&files[&format!("{prefix}Chart.yaml")])?;
            let own = files.iter().filter_map(|(name, text)| {
                let name = name.strip_prefix(prefix)?;
                let kept = !["templates/", "charts/"].iter().any(|folder| name.starts_with(folder))
                    && !["Chart.yaml", "values.yaml"].contains(&name);
                kept.then_some((name, text.as_bytes()))
            });
            Ok(Value::map([
                ("Chart", metadata(&chart, root)),
                ("Files", helm::files(own)),
                ("Release", release.clone()),
                ("Capabilities", capabilities.clone()),
                ("Values", values.clone()),
                ("Subcharts", subcharts),
            ]))
        };
        let sub = scope("charts/sub/", &sub_values, Value::empty_map(), false)?;
        let root = scope("", &values, Value::map([("sub", sub.clone())]), true)?;
        Ok((root, sub))
    }
}

fn remove_nulls(value: &mut Json) {
    if let Json::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(remove_nulls);
    }
}

/// User values over defaults: a null removes a default and stays where there was none.
fn overlay(base: &mut Json, over: Json) {
    match (base, over) {
        (Json::Object(base), Json::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(_) if value.is_null() => drop(base.remove(&key)),
                    Some(old) => overlay(old, value),
                    None => drop(base.insert(key, value)),
                }
            }
        }
        (_, Json::Null) => {}
        (base, over) => *base = over,
    }
}

/// The chart's metadata as Helm's templates see it: a map with Go's field names, empty fields present.
fn metadata(chart: &Json, root: bool) -> Value {
    let text = |json: &Json, key: &str| Value::text(json[key].as_str().unwrap_or_default());
    let list = |json: &Json| -> Vec<Json> { json.as_array().cloned().unwrap_or_default() };
    let texts = |json: &Json, key: &str| Value::list(list(&json[key]).iter().map(Value::from).collect());
    let maintainers = list(&chart["maintainers"]).into_iter().map(|one| {
        Value::map([("Name", text(&one, "name")), ("Email", text(&one, "email")), ("URL", text(&one, "url"))])
    });
    let dependencies = list(&chart["dependencies"]).into_iter().map(|one| {
        Value::map([
            ("Name", text(&one, "name")),
            ("Version", text(&one, "version")),
            ("Repository", text(&one, "repository")),
            ("Condition", text(&one, "condition")),
            ("Tags", texts(&one, "tags")),
            ("Enabled", Value::Bool(true)),
            ("ImportValues", Value::list(Vec::new())),
            ("Alias", text(&one, "alias")),
        ])
    });
    let annotations = match &chart["annotations"] {
        Json::Object(map) => {
            let entries =
                map.iter().map(|(key, value)| (key.as_str(), Value::text(value.as_str().unwrap_or_default())));
            Map::from_entries(MapKind::Strings, entries)
        }
        _ => Map::nil(MapKind::Strings),
    };
    Value::map([
        ("Name", text(chart, "name")),
        ("Home", text(chart, "home")),
        ("Sources", texts(chart, "sources")),
        ("Version", text(chart, "version")),
        ("Description", text(chart, "description")),
        ("Keywords", texts(chart, "keywords")),
        ("Maintainers", Value::list(maintainers.collect())),
        ("Icon", text(chart, "icon")),
        ("APIVersion", text(chart, "apiVersion")),
        ("Condition", text(chart, "condition")),
        ("Tags", text(chart, "tags")),
        ("AppVersion", text(chart, "appVersion")),
        ("Deprecated", Value::Bool(chart["deprecated"].as_bool().unwrap_or(false))),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(chart, "kubeVersion")),
        ("Dependencies", Value::list(dependencies.collect())),
        ("Type", text(chart, "type")),
        ("IsRoot", Value::Bool(root)),
    ])
}
