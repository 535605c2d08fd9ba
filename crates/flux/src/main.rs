//! The `flux` binary: `up`, `server`, `controller` and the command line of Flux.

mod cli;
mod controller;
mod logging;
mod server;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The commands that upstream does not have; all others are read by [`cli`] as upstream reads them.
#[derive(Parser)]
#[command(name = "flux", version, disable_help_subcommand = true)]
struct Flux {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Arguments),
    Server(server::Arguments),
    Controller(controller::Arguments),
}

const OWN_COMMANDS: &[&str] = &["up", "server", "controller"];

fn main() -> ExitCode {
    // Test frameworks start programs by name; a link to this one does.
    let name = std::env::args().next().unwrap_or_default();
    let stand_in = match std::path::Path::new(&name).file_name().and_then(|name| name.to_str()) {
        Some("kube-apiserver") => Some(runtime().block_on(server::run_as_kube_apiserver())),
        Some("etcd") => Some(runtime().block_on(server::run_as_etcd())),
        _ => None,
    };
    if let Some(outcome) = stand_in {
        return outcome.unwrap_or_else(|error| report(&error));
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.first().is_some_and(|first| OWN_COMMANDS.contains(&first.as_str())) {
        return cli::main(&arguments);
    }
    let arguments = match arguments.first().map(String::as_str) {
        Some("server") => server::known_arguments(std::env::args()),
        _ => std::env::args().collect(),
    };
    let answer = match Flux::parse_from(arguments).command {
        Command::Up(arguments) => runtime().block_on(up::run(arguments)).map_err(|error| report(&error)),
        Command::Server(arguments) => runtime().block_on(server::run(arguments)).map_err(|error| report(&error)),
        Command::Controller(arguments) => {
            runtime().block_on(controller::run(arguments)).map_err(|error| report(&error))
        }
    };
    answer.unwrap_or_else(|code| code)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the system has threads")
}

/// Prints an error with its causes, one a line.
fn report(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("error: {error}");
    for cause in flux_diagnostics::causes(error) {
        eprintln!("  Caused by: {cause}");
    }
    ExitCode::FAILURE
}
