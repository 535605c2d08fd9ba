//! `flux events`: events of Flux objects, oldest first.

use std::process::ExitCode;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use serde_json::Value;

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds;
use super::parse::Parsed;
use super::print;

const PAGE: u32 = 500;

/// Where to look: a namespace or all, and a field selector.
type Query = (Option<String>, String);

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let types = parsed.list("types");
    if let Some(odd) =
        types.iter().find(|kind| !["Normal", "Warning"].iter().any(|known| known.eq_ignore_ascii_case(kind)))
    {
        return Err(CliError::usage(format!("type '{odd}' not supported. Supported types are Normal, Warning")));
    }
    let client = global.client().await?;
    let everywhere = parsed.is_set("all-namespaces");
    let namespace = (!everywhere).then(|| global.namespace.clone());
    let mut queries: Vec<Query> = vec![(namespace.clone(), String::new())];
    if let Some(selector) = parsed.option("for") {
        let (kind, name) = selector.split_once('/').unwrap_or((selector, ""));
        let kind = flux_api::KINDS
            .iter()
            .find(|info| info.kind.eq_ignore_ascii_case(kind))
            .ok_or_else(|| CliError::usage(format!("'{kind}' is not a recognized Flux kind")))?;
        queries[0].1 = selector_of(kind.kind, name);
        if !name.is_empty() {
            queries.extend(related(&client, kind.kind, name, &global.namespace).await?);
        }
    }
    let with_namespace = everywhere || queries.iter().any(|(other, _)| *other != namespace);
    let shown = Shown { types, with_namespace };
    if parsed.is_set("watch") {
        return shown.watch(&client, &queries, global).await;
    }
    let mut found = Vec::new();
    for query in &queries {
        found.extend(list(&client, query).await?);
    }
    found.sort_by_key(event_time);
    let now = Timestamp::now();
    let rows: Vec<_> = found.iter().filter(|event| shown.takes(event)).map(|event| shown.row(event, now)).collect();
    if rows.is_empty() {
        print::failure(if everywhere {
            "No events found.".to_owned()
        } else {
            format!("No events found in {} namespace.", global.namespace)
        });
        return Ok(ExitCode::SUCCESS);
    }
    print::data(&print::table(&shown.header(), &rows));
    Ok(ExitCode::SUCCESS)
}

fn selector_of(kind: &str, name: &str) -> String {
    if name.is_empty() {
        format!("involvedObject.kind={kind}")
    } else {
        format!("involvedObject.kind={kind},involvedObject.name={name}")
    }
}

/// What the object is built from has events that belong here too.
async fn related(client: &Client, kind: &str, name: &str, own: &str) -> Result<Vec<Query>, CliError> {
    let (pointer, fixed) = match kind {
        "Kustomization" | "HelmChart" => ("/spec/sourceRef", ""),
        "HelmRelease" => ("/spec/chart/spec/sourceRef", ""),
        "Alert" => ("/spec/providerRef", "Provider"),
        "ImagePolicy" => ("/spec/imageRepositoryRef", "ImageRepository"),
        _ => return Ok(Vec::new()),
    };
    let Some(known) = kinds::by_kind(kind) else { return Ok(Vec::new()) };
    let object = api(client, &known, Some(own)).get(name).await?;
    let field = |field: &str| {
        object.data.pointer(&format!("{pointer}/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if field("name").is_empty() {
        return Ok(Vec::new());
    }
    let source = if fixed.is_empty() { field("kind") } else { fixed.to_owned() };
    let namespace = if field("namespace").is_empty() { own.to_owned() } else { field("namespace") };
    let mut queries = vec![(Some(namespace.clone()), selector_of(&source, &field("name")))];
    if kind == "HelmRelease" {
        queries.push((Some(namespace), selector_of("HelmChart", &format!("{own}-{name}"))));
    }
    Ok(queries)
}

fn events(client: &Client, namespace: Option<&str>) -> Api<Event> {
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

async fn list(client: &Client, (namespace, fields): &Query) -> Result<Vec<Event>, CliError> {
    let mut params = ListParams::default().limit(PAGE);
    if !fields.is_empty() {
        params = params.fields(fields);
    }
    let mut found = Vec::new();
    loop {
        let page = events(client, namespace.as_deref())
            .list(&params)
            .await
            .map_err(|error| CliError::state(format!("error getting events: {}", CliError::from(error))))?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

struct Shown {
    types: Vec<String>,
    with_namespace: bool,
}

impl Shown {
    fn header(&self) -> Vec<&'static str> {
        let names = ["Namespace", "Last seen", "Type", "Reason", "Object", "Message"];
        if self.with_namespace { names.to_vec() } else { names[1..].to_vec() }
    }

    fn takes(&self, event: &Event) -> bool {
        let kind = event.involved_object.kind.as_deref().unwrap_or_default();
        let type_ = event.type_.as_deref().unwrap_or_default();
        flux_api::kind_info(kind).is_some()
            && (self.types.is_empty() || self.types.iter().any(|known| known.eq_ignore_ascii_case(type_)))
    }

    fn row(&self, event: &Event, now: Timestamp) -> Vec<String> {
        let object = &event.involved_object;
        let mut row = Vec::new();
        if self.with_namespace {
            row.push(event.metadata.namespace.clone().unwrap_or_default());
        }
        row.extend([
            last_seen(event, now),
            event.type_.clone().unwrap_or_default(),
            event.reason.clone().unwrap_or_default(),
            format!("{}/{}", object.kind.as_deref().unwrap_or_default(), object.name.as_deref().unwrap_or_default()),
            event.message.clone().unwrap_or_default(),
        ]);
        row
    }

    async fn watch(&self, client: &Client, queries: &[Query], global: &Global) -> Result<ExitCode, CliError> {
        let header = std::cell::RefCell::new(self.header());
        let watches = queries.iter().map(|(namespace, fields)| {
            let header = &header;
            async move {
                let mut params = WatchParams::default();
                if !fields.is_empty() {
                    params = params.fields(fields);
                }
                let changes = events(client, namespace.as_deref()).watch(&params, "0").await?;
                let mut changes = std::pin::pin!(changes);
                while let Some(change) = changes.try_next().await? {
                    if let WatchEvent::Added(event) | WatchEvent::Modified(event) = change
                        && self.takes(&event)
                    {
                        let row = self.row(&event, Timestamp::now());
                        print::data(&print::table(&header.borrow(), &[row]));
                        header.borrow_mut().clear();
                    }
                }
                Ok::<(), CliError>(())
            }
        });
        let all = futures::future::try_join_all(watches);
        match tokio::time::timeout(global.timeout, all).await {
            Ok(result) => result.map(|_| ExitCode::SUCCESS),
            Err(_) => Ok(ExitCode::SUCCESS),
        }
    }
}

fn event_time(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    series.or(event.last_timestamp.as_ref().map(|time| time.0)).or(event.event_time.as_ref().map(|time| time.0))
}

fn last_seen(event: &Event, now: Timestamp) -> String {
    let since = |time: Option<Timestamp>| match time {
        Some(time) => human_duration(now.duration_since(time).as_secs()),
        None => "<unknown>".to_owned(),
    };
    let first = since(event.event_time.as_ref().map(|t| t.0).or(event.first_timestamp.as_ref().map(|t| t.0)));
    if let Some(series) = &event.series {
        let last = since(series.last_observed_time.as_ref().map(|time| time.0));
        return format!("{last} (x{} over {first})", series.count.unwrap_or(0));
    }
    match event.count {
        Some(count) if count > 1 => {
            format!("{} (x{count} over {first})", since(event.last_timestamp.as_ref().map(|time| time.0)))
        }
        _ => first,
    }
}

/// A span in at most two units, as kubectl prints ages.
pub fn human_duration(seconds: i64) -> String {
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 | 0 => "0s".to_owned(),
        1..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10800 => format!("{minutes}m"),
        10800..28800 => two(hours, "h", minutes % 60, "m"),
        28800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        for (seconds, text) in
            [(5, "5s"), (119, "119s"), (125, "2m5s"), (700, "11m"), (10920, "3h2m"), (90000, "25h"), (180_000, "2d2h")]
        {
            assert_eq!(human_duration(seconds), text);
        }
    }
}
