//! The command line: upstream's words, flags, messages and exit codes.
//!
//! [`main`] takes the arguments after the program's name. The whole upstream command tree is known as
//! data ([`tree`]); a command that is in it but not written yet says so. Nothing touches the network or
//! a kubeconfig before a command needs it.
//!
//! Data goes to standard output, talk to standard error, each line with a sign in front.

mod apply;
mod build;
mod check;
mod client;
mod completion;
mod create;
mod debug;
mod delete;
mod diff;
pub mod embedded;
mod envsubst;
mod error;
mod events;
mod export;
mod flags;
mod get;
mod global;
mod help;
mod kinds;
mod kustomize;
mod parse;
mod print;
mod reconcile;
mod remote;
mod report;
mod resume;
mod sops;
mod stats;
mod suspend;
mod trace;
mod tree;
mod tree_kustomization;
mod unavailable;
mod version;
mod wait;

pub use error::CliError;
pub use global::Global;
pub use parse::Parsed;
pub use version::COMPATIBLE_VERSION;

use std::io::Write as _;
use std::process::ExitCode;

/// Runs a command given as the arguments after the program's name.
pub fn main(arguments: &[String]) -> ExitCode {
    let result = run(arguments);
    let _ = std::io::stdout().flush();
    match result {
        Ok(code) => code,
        Err(error) => {
            print::failure_of(&error);
            ExitCode::from(error.code())
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode, CliError> {
    let parsed = match parse::parse(arguments)? {
        parse::Outcome::Run(parsed) => parsed,
        parse::Outcome::Help(command) => {
            print::data(&help::text(command));
            return Ok(ExitCode::SUCCESS);
        }
        parse::Outcome::Version => {
            print::data(&format!("flux version {COMPATIBLE_VERSION}\n"));
            return Ok(ExitCode::SUCCESS);
        }
    };
    let global = Global::new(&parsed)?;
    let path: Vec<&str> = parsed.command.path.split(' ').skip(1).collect();
    // Commands without a client run without a runtime.
    match path.as_slice() {
        ["version"] if parsed.is_set("client") => return version::client_only(&parsed),
        ["envsubst"] => return envsubst::run(&parsed),
        ["completion", shell] => return completion::run(shell),
        ["help"] => return help::run(&parsed),
        ["kustomize", "build"] => return kustomize::run(&parsed),
        _ => {}
    }
    create::check_name(&path, &parsed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::Io { what: "start the runtime".into(), source })?;
    runtime.block_on(async {
        tokio::select! {
            result = dispatch(&path, &parsed, &global) => result,
            _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
        }
    })
}

async fn dispatch(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    match path {
        ["build", "kustomization"] => build::run(parsed, global).await,
        ["check"] => check::run(parsed, global).await,
        ["create", rest @ ..] => create::run(rest, parsed, global).await,
        ["debug", "helmrelease"] => debug::helm_release(parsed, global).await,
        ["debug", "kustomization"] => debug::kustomization(parsed, global).await,
        ["delete", rest @ ..] => delete::run(rest, parsed, global).await,
        ["diff", "kustomization"] => diff::run(parsed, global).await,
        ["events"] => events::run(parsed, global).await,
        ["export", rest @ ..] => export::run(rest, parsed, global).await,
        ["get", rest @ ..] => get::run(rest, parsed, global).await,
        ["reconcile", rest @ ..] => reconcile::run(rest, parsed, global).await,
        ["resume", rest @ ..] => resume::run(rest, parsed, global).await,
        ["stats"] => stats::run(parsed, global).await,
        ["suspend", rest @ ..] => suspend::run(rest, parsed, global).await,
        ["trace"] => trace::run(parsed, global).await,
        ["tree", "kustomization"] => tree_kustomization::run(parsed, global).await,
        ["version"] => version::run(parsed, global).await,
        _ => unavailable::run(path, parsed),
    }
}
