//! Pod security: the levels that labels of a namespace ask for.

mod checks;

use std::sync::Arc;

use serde_json::Value;

use checks::found;

use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError, go_quote};

const LABEL: &str = "pod-security.kubernetes.io/";
const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];

/// A level and the version of its rules, as a label has them.
struct Policy {
    level: String,
    version: String,
}

impl Policy {
    fn read(namespace: &Value, mode: &str) -> Option<Self> {
        let labels = namespace.pointer("/metadata/labels");
        let label = |key: String| labels.and_then(|all| all.get(&key)).and_then(Value::as_str);
        let level = label(format!("{LABEL}{mode}")).filter(|level| *level != "privileged")?;
        let version = label(format!("{LABEL}{mode}-version")).unwrap_or("latest");
        // What cannot be read is held to the strictest level.
        let level = if LEVELS.contains(&level) { level } else { "restricted" };
        Some(Self { level: level.to_owned(), version: version.to_owned() })
    }

    fn name(&self) -> String {
        format!("{}:{}", self.level, self.version)
    }
}

/// Where a kind keeps the pod it is about, if it is about one.
fn spec_of(resource: &Resource) -> Option<&'static str> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => Some("/spec"),
        ("", "podtemplates") => Some("/template/spec"),
        ("", "replicationcontrollers")
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => Some("/spec/template/spec"),
        ("batch", "cronjobs") => Some("/spec/jobTemplate/spec/template/spec"),
        _ => None,
    }
}

/// Refuses pods that the namespace does not take, and warns of those, and of templates for those, that it soon will not.
pub(super) async fn check(
    shared: &Arc<Shared>,
    ask: &mut Ask,
    resource: &Resource,
    old: Option<&Value>,
    object: &Value,
) -> Result<(), ApiError> {
    let Some(place) = spec_of(resource) else { return Ok(()) };
    let Some(spec) = object.pointer(place) else { return Ok(()) };
    if old.is_some_and(|old| old.pointer(place) == Some(spec)) {
        return Ok(());
    }
    let Some(namespaces) = shared.registry.find("", "v1", "namespaces") else { return Ok(()) };
    let Some(namespace) = shared.load(&namespaces, "", &ask.target.namespace).await else { return Ok(()) };
    let pod = resource.is("", "pods");
    if let Some(policy) = Policy::read(&namespace, "enforce").filter(|_| pod)
        && let Some(words) = violations(&policy.level, spec)
    {
        let words = format!("violates PodSecurity {}: {words}", go_quote(&policy.name()));
        return Err(ApiError::forbidden("", "pods", crate::object::name(object), &words));
    }
    if let Some(policy) = Policy::read(&namespace, "warn")
        && let Some(words) = violations(&policy.level, spec)
    {
        ask.warn(format!("would violate PodSecurity {}: {words}", go_quote(&policy.name())));
    }
    Ok(())
}

/// Labels of a namespace must name levels and versions.
pub(super) fn check_namespace(namespace: &Value) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for mode in ["enforce", "audit", "warn"] {
        let label = |suffix: &str| {
            let key = format!("{LABEL}{mode}{suffix}");
            let value = namespace.pointer("/metadata/labels").and_then(|all| all.get(&key)).and_then(Value::as_str);
            value.map(|value| (format!("metadata.labels[{key}]"), value.to_owned()))
        };
        if let Some((field, level)) = label("")
            && !LEVELS.contains(&level.as_str())
        {
            let words = format!("must be one of {}", LEVELS.join(", "));
            errors.push(FieldError::invalid(field, level, words));
        }
        if let Some((field, version)) = label("-version")
            && !is_version(&version)
        {
            errors.push(FieldError::invalid(field, version, "must be \"latest\" or \"v1.x\""));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid("", "Namespace", crate::object::name(namespace), &errors))
}

fn is_version(text: &str) -> bool {
    text == "latest"
        || text.strip_prefix("v1.").is_some_and(|minor| minor.parse::<u32>().is_ok_and(|own| own.to_string() == minor))
}

/// Pods listed in warnings at most.
const LISTED_MAX: usize = 3000;

/// Tells who tightens a namespace which of its pods would not be taken any more.
pub(super) async fn warn_of_pods(shared: &Arc<Shared>, ask: &mut Ask, old: &Value, new: &Value) {
    let Some(policy) = Policy::read(new, "enforce") else { return };
    if Policy::read(old, "enforce").is_some_and(|before| before.name() == policy.name()) {
        return;
    }
    let Some(pods) = shared.registry.find("", "v1", "pods") else { return };
    let name = crate::object::name(new);
    let mut groups: Vec<(String, String, usize)> = Vec::new();
    for pod in shared.all(&pods, name).await.iter().take(LISTED_MAX) {
        let found = found(&policy.level, &pod["spec"]);
        if found.is_empty() {
            continue;
        }
        let reasons = found.iter().map(|(what, _)| *what).collect::<Vec<_>>().join(", ");
        match groups.iter_mut().find(|(known, _, _)| *known == reasons) {
            Some((_, _, others)) => *others += 1,
            None => groups.push((reasons, crate::object::name(pod).to_owned(), 0)),
        }
    }
    if groups.is_empty() {
        return;
    }
    let level = go_quote(&policy.name());
    ask.warn(format!(
        "existing pods in namespace {} violate the new PodSecurity enforce level {level}",
        go_quote(name)
    ));
    for (reasons, first, others) in groups {
        let more = match others {
            0 => String::new(),
            1 => " (and 1 other pod)".to_owned(),
            many => format!(" (and {many} other pods)"),
        };
        ask.warn(format!("{first}{more}: {reasons}"));
    }
}

/// What a pod does that a level forbids, in words; `None` when nothing.
fn violations(level: &str, spec: &Value) -> Option<String> {
    let texts: Vec<String> = found(level, spec).iter().map(|(what, detail)| format!("{what} ({detail})")).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
