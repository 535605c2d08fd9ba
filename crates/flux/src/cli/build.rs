//! `flux build kustomization`: the objects that a unit would apply, from local files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flux_api::Kustomization;
use flux_kustomize::{Options, RootedDir};
use flux_kustomize_controller::Variables;
use kube::Client;
use kube::api::Api;
use serde_json::{Value, json};

use super::error::CliError;
use super::global::Global;
use super::parse::Parsed;
use super::{print, remote, sops};

/// Nested units deeper than this are refused; a cycle ends here.
const DEPTH_LIMIT: usize = 16;

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let name = parsed.name("kustomization name is required")?;
    let path = resource_path(parsed).map_err(CliError::Usage)?;
    if parsed.is_set("dry-run") && parsed.option("kustomization-file").is_none() {
        return Err(CliError::usage("dry-run mode requires a kustomization file"));
    }
    check_file(parsed)?;
    let client = if parsed.is_set("dry-run") { None } else { Some(global.client().await?) };
    let builder = Builder::new(parsed, client)?;
    let unit = builder.unit(name, &global.namespace, true).await?;
    let objects = global.within("the build", builder.objects(&unit, &path, true)).await?;
    // Each document ends with a marker, as upstream prints them.
    let documents: String = objects.iter().map(|object| format!("{}---\n", flux_yaml::emit_v2(object))).collect();
    print::data(&documents);
    Ok(ExitCode::SUCCESS)
}

/// `--path`, absolute; it must be a folder.
pub fn resource_path(parsed: &Parsed) -> Result<PathBuf, String> {
    let given = parsed.text("path");
    let invalid = || format!("invalid resource path {given:?}");
    if given.is_empty() {
        return Err(invalid());
    }
    let path = std::path::absolute(given).map_err(|_| invalid())?;
    let path = flux_kustomize::clean(&path);
    if path.is_dir() { Ok(path) } else { Err(format!("invalid resource path {:?}", path.display().to_string())) }
}

/// `--kustomization-file` must be a file.
pub fn check_file(parsed: &Parsed) -> Result<(), CliError> {
    match parsed.option("kustomization-file") {
        Some(file) if !Path::new(file).is_file() => {
            Err(CliError::usage(format!("invalid kustomization file {file:?}")))
        }
        _ => Ok(()),
    }
}

/// Builds units from local files.
pub struct Builder {
    /// `None` asks no cluster.
    pub client: Option<Client>,
    file: Option<String>,
    ignore: Vec<String>,
    strict: bool,
    recursive: bool,
    local_sources: Vec<(String, String)>,
    /// A unit that the cluster does not know is taken from the file.
    ignore_not_found: bool,
}

impl Builder {
    /// Reads the flags that `build` and `diff` share.
    pub fn new(parsed: &Parsed, client: Option<Client>) -> Result<Self, CliError> {
        let local_sources = parsed
            .list("local-sources")
            .iter()
            .map(|pair| {
                let (name, path) = pair
                    .split_once('=')
                    .ok_or_else(|| CliError::usage(format!("{pair} must be formatted as key=value")))?;
                Ok((name.to_owned(), path.to_owned()))
            })
            .collect::<Result<_, CliError>>()?;
        Ok(Self {
            client,
            file: parsed.option("kustomization-file").map(str::to_owned),
            ignore: parsed.list("ignore-paths"),
            strict: parsed.is_set("strict-substitute"),
            recursive: parsed.is_set("recursive"),
            local_sources,
            ignore_not_found: parsed.is_set("ignore-not-found"),
        })
    }

    /// True with `--recursive`.
    pub fn is_recursive(&self) -> bool {
        self.recursive
    }

    /// The unit: from `--kustomization-file` when given, with the status of the live one.
    pub async fn unit(&self, name: &str, namespace: &str, from_file: bool) -> Result<Kustomization, CliError> {
        let local = match self.file.as_deref().filter(|_| from_file) {
            Some(file) => Some(from_file_named(file, name, namespace)?),
            None => None,
        };
        let Some(client) = &self.client else {
            return local.ok_or_else(|| CliError::usage("dry-run mode requires a kustomization file"));
        };
        let live = match Api::<Kustomization>::namespaced(client.clone(), namespace).get(name).await {
            Ok(live) => Some(live),
            Err(kube::Error::Api(status)) if status.code == 404 && self.ignore_not_found && local.is_some() => None,
            Err(error) => {
                return Err(CliError::state(format!("failed to get kustomization object: {}", CliError::from(error))));
            }
        };
        match (local, live) {
            (Some(mut local), live) => {
                if let Some(status) = live.and_then(|live| live.status).filter(|status| status.inventory.is_some()) {
                    local.status = Some(status);
                }
                Ok(local)
            }
            (None, Some(live)) => Ok(live),
            (None, None) => Err(CliError::state(format!("failed to get kustomization object: {name} not found"))),
        }
    }

    /// All objects of the unit, and with `nested` and `--recursive` those of the units among them.
    pub async fn objects(&self, unit: &Kustomization, path: &Path, nested: bool) -> Result<Vec<Value>, CliError> {
        self.objects_at(unit, path, nested, 0).await
    }

    async fn objects_at(
        &self,
        unit: &Kustomization,
        path: &Path,
        nested: bool,
        depth: usize,
    ) -> Result<Vec<Value>, CliError> {
        if depth > DEPTH_LIMIT {
            return Err(CliError::state(format!("kustomizations are nested deeper than {DEPTH_LIMIT} levels")));
        }
        let mut objects = self.own_objects(unit, path).await?;
        if !(nested && self.recursive) {
            return Ok(objects);
        }
        let mut more = Vec::new();
        for object in &objects {
            if let Some(inner) = nested_unit(object, unit) {
                let path = self.source_path(&inner)?;
                more.extend(Box::pin(self.objects_at(&inner, &path, nested, depth + 1)).await?);
            }
        }
        objects.extend(more);
        Ok(objects)
    }

    async fn own_objects(&self, unit: &Kustomization, path: &Path) -> Result<Vec<Value>, CliError> {
        let failed = |error: &dyn std::fmt::Display| CliError::state(format!("kustomize build failed: {error}"));
        let mut objects = self.render(unit, path)?;
        if unit.spec.post_build.is_some() {
            let variables = match &self.client {
                Some(client) => Variables::read(unit, client).await,
                None => Variables::inline(unit),
            };
            for object in &mut objects {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let substituted = variables
                    .as_ref()
                    .map_err(ToString::to_string)
                    .and_then(|variables| variables.apply(object, self.strict).map_err(|error| error.to_string()));
                substituted
                    .map_err(|error| CliError::state(format!("var substitution failed for '{name}': {error}")))?;
            }
        }
        for object in &mut objects {
            own(object, unit);
            sops::mask(object).map_err(|error| failed(&error))?;
        }
        if let Some(common) = &unit.spec.common_metadata {
            for object in &mut objects {
                add_texts(object, "labels", &common.labels);
                add_texts(object, "annotations", &common.annotations);
            }
        }
        Ok(flux_apply::read_objects(objects))
    }

    /// kustomize, with what the unit adds to it. Nothing is written to the disk.
    fn render(&self, unit: &Kustomization, path: &Path) -> Result<Vec<Value>, CliError> {
        // Bases may lie outside of the path, so the whole disk is readable, as upstream's.
        let disk = RootedDir::new("/").map_err(|error| CliError::state(error.to_string()))?;
        let spec = serde_json::to_value(&unit.spec).and_then(serde_json::from_value::<flux_kustomize::flux::Spec>)?;
        let failed_patterns = |error| {
            CliError::state(format!("failed to generate kustomization.yaml: failed to load ignore patterns: {error}"))
        };
        let mut patterns = flux_archive::ignore::load_patterns(path, &[]).map_err(failed_patterns)?;
        patterns.extend(flux_archive::ignore::read_patterns(&self.ignore.join("\n"), &[]));
        let matcher = flux_archive::Matcher::with_defaults(patterns, &[]);
        let ignored = |file: &Path, is_dir: bool| {
            // Rules are for what lies below their folder.
            let Ok(relative) = file.strip_prefix(path) else { return false };
            let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
            matcher.matches(&parts, is_dir)
        };
        let prepared = flux_kustomize::flux::prepare(&disk, path, &spec, Some(&ignored))
            .map_err(|error| CliError::state(format!("failed to generate kustomization.yaml: {error}")))?;
        let failed = |error| CliError::state(format!("kustomize build failed: {error}"));
        let bases = remote::bases();
        let options = Options { remote: Some(&bases), ..Options::default() };
        let built = flux_kustomize::build(&prepared.overlay(&disk), path, &options).map_err(failed)?;
        built.into_json().map_err(failed)
    }

    /// Where the source of a nested unit lies, by `--local-sources`.
    pub fn source_path(&self, unit: &Kustomization) -> Result<PathBuf, CliError> {
        let (namespace, name) = unit.source_key();
        let key = format!("{}/{namespace}/{name}", unit.spec.source_ref.kind);
        let unit_name = unit.metadata.name.as_deref().unwrap_or_default();
        let Some((_, folder)) = self.local_sources.iter().find(|(known, _)| *known == key) else {
            return Err(CliError::state(format!("cannot get local path for {key} of kustomization {unit_name}")));
        };
        let inner = unit.spec.path.as_deref().unwrap_or_default().trim_start_matches('/');
        let joined = Path::new(folder).join(inner);
        let path = std::path::absolute(&joined).map_err(CliError::io(format!("resolve {}", joined.display())))?;
        Ok(flux_kustomize::clean(&path))
    }
}

/// The object as a unit other than `outer`.
pub fn nested_unit(object: &Value, outer: &Kustomization) -> Option<Kustomization> {
    let of_group = object["apiVersion"].as_str()?.strip_prefix(Kustomization::GROUP)?.starts_with('/');
    if !of_group || object["kind"] != Kustomization::KIND {
        return None;
    }
    let unit: Kustomization = serde_json::from_value(object.clone()).ok()?;
    let same = unit.metadata.name == outer.metadata.name && unit.metadata.namespace == outer.metadata.namespace;
    (!same).then_some(unit)
}

fn from_file_named(file: &str, name: &str, namespace: &str) -> Result<Kustomization, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::state(format!("failed to read kustomization file {file}: {error}")))?;
    let failed = |error: &dyn std::fmt::Display| {
        CliError::state(format!("failed to unmarshall kustomization file {file}: {error}"))
    };
    let options = flux_yaml::ParseOptions::default();
    for node in flux_yaml::parse(&text, &options).map_err(|error| failed(&error))? {
        let value = flux_yaml::to_json(&node, flux_yaml::Schema::Yaml11).map_err(|error| failed(&error))?;
        let version = value["apiVersion"].as_str().unwrap_or_default();
        let of_group = version.strip_prefix(Kustomization::GROUP).is_some_and(|rest| rest.starts_with('/'));
        let own = value["metadata"]["namespace"].as_str().unwrap_or_default();
        if of_group
            && value["kind"] == Kustomization::KIND
            && value["metadata"]["name"] == name
            && (own.is_empty() || own == namespace)
        {
            return serde_json::from_value(value).map_err(|error| failed(&error));
        }
    }
    Err(CliError::state(format!(
        "failed find kustomization with name '{name}' and namespace '{namespace}' in file '{file}'"
    )))
}

/// Labels an object as the unit's.
fn own(object: &mut Value, unit: &Kustomization) {
    let text = |value: &Option<String>| json!(value.as_deref().unwrap_or_default());
    let labels = ensure_map(&mut object["metadata"]["labels"]);
    labels[flux_api::KUSTOMIZE_NAME_LABEL] = text(&unit.metadata.name);
    labels[flux_api::KUSTOMIZE_NAMESPACE_LABEL] = text(&unit.metadata.namespace);
}

fn ensure_map(value: &mut Value) -> &mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    value
}

fn add_texts(object: &mut Value, field: &str, texts: &std::collections::BTreeMap<String, String>) {
    if texts.is_empty() {
        return;
    }
    let map = ensure_map(&mut object["metadata"][field]);
    for (name, value) in texts {
        map[name.as_str()] = json!(value);
    }
}
