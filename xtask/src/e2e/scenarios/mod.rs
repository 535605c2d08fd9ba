//! The scenarios, one file per subject.

mod bad_input;
mod bootstrapped;
mod commits;
mod hang;
mod hazards;
mod helm;
mod kill;
mod kubectl;
mod overlays;
mod roles;
mod start;
mod synthetic;

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use super::Arguments;

/// What came of a scenario that did not fail.
pub enum Outcome {
    /// It held; figures for the report, may be empty.
    Held(String),
    Skipped(String),
}

type Run = fn(Arguments) -> Pin<Box<dyn Future<Output = Result<Outcome>>>>;

pub struct Scenario {
    pub name: &'static str,
    pub says: &'static str,
    pub run: Run,
}

macro_rules! scenarios {
    ($($name:literal $says:literal => $run:path;)*) => {
        /// In the order they run.
        pub const ALL: &[Scenario] = &[
            $(Scenario { name: $name, says: $says, run: |arguments| Box::pin($run(arguments)) },)*
        ];
    };
}

scenarios! {
    "renders" "every overlay builds to the bytes kustomize gives" => overlays::renders;
    "start" "all units ready in three clusters, second start within 2 s, memory" => start::start;
    "once" "`flux up --once` exits 0 when all is ready, 1 when not, naming why" => start::once;
    "overlays" "the applied objects have the fields of their overlay" => overlays::fields;
    "bootstrapped" "a repository made by flux bootstrap works as it is" => bootstrapped::bootstrapped;
    "tenants" "a tenant's ClusterRole and foreign namespace are refused" => overlays::tenants;
    "broken-image" "a broken image fails health while other units go on, and the fix starts at once" => hang::broken_image;
    "commits" "commit to applied, median of 20" => commits::latency;
    "prune" "a removed file is pruned, a kept one never sees a DELETE" => commits::prune;
    "drift" "a manual change is repaired within the interval" => commits::drift;
    "hang" "50 units hang on health, a commit to a 51st and a fix to one of them start at once" => hang::hang;
    "bad-input" "bad input of every kind is named, and the good unit goes on" => bad_input::bad_input;
    "hazards" "prune hazards: emptied path, rename, bad file, moved object, force push" => hazards::hazards;
    "switches" "branch switches over many files" => hazards::switches;
    "state-gone" "the state directory is deleted between runs" => hazards::state_gone;
    "kill" "kill -9 at random moments while commits arrive" => kill::random;
    "kill-steps" "kill -9 at each named step" => kill::steps;
    "helm-life" "a release is installed, upgraded, rolled back, corrected, tested, uninstalled" => helm::life;
    "helm-many" "200 HelmReleases installed and upgraded" => helm::many;
    "helm-kill" "kill -9 while releases are upgraded" => helm::kill;
    "kubectl" "kubectl get, apply, describe, diff, wait, delete" => kubectl::kubectl;
    "roles" "`flux server` and `flux controller` as processes of their own" => roles::roles;
}
