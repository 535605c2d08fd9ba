//! One behaviour per build.

use std::path::Path;

use flux_kustomize::{Error, MemoryFs, Options, Reorder, build};

/// A tree from `PATH:` headings, each followed by the file's text.
pub fn tree(text: &str) -> MemoryFs {
    let mut fs = MemoryFs::new();
    let mut path = String::new();
    let mut content = String::new();
    for line in text.lines().chain(["=== end"]) {
        match line.strip_prefix("=== ") {
            Some(next) => {
                if !path.is_empty() {
                    fs.insert(&path, content.clone().into_bytes());
                }
                path = next.to_owned();
                content.clear();
            }
            None => {
                content.push_str(line);
                content.push('\n');
            }
        }
    }
    fs
}

pub fn run(text: &str, path: &str) -> Result<String, Error> {
    build(&tree(text), Path::new(path), &Options::default())?.to_yaml()
}

fn check(text: &str, expected: &str) {
    assert_eq!(run(text, "/o").unwrap(), expected);
}

fn fails(text: &str, expected: &str) {
    assert_eq!(run(text, "/o").unwrap_err().to_string(), expected);
}

const CM: &str = "=== /o/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

fn with_cm(kustomization: &str) -> String {
    format!("=== /o/kustomization.yaml\nresources: [cm.yaml]\n{kustomization}\n{CM}")
}

#[test]
fn names_namespace_labels_and_annotations() {
    check(
        &with_cm(
            "namePrefix: p-\nnameSuffix: -s\nnamespace: ns\ncommonAnnotations: {x: '1'}\nlabels: [{pairs: {l: '2'}}]",
        ),
        "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  annotations:\n    x: \"1\"\n  labels:\n    l: \"2\"\n  \
         name: p-a-s\n  namespace: ns\n",
    );
}

#[test]
fn a_generator_merges_and_what_names_it_follows() {
    check(
        "=== /o/kustomization.yaml\nresources: [../b]\nconfigMapGenerator: [{name: c, behavior: merge, literals: [x=2]}]\n\
         === /b/kustomization.yaml\nresources: [pod.yaml]\nconfigMapGenerator: [{name: c, literals: [x=1, y=1]}]\n\
         === /b/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{configMap: {name: c}}]}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  volumes:\n  - configMap:\n      name: c-mbt9f66225\n---\n\
         apiVersion: v1\ndata:\n  x: \"2\"\n  \"y\": \"1\"\nkind: ConfigMap\nmetadata:\n  name: c-mbt9f66225\n",
    );
}

#[test]
fn components_replacements_and_vars() {
    check(
        &format!(
            "=== /o/kustomization.yaml\nresources: [cm.yaml]\ncomponents: [../c]\nreplacements:\n- source: {{kind: ConfigMap, fieldPath: data.k}}\n  \
             targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [data.copy], options: {{create: true}}}}]\n{CM}\
             === /c/kustomization.yaml\nkind: Component\nnamePrefix: c-\n"
        ),
        "apiVersion: v1\ndata:\n  copy: v\n  k: v\nkind: ConfigMap\nmetadata:\n  name: c-a\n",
    );
}

#[test]
fn patches_of_both_kinds() {
    check(
        &with_cm(
            "patches:\n- target: {kind: ConfigMap}\n  patch: '[{\"op\": \"add\", \"path\": \"/data/n\", \"value\": 1}]'\n\
             - patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: null}}'",
        ),
        "apiVersion: v1\ndata:\n  \"n\": 1\nkind: ConfigMap\nmetadata:\n  name: a\n",
    );
}

#[test]
fn a_json_patch_may_rely_on_annotations() {
    let patch = "patches: [{target: {kind: ConfigMap}, patch: '[{op: add, path: /metadata/annotations/x, value: y}]'}]";
    let yaml = patch.replace("'[{op", "'- {op").replace("y}]'", "z}'");
    check(
        &with_cm(&yaml),
        "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  annotations:\n    x: z\n  name: a\n",
    );
}

#[test]
fn the_legacy_order() {
    let text = "=== /o/kustomization.yaml\nresources: [r.yaml]\n=== /o/r.yaml\nkind: Service\nmetadata: {name: s}\n---\nkind: Namespace\nmetadata: {name: n}\n";
    let options = Options { reorder: Reorder::Legacy, ..Options::default() };
    let objects = build(&tree(text), Path::new("/o"), &options).unwrap();
    let kinds: Vec<_> = objects.iter().map(|node| node.get("kind").unwrap().text().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["Namespace", "Service"]);
}

#[test]
fn deprecated_fields_warn() {
    let objects = build(&tree(&with_cm("commonLabels: {a: b}")), Path::new("/o"), &Options::default()).unwrap();
    assert_eq!(objects.warnings().len(), 1);
    assert!(objects.warnings()[0].starts_with("# Warning: 'commonLabels' is deprecated."));
    assert_eq!(objects.into_json().unwrap()[0]["metadata"]["labels"]["a"], "b");
}

#[test]
fn errors_say_where_and_what_to_do() {
    fails(&with_cm("resource: []"), "invalid Kustomization: json: unknown field \"resource\"");
    let error = run(&with_cm("patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: ab}}'}]"), "/o")
        .unwrap_err();
    assert_eq!(error.field(), Some("patches"));
    assert!(error.hint().unwrap().contains("ConfigMap.v1.[noGrp]/a.[noNs]"), "{:?}", error.hint());
    let error =
        run("=== /o/kustomization.yaml\nresources: [x.yaml]\n=== /o/x.yaml\na: 1\nb:\n  c: d: e\n", "/o").unwrap_err();
    assert_eq!((error.file(), error.line()), (Some(Path::new("x.yaml")), Some(3)));
    fails(
        &with_cm("helmCharts: [{name: x}]"),
        "trouble configuring builtin HelmChartInflationGenerator with config: `\nname: x\n`: must specify --enable-helm",
    );
    fails(
        &format!(
            "{}=== /o/p.yaml\napiVersion: x/v1\nkind: Foo\nmetadata: {{name: f}}\n",
            with_cm("transformers: [p.yaml]")
        ),
        "external plugins disabled; unable to load external plugin 'Foo'",
    );
    let error = run(&with_cm("replicas: [{name: x, count: 1}]"), "/o").unwrap_err().to_string();
    assert!(
        error.starts_with("resource with name x does not match a config with the following GVK [Deployment."),
        "{error}"
    );
}

#[test]
fn remote_bases_are_refused_without_a_loader() {
    let error = run("=== /o/kustomization.yaml\nresources: ['https://github.com/o/r?ref=v1']\n", "/o").unwrap_err();
    assert!(error.to_string().contains("remote resources are disabled"), "{error}");
    assert!(error.hint().unwrap().contains("remote bases"));
}
