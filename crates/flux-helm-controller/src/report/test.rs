//! Tests.

use std::collections::BTreeMap;

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Release;
use flux_helm::release::Snapshots as _;

use super::{About, Events, Released, Say, of_snapshot, trimmed};
use crate::actions::{ActionError, test};
use crate::history;
use crate::reason::Reason;
use crate::spec;
use crate::summary::{TEST_SUCCESS, summarize};

/// The end of tests.
pub fn tested(
    obj: &mut HelmRelease,
    events: &mut Events,
    about: &About<'_>,
    outcome: Result<(Release, Result<(), ActionError>), ActionError>,
) -> Result<(), ActionError> {
    let mut snapshots = history::read(obj);
    let Some(before) = snapshots.latest().cloned() else {
        return Err(ActionError::Mismatch("no latest release: required for test".into()));
    };
    let result = outcome.and_then(|(release, result)| {
        history::tested(&mut snapshots, &release, &test::filters(obj), about.algorithm);
        history::write(obj.status_mut(), &snapshots);
        if before.targets(&release.name, &release.namespace, release.version) {
            return result;
        }
        Err(ActionError::Mismatch(format!(
            "release mismatch: tested release {} != current release {}",
            release.full_name(),
            before.full_name()
        )))
    });
    let latest = snapshots.latest().cloned().unwrap_or(before);
    let (release, chart, metadata) = (latest.full_name(), latest.versioned_chart(), of_snapshot(&latest));
    let ended = match result {
        Ok(()) => {
            let ran = match latest.test_hooks.as_ref().map_or(0, BTreeMap::len) {
                0 => "no test hooks".to_owned(),
                1 => "1 test hook completed successfully".to_owned(),
                many => format!("{many} test hooks completed successfully"),
            };
            let message = format!("Helm test succeeded for release {release} with chart {chart}: {ran}");
            Say::new(TEST_SUCCESS, true, Reason::TestSucceeded, message).with(metadata).to(obj, events);
            Ok(())
        }
        Err(error) => {
            let message = format!("Helm test failed for release {release} with chart {chart}: {}", trimmed(&error));
            Say::new(TEST_SUCCESS, false, Reason::TestFailed, message).with(metadata).to(obj, events);
            if latest.has_been_tested() {
                count(obj);
                Ok(())
            } else {
                Err(error)
            }
        }
    };
    summarize(obj);
    ended
}

/// A failed test counts as a failure of the action that it tested, unless it is to be ignored.
fn count(obj: &mut HelmRelease) {
    if spec::active_remediation(obj).is_some_and(|active| !active.ignore_test_failures) {
        let what = if spec::last_action(obj) == spec::INSTALL { Released::Install } else { Released::Upgrade };
        what.count(obj);
    }
}
