//! The project's own tasks. `cargo xtask` lists them.

#[cfg(feature = "apiserver")]
mod apiserver;
mod bench;
mod conformance;
#[cfg(feature = "api")]
mod crd_files;
#[cfg(feature = "e2e")]
mod e2e;
#[cfg(any(feature = "apiserver", feature = "e2e"))]
mod git_server;
mod schema_data;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask TASK

  conformance SUITE [--dir DIR|ARCHIVE] [--only TEXT] [--write-list]
      runs recorded behaviour of the original programs against ours
  gen schema [--check]
      writes the generated facts of flux-schema, or says whether they are stale
  gen crds [--check]
      writes the definitions of all kinds as YAML
  e2e [--only TEXT] [--long]
      drives the built binary from outside
  bench [NAME] [ARGUMENTS]
      prints figures; `bench apiserver [--program FLUX] [--kube-apiserver FILE --etcd FILE]` those of the API server
  campaign apiserver [--long] [--program FLUX] [--seed N]
      kills the API server under load and judges what it kept and told
  campaign programs [--long] [--program FLUX]
      runs helm and kubectl against the API server, when they are on PATH; with --long also Flux' own controllers and a
      manager under envtest, which `go` builds from their modules
  tidy
      checks layers, banned crates and sizes
";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Vec<String>) -> Result<bool> {
    let mut arguments = arguments.into_iter();
    match arguments.next().as_deref() {
        Some("conformance") => conformance::run(&conformance_arguments(arguments)?),
        Some("gen") => match arguments.next().as_deref() {
            Some("schema") => schema_data::generate(arguments.next().as_deref() == Some("--check")),
            #[cfg(feature = "api")]
            Some("crds") => crd_files::generate(arguments.next().as_deref() == Some("--check")),
            other => bail!("what to generate? unknown target {other:?}\n\n{USAGE}"),
        },
        #[cfg(feature = "e2e")]
        Some("e2e") => e2e::run(&e2e_arguments(arguments)?),
        Some("bench") => bench_named(arguments.next().as_deref(), &arguments.collect::<Vec<_>>()),
        #[cfg(feature = "apiserver")]
        Some("campaign") => {
            let name = arguments.next();
            let parsed = campaign_arguments(arguments)?;
            match name.as_deref() {
                Some("apiserver") => apiserver::campaign::run(&parsed),
                Some("programs") => apiserver::programs::run(parsed.program.as_deref(), parsed.long),
                other => bail!("unknown campaign {other:?}; there are: apiserver, programs"),
            }
        }
        #[cfg(feature = "apiserver")]
        Some("api-server") => apiserver::serve(arguments),
        Some("tidy") => tidy::run(),
        Some(other) => bail!("unknown task `{other}`\n\n{USAGE}"),
        None => {
            print!("{USAGE}");
            Ok(true)
        }
    }
}

fn bench_named(name: Option<&str>, arguments: &[String]) -> Result<bool> {
    match name {
        #[cfg(feature = "apiserver")]
        Some("apiserver") => apiserver::bench::run(arguments),
        name => bench::run(name, arguments),
    }
}

#[cfg(feature = "apiserver")]
fn campaign_arguments(mut arguments: impl Iterator<Item = String>) -> Result<apiserver::campaign::Arguments> {
    let mut parsed = apiserver::campaign::Arguments::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow::anyhow!("`{argument}` needs a value"));
        match argument.as_str() {
            "--long" => parsed.long = true,
            "--program" => parsed.program = Some(value()?.into()),
            "--seed" => parsed.seed = Some(value()?.parse()?),
            other => bail!("unexpected argument `{other}`\n\n{USAGE}"),
        }
    }
    Ok(parsed)
}

fn conformance_arguments(mut arguments: impl Iterator<Item = String>) -> Result<conformance::Arguments> {
    let mut parsed = conformance::Arguments { suite: String::new(), dir: None, only: None, write_list: false };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| anyhow::anyhow!("`{argument}` needs a value"));
        match argument.as_str() {
            "--dir" => parsed.dir = Some(value()?.into()),
            "--only" => parsed.only = Some(value()?),
            "--write-list" => parsed.write_list = true,
            suite if parsed.suite.is_empty() && !suite.starts_with('-') => parsed.suite = suite.to_owned(),
            other => bail!("unexpected argument `{other}`\n\n{USAGE}"),
        }
    }
    if parsed.suite.is_empty() {
        bail!("which suite?\n\n{USAGE}");
    }
    Ok(parsed)
}

#[cfg(feature = "e2e")]
fn e2e_arguments(mut arguments: impl Iterator<Item = String>) -> Result<e2e::Arguments> {
    let mut parsed = e2e::Arguments::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--long" => parsed.long = true,
            "--only" => parsed.only = Some(arguments.next().ok_or_else(|| anyhow::anyhow!("`--only` needs a value"))?),
            other => bail!("unexpected argument `{other}`\n\n{USAGE}"),
        }
    }
    Ok(parsed)
}
