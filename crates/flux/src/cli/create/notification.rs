//! `flux create alert|alert-provider|receiver`.

use std::process::ExitCode;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Spec, Words, announce, finish, object};
use crate::cli::error::CliError;
use crate::cli::flags::kind_name_namespace;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

fn ready(noun: &str, object: &DynamicObject) -> Result<(), CliError> {
    print::success(format!("{noun} {} is ready", object.metadata.name.as_deref().unwrap_or_default()));
    Ok(())
}

/// `flux create alert`.
pub async fn alert(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    if parsed.option("provider-ref").is_none() {
        return Err(CliError::usage("provider ref is required"));
    }
    let sources = parsed.list("event-source").iter().map(|text| event_source(text)).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        return Err(CliError::usage("at least one event source is required"));
    }
    announce(parsed, "Alert");
    let mut spec = Spec::new();
    spec.text("providerRef.name", parsed, "provider-ref")
        .text("eventSeverity", parsed, "event-severity")
        .set("eventSources", Some(sources));
    let words = Words { noun: "Alert", done: ready };
    finish("Alert", object("Alert", parsed, global, spec)?, &words, parsed, global).await
}

fn event_source(text: &str) -> Result<Value, CliError> {
    let (kind, name, namespace) = kind_name_namespace(text);
    if kind.is_empty() {
        return Err(CliError::usage(format!("invalid event source '{text}', must be in format <kind>/<name>")));
    }
    let mut source = json!({ "kind": kind, "name": name });
    if !namespace.is_empty() {
        source["namespace"] = json!(namespace);
    }
    Ok(source)
}

/// `flux create alert-provider`.
pub async fn provider(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    if parsed.option("type").is_none() {
        return Err(CliError::usage("Provider type is required"));
    }
    announce(parsed, "Provider");
    let mut spec = Spec::new();
    spec.text("type", parsed, "type")
        .text("channel", parsed, "channel")
        .text("username", parsed, "username")
        .text("address", parsed, "address")
        .text("secretRef.name", parsed, "secret-ref");
    let words = Words { noun: "Provider", done: ready };
    finish("Provider", object("Provider", parsed, global, spec)?, &words, parsed, global).await
}

/// `flux create receiver`.
pub async fn receiver(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    if parsed.option("type").is_none() {
        return Err(CliError::usage("Receiver type is required"));
    }
    if parsed.option("secret-ref").is_none() {
        return Err(CliError::usage("secret ref is required"));
    }
    let mut resources = Vec::new();
    for text in parsed.list("resource") {
        let Some((kind, name)) = text.split_once('/').filter(|(kind, _)| !kind.is_empty()) else {
            return Err(CliError::usage(format!("invalid event source '{text}', must be in format <kind>/<name>")));
        };
        resources.push(json!({ "kind": kind, "name": name }));
    }
    if resources.is_empty() {
        return Err(CliError::usage("atleast one resource is required"));
    }
    announce(parsed, "Receiver");
    let events = parsed.list("event");
    let mut spec = Spec::new();
    spec.text("type", parsed, "type")
        .set("events", (!events.is_empty()).then_some(events))
        .set("resources", Some(resources))
        .text("secretRef.name", parsed, "secret-ref");
    let words = Words { noun: "Receiver", done: ready };
    finish("Receiver", object("Receiver", parsed, global, spec)?, &words, parsed, global).await
}
