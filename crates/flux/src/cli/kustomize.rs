//! `flux kustomize build DIR`: the build engine alone, as `kustomize build`.

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use flux_kustomize::{LoadRestrictions, Objects, Options, RemoteLoader, Reorder, RootedDir};

use super::error::CliError;
use super::parse::Parsed;
use super::{print, remote};

/// More threads than this wait for one another.
const MOST_THREADS: usize = 8;

/// Memory that is asked for in one piece: what a few thousand objects need.
const RESERVE: usize = 12 << 20;

/// The version whose behaviour the engine has.
const VERSION: &str = "v5.8.1";

/// Runs the command.
pub fn run(parsed: &Parsed) -> Result<ExitCode, CliError> {
    refuse_programs(parsed)?;
    let bases = remote::bases();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    // Memory given back in one piece teaches the allocator to keep pieces of that size.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(2 * RESERVE)));
    let options = Options {
        load_restrictions: load_restrictions(parsed)?,
        reorder: reorder(parsed)?,
        version: Some(VERSION),
        openapi_replaces: true,
        threads,
        reserve: RESERVE,
        remote: (!parsed.is_set("no-remote-bases")).then_some(&bases as &dyn RemoteLoader),
        ..Options::default()
    };
    let given = parsed.arguments.first().map_or(".", String::as_str);
    let disk = RootedDir::new("/").map_err(|error| CliError::state(error.to_string()))?;
    let objects = match flux_kustomize::is_repository(given) {
        true => flux_kustomize::build(&disk, Path::new(given), &options),
        false => {
            let path = std::path::absolute(given).map_err(CliError::io(format!("resolve {given}")))?;
            flux_kustomize::build(&disk, &flux_kustomize::clean(&path), &options)
        }
    };
    let objects = objects.map_err(|error| CliError::state(error.to_string()))?;
    for warning in objects.warnings() {
        print::warning(warning);
    }
    let text = || objects.to_yaml_on(threads).map_err(|error| CliError::state(error.to_string()));
    match parsed.option("output") {
        Some(folder) if Path::new(folder).is_dir() => write_files(Path::new(folder), &objects)?,
        Some(file) => std::fs::write(file, text()?).map_err(CliError::io(format!("write {file}")))?,
        None => print::data(&text()?),
    }
    // The process ends here, and takes the memory with it.
    std::mem::forget(objects);
    Ok(ExitCode::SUCCESS)
}

/// A file for each object.
fn write_files(folder: &Path, objects: &Objects) -> Result<(), CliError> {
    let values = objects.to_json().map_err(|error| CliError::state(error.to_string()))?;
    for (name, value) in objects.file_names().iter().zip(&values) {
        // Names of objects may hold anything; a path would leave the folder.
        if name.contains('/') {
            return Err(CliError::state(format!("`{name}` cannot be the name of a file")));
        }
        let path = folder.join(name);
        let text = flux_yaml::marshal_v2(value).map_err(|error| CliError::state(error.to_string()))?;
        std::fs::write(&path, text).map_err(CliError::io(format!("write {}", path.display())))?;
    }
    Ok(())
}

/// Nothing here starts a program, so what would need one is refused before anything is read.
fn refuse_programs(parsed: &Parsed) -> Result<(), CliError> {
    for (flag, what) in [
        ("enable-helm", "charts are not inflated by kustomize; use a HelmRelease"),
        ("enable-alpha-plugins", "plugins other than the built-in ones are not run"),
        ("enable-exec", "programs are not run"),
    ] {
        if parsed.is_set(flag) {
            return Err(CliError::usage(format!("--{flag} is not supported: {what}")));
        }
    }
    Ok(())
}

fn load_restrictions(parsed: &Parsed) -> Result<LoadRestrictions, CliError> {
    match parsed.text("load-restrictor") {
        "LoadRestrictionsRootOnly" | "" => Ok(LoadRestrictions::RootOnly),
        "LoadRestrictionsNone" => Ok(LoadRestrictions::None),
        other => Err(CliError::usage(format!(
            "illegal flag value --load-restrictor {other}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]"
        ))),
    }
}

/// The program sorts by kind unless the kustomization says otherwise; controllers do not.
fn reorder(parsed: &Parsed) -> Result<Reorder, CliError> {
    match parsed.text("reorder") {
        "legacy" if parsed.changed("reorder") => Ok(Reorder::Legacy),
        "legacy" => Ok(Reorder::Unspecified),
        "none" => Ok(Reorder::None),
        other => Err(CliError::usage(format!("illegal flag value --reorder {other}; legal values: [legacy none]"))),
    }
}
