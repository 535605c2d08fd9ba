//! The client against a registry of its own, with every fault a registry can have.

mod faults;
mod good;
mod registry;

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
