//! Test: the test hooks of a release.

use flux_api::HelmRelease;
use flux_helm::Release;
use flux_helm::manifest::HookEvent;
use flux_helm::release::TestFilter;

use super::{ActionError, Kind};
use crate::hooks;
use crate::objects::Method;
use crate::spec;
use crate::storage::StoreError;
use crate::work::{Request, Work};

/// The filters of `spec.test`.
pub fn filters(obj: &HelmRelease) -> Vec<TestFilter> {
    let filters = obj.spec.test.iter().flat_map(|test| &test.filters);
    filters.map(|filter| TestFilter { name: filter.name.clone(), exclude: filter.exclude }).collect()
}

/// Runs the tests of the last release. The answer is the release, with what came of each test.
pub async fn run(work: &mut Work, request: &Request) -> Result<(Release, Result<(), ActionError>), ActionError> {
    let obj = request.object.clone();
    let name = spec::short_release_name(&obj);
    let mut release = work.storage.last(&name).await?.ok_or(StoreError::NotFound)?;
    let filters = filters(&obj);
    let excluded: Vec<&TestFilter> = filters.iter().filter(|filter| filter.exclude).collect();
    let included: Vec<&TestFilter> = filters.iter().filter(|filter| !filter.exclude).collect();
    let (mut running, mut skipped) = (Vec::new(), Vec::new());
    for hook in std::mem::take(&mut release.hooks) {
        let out = excluded.iter().any(|filter| filter.name == hook.name)
            || !included.is_empty() && !included.iter().any(|filter| filter.name == hook.name);
        if out { skipped.push(hook) } else { running.push(hook) }
    }
    release.hooks = running;
    let method = if release.apply_method == "ssa" { Method::ServerSide { force: false } } else { Method::ClientSide };
    let ran = hooks::run(work, &mut release, &HookEvent::Test, method, Kind::Test.timeout(&obj)).await;
    // As Helm: hooks that did not run go to the front. Test hooks are outside the digest; others of them are not.
    let ran_hooks = std::mem::take(&mut release.hooks);
    release.hooks = skipped;
    release.hooks.extend(ran_hooks);
    let written = work.update(&release).await;
    match ran {
        Err(error) => Ok((release, Err(ActionError::BareHook(error)))),
        Ok(()) => Ok((release, written.map_err(ActionError::from))),
    }
}
