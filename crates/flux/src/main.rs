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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.first().is_some_and(|first| OWN_COMMANDS.contains(&first.as_str())) {
        return cli::main(&arguments);
    }
    let answer = match Flux::parse().command {
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
