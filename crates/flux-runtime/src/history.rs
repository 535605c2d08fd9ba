//! The last outcomes of an object, one entry per digest of what was applied.

use flux_api::kustomize::HistoryEntry;

/// Entries kept; upstream's limit.
pub const MAX_ENTRIES: usize = 5;

/// Puts `entry` first. An entry of the same digest and status is counted up instead, as long as it is the latest.
pub fn upsert(history: &mut Vec<HistoryEntry>, entry: HistoryEntry) {
    match history
        .iter()
        .position(|known| known.digest == entry.digest && known.last_reconciled_status == entry.last_reconciled_status)
    {
        Some(at) => {
            let known = history.remove(at);
            history.insert(
                0,
                HistoryEntry {
                    first_reconciled: known.first_reconciled,
                    total_reconciliations: known.total_reconciliations + 1,
                    ..entry
                },
            );
        }
        None => history.insert(0, entry),
    }
    history.truncate(MAX_ENTRIES);
}
