//! Tells the object what an action brought.

use flux_api::{FluxObject as _, HelmRelease};
use flux_helm::Chart;
use flux_runtime::{Attempt, Severity};

use super::HelmReleaseReconciler;
use crate::actions::{ActionError, Kind};
use crate::inventory::{InventoryError, Listed};
use crate::reason::Reason;
use crate::report::{self, About, Events, Released, Told};
use crate::running::{Done, Finished};
use crate::spec;

impl HelmReleaseReconciler {
    /// Tells the object what an action brought. An error is to be tried again.
    pub(crate) fn tell(
        &self,
        at: &mut Attempt<HelmRelease>,
        chart: Option<(&Chart, &str)>,
        finished: Finished,
    ) -> Result<(), ActionError> {
        let Finished { kind, done, log, observed, inventory, took } = finished;
        let (empty, mut events) = (Chart::default(), Events::new());
        let (chart, config_digest) = chart.unwrap_or((&empty, ""));
        let about = About {
            chart,
            config_digest,
            algorithm: self.options.snapshot_digest,
            retry_by_default: self.options.default_to_retry_on_failure,
        };
        let obj = at.object_mut();
        if let Some(listed) = inventory {
            tell_inventory(obj, &mut events, listed);
        }
        let result = match done {
            Done::Released(result) => {
                let what = if kind == Kind::Install { Released::Install } else { Released::Upgrade };
                report::release(obj, &mut events, what, &about, (&observed, &log, took), result)
            }
            Done::RolledBack { to, result } => {
                report::rollback(obj, &mut events, &to, &about, (&observed, &log), result)
            }
            Done::Uninstalled(result) => {
                let remediation = kind == Kind::UninstallRemediation;
                report::uninstall(obj, &mut events, remediation, &about, (&observed, &log), result)
            }
            Done::Tested(outcome) => report::tested(obj, &mut events, &about, outcome),
            Done::Unlocked(outcome) => report::unlocked(obj, &mut events, &about, outcome),
            Done::Corrected(corrected) => {
                report::corrected(obj, &mut events, &corrected);
                Ok(())
            }
            Done::Broken(message) => Err(ActionError::Defect(message)),
        };
        for Told { severity, reason, message, metadata } in events {
            let metadata: Vec<(&str, &str)> = metadata.iter().map(|(name, value)| (*name, value.as_str())).collect();
            at.event_with(severity, reason.as_str(), message, &metadata);
        }
        result
    }
}

fn tell_inventory(obj: &mut HelmRelease, events: &mut Events, listed: Result<Listed, InventoryError>) {
    let told = |reason, message| Told { severity: Severity::Error, reason, message, metadata: Vec::new() };
    match listed {
        Ok(listed) => {
            obj.status_mut().inventory = Some(listed.inventory);
            if !listed.warnings.is_empty() {
                events.push(told(Reason::NamespaceCheckSkipped, listed.warnings.join("; ")));
            }
        }
        Err(error) => {
            let name = obj.metadata.name.as_deref().unwrap_or_default();
            let message = format!("failed to build inventory for {}/{name}: {error}", spec::own_namespace(obj));
            events.push(told(Reason::InventoryBuildFailed, message));
        }
    }
}
