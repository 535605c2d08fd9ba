//! Correction of drift.

use flux_api::HelmRelease;
use flux_runtime::Severity;

use super::{Events, Told, of_snapshot};
use crate::actions::drift::{self, Corrected, Difference};
use crate::history;
use crate::reason::Reason;

/// What is said of a release whose objects are not as it left them.
pub fn drifted(release: &str, differences: &[Difference]) -> String {
    let summary = drift::summary(differences, None);
    format!("Cluster state of release {release} has drifted from the desired state:\n{summary}")
}

/// What a correction of drift tells.
pub fn corrected(obj: &HelmRelease, events: &mut Events, corrected: &Corrected) {
    let Some(latest) = history::latest(obj) else { return };
    let (release, metadata) = (latest.full_name(), of_snapshot(&latest));
    let some = !corrected.changes.entries.is_empty();
    if !corrected.errors.is_empty() {
        let partially = if some { "partially " } else { "" };
        let mut message = format!(
            "Failed to {partially}correct cluster state of release {release}:\n{}",
            corrected.errors.join("\n")
        );
        if some {
            message.push_str(&format!("\n\nSuccessful corrections:\n{}", corrected.changes));
        }
        events.push(Told { severity: Severity::Error, reason: Reason::DriftCorrectionFailed, message, metadata });
    } else if some {
        let message = format!("Cluster state of release {release} has been corrected:\n{}", corrected.changes);
        events.push(Told { severity: Severity::Info, reason: Reason::DriftCorrected, message, metadata });
    }
}
