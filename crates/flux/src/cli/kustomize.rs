//! `flux kustomize build DIR`: the build engine alone, as `kustomize build`.

use std::path::Path;
use std::process::ExitCode;

use flux_kustomize::{Options, Reorder, RootedDir};

use super::error::CliError;
use super::parse::Parsed;
use super::print;

/// Runs the command.
pub fn run(parsed: &Parsed) -> Result<ExitCode, CliError> {
    let given = parsed.arguments.first().map_or(".", String::as_str);
    let path = std::path::absolute(given).map_err(CliError::io(format!("resolve {given}")))?;
    let disk = RootedDir::new("/").map_err(|error| CliError::state(error.to_string()))?;
    // The program sorts by kind unless the kustomization says otherwise; controllers do not.
    let options = Options { reorder: Reorder::Unspecified, version: Some("v5.8.1"), ..Options::default() };
    let objects = flux_kustomize::build(&disk, &flux_kustomize::clean(Path::new(&path)), &options)
        .map_err(|error| CliError::state(error.to_string()))?;
    for warning in objects.warnings() {
        print::warning(warning);
    }
    print::data(&objects.to_yaml().map_err(|error| CliError::state(error.to_string()))?);
    Ok(ExitCode::SUCCESS)
}
