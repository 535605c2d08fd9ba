//! Ready, made of the conditions that tell how the release is. Pure.

use flux_api::{FluxObject as _, HelmRelease, READY_CONDITION, STALLED_CONDITION};
use flux_runtime::conditions::{self, Conditions};

use crate::history;
use crate::post_render::wanted_digests;
use crate::report::{self, Released};

pub const RELEASED: &str = "Released";
pub const REMEDIATED: &str = "Remediated";
pub const TEST_SUCCESS: &str = "TestSuccess";
pub const DRIFTED: &str = "Drifted";

/// Takes Ready from the most telling condition of the latest generation, and remembers what was rendered with.
pub fn summarize(obj: &mut HelmRelease) {
    let test = obj.spec.test.clone().unwrap_or_default();
    let telling: &[&str] = if test.enable && !test.ignore_failures {
        &[REMEDIATED, TEST_SUCCESS, RELEASED]
    } else {
        &[REMEDIATED, RELEASED]
    };
    let mut working = Conditions::of(obj);
    if !test.enable {
        working.delete(TEST_SUCCESS);
    }
    let chosen = telling
        .iter()
        .enumerate()
        .filter_map(|(place, kind)| Some((place, working.get(kind)?)))
        .max_by_key(|(place, condition)| (condition.observed_generation.unwrap_or_default(), std::cmp::Reverse(*place)))
        .map(|(_, condition)| condition.clone());
    if let Some(chosen) = chosen {
        // A remediation is never a good end.
        let status = if chosen.type_ == REMEDIATED { "False" } else { chosen.status.as_str() };
        if status == "True" {
            working.delete(STALLED_CONDITION);
        }
        working.set(conditions::new(READY_CONDITION, status, &chosen.reason, chosen.message.clone()));
    }
    let (renderers, metadata) = wanted_digests(obj);
    let some = |text: String| (!text.is_empty()).then_some(text);
    let status = obj.status_mut();
    status.observed_post_renderers_digest = some(renderers);
    status.observed_common_metadata_digest = some(metadata);
}

/// Puts one condition in another's place, keeping its transition time when nothing else changes.
pub fn replace(obj: &mut HelmRelease, target: &str, with: &str, reason: &str, message: &str, status: &str) {
    let Some(mut condition) = conditions::get(obj.conditions(), target).cloned() else { return };
    let mut working = Conditions::of(obj);
    working.delete(with);
    condition.type_ = with.to_owned();
    condition.status = status.to_owned();
    condition.reason = reason.to_owned();
    condition.message = message.to_owned();
    working.set(condition);
    working.delete(target);
}

/// A release that was rolled back to is what is wanted now: it counts as an upgrade.
pub fn remediated_is_upgraded(obj: &mut HelmRelease) {
    if !conditions::is_true(obj.conditions(), REMEDIATED) {
        return;
    }
    if let Some(latest) = history::latest(obj) {
        let (reason, message) = report::success(Released::Upgrade, &latest);
        replace(obj, REMEDIATED, RELEASED, reason.as_str(), &message, "True");
    }
}

/// What a release that is as wanted says of an action that failed before: it succeeded after all.
pub fn in_sync(obj: &mut HelmRelease) {
    remediated_is_upgraded(obj);
    let released = conditions::get(obj.conditions(), RELEASED).cloned();
    if conditions::is_ready(obj.conditions()) && released.as_ref().is_some_and(|one| one.status == "True") {
        return;
    }
    let what = match released.map(|one| one.reason).as_deref() {
        Some("InstallFailed") => Released::Install,
        Some("UpgradeFailed") => Released::Upgrade,
        _ => return,
    };
    if let Some(latest) = history::latest(obj) {
        let (reason, message) = report::success(what, &latest);
        Conditions::of(obj).mark_true(RELEASED, reason.as_str(), message);
        summarize(obj);
    }
}
