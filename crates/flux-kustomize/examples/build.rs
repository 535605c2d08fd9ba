//! Prints what `kustomize build DIR` prints: `cargo run -p flux-kustomize --example build -- DIR`.

use std::path::Path;
use std::process::ExitCode;

use flux_kustomize::{LoadRestrictions, Options, Reorder, RootedDir, build};

fn main() -> ExitCode {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let options = Options {
        load_restrictions: LoadRestrictions::RootOnly,
        reorder: Reorder::Unspecified,
        version: Some("v5.8.1"),
        threads: 2,
        reserve: 12 << 20,
        ..Options::default()
    };
    // Memory given back in one piece teaches the allocator to keep pieces of that size.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(24 << 20)));
    let run = || {
        let path = std::path::absolute(Path::new(&dir)).map_err(|error| error.to_string())?;
        let fs = RootedDir::new("/").map_err(|error| error.to_string())?;
        let objects = build(&fs, &path, &options).map_err(|error| error.to_string())?;
        objects.warnings().iter().for_each(|warning| eprintln!("{warning}"));
        objects.to_yaml_on(2).map_err(|error| error.to_string())
    };
    match run() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
