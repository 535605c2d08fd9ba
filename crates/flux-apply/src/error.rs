//! Why objects could not be applied, worded as upstream words it.

use kube::core::Status;

use crate::mapper::MapperError;
use crate::selector::SelectorError;

/// The first thing that stopped an apply.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The server refused the dry run of an object; nothing of its stage was applied.
    #[error("{}", dry_run_text(subject, *namespaced, status))]
    DryRun { subject: String, namespaced: bool, status: Box<Status> },
    /// The server does not know the kind.
    #[error("{subject} dry-run failed: {source}")]
    Unmapped { subject: String, source: MapperError },
    #[error("{subject} apply failed: {message}")]
    Apply { subject: String, message: String },
    #[error("{subject} immutable field detected, failed to delete object: {message}")]
    Recreate { subject: String, message: String },
    #[error("{subject} metadata.managedFields cleanup failed: {message}")]
    Cleanup { subject: String, message: String },
    #[error("{subject} failed to migrate API version: {message}")]
    Migrate { subject: String, message: String },
    #[error("{subject} query failed: {message}")]
    Query { subject: String, message: String },
    /// The server could not be reached, or did not answer as a server should.
    #[error("{subject} dry-run failed: {message}")]
    Server { subject: String, message: String },
    #[error("failed to create ignore rule selector: {0}")]
    Ignore(#[from] SelectorError),
    #[error(transparent)]
    Health(#[from] crate::health::HealthError),
}

impl ApplyError {
    /// True when the server's answer was about an object whose namespace is not there (yet).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::DryRun { status, .. } if status.is_not_found())
    }
}

fn dry_run_text(subject: &str, namespaced: bool, status: &Status) -> String {
    let message = &status.message;
    if status.is_not_found() {
        let what = if namespaced { "not found" } else { "namespace not specified" };
        return format!("{subject} {what}: {message}");
    }
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflict = causes.map(|cause| cause.reason.as_str()).find(|reason| *reason == "FieldManagerConflict");
    match conflict.unwrap_or(&status.reason) {
        "" => format!("{subject} dry-run failed: {message}"),
        reason => format!("{subject} dry-run failed ({reason}): {message}"),
    }
}

/// True when the server says that a field cannot be changed: recreating the object may help.
pub(crate) fn is_immutable(status: &Status) -> bool {
    status.is_conflict() || status.is_invalid() || is_immutable_text(&status.message)
}

/// True when the text of an error, from whatever webhook or rule, tells of an immutable field.
pub fn is_immutable_text(text: &str) -> bool {
    let after = |word: &str, next: &str| {
        text.match_indices(word).any(|(at, _)| {
            let mut rest = text[at + word.len()..].chars();
            rest.next().is_some_and(char::is_whitespace) && rest.as_str().starts_with(next)
        })
    };
    after("is", "immutable") || after("immutable", "field")
}

/// The server's own words, or the text of the error.
pub fn kube_text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immutable_errors_are_told_by_their_text() {
        assert!(is_immutable_text("Invalid value: \"string\": Value is immutable"));
        assert!(is_immutable_text("updates to immutable field name are not allowed"));
        assert!(!is_immutable_text("this is not immutable"));
    }

    #[test]
    fn dry_run_words() {
        let mut status = Status::failure("namespaces \"x\" not found", "NotFound").with_code(404);
        assert_eq!(dry_run_text("ConfigMap/x/a", true, &status), "ConfigMap/x/a not found: namespaces \"x\" not found");
        status = Status::failure("no", "Invalid").with_code(422);
        assert_eq!(dry_run_text("ConfigMap/x/a", true, &status), "ConfigMap/x/a dry-run failed (Invalid): no");
    }
}
