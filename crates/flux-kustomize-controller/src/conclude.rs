//! Step 9: history, revisions and the event that ends an attempt.

use std::time::{Duration, Instant};

use flux_api::Kustomization;
use flux_api::kustomize::HistoryEntry;
use flux_runtime::{Attempt, Outcome, Severity, conditions, history};

use crate::reason::Reason;
use crate::resolve::Source;

/// Puts the outcome into the history of the object.
pub fn record(at: &mut Attempt<Kustomization>, source: &Source, digest: &str, started: Instant, reason: Reason) {
    let now = conditions::now();
    let mut metadata = std::collections::BTreeMap::from([("revision".to_owned(), source.artifact.revision.clone())]);
    if let Some(origin) = &source.origin_revision {
        metadata.insert("originRevision".to_owned(), origin.clone());
    }
    let entry = HistoryEntry {
        digest: digest.to_owned(),
        first_reconciled: now.clone(),
        last_reconciled: now,
        last_reconciled_duration: flux_api::Duration::from(started.elapsed()),
        last_reconciled_status: reason.as_str().to_owned(),
        metadata,
        total_reconciliations: 1,
    };
    history::upsert(&mut at.status_mut().history, entry);
}

/// True when the attempt tells nothing that the status does not say already: then nothing is written.
///
/// The generation must have been seen through, with the same revision, and nothing in the cluster changed.
pub fn is_news(at: &Attempt<Kustomization>, source: &Source, drifted: bool) -> bool {
    use flux_api::FluxObject as _;
    let obj = at.object();
    let applied = obj.status.as_ref().and_then(|status| status.last_applied_revision.as_deref());
    drifted
        || !obj.is_ready()
        || obj.observed_generation() != at.generation()
        || applied != Some(&source.artifact.revision)
}

/// Ends a good attempt.
pub fn ready<W>(
    at: &mut Attempt<Kustomization>,
    source: &Source,
    digest: &str,
    started: Instant,
    interval: Duration,
    news: bool,
) -> Outcome<W> {
    let revision = source.artifact.revision.clone();
    let message = format!("Applied revision: {revision}");
    if news {
        let status = at.status_mut();
        status.last_applied_revision = Some(revision.clone());
        status.last_applied_origin_revision.clone_from(&source.origin_revision);
        record(at, source, digest, started, Reason::ReconciliationSucceeded);
        let next = flux_api::Duration::from(interval);
        let text =
            format!("Reconciliation finished in {}, next run in {next}", flux_api::Duration::from(started.elapsed()));
        tracing::info!(revision, "{text}");
        at.event_with(Severity::Info, Reason::ReconciliationSucceeded.as_str(), text, &[("commit_status", "update")]);
    }
    Outcome::Ready { reason: Reason::ReconciliationSucceeded.as_str(), message, after: Some(interval) }
}
