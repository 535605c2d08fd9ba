//! The project's own tasks. `cargo xtask` lists them.

mod conformance;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask TASK

  conformance SUITE [--dir DIR|ARCHIVE] [--only TEXT] [--write-list]
      runs recorded behaviour of the original programs against ours
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
        Some(other) => bail!("unknown task `{other}`\n\n{USAGE}"),
        None => {
            print!("{USAGE}");
            Ok(true)
        }
    }
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
