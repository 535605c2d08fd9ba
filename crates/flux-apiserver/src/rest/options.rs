//! Options in queries, checked before anything else.

use serde_json::Value;

use crate::request::Ask;
use crate::status::{ApiError, FieldError};

/// Which options a verb takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Patch,
    Apply,
    Delete,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
            Self::Patch | Self::Apply => "PatchOptions",
            Self::Delete => "DeleteOptions",
        }
    }
}

const MANAGER_MAX: usize = 128;

/// Checks `dryRun`, `fieldManager`, `fieldValidation` and `force`.
pub(crate) fn check(ask: &Ask, kind: Kind) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    match kind {
        Kind::Apply if ask.query.get("fieldManager").is_none() => {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
        Kind::Patch if ask.query.has("force") => {
            errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        _ => {}
    }
    if kind != Kind::Delete {
        manager(ask, &mut errors);
    }
    dry_run(&ask.query.all("dryRun"), &mut errors);
    if kind != Kind::Delete {
        let validation = ask.query.get("fieldValidation").unwrap_or("");
        if !matches!(validation, "" | "Ignore" | "Warn" | "Strict") {
            errors.push(FieldError::not_supported("fieldValidation", validation, &["", "Ignore", "Strict", "Warn"]));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", kind.name(), "", &errors)) }
}

fn manager(ask: &Ask, errors: &mut Vec<FieldError>) {
    let manager = ask.query.get("fieldManager").unwrap_or("");
    if manager.len() > MANAGER_MAX {
        errors.push(FieldError::too_long("fieldManager", MANAGER_MAX));
    }
    // Go counts the letters it can print; control and separator letters are not.
    for (at, letter) in manager.char_indices() {
        if letter.is_control() {
            let text = format!("invalid character U+{:04X} (at position {at})", letter as u32);
            errors.push(FieldError::invalid("fieldManager", manager, text));
        }
    }
}

/// Checks the values of `dryRun`.
pub(crate) fn dry_run(values: &[&str], errors: &mut Vec<FieldError>) {
    if values.iter().any(|value| *value != "All") {
        let list: Value = values.iter().map(|value| Value::from(*value)).collect();
        errors.push(FieldError::not_supported("dryRun", list, &["All"]));
    }
}

pub(crate) fn is_dry_run(ask: &Ask) -> bool {
    !ask.query.all("dryRun").is_empty()
}
