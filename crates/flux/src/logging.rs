//! Logs in the shape of upstream's controllers: one JSON object per line with `level`, `ts`, `msg` and the object's keys,
//! or console lines for people.

use std::fmt;
use std::io;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How log lines are written (`--log-encoding`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Console,
}

/// Starts logging to standard error at `level` (`trace`, `debug`, `info`, `error`). A second call does nothing.
pub fn start(level: &str, encoding: Encoding) {
    // The libraries below speak at their warn level only; theirs is not the story a user follows.
    let filter = EnvFilter::try_from_env("FLUX_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,flux={level},{}", crates_at(level))));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = match encoding {
        Encoding::Json => builder.fmt_fields(JsonSpanFields).event_format(JsonLines).try_init(),
        Encoding::Console => builder.compact().without_time().with_target(false).try_init(),
    };
}

fn crates_at(level: &str) -> String {
    let crates = [
        "flux_runtime",
        "flux_source_controller",
        "flux_kustomize_controller",
        "flux_helm_controller",
        "flux_apply",
        "flux_simulate",
    ];
    crates.map(|name| format!("{name}={level}")).join(",")
}

/// Fields gathered as JSON values.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

/// Keeps a span's fields as JSON text, to be read again when an event inside it is written.
struct JsonSpanFields;

impl<'w> FormatFields<'w> for JsonSpanFields {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        mut writer: Writer<'w>,
        fields: R,
    ) -> fmt::Result {
        let mut gathered = Fields::default();
        fields.record(&mut gathered);
        write!(writer, "{}", Value::Object(gathered.0))
    }
}

struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let Some(text) = extensions.get::<FormattedFields<N>>() else { continue };
            if let Ok(Value::Object(fields)) = serde_json::from_str(&text.fields) {
                line.extend(fields);
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        line.extend(fields.0);
        nest_object(&mut line);
        line.insert("level".into(), level_word(*event.metadata().level()).into());
        line.insert("ts".into(), timestamp().into());
        line.insert("msg".into(), message);
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Upstream writes the object twice: as `name` and `namespace`, and under its kind.
fn nest_object(line: &mut Map<String, Value>) {
    let (Some(kind), Some(name)) = (line.get("controllerKind").and_then(Value::as_str), line.get("name")) else {
        return;
    };
    let namespace = line.get("namespace").cloned().unwrap_or_default();
    let object = serde_json::json!({"name": name, "namespace": namespace});
    line.insert(kind.to_owned(), object);
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN | Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn timestamp() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
