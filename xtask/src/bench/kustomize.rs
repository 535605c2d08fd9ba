//! `cargo xtask bench kustomize`: whole processes of `flux kustomize build`, beside the `kustomize` program when it is
//! on the path. The trees it makes are the same each time.

mod measure;
mod trees;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::conformance::inputs;
use measure::{Figures, measure};

/// Real trees that are measured: those with the largest results.
const LARGEST: usize = 12;
/// Objects of the generated trees, with the processor seconds of kustomize 5.8 for when it is not there.
const GENERATED: [(usize, Option<f64>); 3] = [(100, Some(0.24)), (1_000, Some(6.1)), (10_000, None)];
/// kustomize is given up for trees where it would take minutes.
const UPSTREAM_LIMIT: usize = 1_000;

/// A program that builds a folder.
struct Builder {
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Builder {
    fn of(&self, dir: &Path, unrestricted: bool) -> Result<Figures> {
        let mut arguments: Vec<String> = self.arguments.iter().map(|word| (*word).to_owned()).collect();
        arguments.push(dir.display().to_string());
        if unrestricted {
            arguments.push("--load-restrictor=LoadRestrictionsNone".to_owned());
        }
        measure(&self.program, &arguments)
    }
}

/// Runs the bench and prints a line for each tree.
pub fn run(arguments: &[String]) -> Result<()> {
    let flux = std::env::var_os("FLUX_BIN").map_or_else(|| inputs::target_dir().join("release/flux"), PathBuf::from);
    if !flux.is_file() {
        bail!("{} is missing: cargo build --release -p flux", flux.display());
    }
    let ours = Builder { program: flux, arguments: &["kustomize", "build"] };
    let theirs = on_path("kustomize").map(|program| Builder { program, arguments: &["build"] });
    match &theirs {
        Some(theirs) => println!("kustomize: {}", theirs.program.display()),
        None => println!("kustomize: not on the path; its recorded figures are shown with *"),
    }
    println!("{:<58} {:>9} {:>9} {:>8}   ratios to kustomize: wall, CPU, memory", "tree", "wall ms", "CPU ms", "MiB");
    let scratch = tempfile::tempdir()?;
    for (objects, recorded) in GENERATED {
        let dir = scratch.path().join(objects.to_string());
        trees::generate(&dir, objects)?;
        let own = ours.of(&dir.join("overlay"), false)?;
        let other = match &theirs {
            Some(theirs) if objects <= UPSTREAM_LIMIT || arguments.iter().any(|word| word == "--all") => {
                Some(theirs.of(&dir.join("overlay"), false)?)
            }
            _ => None,
        };
        line(&format!("generated, {objects} objects"), &own, other.as_ref(), recorded);
    }
    real(&ours, theirs.as_ref())
}

fn real(ours: &Builder, theirs: Option<&Builder>) -> Result<()> {
    let Some(found) = inputs::locate("kustomize", None)? else {
        println!("real trees: no corpora lie beside the checkout");
        return Ok(());
    };
    let mut ratios = Vec::new();
    for (name, dir, unrestricted) in largest(&found.dir.join("realworld"))? {
        let own = ours.of(&dir, unrestricted)?;
        let other = theirs.map(|theirs| theirs.of(&dir, unrestricted)).transpose()?;
        line(&name, &own, other.as_ref(), None);
        ratios.extend(other.map(|other| [other.wall / own.wall, other.cpu / own.cpu, other.memory / own.memory]));
    }
    if !ratios.is_empty() {
        let median = |part: usize| {
            let mut values: Vec<f64> = ratios.iter().map(|ratio| ratio[part]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "median of the real trees: {:.1} x wall, {:.1} x CPU, {:.1} x memory",
            median(0),
            median(1),
            median(2)
        );
    }
    Ok(())
}

/// The builds with the largest results: name, folder, whether files may lie anywhere.
fn largest(folder: &Path) -> Result<Vec<(String, PathBuf, bool)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let place = entry?.path();
        let Ok(text) = fs::read_to_string(place.join("builds.yaml")) else { continue };
        let index = flux_yaml::yaml_to_json(&text)?;
        for build in index["builds"].as_array().into_iter().flatten() {
            let text = |name: &str| build[name].as_str().unwrap_or_default();
            let size = fs::metadata(place.join(text("expected"))).map_or(0, |meta| meta.len());
            let repository = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{} {} ({} kB)", repository.replace("__", "/"), text("dir"), size / 1000);
            found.push((size, name, place.join("tree").join(text("dir")), text("loadRestrictions") == "none"));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(found.into_iter().take(LARGEST).map(|(_, name, dir, none)| (name, dir, none)).collect())
}

fn line(name: &str, own: &Figures, other: Option<&Figures>, recorded: Option<f64>) {
    let ratios = match (other, recorded) {
        (Some(other), _) => {
            let [wall, cpu, memory] = [other.wall / own.wall, other.cpu / own.cpu, other.memory / own.memory];
            format!(
                "{wall:>7.1} {cpu:>7.1} {memory:>6.1}   ({:.0} ms, {:.0} ms, {:.0} MiB)",
                other.wall * 1e3,
                other.cpu * 1e3,
                other.memory
            )
        }
        (None, Some(cpu)) => format!("{:>7} {:>7.1}* (CPU {cpu} s)", "", cpu / own.cpu),
        (None, None) => String::new(),
    };
    let short: String = name.chars().take(58).collect();
    println!("{short:<58} {:>9.1} {:>9.1} {:>8.1} {ratios}", own.wall * 1e3, own.cpu * 1e3, own.memory);
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
