use std::path::Path;

use serde_json::json;

use super::*;
use crate::fs::MemoryFs;

fn tree() -> MemoryFs {
    let mut fs = MemoryFs::new();
    fs.insert("/a/one.yaml", *b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n");
    fs.insert("/a/b/two.yml", *b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n");
    fs.insert("/a/c/kustomization.yaml", *b"resources: [three.yaml]\n");
    fs.insert("/a/c/three.yaml", *b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n");
    fs.insert("/a/notes.txt", *b"not yaml: [");
    fs
}

fn spec(spec: serde_json::Value) -> Spec {
    Spec::from_object(&json!({"spec": spec})).unwrap()
}

fn content(fs: &MemoryFs, spec: &Spec) -> String {
    String::from_utf8(prepare(fs, Path::new("/a"), spec, None).unwrap().content).unwrap()
}

#[test]
fn a_folder_without_kustomization_is_scanned() {
    let prepared = prepare(&tree(), Path::new("/a"), &Spec::default(), None).unwrap();
    assert!(prepared.created);
    assert_eq!(
        String::from_utf8(prepared.content.clone()).unwrap(),
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- ./b/two.yml\n- ./c\n- ./one.yaml\n"
    );
    let objects = build(&tree(), Path::new("/a"), &Spec::default(), None, &Options::default()).unwrap();
    assert_eq!(objects.len(), 3);
}

#[test]
fn an_empty_folder_gets_a_placeholder() {
    let mut fs = MemoryFs::new();
    fs.create_dir("/a");
    assert!(content(&fs, &Spec::default()).contains("namespace: _placeholder"));
    assert!(build(&fs, Path::new("/a"), &Spec::default(), None, &Options::default()).unwrap().is_empty());
}

#[test]
fn an_existing_file_is_read_leniently_and_edited() {
    let mut fs = tree();
    let file = "resources: [one.yaml]\nResource: typo\nnamePrefix: 1\nimages: [{name: a, digest: 'sha256:1'}]\n";
    fs.insert("/a/kustomization.yml", file.as_bytes().to_vec());
    let spec = spec(json!({
        "interval": "5m", "targetNamespace": "ns", "nameSuffix": "-s", "components": ["x", "c"],
        "ignoreMissingComponents": true, "images": [{"name": "a", "newTag": "2"}, {"name": "b", "newName": "c"}],
        "patches": [{"patch": "kind: X", "target": {"kind": "X", "labelSelector": "a=b"}}], "commonMetadata": null,
    }));
    let prepared = prepare(&fs, Path::new("/a"), &spec, None).unwrap();
    assert!(!prepared.created);
    assert_eq!(prepared.path, Path::new("/a/kustomization.yml"));
    let text = String::from_utf8(prepared.content).unwrap();
    for part in [
        "namePrefix: \"1\"",
        "namespace: ns",
        "components:\n- c\n",
        "images:\n- name: a\n  newTag: \"2\"\n- name: b\n  newName: c\n",
        "  target:\n    kind: X\n    labelSelector: a=b\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("typo"));
}

#[test]
fn without_resources_the_origin_is_asked_for() {
    let mut fs = MemoryFs::new();
    fs.insert("/a/kustomization.yaml", *b"configMapGenerator: [{name: x}]\n");
    assert!(content(&fs, &Spec::default()).contains("buildMetadata:\n- originAnnotations\n"));
    let wanted = spec(json!({"buildMetadata": ["transformerAnnotations"]}));
    assert!(content(&fs, &wanted).contains("buildMetadata:\n- transformerAnnotations\n"));
}

#[test]
fn remote_components_and_bad_files_are_refused() {
    let remote = spec(json!({"components": ["https://github.com/o/r"]}));
    let error = prepare(&tree(), Path::new("/a"), &remote, None).unwrap_err();
    assert_eq!(error.to_string(), "component path 'https://github.com/o/r' must be local and relative");
    let mut fs = tree();
    fs.insert("/a/bad.yaml", *b"a: [");
    let error = prepare(&fs, Path::new("/a"), &Spec::default(), None).unwrap_err().to_string();
    assert!(
        error.starts_with("failed to decode Kubernetes YAML from /a/bad.yaml: MalformedYAMLError: yaml: line"),
        "{error}"
    );
    let ignore = |path: &Path, _: bool| path.ends_with("bad.yaml");
    assert!(prepare(&fs, Path::new("/a"), &Spec::default(), Some(&ignore)).is_ok());
}

#[test]
fn ignored_entries_are_dropped_from_an_existing_file() {
    let mut fs = tree();
    fs.insert("/a/kustomization.yaml", *b"resources: [one.yaml, b/two.yml, 'https://x/y.yaml']\n");
    let ignore = |path: &Path, _: bool| path.ends_with("one.yaml");
    let prepared = prepare(&fs, Path::new("/a"), &Spec::default(), Some(&ignore)).unwrap();
    let text = String::from_utf8(prepared.content).unwrap();
    assert!(text.contains("resources:\n- b/two.yml\n- https://x/y.yaml\n"), "{text}");
}

#[test]
fn a_link_to_a_folder_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("d")).unwrap();
    std::fs::write(root.path().join("d/x.yaml"), "kind: A\nmetadata: {name: a}\n").unwrap();
    std::os::unix::fs::symlink("..", root.path().join("d/up")).unwrap();
    let fs = crate::RootedDir::new(root.path()).unwrap();
    let found = scan(&fs, fs.root(), None).unwrap();
    assert_eq!(found, [fs.root().join("d/x.yaml")]);
}

#[test]
fn units_are_found_and_secrets_masked() {
    let text = "kind: Kustomization\napiVersion: kustomize.toolkit.fluxcd.io/v1\nmetadata: {name: a}\n";
    assert!(find_unit(text, Path::new("f"), "a", "ns").is_ok());
    let error = find_unit(text, Path::new("f"), "b", "ns").unwrap_err().to_string();
    assert_eq!(error, "failed find kustomization with name 'b' and namespace 'ns' in file 'f'");
    let mut secret =
        json!({"kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "y"}, "sops": {"mac": "ENC[z]"}});
    mask_encrypted(&mut secret).unwrap();
    assert_eq!(secret, json!({"kind": "Secret", "data": {"a": "KipTT1BTKio="}, "stringData": {"b": "**SOPS**"}}));
    let mut wrong = json!({"kind": "Secret", "data": {"a": "%"}});
    assert_eq!(mask_encrypted(&mut wrong).unwrap_err().key, "a");
}
