//! Trees of one base and one overlay, made of Deployments, Services, ConfigMaps and ServiceAccounts that name each other.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

const PER_FILE: usize = 10;

const OVERLAY: &str = "namespace: prod
namePrefix: p-
resources: [../base]
labels:
- pairs: {team: x}
  includeSelectors: true
images: [{name: nginx, newTag: \"2\"}]
patches:
- target: {kind: Deployment}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: x}
    spec:
      template:
        spec:
          containers:
          - name: main
            resources: {limits: {cpu: 1}}
configMapGenerator:
- name: generated
  literals: [a=b]
";

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Writes a base of so many objects and an overlay over it.
pub fn generate(dir: &Path, objects: usize) -> Result<()> {
    let (base, overlay) = (dir.join("base"), dir.join("overlay"));
    fs::create_dir_all(&base)?;
    fs::create_dir_all(&overlay)?;
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut list = String::from("resources:\n");
    let all: Vec<usize> = (0..objects).collect();
    for (file, part) in all.chunks(PER_FILE).enumerate() {
        let documents: Vec<String> = part.iter().map(|number| document(*number, &mut numbers)).collect();
        writeln!(list, "- r{file}.yaml")?;
        fs::write(base.join(format!("r{file}.yaml")), documents.join("---\n"))?;
    }
    fs::write(base.join("kustomization.yaml"), list)?;
    fs::write(overlay.join("kustomization.yaml"), OVERLAY)?;
    Ok(())
}

fn document(number: usize, numbers: &mut Numbers) -> String {
    let app = format!("app-{}", number / 4);
    match number % 4 {
        0 => format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {app}\n  labels: {{app: {app}}}\nspec:\n  replicas: 2\n  \
             selector:\n    matchLabels: {{app: {app}}}\n  template:\n    metadata:\n      labels: {{app: {app}}}\n    spec:\n      \
             serviceAccountName: {app}\n      containers:\n      - name: main\n        image: nginx:1.{}\n        env:\n        \
             - name: A\n          value: \"{}\"\n        - name: B\n          valueFrom: {{configMapKeyRef: {{name: {app}, key: k}}}}\n        \
             ports:\n        - containerPort: 8080\n      volumes:\n      - name: v\n        configMap:\n          name: {app}\n",
            numbers.next() % 30,
            numbers.next() % 1000,
        ),
        1 => format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {app}\nspec:\n  selector: {{app: {app}}}\n  ports:\n  - port: 80\n    \
             targetPort: {}\n",
            8000 + numbers.next() % 100,
        ),
        2 => format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {app}\ndata:\n  k: \"{}\"\n  long: |\n    line one\n    line two {number}\n",
            numbers.next(),
        ),
        _ => format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {app}\n"),
    }
}
