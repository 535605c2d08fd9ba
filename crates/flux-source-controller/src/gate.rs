//! What this version cannot do is refused by name.

use flux_api::source::GitProvider;
use flux_api::{GitRepository, meta::Condition};
use flux_runtime::conditions;

use crate::reason::{FETCH_FAILED, Failure, Reason, SOURCE_VERIFIED};

/// Fails for a field that could only be ignored.
pub fn check(obj: &GitRepository) -> Result<(), Failure> {
    let spec = &obj.spec;
    if spec.verify.is_some() {
        let message = "spec.verify is not supported yet: signatures cannot be verified, so nothing is fetched";
        let failure = Failure::stalled(SOURCE_VERIFIED, Reason::UnsupportedField, message);
        return Err(Failure { condition: falsy(&failure.condition).into(), ..failure });
    }
    match &spec.provider {
        None | Some(GitProvider::Generic) => {}
        Some(other) => {
            let message = format!("spec.provider '{other}' is not supported yet; use 'generic' with a secretRef");
            return Err(Failure::stalled(FETCH_FAILED, Reason::InvalidProviderConfiguration, message));
        }
    }
    if spec.service_account_name.is_some() {
        let message = "spec.serviceAccountName needs a spec.provider other than 'generic'";
        return Err(Failure::stalled(FETCH_FAILED, Reason::InvalidProviderConfiguration, message));
    }
    if let Some(field) = spec.unknown.keys().next() {
        let message = format!("spec.{field} is not known to this version");
        return Err(Failure::stalled(FETCH_FAILED, Reason::UnsupportedField, message));
    }
    Ok(())
}

fn falsy(condition: &Condition) -> Condition {
    conditions::falsy(&condition.type_, &condition.reason, condition.message.clone())
}
