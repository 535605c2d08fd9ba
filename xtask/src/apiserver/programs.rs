//! `cargo xtask campaign programs`: unmodified programs of others against the server, when they are on PATH.
//!
//! Each step is a command line and what its output must hold. A program that is not there is skipped, and that is said.
//! The long form builds programs from their Go modules, too: see [`controllers`] and [`envtest`].

mod controllers;
mod envtest;
mod go;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::process::Place;

const CHART: &str = "\
apiVersion: v2
name: web
version: 0.1.0
appVersion: \"1\"
";

const TEMPLATE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "example.com/web:{{ .Chart.AppVersion }}"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: 80}]
"#;

/// A command line and what it must print; nothing where it must fail.
type Step = (&'static [&'static str], Option<&'static str>);

const HELM: [Step; 9] = [
    (&["install", "web", "CHART", "--namespace", "apps", "--create-namespace"], Some("STATUS: deployed")),
    (&["install", "web", "CHART", "--namespace", "apps"], None),
    (&["upgrade", "web", "CHART", "--namespace", "apps", "--set", "replicas=3"], Some("REVISION: 2")),
    (&["get", "manifest", "web", "--namespace", "apps"], Some("replicas: 3")),
    (&["rollback", "web", "1", "--namespace", "apps"], Some("Rollback was a success")),
    (&["history", "web", "--namespace", "apps"], Some("Rollback to 1")),
    (&["list", "--namespace", "apps"], Some("deployed")),
    (&["status", "web", "--namespace", "apps"], Some("REVISION: 3")),
    (&["uninstall", "web", "--namespace", "apps"], Some("uninstalled")),
];

const KUBECTL: [Step; 6] = [
    (&["create", "deployment", "d", "--image=example.com/d:1"], Some("created")),
    (&["wait", "--for=create", "deployment/d", "--timeout=5s"], Some("condition met")),
    (&["diff", "-f", "manifest.yaml"], None),
    (&["apply", "--server-side", "-f", "manifest.yaml"], Some("serverside-applied")),
    (&["apply", "-f", "manifest.yaml"], Some("configured")),
    (&["delete", "deployment,configmap", "d", "--ignore-not-found"], Some("deleted")),
];

const MANIFEST: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: default}, data: {a: \"1\"}}\n";

/// Runs the programs that are there; the answer says whether all steps went as they must.
pub fn run(program: Option<&Path>, long: bool) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let place = Place::new(program)?;
        let server = place.start("", true).await?;
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("CHART/templates"))?;
        std::fs::write(folder.path().join("CHART/Chart.yaml"), CHART)?;
        std::fs::write(folder.path().join("CHART/values.yaml"), "replicas: 1\n")?;
        std::fs::write(folder.path().join("CHART/templates/all.yaml"), TEMPLATE)?;
        std::fs::write(folder.path().join("manifest.yaml"), MANIFEST)?;
        let mut good = true;
        for (name, steps) in [("helm", HELM.as_slice()), ("kubectl", KUBECTL.as_slice())] {
            let Some(path) = on_path(name) else {
                println!("skip {name}: it is not on PATH");
                continue;
            };
            let (kubeconfig, folder) = (place.kubeconfig(), folder.path().to_owned());
            let outcome = tokio::task::spawn_blocking(move || follow(&path, &kubeconfig, &folder, steps)).await?;
            match outcome {
                Ok(()) => println!("ok   {name}: {} commands", steps.len()),
                Err(error) => {
                    println!("FAIL {name}: {error:#}");
                    good = false;
                }
            }
        }
        server.kill().await?;
        let own = program.map(Path::to_owned).or_else(|| built().filter(|path| path.is_file()));
        for (name, built) in [("controllers", "source-controller, kustomize-controller"), ("envtest", "envtest")] {
            if !long {
                println!("skip {name}: only with --long, as Go builds them for minutes");
                continue;
            }
            let Some(go) = on_path("go") else {
                println!("skip {name}: go, which builds {built}, is not on PATH");
                continue;
            };
            let Some(flux) = &own else {
                println!("skip {name}: no flux given with --program or built in release");
                continue;
            };
            let outcome = match name {
                "controllers" => controllers::run(&go, flux).await,
                _ => envtest::run(&go, flux),
            };
            match outcome {
                Ok(done) => println!("ok   {name}: {done}"),
                Err(error) if error.to_string().contains("version is not available") => {
                    println!("skip {name}: {error:#}");
                }
                Err(error) => {
                    println!("FAIL {name}: {error:#}");
                    good = false;
                }
            }
        }
        Ok(good)
    })
}

fn built() -> Option<PathBuf> {
    Some(crate::conformance::inputs::target_dir().join("release/flux"))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn follow(program: &Path, kubeconfig: &Path, folder: &Path, steps: &[Step]) -> Result<()> {
    for (argv, wanted) in steps {
        let output = Command::new(program)
            .args(*argv)
            .current_dir(folder)
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", folder)
            .output()
            .with_context(|| format!("start {}", program.display()))?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let line = argv.join(" ");
        match wanted {
            Some(_) if !output.status.success() => bail!("`{line}` fails: {said}"),
            Some(words) if !said.contains(words) => bail!("`{line}` does not say `{words}`: {said}"),
            None if output.status.success() => bail!("`{line}` must fail, but says: {said}"),
            _ => {}
        }
    }
    Ok(())
}
