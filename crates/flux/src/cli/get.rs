//! `flux get`: tables of objects and how they are.

use std::process::ExitCode;

use futures::TryStreamExt as _;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use serde_json::Value;

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds::{self, Kind};
use super::parse::Parsed;
use super::print;

const SOURCES: &[&str] =
    &["OCIRepository", "Bucket", "GitRepository", "HelmRepository", "HelmChart", "ExternalArtifact"];
const IMAGES: &[&str] = &["ImageRepository", "ImagePolicy", "ImageUpdateAutomation"];
const OTHERS: &[&str] = &["HelmRelease", "Kustomization", "Receiver", "Provider", "Alert"];

/// Runs `flux get ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let many: Vec<&str> = match path {
        ["all"] => [SOURCES, IMAGES, OTHERS].concat(),
        ["sources", "all"] => SOURCES.to_vec(),
        ["images", "all"] => IMAGES.to_vec(),
        _ => {
            let kind = kinds::required("get", path)?;
            let client = global.client().await?;
            let request = Request { parsed, global, client: &client, of_many: false };
            return if parsed.is_set("watch") { request.watch(&kind).await } else { request.list(&kind).await };
        }
    };
    if parsed.is_set("watch") {
        return Err(CliError::usage("expected a single resource type, but found all"));
    }
    let client = global.client().await?;
    let request = Request { parsed, global, client: &client, of_many: true };
    for kind in many.into_iter().filter_map(kinds::by_kind) {
        match request.list(&kind).await {
            Err(error) if !error.is_no_match() => print::failure(&error),
            _ => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Request<'a> {
    parsed: &'a Parsed,
    global: &'a Global,
    client: &'a kube::Client,
    /// One of the kinds of `all`: names carry the kind, empty tables are left out.
    of_many: bool,
}

impl Request<'_> {
    fn all_namespaces(&self) -> bool {
        self.parsed.is_set("all-namespaces")
    }

    fn api(&self, kind: &Kind) -> kube::Api<DynamicObject> {
        let namespace = (!self.all_namespaces()).then_some(self.global.namespace.as_str());
        api(self.client, kind, namespace)
    }

    async fn list(&self, kind: &Kind) -> Result<ExitCode, CliError> {
        let name = self.parsed.arguments.first();
        let mut params = ListParams::default();
        if let Some(name) = name {
            params = params.fields(&format!("metadata.name={name}"));
        }
        if let Some(labels) = self.parsed.option("label-selector") {
            params = params.labels(labels);
        }
        let selector = Selector::read(self.parsed)?;
        let what = format!("the list of {}", kind.info.plural);
        let list = self.global.within(&what, async { Ok(self.api(kind).list(&params).await?) }).await?;
        let place = if self.all_namespaces() { "any".to_owned() } else { format!("{:?}", self.global.namespace) };
        if list.items.is_empty() {
            return match name {
                Some(name) => {
                    Err(CliError::state(format!("{} object '{name}' not found in {place} namespace", kind.info.kind)))
                }
                None if self.of_many => Ok(ExitCode::SUCCESS),
                None => Err(CliError::state(format!("no {} objects found in {place} namespace", kind.info.kind))),
            };
        }
        let mut items = list.items;
        items.sort_by(|a, b| (&a.metadata.namespace, &a.metadata.name).cmp(&(&b.metadata.namespace, &b.metadata.name)));
        let rows: Vec<_> =
            items.iter().filter(|item| selector.matches(kind, item)).map(|item| self.row(kind, item)).collect();
        if self.of_many && rows.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        print::data(&print::table(&self.header(kind), &rows));
        if self.of_many {
            print::line("");
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn watch(&self, kind: &Kind) -> Result<ExitCode, CliError> {
        let selector = Selector::read(self.parsed)?;
        let mut params = WatchParams::default();
        if let Some(name) = self.parsed.arguments.first() {
            params = params.fields(&format!("metadata.name={name}"));
        }
        if let Some(labels) = self.parsed.option("label-selector") {
            params = params.labels(labels);
        }
        let deadline = tokio::time::Instant::now() + self.global.timeout;
        let mut version = "0".to_owned();
        let mut header = self.header(kind);
        loop {
            let events = self.api(kind).watch(&params, &version).await?;
            let mut events = std::pin::pin!(events);
            while let Ok(event) = tokio::time::timeout_at(deadline, events.try_next()).await {
                let object = match event? {
                    Some(WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object)) => {
                        object
                    }
                    Some(WatchEvent::Error(status)) => return Err(CliError::Api(kube::Error::Api(status))),
                    Some(WatchEvent::Bookmark(mark)) => {
                        version = mark.metadata.resource_version;
                        continue;
                    }
                    None => break,
                };
                version = object.metadata.resource_version.clone().unwrap_or(version);
                if selector.matches(kind, &object) {
                    print::data(&print::table(&header, &[self.row(kind, &object)]));
                    header.clear();
                }
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(CliError::Timeout { what: "the condition".into() });
            }
        }
    }

    fn header(&self, kind: &Kind) -> Vec<&'static str> {
        if self.parsed.is_set("no-header") {
            return Vec::new();
        }
        let mut names = if self.all_namespaces() { vec!["Namespace", "Name"] } else { vec!["Name"] };
        if self.parsed.is_set("show-source") {
            names.push("Source");
        }
        names.extend_from_slice(columns(kind.info.kind));
        names
    }

    fn row(&self, kind: &Kind, object: &DynamicObject) -> Vec<String> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let name = if self.of_many { format!("{}/{name}", kind.info.kind.to_lowercase()) } else { name };
        let mut row = Vec::new();
        if self.all_namespaces() {
            row.push(object.metadata.namespace.clone().unwrap_or_default());
        }
        row.push(name);
        if self.parsed.is_set("show-source") {
            row.push(source_of(kind.info.kind, object));
        }
        row.extend(cells(kind.info.kind, object));
        row
    }
}

fn columns(kind: &str) -> &'static [&'static str] {
    match kind {
        "ExternalArtifact" => &["Revision", "Source", "Ready", "Message"],
        "Receiver" | "Alert" | "ArtifactGenerator" => &["Suspended", "Ready", "Message"],
        "Provider" => &["Ready", "Message"],
        "ImagePolicy" => &["Image", "Tag", "Ready", "Message"],
        "ImageRepository" => &["Last scan", "Suspended", "Ready", "Message"],
        "ImageUpdateAutomation" => &["Last run", "Suspended", "Ready", "Message"],
        _ => &["Revision", "Suspended", "Ready", "Message"],
    }
}

fn text<'a>(object: &'a DynamicObject, pointer: &str) -> &'a str {
    object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn cells(kind: &str, object: &DynamicObject) -> Vec<String> {
    let (ready, message) = status_and_message(kind, object);
    let short = print::truncate_hex;
    let suspended = || if is_suspended(object) { "True" } else { "False" }.to_owned();
    match kind {
        "ExternalArtifact" => {
            let revision = short(text(object, "/status/artifact/revision"));
            vec![revision, source_of(kind, object), ready, short(&message)]
        }
        "Receiver" | "Alert" => vec![suspended(), ready, message],
        "ArtifactGenerator" => {
            let annotations = object.metadata.annotations.as_ref();
            let state = annotations.and_then(|known| known.get("source.extensions.fluxcd.io/reconcile"));
            let disabled = state.is_some_and(|value| value.eq_ignore_ascii_case("disabled"));
            vec![if disabled { "True" } else { "False" }.to_owned(), ready, message]
        }
        "Provider" => vec![ready, message],
        "ImagePolicy" => {
            let reference = |field| text(object, &format!("/status/latestRef/{field}")).to_owned();
            vec![reference("name"), reference("tag"), ready, message]
        }
        "ImageRepository" => {
            vec![text(object, "/status/lastScanResult/scanTime").to_owned(), suspended(), ready, message]
        }
        "ImageUpdateAutomation" => {
            vec![text(object, "/status/lastAutomationRunTime").to_owned(), suspended(), ready, message]
        }
        "Kustomization" => {
            vec![short(text(object, "/status/lastAppliedRevision")), suspended(), ready, short(&message)]
        }
        "HelmRelease" => vec![release_revision(object), suspended(), ready, message],
        // A chart's revision is a version and stays whole.
        "HelmChart" => {
            vec![text(object, "/status/artifact/revision").to_owned(), suspended(), ready, short(&message)]
        }
        _ => vec![short(text(object, "/status/artifact/revision")), suspended(), ready, short(&message)],
    }
}

/// The chart version of the newest release; of an OCI chart with its digest.
fn release_revision(object: &DynamicObject) -> String {
    let version = text(object, "/status/history/0/chartVersion");
    if version.is_empty() { text(object, "/status/lastAttemptedRevision").to_owned() } else { version.to_owned() }
}

fn source_of(kind: &str, object: &DynamicObject) -> String {
    let pointer = match kind {
        "HelmRelease" if object.data.pointer("/spec/chartRef").is_some() => "/spec/chartRef",
        "HelmRelease" => "/spec/chart/spec/sourceRef",
        _ => "/spec/sourceRef",
    };
    let Some(reference) = object.data.pointer(pointer) else { return String::new() };
    let field = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let namespace = match field("namespace") {
        "" if kind != "ExternalArtifact" => own,
        given => given,
    };
    format!("{}/{namespace}/{}", field("kind"), field("name"))
}

/// `spec.suspend`.
pub fn is_suspended(object: &DynamicObject) -> bool {
    object.data.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
}

/// The entries of `status.conditions`.
pub fn conditions(object: &DynamicObject) -> &[Value] {
    object.data.pointer("/status/conditions").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn status_and_message(kind: &str, object: &DynamicObject) -> (String, String) {
    match kind {
        "Alert" => return ("True".into(), "Alert is Ready".into()),
        "Provider" => return ("True".into(), "Provider is Ready".into()),
        "HelmRepository" if text(object, "/spec/type") == "oci" => {
            return ("True".into(), "Helm repository is Ready".into());
        }
        _ => {}
    }
    match conditions(object).iter().find(|condition| condition["type"] == "Ready") {
        Some(ready) => {
            let field = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
            (field("status"), field("message"))
        }
        None => ("False".into(), "waiting to be reconciled".into()),
    }
}

/// `--status-selector`.
enum Selector {
    All,
    Is { kind: String, status: String, wanted: bool },
}

impl Selector {
    fn read(parsed: &Parsed) -> Result<Self, CliError> {
        let Some(text) = parsed.option("status-selector") else { return Ok(Self::All) };
        let parts =
            text.split_once("!=").map(|parts| (parts, false)).or(text.split_once('=').map(|parts| (parts, true)));
        let Some(((kind, status), wanted)) = parts else {
            return Err(CliError::usage(format!(
                "expected status selector in type=status or type!=status format, but found: {text}"
            )));
        };
        Ok(Self::Is { kind: kind.to_owned(), status: status.to_owned(), wanted })
    }

    fn matches(&self, kind: &Kind, object: &DynamicObject) -> bool {
        let Self::Is { kind: condition, status, wanted } = self else { return true };
        let same = |value: &Value, text: &str| value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(text));
        let found = if matches!(kind.info.kind, "Alert" | "Provider") {
            condition.eq_ignore_ascii_case("Ready") && status.eq_ignore_ascii_case("True")
        } else {
            let last = conditions(object).iter().rfind(|entry| same(&entry["type"], condition));
            last.is_some_and(|entry| same(&entry["status"], status))
        };
        found == *wanted
    }
}
