//! `flux envsubst`: variables of the environment in standard input, line by line.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use super::error::CliError;
use super::parse::Parsed;

/// Runs the command.
pub fn run(parsed: &Parsed) -> Result<ExitCode, CliError> {
    let strict = parsed.is_set("strict");
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(CliError::io("read standard input"))?;
        let line = line.strip_suffix('\r').unwrap_or(&line);
        let replaced = substitute(line, strict)?;
        writeln!(output, "{replaced}").map_err(CliError::io("write standard output"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn substitute(line: &str, strict: bool) -> Result<String, CliError> {
    let lookup = |name: &str| std::env::var(name).ok();
    flux_envsubst::eval(line, &lookup, strict).map_err(|error| CliError::state(error.to_string()))
}
