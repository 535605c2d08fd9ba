//! The controller against a real API server, in process, with charts from a real store.

mod basics;
mod cluster;
mod clusters;
mod failures;
mod hooks;

/// No test file may be forgotten.
#[test]
fn every_file_is_a_module() {
    let own = include_str!("main.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).expect("folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(own.contains(&format!("mod {module};")), "{module} is not declared");
        }
    }
}
