//! `cargo xtask bench apiserver`: figures of the server alone, over TLS and from inside.

mod pair;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use flux_apiserver::{Config, Identity, Server, Storage};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::client::Api;
use super::process::Place;

const SPACE: &str = "bench";
const MANY: usize = 50_000;
const CALLS: usize = 400;
const STARTS: usize = 10;
const WATCHERS: usize = 100;

/// The arguments of the command.
#[derive(Default)]
struct Arguments {
    program: Option<PathBuf>,
    kube_apiserver: Option<PathBuf>,
    etcd: Option<PathBuf>,
    /// Instead of [`MANY`].
    objects: Option<usize>,
}

fn parse(arguments: &[String]) -> Result<Arguments> {
    let (mut parsed, mut rest) = (Arguments::default(), arguments.iter());
    while let Some(argument) = rest.next() {
        let value = rest.next().with_context(|| format!("`{argument}` needs a value"))?;
        match argument.as_str() {
            "--program" => parsed.program = Some(value.into()),
            "--kube-apiserver" => parsed.kube_apiserver = Some(value.into()),
            "--etcd" => parsed.etcd = Some(value.into()),
            "--objects" => parsed.objects = Some(value.parse()?),
            other => bail!("unexpected argument `{other}`"),
        }
    }
    Ok(parsed)
}

/// Prints the figures; the answer says whether the targets hold.
pub fn run(arguments: &[String]) -> Result<bool> {
    let arguments = parse(arguments)?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {cores} cores, load {}", load.split_whitespace().next().unwrap_or("unknown"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut good = starts(&arguments).await?;
        good &= inside().await?;
        let place = Place::new(arguments.program.as_deref())?;
        let server = place.start("", true).await?;
        let own = over_tls("ours, durable", &server.api).await?;
        watches(&server.api).await?;
        server.kill().await?;
        good &= many(&arguments).await?;
        if let (Some(kube_apiserver), Some(etcd)) = (&arguments.kube_apiserver, &arguments.etcd) {
            let pair = pair::Pair::start(kube_apiserver, etcd).await?;
            let theirs = over_tls("kube-apiserver and etcd, durable", &pair.api).await?;
            let times = own / theirs;
            println!("apply throughput: {times:.1} times the pair's (target 3)");
            good &= times >= 3.0;
        } else {
            println!("kube-apiserver and etcd: not given (--kube-apiserver FILE --etcd FILE)");
        }
        Ok(good)
    })
}

fn target(what: &str, value: f64, unit: &str, most: f64) -> bool {
    let good = value < most;
    println!("{what}: {value:.1} {unit} (target below {most} {unit}){}", if good { "" } else { "  MISSED" });
    good
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Cold starts on an empty storage.
async fn starts(arguments: &Arguments) -> Result<bool> {
    let place = Place::new(arguments.program.as_deref())?;
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    // The first start also makes the certificates.
    let first = place.start("", true).await?;
    println!("first start, certificates made: {:.0} ms", first.ready_after.as_secs_f64() * 1e3);
    first.kill().await?;
    for _ in 0..STARTS {
        std::fs::remove_file(place.storage())?;
        let server = place.start("", true).await?;
        times.push(server.ready_after.as_secs_f64() * 1e3);
        memory.push(server.memory()?);
        server.kill().await?;
    }
    let start = target("cold start, empty, median", median(times), "ms", 150.0);
    let size = target("memory, empty, median", median(memory), "MiB", 60.0);
    Ok(start && size)
}

fn deployment(name: &str, image: u64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": SPACE, "labels": {"app": name}},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{
                "name": "app", "image": format!("example.com/app:{image}"), "ports": [{"containerPort": 8080, "name": "http"}],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
            }]}},
        },
    })
}

fn config_map(name: &str, number: u64) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": SPACE},
        "data": {"number": number.to_string(), "text": "x".repeat(300)}})
}

/// Server time of an apply, without TLS and without a disk.
async fn inside() -> Result<bool> {
    const ROUNDS: u64 = 2000;
    let server = Server::start(Config { storage: Storage::Memory, ..Config::default() }).await?;
    let service = server.service(Identity::admin());
    let call = |method: &'static str, path: String, content_type: &'static str, body: Value| {
        let request = http::Request::builder().method(method).uri(path).header("content-type", content_type);
        let request = request.body(Full::new(bytes::Bytes::from(body.to_string())));
        let service = service.clone();
        async move {
            let response = service.oneshot(request?).await.unwrap_or_else(|never| match never {});
            let code = response.status().as_u16();
            response.into_body().collect().await.unwrap_or_else(|never| match never {});
            Ok::<_, anyhow::Error>(code)
        }
    };
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}});
    ensure!(call("POST", "/api/v1/namespaces".into(), "application/json", space).await? == 201, "namespace");
    let mut good = true;
    for (what, change, limit) in [("new", 0, 0.0), ("without change", 1, 0.0), ("with a change", 2, 300.0)] {
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let name = if change == 0 { format!("d{round}") } else { format!("d{}", round % 50) };
            let image = if change == 2 { round + 1 } else { 0 };
            let path = format!("/apis/apps/v1/namespaces/{SPACE}/deployments/{name}?fieldManager=bench&force=true");
            let start = Instant::now();
            let code = call("PATCH", path, "application/apply-patch+yaml", deployment(&name, image)).await?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
            ensure!(matches!(code, 200 | 201), "apply answers {code}");
        }
        let value = median(times);
        if limit > 0.0 {
            good &= target(&format!("apply of a Deployment {what}, server time, median"), value, "us", limit);
        } else {
            println!("apply of a Deployment {what}, server time, median: {value:.1} us");
        }
    }
    server.shutdown().await;
    Ok(good)
}

async fn prepare(api: &Api) -> Result<()> {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}});
    let (code, answer) = api.connect().await?.json("POST", "/api/v1/namespaces", Some(&space)).await?;
    ensure!(matches!(code, 201 | 409), "namespace: {answer}");
    Ok(())
}

fn print_latency(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get(((times.len() as f64 - 1.0) * part) as usize).copied().unwrap_or(0.0);
    println!("  {what:<28} p50 {:>7.2} ms  p99 {:>7.2} ms", at(0.5), at(0.99));
}

/// Latency of one client and throughput of eight; the answer is applies per second.
async fn over_tls(who: &str, api: &Api) -> Result<f64> {
    prepare(api).await?;
    println!("{who}, over TLS, {CALLS} calls each, one connection:");
    let mut connection = api.connect().await?;
    for (kind, base) in [
        ("ConfigMap", format!("/api/v1/namespaces/{SPACE}/configmaps")),
        ("Deployment", format!("/apis/apps/v1/namespaces/{SPACE}/deployments")),
    ] {
        let make = |name: &str, number: u64| {
            if kind == "ConfigMap" { config_map(name, number) } else { deployment(name, number) }
        };
        for what in ["create", "get", "apply new", "apply no-op", "apply change", "list", "delete"] {
            let calls = if what == "list" { 20 } else { CALLS };
            let mut times = Vec::new();
            for index in 0..calls {
                let (name, applied) = (format!("c{index}"), format!("a{index}"));
                let own = format!("{base}/{name}");
                let apply = format!("{base}/{applied}?fieldManager=bench");
                let json = "application/json";
                let patch = "application/apply-patch+yaml";
                let (method, path, media, body) = match what {
                    "create" => ("POST", base.clone(), json, make(&name, 1).to_string()),
                    "get" => ("GET", own, json, String::new()),
                    "apply new" | "apply no-op" => ("PATCH", apply, patch, make(&applied, 1).to_string()),
                    "apply change" => ("PATCH", apply, patch, make(&applied, 2).to_string()),
                    "list" => ("GET", base.clone(), json, String::new()),
                    _ => ("DELETE", own, json, String::new()),
                };
                let start = Instant::now();
                let (code, answer) = connection.call(method, &path, media, body).await?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
                ensure!(code < 300, "{what}: {code} {}", String::from_utf8_lossy(&answer));
            }
            print_latency(&format!("{kind} {what}"), times);
        }
    }
    println!("{who}, 8 connections:");
    let mut applies = 0.0;
    for what in ["create", "apply", "get"] {
        let rate = throughput(api, what).await?;
        println!("  {what:<28} {rate:>7.0} per second");
        if what == "apply" {
            applies = rate;
        }
    }
    Ok(applies)
}

async fn throughput(api: &Api, what: &'static str) -> Result<f64> {
    const CLIENTS: usize = 8;
    let span = Duration::from_secs(3);
    let start = Instant::now();
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let api = api.clone();
            tokio::spawn(async move {
                let mut connection = api.connect().await?;
                let mut done = 0u64;
                while start.elapsed() < span {
                    let name = if what == "create" {
                        format!("t{client}-{done}")
                    } else {
                        format!("a{}", done % CALLS as u64)
                    };
                    let base = format!("/apis/apps/v1/namespaces/{SPACE}/deployments");
                    let (code, _) = match what {
                        "create" => {
                            let base = format!("/api/v1/namespaces/{SPACE}/configmaps");
                            connection.call("POST", &base, "application/json", config_map(&name, 1).to_string()).await?
                        }
                        "apply" => {
                            let name = format!("p{client}-{}", done % 40);
                            let path = format!("{base}/{name}?fieldManager=bench");
                            connection
                                .call(
                                    "PATCH",
                                    &path,
                                    "application/apply-patch+yaml",
                                    deployment(&name, done).to_string(),
                                )
                                .await?
                        }
                        _ => connection.get(&format!("{base}/{name}")).await?,
                    };
                    ensure!(code < 300, "{what} answers {code}");
                    done += 1;
                }
                Ok::<_, anyhow::Error>(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

/// How long a change takes to all watchers.
async fn watches(api: &Api) -> Result<()> {
    let base = format!("/api/v1/namespaces/{SPACE}/secrets");
    let mut streams = Vec::new();
    for _ in 0..WATCHERS {
        streams.push(api.connect().await?.watch(&format!("{base}?watch=1")).await?);
    }
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for mut stream in streams {
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.next().await.is_some() {
                if sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
    }
    let mut connection = api.connect().await?;
    let mut times = Vec::new();
    for index in 0..50 {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("s{index}")}});
        let start = Instant::now();
        connection.json("POST", &base, Some(&secret)).await?;
        for _ in 0..WATCHERS {
            let at = tokio::time::timeout(Duration::from_secs(10), receiver.recv()).await?.context("watchers live")?;
            times.push(at.saturating_duration_since(start).as_secs_f64() * 1e3);
        }
    }
    println!("{WATCHERS} watchers of one resource, from the write's start until each was told:");
    print_latency("watch event", times);
    Ok(())
}

/// A restart with many objects.
async fn many(arguments: &Arguments) -> Result<bool> {
    let count = arguments.objects.unwrap_or(MANY);
    let place = Place::new(arguments.program.as_deref())?;
    let server = place.start("", true).await?;
    prepare(&server.api).await?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..16usize)
        .map(|client| {
            let api = server.api.clone();
            tokio::spawn(async move {
                let mut connection = api.connect().await?;
                for number in (client..count).step_by(16) {
                    let name = format!("m{number}");
                    let (path, body) = if number % 5 == 0 {
                        (format!("/apis/apps/v1/namespaces/{SPACE}/deployments"), deployment(&name, number as u64))
                    } else {
                        (format!("/api/v1/namespaces/{SPACE}/configmaps"), config_map(&name, number as u64))
                    };
                    let (code, answer) = connection.json("POST", &path, Some(&body)).await?;
                    ensure!(code == 201, "create: {answer}");
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    println!(
        "{count} objects (every fifth a Deployment) created by 16 connections: {:.0} per second; memory {:.0} MiB, file {:.0} MiB",
        count as f64 / start.elapsed().as_secs_f64(),
        server.memory()?,
        std::fs::metadata(place.storage())?.len() as f64 / 1048576.0
    );
    server.kill().await?;
    let again = place.start("", true).await?;
    let good = target(
        &format!("cold start with {count} objects, after a kill"),
        again.ready_after.as_secs_f64() * 1e3,
        "ms",
        2000.0,
    );
    println!("memory with {count} objects: {:.0} MiB, {:.1} CPU s so far", again.memory()?, again.cpu()?);
    let mut connection = again.api.connect().await?;
    let start = Instant::now();
    let (_, bytes) = connection.get(&format!("/api/v1/namespaces/{SPACE}/configmaps")).await?;
    println!(
        "list of all ConfigMaps: {:.0} ms, {:.0} MiB",
        start.elapsed().as_secs_f64() * 1e3,
        bytes.len() as f64 / 1048576.0
    );
    again.kill().await?;
    Ok(good)
}
