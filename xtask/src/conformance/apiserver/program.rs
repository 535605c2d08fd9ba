//! One program: its setup, its steps, its verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use flux_apiserver::{Config, Controllers, Identity, Server, StaticToken};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::Verdict;
use super::Definitions;
use super::compare::{Difference, Unifier, compare};
use super::transport::{Client, Saved, Watch};

const TOKEN: &str = "conformance";

/// Runs a program on a server of its own.
pub(super) fn run(program: &Value, definitions: &Definitions) -> Verdict {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Verdict::Fail(format!("no runtime: {error}")),
    };
    match runtime.block_on(replay(program, definitions)) {
        Ok(differences) if differences.is_empty() => Verdict::Pass,
        Ok(differences) => Verdict::Fail(render(&differences)),
        Err(error) => Verdict::Fail(format!("{error:#}")),
    }
}

fn render(differences: &[(usize, Difference)]) -> String {
    let shown = std::env::var("SHOW").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let lines = differences.iter().take(shown).map(|(step, difference)| format!("step {step}: {difference}"));
    lines.collect::<Vec<_>>().join("\n    ")
}

/// A server as the recorded one was configured.
pub(in super::super) fn config() -> Config {
    Config {
        controllers: Controllers::recorded(),
        tokens: vec![StaticToken::new(TOKEN, replayer())],
        ..Config::default()
    }
}

fn replayer() -> Identity {
    Identity::admin()
}

async fn replay(program: &Value, definitions: &Definitions) -> Result<Vec<(usize, Difference)>> {
    let server = Server::start(config()).await?;
    let mut run = Run::new(&server);
    run.setup(&program["setup"], definitions).await?;
    let mut unifier = Unifier::default();
    let mut out = Vec::new();
    for (index, step) in program["steps"].as_array().into_iter().flatten().enumerate() {
        let Some(actual) = run.step(step).await? else { continue };
        let expected = if step.get("read").is_some() { &step["events"] } else { &step["response"] };
        let differences = compare(program, step, expected, &actual, &mut unifier, index);
        out.extend(differences.into_iter().map(|difference| (index, difference)));
    }
    drop(run);
    server.shutdown().await;
    Ok(out)
}

/// Executes the steps of one program.
pub(super) struct Run {
    pub client: Client,
    pub saved: Saved,
    pub watches: BTreeMap<String, Watch>,
}

impl Run {
    pub fn new(server: &Server) -> Self {
        let client = Client { admin: server.service(replayer()), open: server.credential_service() };
        Self { client, saved: Saved::new(), watches: BTreeMap::new() }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut step = json!({"method": method, "path": path});
        if let Some(body) = body {
            let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            step["body"] = text.into();
            step["headers"] = json!({"content-type": "application/json"});
        }
        self.client.request(&step, &Saved::new()).await
    }

    /// Installs what a program needs before its first step.
    pub async fn setup(&self, setup: &Value, definitions: &Definitions) -> Result<()> {
        for name in setup["crds"].as_array().into_iter().flatten() {
            self.install(name.as_str().unwrap_or(""), definitions).await?;
        }
        for namespace in setup["namespaces"].as_array().into_iter().flatten() {
            let meta = if namespace.is_object() { namespace.clone() } else { json!({"name": namespace}) };
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta});
            let answer = self.call("POST", "/api/v1/namespaces", Some(&body)).await?;
            if !matches!(answer["status"].as_u64(), Some(201 | 409)) {
                bail!("setup: namespace {meta}: {answer}");
            }
            let name = meta["name"].as_str().unwrap_or("");
            self.poll(&format!("/api/v1/namespaces/{name}/serviceaccounts/default")).await?;
        }
        for object in setup["objects"].as_array().into_iter().flatten() {
            let method = object["method"].as_str().unwrap_or("POST");
            let answer = self.call(method, object["path"].as_str().unwrap_or(""), Some(&object["body"])).await?;
            let status = answer["status"].as_u64().unwrap_or(0);
            if status >= 300 && status != 409 {
                bail!("setup: {}: {answer}", object["path"]);
            }
        }
        Ok(())
    }

    async fn install(&self, name: &str, definitions: &Definitions) -> Result<()> {
        let Some(definition) = definitions.get(name) else { bail!("setup: definition {name} is not recorded") };
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let answer = self.call("POST", path, Some(definition)).await?;
        if !matches!(answer["status"].as_u64(), Some(201 | 409)) {
            bail!("setup: definition {name}: {answer}");
        }
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        for version in spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true) {
            let url =
                format!("/apis/{}/{}/{}", text(&spec["group"]), text(&version["name"]), text(&spec["names"]["plural"]));
            self.poll(&url).await?;
        }
        Ok(())
    }

    /// Waits a little for a path to answer 200.
    async fn poll(&self, path: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let answer = self.call("GET", path, None).await?;
            if answer["status"] == 200 {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("setup: {path} does not answer: {answer}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The outcome of a step in the shape of the recorded one; `None` for steps that only wait.
    async fn step(&mut self, step: &Value) -> Result<Option<Value>> {
        if let Some(pause) = step["sleep_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            return Ok(None);
        }
        if let Some(id) = step["close"].as_str() {
            self.watches.remove(id);
            return Ok(None);
        }
        if let Some(id) = step["read"].as_str() {
            let Some(watch) = self.watches.get_mut(id) else { bail!("no watch {id} is open") };
            let events = watch.read(step).await;
            self.save(step.get("save_event"), &events);
            return Ok(Some(events));
        }
        if let Some(id) = step["watch"].as_str() {
            let (first, watch) = self.client.watch(step, &self.saved).await?;
            self.watches.insert(id.to_owned(), watch);
            return Ok(Some(first));
        }
        let patience = step["until"]["timeout_ms"].as_u64().unwrap_or(60_000).min(8_000);
        let end = Instant::now() + Duration::from_millis(patience);
        let answer = loop {
            let answer = self.client.request(step, &self.saved).await?;
            let enough = step.get("until").is_none_or(|until| satisfied(until, &answer));
            if enough || Instant::now() > end {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.save(step.get("save"), &answer["body"]);
        Ok(Some(answer))
    }

    fn save(&mut self, wanted: Option<&Value>, document: &Value) {
        for (key, pointer) in wanted.and_then(Value::as_object).into_iter().flatten() {
            let value = document.pointer(pointer.as_str().unwrap_or("")).cloned().unwrap_or(Value::Null);
            self.saved.insert(key.clone(), value);
        }
    }
}

fn satisfied(until: &Value, answer: &Value) -> bool {
    if until.get("status").is_some_and(|status| *status != answer["status"]) {
        return false;
    }
    until["values"].as_array().into_iter().flatten().all(|want| {
        let found = answer["body"].pointer(want["pointer"].as_str().unwrap_or("")).filter(|value| !value.is_null());
        let equal = want.get("equals").is_none_or(|wanted| found.unwrap_or(&Value::Null) == wanted);
        let present = want.get("present").is_none_or(|wanted| wanted.as_bool() == Some(found.is_some()));
        equal && present
    })
}
