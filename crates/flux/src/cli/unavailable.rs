//! Commands of upstream that are not written yet: their arguments are checked as upstream does, then they say so.

use std::process::ExitCode;

use super::error::CliError;
use super::parse::Parsed;
use super::print;

const COMPONENTS: &[&str] = &[
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
    "source-watcher",
];

/// Refuses bad arguments in upstream's words, and everything else as not available.
pub fn run(path: &[&str], parsed: &Parsed) -> Result<ExitCode, CliError> {
    let need = |flag: &str| match parsed.option(flag) {
        Some(_) => Ok(()),
        None => Err(CliError::usage(format!("--{flag} is required"))),
    };
    match path {
        ["install"] => install(parsed)?,
        ["list", "artifacts"] => drop(parsed.name("artifact repository URL is required")?),
        ["pull" | "diff", "artifact"] => drop(parsed.name("artifact URL is required")?),
        ["tag", "artifact"] => drop(parsed.name("artifact name is required")?),
        ["push", "artifact"] => {
            parsed.name("artifact URL is required")?;
            need("source")?;
            need("revision")?;
        }
        ["trigger", "receiver"] => need("url")?,
        ["plugin", "list"] if !has_plugins() => {
            print::line("No plugins found");
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    Err(CliError::NotAvailable { command: parsed.command.path.to_owned() })
}

fn install(parsed: &Parsed) -> Result<(), CliError> {
    let all = parsed.list("components").into_iter().chain(parsed.list("components-extra"));
    if let Some(odd) = all.into_iter().find(|name| !COMPONENTS.contains(&name.as_str())) {
        return Err(CliError::usage(format!("component {odd} is not available")));
    }
    if parsed.option("registry-creds").is_some() && parsed.option("image-pull-secret").is_none() {
        return Err(CliError::usage("--registry-creds requires --image-pull-secret to be set"));
    }
    match parsed.option("version") {
        Some(version) if !version.starts_with('v') => {
            Err(CliError::usage(format!("targeted version '{version}' must be prefixed with 'v'")))
        }
        _ => Ok(()),
    }
}

/// Plugins are receipts in a folder.
fn has_plugins() -> bool {
    let folder = match std::env::var_os("FLUXCD_PLUGINS") {
        Some(folder) => folder.into(),
        None => std::env::home_dir().unwrap_or_default().join(".fluxcd/plugins"),
    };
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}
