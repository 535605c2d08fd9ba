//! Commands against an API server, and without one.

use std::path::Path;

use flux_api::kustomize::KustomizationSpec;
use flux_api::{Duration, Kustomization};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::server::{TestServer, flux};

fn alone(arguments: &[&str]) -> (i32, String, String) {
    let ran = flux(arguments, Path::new("/no-such-kubeconfig"));
    (ran.code, ran.stdout, ran.stderr)
}

#[test]
fn arguments_are_judged_without_a_cluster() {
    assert_eq!(alone(&["--version"]), (0, "flux version 2.9.4\n".into(), String::new()));
    let (code, stdout, stderr) = alone(&["nosuch"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (1, "", "\u{2717} unknown command \"nosuch\" for \"flux\"\n"));
    let (code, _, stderr) = alone(&["create", "kustomization", "app", "--path=./x", "--export"]);
    assert_eq!((code, stderr.as_str()), (1, "\u{2717} source is required\n"));
    let (code, _, stderr) = alone(&["logs"]);
    assert_eq!((code, stderr.as_str()), (1, "\u{2717} `flux logs` is not available yet\n"));
}

#[test]
fn an_exported_unit_is_what_upstream_prints() {
    let arguments =
        ["create", "ks", "app", "--source=GitRepository/app.infra", "--path=./deploy", "--prune", "--export"];
    let expected = "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: app\n  \
                    namespace: flux-system\nspec:\n  interval: 1m0s\n  path: ./deploy\n  prune: true\n  sourceRef:\n    \
                    kind: GitRepository\n    name: app\n    namespace: infra\n";
    assert_eq!(alone(&arguments), (0, expected.into(), String::new()));
}

fn unit(server: &TestServer, name: &str) -> Api<Kustomization> {
    let units: Api<Kustomization> = Api::namespaced(server.client.clone(), "default");
    let mut spec = KustomizationSpec { interval: Duration::from_minutes(5), prune: true, ..Default::default() };
    spec.source_ref.kind = "GitRepository".into();
    spec.source_ref.name = "app".into();
    server.block_on(async {
        units.create(&PostParams::default(), &Kustomization::new(name, spec)).await.expect("it can be created");
        let status = json!({ "status": {
            "observedGeneration": 1,
            "lastAppliedRevision": "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738",
            "inventory": { "entries": [{ "id": "default_web_apps_Deployment", "v": "v1" }] },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "fine",
                "lastTransitionTime": "2026-01-02T03:04:05Z"
            }],
        }});
        units.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.expect("it has a status");
    });
    units
}

#[test]
fn objects_are_listed_suspended_and_exported() {
    let server = TestServer::start();
    let units = unit(&server, "app");
    let listed = server.flux(&["get", "ks", "-n", "default"]);
    let table =
        "NAME\tREVISION          \tSUSPENDED\tREADY\tMESSAGE \napp \tmain@sha1:5394cb7f\tFalse    \tTrue \tfine   \t\n";
    assert_eq!((listed.code, listed.stdout.as_str(), listed.stderr.as_str()), (0, table, ""));

    let suspended = server.flux(&["suspend", "ks", "app", "gone", "-n", "default"]);
    let said = "\u{25ba} suspending kustomization app in default namespace\n\u{2714} kustomization suspended\n\
                \u{2717} Kustomization gone not found in default namespace\n";
    assert_eq!((suspended.code, suspended.stderr.as_str()), (0, said));
    assert!(server.block_on(units.get("app")).expect("there").spec.suspend);

    let exported = server.flux(&["export", "ks", "app", "-n", "default"]).stdout;
    assert!(exported.contains("suspend: true") && !exported.contains("status"), "{exported}");
    let tree = server.flux(&["tree", "ks", "app", "-n", "default"]).stdout;
    assert_eq!(tree, "Kustomization/default/app\n\u{2514}\u{2500}\u{2500} Deployment/default/web\n\n");
    let missing = server.flux(&["get", "ks", "gone", "-n", "default"]);
    assert_eq!(
        (missing.code, missing.stderr.as_str()),
        (1, "\u{2717} Kustomization object 'gone' not found in \"default\" namespace\n")
    );
    let deleted = server.flux(&["delete", "ks", "app", "-s", "-n", "default"]);
    assert!(deleted.stderr.ends_with("\u{2714} kustomization deleted\n"), "{}", deleted.stderr);
}

#[test]
fn a_reconciliation_ends_when_the_controller_answers() {
    let server = TestServer::start();
    let units = unit(&server, "app");
    let answer = async {
        loop {
            let object = units.get("app").await.expect("there");
            let request =
                object.metadata.annotations.and_then(|known| known.get("reconcile.fluxcd.io/requestedAt").cloned());
            if let Some(token) = request {
                let status = json!({ "status": { "lastHandledReconcileAt": token } });
                units.patch_status("app", &PatchParams::default(), &Patch::Merge(&status)).await.expect("written");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let ran = std::thread::scope(|scope| {
        let command = scope.spawn(|| server.flux(&["reconcile", "ks", "app", "-n", "default", "--timeout=20s"]));
        server.block_on(answer);
        command.join().expect("the command runs")
    });
    let said = "\u{25ba} annotating Kustomization app in default namespace\n\u{2714} Kustomization annotated\n\
                \u{25ce} waiting for Kustomization reconciliation\n\
                \u{2714} applied revision main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, said));
}

#[test]
fn a_comparison_tells_by_its_exit_code() {
    let server = TestServer::start();
    unit(&server, "app");
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\ndata:\n  k: v\n";
    let folder = server.write("deploy/cm.yaml", config);
    let path = format!("--path={}", folder.parent().expect("a folder").display());
    let built = server.flux(&["build", "ks", "app", &path, "-n", "default"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    assert!(built.stdout.contains("kustomize.toolkit.fluxcd.io/name: app"), "{}", built.stdout);
    let compared = server.flux(&["diff", "ks", "app", &path, "--progress-bar=false", "-n", "default"]);
    let expected = "\u{25ba} ConfigMap/default/a created\n\u{25ba} Deployment/default/web deleted\n";
    assert_eq!((compared.code, compared.stdout.as_str()), (1, expected), "{}", compared.stderr);
    let failed = server.flux(&["diff", "ks", "app", "--path=/no-such-folder", "-n", "default"]);
    assert_eq!(failed.code, 2);
}
