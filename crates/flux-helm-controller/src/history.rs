//! The snapshots in an object's status, in the form in which the engine compares them.

use flux_api::HelmRelease;
use flux_api::helm::HelmReleaseStatus;
use flux_helm::Release;
use flux_helm::digest::Algorithm;
use flux_helm::release::{Observation, Snapshot, Snapshots as _, TestFilter};

/// The snapshots of the status, as they are stored.
pub fn read(obj: &HelmRelease) -> Vec<Snapshot> {
    let history = obj.status.as_ref().map(|status| status.history.as_slice()).unwrap_or_default();
    // The two types have one JSON form.
    let convert = |snapshot| serde_json::from_value(serde_json::to_value(snapshot).ok()?).ok();
    history.iter().filter_map(convert).collect()
}

/// Puts snapshots into the status.
pub fn write(status: &mut HelmReleaseStatus, history: &[Snapshot]) {
    let convert = |snapshot| serde_json::from_value(serde_json::to_value(snapshot).ok()?).ok();
    status.history = history.iter().filter_map(convert).collect();
}

/// The newest snapshot.
pub fn latest(obj: &HelmRelease) -> Option<Snapshot> {
    read(obj).latest().cloned()
}

/// Takes in what a release action wrote: the newest revision goes first, older ones replace their snapshots.
///
/// As upstream, only the first older revision that has a snapshot is replaced: an action touches one of them.
pub fn record(history: &mut Vec<Snapshot>, observed: &[Release], action: &str, oci_digest: &str, algorithm: Algorithm) {
    let mut sorted: Vec<&Release> = observed.iter().collect();
    sorted.sort_by_key(|release| std::cmp::Reverse(release.version));
    let Some((newest, older)) = sorted.split_first() else { return };
    let mut observation = Observation::of(newest);
    observation.oci_digest = oci_digest.to_owned();
    observation.action = action.to_owned();
    history.insert(0, observation.snapshot(algorithm));
    for release in older {
        let known = history.iter_mut().find(|known| known.targets(&release.name, &release.namespace, release.version));
        if let Some(known) = known {
            let mut observation = Observation::of(release);
            observation.oci_digest.clone_from(&known.oci_digest);
            *known = Snapshot { test_hooks: known.test_hooks.take(), ..observation.snapshot(algorithm) };
            return;
        }
    }
}

/// Takes in one revision: its snapshot is replaced, keeping test results and digest of the chart.
/// `missing` says what becomes of a revision without snapshot.
pub fn replace(
    history: &mut Vec<Snapshot>,
    release: &Release,
    action: Option<&str>,
    missing: Missing,
    algorithm: Algorithm,
) {
    let known = history.iter_mut().find(|known| known.targets(&release.name, &release.namespace, release.version));
    match (known, missing) {
        (Some(known), _) => {
            let mut observation = Observation::of(release);
            observation.oci_digest.clone_from(&known.oci_digest);
            observation.action = action.unwrap_or(&known.action).to_owned();
            *known = Snapshot { test_hooks: known.test_hooks.take(), ..observation.snapshot(algorithm) };
        }
        (None, Missing::Insert) => history.insert(0, Observation::of(release).snapshot(algorithm)),
        (None, Missing::Ignore) => {}
    }
}

/// What becomes of a revision that has no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Insert,
    Ignore,
}

/// Takes in a tested release: the newest snapshot gets the results.
pub fn tested(history: &mut [Snapshot], release: &Release, filters: &[TestFilter], algorithm: Algorithm) {
    let newest = history.iter().enumerate().max_by_key(|(at, snapshot)| (snapshot.version, std::cmp::Reverse(*at)));
    let Some((_, newest)) =
        newest.filter(|(_, known)| known.targets(&release.name, &release.namespace, release.version))
    else {
        return;
    };
    let mut observation = Observation::of(release);
    observation.oci_digest.clone_from(&newest.oci_digest);
    observation.action.clone_from(&newest.action);
    history[0] = Snapshot { test_hooks: Some(release.test_hooks(filters)), ..observation.snapshot(algorithm) };
}
