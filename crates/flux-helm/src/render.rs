//! A chart and values in, manifests, hooks and notes out.

use std::collections::{BTreeMap, HashMap};

use flux_template::helm::{self as engine, Scope, Templates};
use flux_template::{Host, Map, MapKind, Value};
use serde_json::Value as Json;

use crate::chart::{Chart, Crd, Dependency, Metadata, base_name};
use crate::manifest::{Hook, Manifest, ManifestError, Order, Splitting, manifest_text, sort_manifests};
use crate::post_render::{PostRenderError, PostRenderer, Strategy};
use crate::values::{CoalesceError, Values, coalesce_values, is_compatible, process_dependencies};
use crate::{Capabilities, schema};

/// The release that a chart is rendered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseOptions {
    pub name: String,
    pub namespace: String,
    /// From 1.
    pub revision: i64,
    /// Else it is an install.
    pub is_upgrade: bool,
}

/// Everything about a render but the chart and the values.
#[derive(Clone)]
pub struct RenderOptions<'a> {
    pub release: ReleaseOptions,
    pub capabilities: Capabilities,
    /// The clock, random bytes, `lookup`.
    pub host: &'a (dyn Host + Sync),
    /// Budgets. The native stack is taken care of here: the render runs on a thread of its own.
    pub limits: flux_template::Limits,
    pub splitting: Splitting,
    /// Put the documents of `crds/` in front of the manifest, as `helm template --include-crds`.
    pub include_crds: bool,
    /// Take the notes of subcharts as well.
    pub sub_notes: bool,
    pub skip_schema: bool,
    /// A key that is missing in a template is an error.
    pub strict: bool,
    pub post_renderer: Option<(&'a (dyn PostRenderer + Sync), Strategy)>,
}

impl<'a> RenderOptions<'a> {
    /// The usual choices: Helm 4.3's splitting, schemas checked, no CRDs, no post-renderer.
    pub fn new(release: ReleaseOptions, capabilities: Capabilities, host: &'a (dyn Host + Sync)) -> Self {
        Self {
            release,
            capabilities,
            host,
            limits: flux_template::Limits::default(),
            splitting: Splitting::default(),
            include_crds: false,
            sub_notes: false,
            skip_schema: false,
            strict: false,
            post_renderer: None,
        }
    }
}

/// What a chart renders to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// The chart without disabled dependencies and with imported values: what a release stores.
    pub chart: Chart,
    /// The text that a release stores.
    pub manifest: String,
    /// The documents of that text, in the order of installation.
    pub manifests: Vec<Manifest>,
    /// In the order of kinds; [`crate::manifest::hooks_for`] has the order in which they run.
    pub hooks: Vec<Hook>,
    pub notes: String,
    /// The files of `crds/`, of enabled charts only. Helm installs them before anything else.
    pub crds: Vec<Crd>,
}

impl Rendered {
    /// What `helm template` prints: the manifest, and the hooks behind it.
    pub fn template_output(&self) -> String {
        let mut text = self.manifest.trim().to_owned();
        text.push('\n');
        text + &manifest_text(self.hooks.iter().map(|hook| (hook.path.as_str(), hook.manifest.as_str())))
    }
}

/// Why a chart cannot be installed as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallableError {
    #[error("{kind} charts are not installable")]
    Library { kind: String },
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        .names.join(", ")
    )]
    MissingDependencies { names: Vec<String> },
}

/// Refuses libraries, and charts whose dependencies are not in `charts/`: what Helm checks before an install.
///
/// # Errors
/// See [`InstallableError`].
pub fn check_installable(chart: &Chart) -> Result<(), InstallableError> {
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        return Err(InstallableError::Library { kind: chart.metadata.kind.clone() });
    }
    let names = chart.missing_dependencies();
    if names.is_empty() { Ok(()) } else { Err(InstallableError::MissingDependencies { names }) }
}

/// Why a chart does not render. `Display` is Helm's text, without the `Error: ` of its command line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RenderError {
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(CoalesceError),
    #[error("{0}")]
    Values(CoalesceError),
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(schema::SchemaErrors),
    #[error("chart requires kubeVersion: {range} which is incompatible with Kubernetes {version}")]
    KubeVersion { range: String, version: String },
    #[error(transparent)]
    Template(#[from] flux_template::Error),
    /// `files` is what was rendered, to be looked at.
    #[error("{source}")]
    Manifest { source: ManifestError, files: BTreeMap<String, String> },
    #[error(transparent)]
    PostRender(#[from] PostRenderError),
    #[error("cannot render: {reason}")]
    Thread { reason: String },
}

/// Bytes of stack for a render; only what is used becomes memory.
const STACK: usize = 256 << 20;

/// Renders a chart as Helm's actions do: dependencies, values, schemas, version of the cluster, templates, notes,
/// post-rendering, documents.
///
/// # Errors
/// The first step that fails.
pub fn render(chart: &Chart, values: &Values, options: &RenderOptions<'_>) -> Result<Rendered, RenderError> {
    let work = |stack| {
        let limits = flux_template::Limits { stack, ..options.limits.clone() };
        run(chart.clone(), values, &RenderOptions { limits, ..options.clone() })
    };
    let outcome = flux_template::on_large_stack(STACK, work);
    outcome.unwrap_or_else(|error| Err(RenderError::Thread { reason: error.to_string() }))
}

fn run(mut chart: Chart, values: &Values, options: &RenderOptions<'_>) -> Result<Rendered, RenderError> {
    process_dependencies(&mut chart, values).map_err(RenderError::Dependencies)?;
    let merged = coalesce_values(&chart, values).map_err(RenderError::Values)?;
    if !options.skip_schema {
        schema::validate_chart(&chart, &merged).map_err(RenderError::Schema)?;
    }
    check_kube_version(&chart.metadata, &options.capabilities)?;
    let mut files = render_files(&chart, &merged, options)?;
    let notes = take_notes(&mut files, &chart, options.sub_notes);
    if let Some((renderer, strategy)) = options.post_renderer {
        files = crate::post_render::run(files, renderer, strategy, options.splitting)?;
    }
    let sorted = sort_manifests(&files, Order::Install, options.splitting);
    let (hooks, manifests) = match sorted {
        Ok(sorted) => sorted,
        Err(source) => return Err(RenderError::Manifest { source, files }),
    };
    let crds = chart.crds();
    let mut text = String::new();
    if options.include_crds {
        let texts: Vec<_> = crds.iter().map(|crd| (crd.filename.as_str(), crd.file.text())).collect();
        text = manifest_text(texts.iter().map(|(path, text)| (*path, text.as_ref())));
    }
    text += &manifest_text(manifests.iter().map(|manifest| (manifest.path.as_str(), manifest.content.as_str())));
    Ok(Rendered { chart, manifest: text, manifests, hooks, notes, crds })
}

fn check_kube_version(metadata: &Metadata, capabilities: &Capabilities) -> Result<(), RenderError> {
    let range = &metadata.kube_version;
    let cluster = &capabilities.kube_version;
    if range.is_empty() || is_compatible(range, &cluster.normalized) {
        return Ok(());
    }
    Err(RenderError::KubeVersion { range: range.clone(), version: cluster.version.clone() })
}

/// Takes `NOTES.txt` out of the files; those of subcharts count when asked for.
fn take_notes(files: &mut BTreeMap<String, String>, chart: &Chart, sub_notes: bool) -> String {
    let own = format!("{}/templates/NOTES.txt", chart.name());
    let names: Vec<String> = files.keys().filter(|name| name.ends_with("NOTES.txt")).cloned().collect();
    let mut notes = String::new();
    for name in names {
        let text = files.remove(&name).unwrap_or_default();
        if sub_notes || name == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&text);
        }
    }
    notes
}

/// One chart of the tree with its place in it.
struct Node<'c> {
    chart: &'c Chart,
    path: String,
    children: Vec<Node<'c>>,
}

impl<'c> Node<'c> {
    fn new(chart: &'c Chart, path: String) -> Self {
        let children = chart.dependencies.iter();
        let children = children.map(|child| Self::new(child, format!("{path}/charts/{}", child.name()))).collect();
        Self { chart, path, children }
    }

    /// The paths of all templates that may be rendered, with their texts and the chart that has them.
    fn templates<'n>(&'n self, found: &mut BTreeMap<String, (&'c [u8], &'n str)>) {
        for child in &self.children {
            child.templates(found);
        }
        for file in &self.chart.templates {
            // A library lends its partials only.
            if !self.chart.metadata.is_library() || base_name(&file.name).starts_with('_') {
                found.insert(format!("{}/{}", self.path, file.name), (&file.data, &self.path));
            }
        }
    }
}

fn render_files(
    chart: &Chart,
    values: &Values,
    options: &RenderOptions<'_>,
) -> Result<BTreeMap<String, String>, RenderError> {
    let root = Node::new(chart, chart.name().to_owned());
    let mut templates = BTreeMap::new();
    root.templates(&mut templates);
    let parsed = Templates::parse(templates.iter().map(|(name, (data, _))| (name.as_str(), *data)))?;
    let scopes = scopes(&root, values, options);
    let scope = |name: &str| {
        let path = templates.get(name).map(|(_, path)| *path).unwrap_or_default();
        let data = scopes.get(path).cloned().unwrap_or_default();
        Scope { data, base_path: format!("{path}/templates") }
    };
    let engine_options = engine::Options { strict: options.strict, lint: false, limits: options.limits.clone() };
    let files = parsed.render(&scope, options.host, &engine_options)?;
    Ok(files.into_iter().collect())
}

/// `.` of every chart, by the chart's path.
fn scopes(root: &Node<'_>, values: &Values, options: &RenderOptions<'_>) -> HashMap<String, Value> {
    let kube = &options.capabilities.kube_version;
    let kube = engine::KubeVersion {
        version: kube.version.clone(),
        normalized: kube.normalized.clone(),
        major: kube.major.clone(),
        minor: kube.minor.clone(),
    };
    let capabilities =
        engine::capabilities(&kube, &options.capabilities.api_versions, &options.capabilities.helm_version);
    let release = Value::map([
        ("Name", Value::text(options.release.name.as_str())),
        ("Namespace", Value::text(options.release.namespace.as_str())),
        ("IsUpgrade", Value::Bool(options.release.is_upgrade)),
        ("IsInstall", Value::Bool(!options.release.is_upgrade)),
        ("Revision", Value::int(options.release.revision)),
        ("Service", Value::text("Helm")),
    ]);
    let mut found = HashMap::new();
    let shared = Shared { release, capabilities };
    scope(root, named_values(values), true, &shared, &mut found);
    found
}

struct Shared {
    release: Value,
    capabilities: Value,
}

fn scope(node: &Node<'_>, values: Value, root: bool, shared: &Shared, found: &mut HashMap<String, Value>) -> Value {
    let subcharts = node.children.iter().map(|child| {
        let name = child.chart.name();
        let inner = values.as_map().and_then(|values| values.get(name.as_bytes()));
        let inner = match inner {
            Some(Value::Map(map)) => Value::Map(Map::from_entries(MapKind::Values, map.entries())),
            _ => Value::Map(Map::new(MapKind::Values)),
        };
        (name.to_owned(), scope(child, inner, false, shared, found))
    });
    let subcharts: Vec<(String, Value)> = subcharts.collect();
    let files = node.chart.files.iter().map(|file| (file.name.as_str(), &file.data[..]));
    let data = Value::map([
        ("Chart", metadata_value(&node.chart.metadata, root)),
        ("Files", engine::files(files)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", values.clone()),
        ("Subcharts", Value::map(subcharts.iter().map(|(name, value)| (name.as_str(), value.clone())))),
    ]);
    found.insert(node.path.clone(), data.clone());
    data
}

fn named_values(values: &Values) -> Value {
    let entries = values.iter().map(|(key, value)| (key.as_str(), template_value(value)));
    Value::Map(Map::from_entries(MapKind::Values, entries))
}

/// Integers stay integers: `--set` made them.
fn template_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64().filter(|_| !number.is_f64()) {
            Some(whole) => Value::int64(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(template_value).collect()),
        Json::Object(map) => Value::map(map.iter().map(|(key, value)| (key.as_str(), template_value(value)))),
    }
}

/// `.Chart`: a map with Go's field names, empty fields present.
fn metadata_value(metadata: &Metadata, root: bool) -> Value {
    let text = |text: &str| Value::text(text);
    let texts = |texts: &[String]| Value::list(texts.iter().map(|text| Value::text(text.as_str())).collect());
    let maintainers = metadata
        .maintainers
        .iter()
        .map(|one| Value::map([("Name", text(&one.name)), ("Email", text(&one.email)), ("URL", text(&one.url))]));
    let dependencies = metadata.dependencies.iter().flatten().map(dependency_value);
    let annotations = if metadata.annotations.is_empty() {
        Map::nil(MapKind::Strings)
    } else {
        Map::from_entries(MapKind::Strings, metadata.annotations.iter().map(|(key, value)| (key.as_str(), text(value))))
    };
    Value::map([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", Value::list(maintainers.collect())),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", Value::list(dependencies.collect())),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Value::Bool(root)),
    ])
}

fn dependency_value(dependency: &Dependency) -> Value {
    let tags = dependency.tags.iter().map(|tag| Value::text(tag.as_str())).collect();
    let imports = dependency.import_values.iter().map(|rule| match rule {
        // Processing makes pairs of texts of all rules.
        Json::Object(map) => {
            let entries =
                map.iter().map(|(key, value)| (key.as_str(), Value::text(value.as_str().unwrap_or_default())));
            Value::Map(Map::from_entries(MapKind::Strings, entries))
        }
        other => Value::from(other),
    });
    Value::map([
        ("Name", Value::text(dependency.name.as_str())),
        ("Version", Value::text(dependency.version.as_str())),
        ("Repository", Value::text(dependency.repository.as_str())),
        ("Condition", Value::text(dependency.condition.as_str())),
        ("Tags", Value::list(tags)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::list(imports.collect())),
        ("Alias", Value::text(dependency.alias.as_str())),
    ])
}
