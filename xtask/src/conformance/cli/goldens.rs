//! Goldens: arguments, what is in the cluster before, and what must be printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::cluster::Cluster;
use super::{Case, Inputs, Ran, Verdict, run, words};

/// What all cases share.
struct Suite {
    /// The folder with `testdata`, in which commands run.
    folder: PathBuf,
    binary: PathBuf,
    /// Keeps a merged folder until all cases ran.
    _merged: Option<tempfile::TempDir>,
}

pub fn load(index: &Path, inputs: &Inputs, binary: &Path) -> Result<Vec<Case>> {
    let text = fs::read_to_string(index).with_context(|| format!("read {}", index.display()))?;
    let own = index.parent().context("an index lies in a folder")?;
    let recorded = inputs.recorded.as_ref().map(|recorded| recorded.join("golden"));
    let (folder, merged) = match recorded.filter(|recorded| recorded.is_dir() && recorded != own) {
        // Another folder of cases has its expectations; inputs that it lacks are the recorded ones.
        Some(recorded) => {
            let merged = tempfile::tempdir()?;
            copy_tree(&recorded, merged.path())?;
            copy_tree(own, merged.path())?;
            (merged.path().to_owned(), Some(merged))
        }
        None => (own.to_owned(), None),
    };
    let suite = Arc::new(Suite { folder, binary: binary.to_owned(), _merged: merged });
    let mut cases = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line)?;
        let id = row["id"].as_str().context("a golden has an id")?.to_owned();
        let suite = Arc::clone(&suite);
        cases.push(Case::new(format!("golden/{id}"), move || match suite.judge(&row) {
            Ok(verdict) => verdict,
            Err(error) => Verdict::Fail(format!("{error:#}")),
        }));
    }
    Ok(cases)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl Suite {
    fn judge(&self, row: &Value) -> Result<Verdict> {
        let unknown = || Ok(Verdict::Fail("needs a run-time value of the test".into()));
        let Some(arguments) = row["args"].as_str() else { return unknown() };
        let scratch = tempfile::tempdir()?;
        let arguments = self.with_run_time_values(arguments, row, scratch.path())?;
        if arguments.contains("{{var:") || arguments.contains("'call'") {
            return unknown();
        }
        let makes_objects = row["cluster_objects"].as_array().is_some_and(|objects| !objects.is_empty());
        let alone = row.pointer("/upstream_run_without_cluster/matches") == Some(&Value::Bool(true)) && !makes_objects;
        // Of the sequences, `check --pre` alone asks only for the version of the API server.
        if row["e2e_sequence"] == true && !alone && arguments != "check --pre" {
            return Ok(Verdict::Fail("needs running controllers and servers of the Internet".into()));
        }
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in row["env"].as_object().into_iter().flatten() {
            environment.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
        }
        let cluster = if alone { None } else { Some(Cluster::start(&self.folder, row, scratch.path())?) };
        if let Some(cluster) = &cluster {
            environment.insert("KUBECONFIG".into(), cluster.kubeconfig().display().to_string());
        }
        let input = row["stdin_file"].as_str().map(|name| self.folder.join(name));
        let own = value_of(&row["template_values"]["ns"]);
        let arguments = words::split(&plain(&arguments.replace("{{ns}}", &own)));
        let got = run(&self.binary, &arguments, &self.folder, &environment, input.as_deref())?;
        self.compare(&row["assert"], &got)
    }

    /// The two run-time values that say what they are: the folder of a build, and a file with the unit itself.
    fn with_run_time_values(&self, arguments: &str, row: &Value, scratch: &Path) -> Result<String> {
        let folder = self.folder.join("testdata/build-kustomization/podinfo");
        let mut text = arguments.replace("{{var:absTestDataPath}}", &folder.display().to_string());
        let call = "{'call': 'filepath.Join', 'args': [{'call': 't.TempDir', 'args': []}, '";
        if let Some(start) = text.find(call)
            && let Some(length) = text[start..].find("']}")
        {
            let unit = row["cluster_objects"][0].as_str().context("the unit is in the cluster too")?;
            let path = scratch.join("unit.yaml");
            fs::write(&path, super::cluster::rendered(&self.folder.join(unit), &row["template_values"])?)?;
            text.replace_range(start..start + length + "']}".len(), &path.display().to_string());
        }
        Ok(text)
    }

    fn compare(&self, assert: &Value, got: &Ran) -> Result<Verdict> {
        let text = || text_of(&assert["text"]);
        let error = got.stderr.rsplit_once("\u{2717} ").map_or("", |(_, text)| text).trim_end();
        Ok(match assert["kind"].as_str().unwrap_or_default() {
            "success" if got.exit == 0 => Verdict::Pass,
            "success" => Verdict::Fail(format!("exit {}: {}", got.exit, got.stderr.trim())),
            "error" => Verdict::same_text(text().trim_end(), error),
            "error_contains" if got.stderr.contains(&text()) => Verdict::Pass,
            "error_contains" => Verdict::Fail(format!("expected an error with {:?}, got {:?}", text(), got.stderr)),
            // The recorded program was built without a version.
            "value" => Verdict::same_text(&text().replace("v0.0.0-dev.0", "v2.9.4"), &got.both()),
            "golden" | "golden_template" => {
                let file = assert["file"].as_str().context("a golden names its file")?;
                let path = self.folder.join(file);
                let mut expected = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                for (name, value) in assert["values"].as_object().into_iter().flatten() {
                    let value = value_of(value);
                    expected = expected.replace(&format!("{{{{ .{name} }}}}"), &value);
                }
                // A comparison that finds something ends with a warning that upstream's tests do not see.
                let both = got.both();
                let shown = both.strip_prefix(CHANGED).unwrap_or(&both);
                Verdict::same_text(&expected, shown)
            }
            other => Verdict::Fail(format!("no way to judge `{other}`")),
        })
    }
}

const CHANGED: &str = "\u{26a0}\u{fe0f} identified at least one change, exiting with non-zero exit code\n";

/// `{{ns:base}}` becomes `base`: each test has a server of its own.
pub fn plain(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{ns") {
        let Some((name, next)) = after.split_once("}}") else { break };
        result.push_str(before);
        result.push_str(match name.strip_prefix(':') {
            Some(base) => base,
            None => "default-ns",
        });
        rest = next;
    }
    result.push_str(rest);
    result
}

/// What the embedded server calls itself.
const SERVER_VERSION: &str = "v1.36.3";

/// A value of a template; helpers make a time as Go prints it, or cut a prefix.
pub fn value_of(value: &Value) -> String {
    let argument = |n: usize| value["args"][n].as_str().unwrap_or_default();
    match value["call"].as_str() {
        Some("toLocalTime") => return format!("{} +0000 UTC", argument(1).trim_end_matches('Z').replace('T', " ")),
        Some("strings.TrimPrefix") => {
            let text = argument(0).replace("{{gitVersion}}", SERVER_VERSION);
            return text.strip_prefix(argument(1)).unwrap_or(&text).to_owned();
        }
        _ => {}
    }
    value.as_str().map(plain).unwrap_or_default()
}

/// A text, or a format with its arguments.
fn text_of(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return plain(text);
    }
    let mut text = value["sprintf"].as_str().unwrap_or_default().to_owned();
    for argument in value["args"].as_array().into_iter().flatten() {
        text = text.replacen("%s", &plain(argument.as_str().unwrap_or_default()), 1);
    }
    text
}
