//! Bad input of every kind in one repository: each unit says what is wrong and where, the good one goes on.

use std::fmt::Write as _;
use std::net::TcpListener;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::Outcome;
use super::synthetic::{self, CLUSTER, UnitOptions};
use crate::e2e::cluster::{Cluster, GIT_REPOSITORY, KUSTOMIZATION, condition, ready_message};
use crate::e2e::demo::{Repository, Running};
use crate::e2e::{Arguments, PATIENCE};

/// A unit, its files, more lines of its spec, and what its message must say.
struct Bad {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    spec: &'static str,
    says: &'static [&'static str],
}

fn bomb() -> String {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let _ = writeln!(text, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(","));
    }
    text + "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bomb\n"
}

fn cases() -> Vec<Bad> {
    let map = |name: &str| synthetic::config_map(name, "1");
    vec![
        Bad {
            name: "cycle",
            files: vec![("kustomization.yaml", "resources:\n- ../cycle-b\n".into())],
            spec: "",
            says: &["cycle"],
        },
        Bad {
            name: "missing-file",
            files: vec![("kustomization.yaml", "resources:\n- nowhere.yaml\n".into())],
            spec: "",
            says: &["nowhere.yaml"],
        },
        Bad {
            name: "unknown-field",
            files: vec![("a.yaml", synthetic::unit("inner", UnitOptions::default()) + "  nope: 1\n")],
            spec: "",
            says: &["Kustomization/default/inner", "spec.nope"],
        },
        Bad { name: "bomb", files: vec![("bomb.yaml", bomb())], spec: "", says: &["bomb.yaml"] },
        Bad {
            name: "escape",
            files: vec![("kustomization.yaml", "resources:\n- ../../../../etc/passwd\n".into())],
            spec: "",
            says: &["etc/passwd"],
        },
        Bad {
            name: "bad-cel",
            files: vec![("a.yaml", map("cel"))],
            spec: "  healthCheckExprs:\n  - apiVersion: v1\n    kind: ConfigMap\n    current: \"data.(\"\n",
            says: &["CEL"],
        },
        Bad {
            name: "no-secret",
            files: vec![("a.yaml", map("nosecret"))],
            spec: "  postBuild:\n    substituteFrom:\n    - kind: Secret\n      name: nowhere\n",
            says: &["nowhere", "not found"],
        },
        Bad {
            name: "undefined",
            files: vec![("a.yaml", synthetic::config_map("undefined", "${UNDEFINED}"))],
            spec: "  postBuild:\n    substitute:\n      other: x\n",
            says: &["UNDEFINED"],
        },
        Bad {
            name: "decryption",
            files: vec![("a.yaml", map("decryption"))],
            spec: "  decryption:\n    provider: sops\n",
            says: &["spec.decryption"],
        },
        Bad {
            name: "unknown-kind",
            files: vec![("a.yaml", "apiVersion: example.com/v1\nkind: Nothing\nmetadata:\n  name: x\n".into())],
            spec: "",
            says: &["Nothing"],
        },
        Bad {
            name: "wrong-type",
            files: vec![("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wrong\ndata: [1]\n".into())],
            spec: "",
            says: &["wrong"],
        },
    ]
}

fn build(cases: &[Bad]) -> Result<Repository> {
    let repository = Repository::empty()?;
    let mut units = synthetic::unit("good", UnitOptions::default());
    for case in cases {
        let unit = synthetic::unit(case.name, UnitOptions { interval: "10m", timeout: "10s", wait: false });
        let _ = write!(units, "{unit}{}", case.spec);
        for (file, content) in &case.files {
            repository.write(&format!("apps/{}/{file}", case.name), content)?;
        }
    }
    repository.write("apps/cycle-b/kustomization.yaml", "resources:\n- ../cycle\n")?;
    repository.write("apps/good/a.yaml", &synthetic::config_map("good", "1"))?;
    repository.write(&format!("clusters/{CLUSTER}/units.yaml"), &units)?;
    Ok(repository)
}

pub async fn bad_input(_: Arguments) -> Result<Outcome> {
    let cases = cases();
    let repository = build(&cases)?;
    // A Git server that accepts connections and never answers, one that is not there, and a missing secret.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let source = |name: &str, url: &str, more: &str| {
        format!(
            "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata:\n  name: {name}\n  namespace: \
             flux-system\nspec:\n  interval: 1m\n  timeout: 2s\n  url: {url}\n{more}"
        )
    };
    let hanging = source("hanging", &format!("http://{}/a/b", silent.local_addr()?), "");
    let absent = source("absent", "http://127.0.0.1:9/a/b", "");
    let secret = source("secretless", "https://127.0.0.1:9/a/b", "  secretRef:\n    name: nowhere\n");
    repository.write(&format!("clusters/{CLUSTER}/sources.yaml"), &format!("{hanging}{absent}{secret}"))?;
    repository.commit("everything wrong at once")?;
    let mut flux = Running::up(repository.path(), &[])?;
    flux.wait_for("kubeconfig:", PATIENCE)?;
    let cluster = Cluster::open(repository.path(), CLUSTER).await?;
    let (api_version, kind) = KUSTOMIZATION;
    let ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "True");
    let good = cluster.wait((api_version, kind, "flux-system", "good"), PATIENCE, ready).await?;
    for case in &cases {
        expect(&cluster, KUSTOMIZATION, case.name, case.says).await?;
    }
    expect(&cluster, GIT_REPOSITORY, "absent", &[]).await?;
    expect(&cluster, GIT_REPOSITORY, "hanging", &[]).await?;
    expect(&cluster, GIT_REPOSITORY, "secretless", &["nowhere"]).await?;
    repository.write("apps/good/a.yaml", &synthetic::config_map("good", "2"))?;
    repository.commit("the good one goes on")?;
    let two = |object: Option<&Value>| object.is_some_and(|object| object["data"]["value"] == "2");
    let on = cluster.wait(("v1", "ConfigMap", "default", "good"), PATIENCE, two).await?;
    flux.drain();
    Ok(Outcome::Held(format!(
        "{} kinds of bad input named; the good unit ready in {good:.1?}, then {on:.0?}",
        cases.len() + 3
    )))
}

async fn expect(cluster: &Cluster, of: (&str, &str), name: &str, says: &[&str]) -> Result<()> {
    let what = (of.0, of.1, "flux-system", name);
    let not_ready = |object: Option<&Value>| object.is_some_and(|object| condition(object, "Ready").0 == "False");
    cluster.wait(what, PATIENCE, not_ready).await.with_context(|| format!("{name} must not be ready"))?;
    let object = cluster.must_get(of.0, of.1, "flux-system", name).await?;
    let message = ready_message(&object);
    for word in says {
        ensure!(message.contains(word), "{name}: the message does not say {word:?}: {message}");
    }
    ensure!(!message.is_empty(), "{name}: no message");
    Ok(())
}
