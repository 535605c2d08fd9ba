//! `flux delete`: removes an object after asking.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use kube::api::DeleteParams;

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds;
use super::parse::Parsed;
use super::print;

/// Runs `flux delete ...`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let kind = kinds::required("delete", path)?;
    let name = parsed.name(&format!("{} name is required", kind.human))?;
    let client = global.client().await?;
    let objects = api(&client, &kind, Some(&global.namespace));
    objects.get(name).await?;
    if !parsed.is_set("silent") {
        confirm(&format!("Are you sure you want to delete this {}", kind.human))?;
    }
    print::action(format!("deleting {} {name} in {} namespace", kind.human, global.namespace));
    objects.delete(name, &DeleteParams::default()).await?;
    print::success(format!("{} deleted", kind.human));
    Ok(ExitCode::SUCCESS)
}

/// Asks; anything but `y` aborts, and so does an input that is no terminal and says nothing.
pub fn confirm(question: &str) -> Result<(), CliError> {
    let mut errors = std::io::stderr().lock();
    let _ = write!(errors, "{question} [y/N] ");
    let _ = errors.flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(errors);
    }
    match read {
        Ok(_) if answer.trim().eq_ignore_ascii_case("y") => Ok(()),
        _ => Err(CliError::state("aborting")),
    }
}
