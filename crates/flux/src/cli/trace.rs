//! `flux trace`: from an object to the unit that applies it, and to the source of that.

use std::process::ExitCode;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use serde_json::Value;

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds;
use super::parse::Parsed;
use super::print;

/// Owners of owners of owners; a cycle ends here.
const OWNER_LIMIT: usize = 16;
const USAGE: &str = "either `<resource>/<name>` or `<resource> <name>` is required as an argument";

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let wanted = Wanted::read(parsed)?;
    let client = global.client().await?;
    let mut first = true;
    for (resource, name) in wanted.resolve(&client).await? {
        if !std::mem::take(&mut first) {
            print::line("---");
        }
        let objects: Api<DynamicObject> = match resource.1 {
            Scope::Cluster => Api::all_with(client.clone(), &resource.0),
            Scope::Namespaced => Api::namespaced_with(client.clone(), &global.namespace, &resource.0),
        };
        let object = match objects.get(&name).await {
            Ok(object) => object,
            Err(error) if wanted.is_static() => {
                return Err(CliError::state(format!("failed to find object: {}", CliError::from(error))));
            }
            Err(error) => return Err(error.into()),
        };
        let kind = if wanted.is_static() { wanted.kind.clone() } else { resource.0.kind.clone() };
        match trace(&client, &object, &format!("{kind}/{name}")).await {
            Ok(report) => print::data(&report),
            Err(error) => {
                let namespace = object.metadata.namespace.unwrap_or_default();
                eprint!("failed to trace {kind}/{name} in namespace {namespace}: {error}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the arguments name.
struct Wanted {
    kind: String,
    api_version: String,
    names: Vec<(String, String)>,
}

impl Wanted {
    fn read(parsed: &Parsed) -> Result<Self, CliError> {
        let kind = parsed.text("kind").to_owned();
        let api_version = parsed.text("api-version").to_owned();
        let arguments = &parsed.arguments;
        if !kind.is_empty() || !api_version.is_empty() {
            let name = parsed.name("object name is required")?.to_owned();
            if kind.is_empty() {
                return Err(CliError::usage("object kind is required (--kind)"));
            }
            if api_version.is_empty() {
                return Err(CliError::usage("object apiVersion is required (--api-version)"));
            }
            let names = vec![(kind.clone(), name)];
            return Ok(Self { kind, api_version, names });
        }
        let names: Vec<(String, String)> = match arguments.as_slice() {
            [] => return Err(CliError::usage(USAGE)),
            pairs if pairs[0].contains('/') => pairs
                .iter()
                .map(|pair| pair.split_once('/').map(|(kind, name)| (kind.to_owned(), name.to_owned())))
                .collect::<Option<_>>()
                .ok_or_else(|| CliError::usage(USAGE))?,
            [_] => return Err(CliError::usage(USAGE)),
            [kind, names @ ..] => names.iter().map(|name| (kind.clone(), name.clone())).collect(),
        };
        Ok(Self { kind, api_version, names })
    }

    fn is_static(&self) -> bool {
        !self.kind.is_empty()
    }

    async fn resolve(&self, client: &Client) -> Result<Vec<((ApiResource, Scope), String)>, CliError> {
        let mut found = Vec::new();
        for (kind, name) in &self.names {
            let resource = if self.is_static() {
                find(client, &self.api_version, kind).await?
            } else {
                find_anywhere(client, kind).await?
            };
            found.push((resource, name.clone()));
        }
        Ok(found)
    }
}

/// The resource of a kind in one group and version; kinds match without regard to case.
async fn find(client: &Client, api_version: &str, kind: &str) -> Result<(ApiResource, Scope), CliError> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if let Ok((resource, capabilities)) = pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await {
        return Ok((resource, capabilities.scope));
    }
    let list = if group.is_empty() {
        client.list_core_api_resources(version).await?
    } else {
        client.list_api_group_resources(api_version).await?
    };
    let entry = list.resources.into_iter().find(|entry| {
        !entry.name.contains('/')
            && (entry.kind.eq_ignore_ascii_case(kind) || entry.singular_name == kind.to_lowercase())
    });
    let Some(entry) = entry else {
        return Err(CliError::state(format!(
            "failed to find object: no matches for kind \"{kind}\" in version \"{api_version}\""
        )));
    };
    let gvk = GroupVersionKind::gvk(group, version, &entry.kind);
    let scope = if entry.namespaced { Scope::Namespaced } else { Scope::Cluster };
    Ok((ApiResource::from_gvk_with_plural(&gvk, &entry.name), scope))
}

/// The resource that a word names in any group: plural, singular, short name or kind, with `.group` to choose one.
async fn find_anywhere(client: &Client, word: &str) -> Result<(ApiResource, Scope), CliError> {
    let (name, wanted_group) = word.split_once('.').unwrap_or((word, ""));
    let lower = name.to_lowercase();
    let mut lists = vec![(String::new(), "v1".to_owned(), client.list_core_api_resources("v1").await?)];
    for group in client.list_api_groups().await?.groups {
        let Some(version) = group.preferred_version.or_else(|| group.versions.first().cloned()) else { continue };
        let list = client.list_api_group_resources(&version.group_version).await?;
        lists.push((group.name, version.version, list));
    }
    for (group, version, list) in lists {
        if !wanted_group.is_empty() && group != wanted_group {
            continue;
        }
        let found = list.resources.into_iter().find(|entry| {
            !entry.name.contains('/')
                && (entry.name == lower
                    || entry.singular_name == lower
                    || entry.kind.to_lowercase() == lower
                    || entry.short_names.as_ref().is_some_and(|names| names.contains(&lower)))
        });
        if let Some(entry) = found {
            let gvk = GroupVersionKind::gvk(&group, &version, &entry.kind);
            let scope = if entry.namespaced { Scope::Namespaced } else { Scope::Cluster };
            return Ok((ApiResource::from_gvk_with_plural(&gvk, &entry.name), scope));
        }
    }
    Err(CliError::state(format!("the server doesn't have a resource type {name:?}")))
}

async fn trace(client: &Client, object: &DynamicObject, name: &str) -> Result<String, CliError> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    if let Some(owner) = owner(client, object, "kustomize.toolkit.fluxcd.io").await? {
        return kustomization_report(client, name, namespace, &owner).await;
    }
    if let Some(owner) = owner(client, object, "helm.toolkit.fluxcd.io").await? {
        return release_report(client, name, namespace, &owner).await;
    }
    Err(CliError::state("object not managed by Flux"))
}

/// Name and namespace of the unit that the object's labels, or those of its owners, name.
async fn owner(client: &Client, object: &DynamicObject, group: &str) -> Result<Option<(String, String)>, CliError> {
    let mut current = object.clone();
    for _ in 0..OWNER_LIMIT {
        let labels = current.metadata.labels.as_ref();
        let label = |name: &str| labels.and_then(|labels| labels.get(&format!("{group}/{name}"))).cloned();
        if let Some(name) = label("name").filter(|name| !name.is_empty()) {
            return Ok(Some((name, label("namespace").unwrap_or_default())));
        }
        let Some(reference) = current.metadata.owner_references.as_ref().and_then(|owners| owners.first()) else {
            return Ok(None);
        };
        let Ok((resource, scope)) = find(client, &reference.api_version, &reference.kind).await else {
            return Ok(None);
        };
        let owners: Api<DynamicObject> = match (scope, &current.metadata.namespace) {
            (Scope::Namespaced, Some(namespace)) => Api::namespaced_with(client.clone(), namespace, &resource),
            _ => Api::all_with(client.clone(), &resource),
        };
        match owners.get_opt(&reference.name).await? {
            Some(owner) => current = owner,
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Lines of `Name:` and value, values in one column.
struct Report {
    text: String,
    width: usize,
}

impl Report {
    fn new(width: usize, object: &str, namespace: &str) -> Self {
        let mut report = Self { text: "\n".to_owned(), width };
        report.line("Object", object);
        report.some("Namespace", namespace);
        report.line("Status", "Managed by Flux");
        report
    }

    fn line(&mut self, name: &str, value: &str) {
        let name = format!("{name}:");
        self.text.push_str(&format!("{name:width$}{value}\n", width = self.width));
    }

    fn some(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.line(name, value);
        }
    }

    fn part(&mut self, kind: &str, object: &DynamicObject) {
        self.text.push_str("---\n");
        self.line(kind, object.metadata.name.as_deref().unwrap_or_default());
        self.line("Namespace", object.metadata.namespace.as_deref().unwrap_or_default());
    }

    /// `tells_failure`: whether a failed reconciliation is said to have failed.
    fn ready(&mut self, object: &DynamicObject, tells_failure: bool) {
        let Some(ready) = super::get::conditions(object).iter().find(|condition| condition["type"] == "Ready") else {
            self.line("Status", "Unknown");
            return;
        };
        let time = go_time(ready["lastTransitionTime"].as_str().unwrap_or_default());
        let failed = tells_failure && ready["status"] == "False";
        let outcome = if failed { "Last reconciliation failed" } else { "Last reconciled" };
        self.line("Status", &format!("{outcome} at {time}"));
        self.line("Message", ready["message"].as_str().unwrap_or_default());
    }
}

/// `2021-08-01 04:42:55 +0000 UTC`, as Go prints a time.
fn go_time(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        Err(_) => text.to_owned(),
    }
}

fn field<'a>(object: &'a DynamicObject, pointer: &str) -> &'a str {
    object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

async fn get(client: &Client, kind: &str, namespace: &str, name: &str) -> Result<DynamicObject, CliError> {
    let known = kinds::by_kind(kind).ok_or_else(|| CliError::state(format!("unknown kind {kind}")))?;
    let label = if kind == "Kustomization" { "kustomization" } else { kind };
    api(client, &known, Some(namespace))
        .get(name)
        .await
        .map_err(|error| CliError::state(format!("failed to find {label}: {}", CliError::from(error))))
}

async fn kustomization_report(
    client: &Client,
    object: &str,
    namespace: &str,
    (name, unit_namespace): &(String, String),
) -> Result<String, CliError> {
    let unit = get(client, "Kustomization", unit_namespace, name).await?;
    let mut report = Report::new(17, object, namespace);
    report.part("Kustomization", &unit);
    report.some("Target", field(&unit, "/spec/targetNamespace"));
    report.line("Path", field(&unit, "/spec/path"));
    report.line("Revision", field(&unit, "/status/lastAppliedRevision"));
    report.ready(&unit, false);
    let kind = field(&unit, "/spec/sourceRef/kind");
    let source_namespace = match field(&unit, "/spec/sourceRef/namespace") {
        "" => unit_namespace,
        given => given,
    };
    if matches!(kind, "GitRepository" | "OCIRepository" | "ExternalArtifact") {
        let source = get(client, kind, source_namespace, field(&unit, "/spec/sourceRef/name")).await?;
        source_part(&mut report, kind, &source, true)?;
    }
    Ok(report.text)
}

/// A source with its address, reference, revision and origin.
fn source_part(report: &mut Report, kind: &str, source: &DynamicObject, with_origin: bool) -> Result<(), CliError> {
    report.part(kind, source);
    if kind == "ExternalArtifact" {
        if source.data.pointer("/spec/sourceRef").is_none() {
            let (namespace, name) = (&source.metadata.namespace, &source.metadata.name);
            return Err(CliError::state(format!(
                "ExternalArtifact {}/{} is missing spec.sourceRef",
                namespace.as_deref().unwrap_or_default(),
                name.as_deref().unwrap_or_default()
            )));
        }
        let part = |name: &str| field(source, &format!("/spec/sourceRef/{name}"));
        report.line("Source", &format!("{}/{}/{}", part("kind"), part("namespace"), part("name")));
    } else {
        report.line("URL", field(source, "/spec/url"));
        let references: &[(&str, &str)] = if kind == "GitRepository" {
            &[("Tag", "tag"), ("Tag", "semver"), ("Branch", "branch")]
        } else {
            &[("Tag", "tag"), ("Tag", "semver"), ("Digest", "digest")]
        };
        let given = references.iter().map(|(name, part)| (name, field(source, &format!("/spec/ref/{part}"))));
        if let Some((name, value)) = given.clone().find(|(_, value)| !value.is_empty()) {
            report.line(name, value);
        }
    }
    report.some("Revision", field(source, "/status/artifact/revision"));
    let origin = [("Origin Revision", "revision"), ("Origin Source", "source")];
    for (name, annotation) in origin.into_iter().filter(|_| with_origin) {
        let key = format!("org.opencontainers.image.{annotation}");
        let value = source.data.pointer("/status/artifact/metadata").and_then(|metadata| metadata.get(&key));
        report.some(name, value.and_then(Value::as_str).unwrap_or_default());
    }
    report.ready(source, true);
    Ok(())
}

async fn release_report(
    client: &Client,
    object: &str,
    namespace: &str,
    (name, release_namespace): &(String, String),
) -> Result<String, CliError> {
    let release = get(client, "HelmRelease", release_namespace, name).await?;
    let mut report = Report::new(16, object, namespace);
    report.part("HelmRelease", &release);
    report.some("Target", field(&release, "/spec/targetNamespace"));
    report.line("Revision", field(&release, "/status/lastAttemptedRevision"));
    report.ready(&release, false);
    if let Some((chart_namespace, chart)) = field(&release, "/status/helmChart").split_once('/') {
        let chart = get(client, "HelmChart", chart_namespace, chart).await?;
        report.part("HelmChart", &chart);
        report.line("Chart", field(&chart, "/spec/chart"));
        report.line("Version", field(&chart, "/spec/version"));
        report.some("Revision", field(&chart, "/status/artifact/revision"));
        report.ready(&chart, false);
    }
    let pointer =
        if release.data.pointer("/spec/chart").is_some() { "/spec/chart/spec/sourceRef" } else { "/spec/chartRef" };
    let kind = field(&release, &format!("{pointer}/kind"));
    let source_namespace = match field(&release, &format!("{pointer}/namespace")) {
        "" => release_namespace,
        given => given,
    };
    let source_name = field(&release, &format!("{pointer}/name"));
    match kind {
        "HelmRepository" => {
            let source = get(client, kind, source_namespace, source_name).await?;
            report.part(kind, &source);
            report.line("URL", field(&source, "/spec/url"));
            report.some("Revision", field(&source, "/status/artifact/revision"));
            report.ready(&source, false);
        }
        "GitRepository" | "OCIRepository" | "ExternalArtifact" => {
            let source = get(client, kind, source_namespace, source_name).await?;
            report.width = if kind == "GitRepository" { 15 } else { 17 };
            source_part(&mut report, kind, &source, false)?;
        }
        _ => {}
    }
    Ok(report.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_in_go() {
        assert_eq!(go_time("2021-08-01T04:42:55Z"), "2021-08-01 04:42:55 +0000 UTC");
    }
}
