//! `flux create`: builds an object from flags, prints it or applies it and waits.

mod image;
mod kustomization;
mod notification;
mod release;
mod secret;
mod source;
mod ssh;
mod tenant;

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::apply;
use super::error::CliError;
use super::export::print_object;
use super::global::Global;
use super::kinds;
use super::parse::Parsed;
use super::print;

/// Runs `flux create ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    match path {
        ["source", "git"] => source::git(parsed, global).await,
        ["source", "bucket"] => source::bucket(parsed, global).await,
        ["source", "helm"] => source::helm(parsed, global).await,
        ["source", "chart"] => source::chart(parsed, global).await,
        ["source", "oci"] => source::oci(parsed, global).await,
        ["kustomization"] => kustomization::run(parsed, global).await,
        ["helmrelease"] => release::run(parsed, global).await,
        ["tenant"] => tenant::run(parsed, global).await,
        ["alert"] => notification::alert(parsed, global).await,
        ["alert-provider"] => notification::provider(parsed, global).await,
        ["receiver"] => notification::receiver(parsed, global).await,
        ["image", "repository"] => image::repository(parsed, global).await,
        ["image", "policy"] => image::policy(parsed, global).await,
        ["image", "update"] => image::update(parsed, global).await,
        ["secret", kind] => secret::run(kind, parsed, global).await,
        _ => Err(CliError::NotAvailable { command: parsed.command.path.to_owned() }),
    }
}

/// Every `create` needs a valid name; that is checked before anything else.
pub fn check_name(path: &[&str], parsed: &Parsed) -> Result<(), CliError> {
    if path.first() != Some(&"create") {
        return Ok(());
    }
    let name = parsed.name("name is required")?;
    let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let good =
        (2..=63).contains(&name.len()) && name.bytes().all(letters) && !name.starts_with('-') && !name.ends_with('-');
    if good {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "name '{name}' is invalid, it should adhere to standard defined in RFC 1123, the name can only contain alphanumeric characters or '-'"
    )))
}

/// `--label`.
fn labels(parsed: &Parsed) -> Result<Map<String, Value>, CliError> {
    let mut labels = Map::new();
    for label in parsed.list("label") {
        let parts: Vec<&str> = label.split('=').collect();
        let [key, value] = parts.as_slice() else {
            return Err(CliError::usage(format!("invalid label format '{label}', must be key=value")));
        };
        if !is_qualified_name(key) {
            return Err(CliError::usage(format!("invalid label '{key}'")));
        }
        if !value.is_empty() && !is_name_part(value) {
            return Err(CliError::usage(format!("invalid label value '{value}'")));
        }
        labels.insert((*key).to_owned(), json!(value));
    }
    Ok(labels)
}

/// An optional DNS prefix with a slash, then up to 63 letters, digits, `-`, `_` and `.`.
fn is_qualified_name(name: &str) -> bool {
    match name.split_once('/') {
        Some((prefix, name)) => prefix.split('.').all(super::global::is_dns_label) && is_name_part(name),
        None => is_name_part(name),
    }
}

fn is_name_part(part: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    part.len() <= 63
        && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
        && edge(part.chars().next())
        && edge(part.chars().next_back())
}

/// The object's fields, set by path; what is not given is left out.
struct Spec(Value);

impl Spec {
    fn new() -> Self {
        Self(json!({}))
    }

    /// Sets a field by its dotted path when there is a value.
    fn set(&mut self, path: &str, value: Option<impl Into<Value>>) -> &mut Self {
        let Some(value) = value else { return self };
        let mut place = &mut self.0;
        for name in path.split('.') {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[name];
        }
        *place = value.into();
        self
    }

    /// Sets a text field to a flag's value.
    fn text(&mut self, path: &str, parsed: &Parsed, flag: &str) -> &mut Self {
        self.set(path, parsed.option(flag))
    }

    /// Sets a boolean field when the flag is on.
    fn on(&mut self, path: &str, parsed: &Parsed, flag: &str) -> &mut Self {
        self.set(path, parsed.is_set(flag).then_some(true))
    }

    /// Sets a duration field when the flag is above zero.
    fn span(&mut self, path: &str, parsed: &Parsed, flag: &str) -> &mut Self {
        let span = parsed.duration(flag);
        self.set(path, (!span.is_zero()).then(|| span.to_string()))
    }

    /// Sets the interval.
    fn interval(&mut self, parsed: &Parsed) -> &mut Self {
        self.set("interval", Some(parsed.duration("interval").to_string()))
    }
}

/// How the progress lines name the object, and what closes them.
struct Words {
    /// `GitRepository source`, `Kustomization`.
    noun: &'static str,
    /// Says what was fetched or applied, in the form of this command.
    done: fn(&str, &kube::api::DynamicObject) -> Result<(), CliError>,
}

/// The whole object with its type's own field order and forms.
fn object(kind: &str, parsed: &Parsed, global: &Global, spec: Spec) -> Result<Value, CliError> {
    let info = kinds::by_kind(kind).ok_or_else(|| CliError::state(format!("unknown kind {kind}")))?.info;
    let mut metadata = json!({ "name": parsed.name("name is required")?, "namespace": global.namespace });
    let labels = labels(parsed)?;
    if !labels.is_empty() {
        metadata["labels"] = Value::Object(labels);
    }
    let plain = json!({
        "apiVersion": format!("{}/{}", info.group, info.version),
        "kind": kind,
        "metadata": metadata,
        "spec": spec.0,
    });
    Ok(flux_api::through_type(kind, plain)?)
}

/// Prints the object with `--export`, else applies it and waits until it is ready.
async fn finish(
    kind: &str,
    object: Value,
    words: &Words,
    parsed: &Parsed,
    global: &Global,
) -> Result<ExitCode, CliError> {
    if parsed.is_set("export") {
        print_object(&object);
        return Ok(ExitCode::SUCCESS);
    }
    if global.verbose {
        print_object(&object);
    }
    let client = global.client().await?;
    apply::upsert_and_wait(&client, kind, &object, words.noun, words.done, global).await
}

/// `--export` is quiet; otherwise the generation is announced.
fn announce(parsed: &Parsed, noun: &str) {
    if !parsed.is_set("export") {
        print::generate(format!("generating {noun}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_labels() {
        for good in ["app", "app.kubernetes.io/name", "a_b-c.d"] {
            assert!(is_qualified_name(good), "{good}");
        }
        for bad in ["", "-a", "a/", "/a", "a b", "UPPER.x/-"] {
            assert!(!is_qualified_name(bad), "{bad}");
        }
    }

    #[test]
    fn specs_nest() {
        let mut spec = Spec::new();
        spec.set("a.b", Some(1)).set("a.c", None::<i32>).set("d", Some("x"));
        assert_eq!(spec.0, json!({ "a": { "b": 1 }, "d": "x" }));
    }
}
