//! Bad input ends in an error, soon.

use std::path::Path;

use flux_kustomize::{Limits, MemoryFs, Options, build};
use proptest::prelude::*;

use super::builds::{run, tree};

fn fails(fs: &MemoryFs, limits: Limits) -> String {
    let options = Options { limits, ..Options::default() };
    build(fs, Path::new("/o"), &options).map(|objects| objects.len()).unwrap_err().to_string()
}

#[test]
fn cycles() {
    let text = "=== /o/kustomization.yaml\nresources: [../b]\n=== /b/kustomization.yaml\nresources: [../o]\n";
    let error = run(text, "/o").unwrap_err().to_string();
    assert!(error.ends_with("cycle detected: candidate root '/o' contains visited root '/o'"), "{error}");
    let own = run("=== /o/kustomization.yaml\ncomponents: [.]\n", "/o").unwrap_err().to_string();
    assert!(own.contains("cycle detected"), "{own}");
}

#[test]
fn diamonds_that_multiply_are_bounded() {
    let mut fs = MemoryFs::new();
    for level in 0..40 {
        let below = level + 1;
        for side in ["a", "b"] {
            let text = format!("namePrefix: {side}{level}-\nresources: [../a{below}, ../b{below}]\n");
            fs.insert(format!("/{side}{level}/kustomization.yaml"), text.into_bytes());
        }
    }
    for side in ["a40", "b40"] {
        fs.insert(format!("/{side}/kustomization.yaml"), *b"resources: [r.yaml]\n");
        fs.insert(format!("/{side}/r.yaml"), format!("kind: A\nmetadata: {{name: {side}}}\n").into_bytes());
    }
    fs.insert("/o/kustomization.yaml", *b"resources: [../a0]\n");
    let error = fails(&fs, Limits { max_resources: 5_000, ..Limits::default() });
    assert_eq!(error.matches("exceeds the limit").count(), 1, "{error}");
}

#[test]
fn depth_is_bounded() {
    let mut fs = MemoryFs::new();
    fs.insert("/o/kustomization.yaml", *b"resources: [../d0]\n");
    for level in 0..300 {
        let text = format!("resources: [../d{}]\n", level + 1);
        fs.insert(format!("/d{level}/kustomization.yaml"), text.into_bytes());
    }
    let error = fails(&fs, Limits::default());
    assert!(error.contains("the depth of bases exceeds the limit of 200"), "{error}");
}

#[test]
fn ten_thousand_bases_build() {
    let mut fs = MemoryFs::new();
    let mut list = String::from("resources:\n");
    for number in 0..10_000 {
        list.push_str(&format!("- ../b{number}\n"));
        fs.insert(format!("/b{number}/kustomization.yaml"), *b"resources: [r.yaml]\n");
        fs.insert(format!("/b{number}/r.yaml"), format!("kind: A\nmetadata: {{name: n{number}}}\n").into_bytes());
    }
    fs.insert("/o/kustomization.yaml", list.into_bytes());
    let objects = build(&fs, Path::new("/o"), &Options::default()).unwrap();
    assert_eq!(objects.len(), 10_000);
    let error = fails(&fs, Limits { max_bases: 100, ..Limits::default() });
    assert!(error.contains("the number of bases exceeds the limit of 100"), "{error}");
}

#[test]
fn many_generators_absorb_in_linear_time() {
    let mut text = String::from("configMapGenerator:\n");
    for number in 0..3_000 {
        text.push_str(&format!("- {{name: g{number}, literals: [a=b]}}\n"));
    }
    let mut fs = MemoryFs::new();
    fs.insert("/o/kustomization.yaml", text.into_bytes());
    assert_eq!(build(&fs, Path::new("/o"), &Options::default()).unwrap().len(), 3_000);
    let error = fails(&fs, Limits { max_resources: 10, ..Limits::default() });
    assert!(error.contains("the number of resources exceeds"), "{error}");
}

#[test]
fn alias_bombs_and_depth_in_yaml() {
    let mut bomb = String::from("kind: A\nmetadata: {name: a}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        let list = vec![format!("*a{below}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let text = format!("=== /o/kustomization.yaml\nresources: [r.yaml]\n=== /o/r.yaml\n{bomb}");
    assert!(run(&text, "/o").is_err());
    let deep = format!("kind: A\nmetadata: {{name: a}}\nx: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert!(run(&format!("=== /o/kustomization.yaml\nresources: [r.yaml]\n=== /o/r.yaml\n{deep}"), "/o").is_err());
}

#[test]
fn wrong_types_in_every_field_are_errors() {
    let fields = [
        "resources",
        "components",
        "crds",
        "configurations",
        "openapi",
        "generators",
        "transformers",
        "validators",
        "configMapGenerator",
        "secretGenerator",
        "generatorOptions",
        "helmCharts",
        "namespace",
        "namePrefix",
        "labels",
        "commonLabels",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "images",
        "replicas",
        "replacements",
        "vars",
        "sortOptions",
        "buildMetadata",
        "metadata",
    ];
    for field in fields {
        for value in ["7", "true", "{x: [1]}", "[[1]]", "[{name: {}}]"] {
            let text = format!("=== /o/kustomization.yaml\nnameSuffix: s\n{field}: {value}\n");
            assert!(run(&text, "/o").is_err(), "{field}: {value}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_as_files(kustomization in proptest::collection::vec(any::<u8>(), 0..80), resource in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut fs = tree("=== /o/kustomization.yaml\nresources: [r.yaml]\n");
        fs.insert("/o/r.yaml", resource.clone());
        let _ = build(&fs, Path::new("/o"), &Options::default()).map(|objects| objects.to_yaml());
        fs.insert("/o/kustomization.yaml", kustomization);
        let _ = build(&fs, Path::new("/o"), &Options::default());
    }

    #[test]
    fn mangled_kustomizations(at in 0_usize..300, byte in any::<u8>()) {
        let mut text = b"namePrefix: p-\nnamespace: n\nresources: [r.yaml]\npatches:\n- target: {kind: A}\n  patch: |\n    kind: A\n    metadata: {name: x}\n    spec: {a: 1}\nreplacements:\n- source: {kind: A}\n  targets: [{select: {kind: A}, fieldPaths: [spec.b], options: {create: true}}]\nimages: [{name: a, newTag: b}]\n".to_vec();
        let place = at % text.len();
        text[place] = byte;
        let mut fs = tree("=== /o/r.yaml\nkind: A\nmetadata: {name: a}\nspec: {containers: [{image: a}]}\n");
        fs.insert("/o/kustomization.yaml", text);
        let _ = build(&fs, Path::new("/o"), &Options::default()).map(|objects| objects.to_yaml());
    }
}
