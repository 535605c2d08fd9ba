//! What a build read is what its record says.

use std::path::Path;

use flux_kustomize::{Options, Recorder, build};

use super::builds::tree;

#[test]
fn a_record_notices_what_matters_and_nothing_else() {
    let text = "=== /o/kustomization.yaml\nresources: [a.yaml, ../b]\n=== /o/a.yaml\nkind: A\nmetadata: {name: a}\n\
                === /b/kustomization.yaml\nnamePrefix: x\nresources: [c.yaml]\n=== /b/c.yaml\nkind: C\nmetadata: {name: c}\n\
                === /other.yaml\nx: 1\n";
    let recorder = Recorder::new(tree(text));
    build(&recorder, Path::new("/o"), &Options::default()).unwrap();
    let record = recorder.into_record();
    assert!(record.unchanged(&tree(text)));
    assert!(record.unchanged(&tree(&text.replace("x: 1", "x: 2"))), "a file that was not read does not matter");
    assert!(!record.unchanged(&tree(&text.replace("kind: C", "kind: D"))));
    assert!(
        !record.unchanged(&tree(&format!("{text}=== /b/kustomization.yml\nx: 1\n"))),
        "a miss that is a file now matters"
    );
}
