//! Suite `cases/kustomize-build`: what Flux and its command line do around kustomize.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use flux_archive::{Matcher, ignore::read_patterns};
use flux_kustomize::flux::{self, Spec};
use flux_kustomize::{FileSystem as _, FsError, Options, RootedDir};
use serde_json::{Map, Value, json};

use super::{Case, Inputs, Verdict};

/// Fixtures: a folder of the case set, or the recorded one.
struct Fixtures {
    dir: PathBuf,
    recorded: Option<PathBuf>,
}

impl Fixtures {
    fn path(&self, name: &str) -> PathBuf {
        let name = name.trim_start_matches("./");
        let own = self.dir.join(name);
        match &self.recorded {
            Some(recorded) if !own.exists() => recorded.join(name),
            _ => own,
        }
    }

    fn text(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }
}

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let path = inputs.dir.join("cases.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let fixtures = Arc::new(Fixtures { dir: inputs.dir.clone(), recorded: inputs.recorded.clone() });
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| case(line, &fixtures)).collect()
}

fn case(line: &str, fixtures: &Arc<Fixtures>) -> Result<Case> {
    let row: Value = serde_json::from_str(line)?;
    let id = row["id"].as_str().context("a case has an id")?.to_owned();
    let fields = row["case"].as_object().context("a case has fields")?.clone();
    let fixtures = Arc::clone(fixtures);
    Ok(Case::new(id.clone(), move || {
        if let Some(marker) = fields.values().find_map(unknown_marker) {
            return Verdict::Skip(format!("holds {marker}"));
        }
        run(&id, &fields, &fixtures).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}")))
    }))
}

/// A marker that stands for something not in the data. Functions that check more, and constructors, are fine.
fn unknown_marker(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => {
            for name in ["$var", "$index", "$concat", "$sprintf", "$regex"] {
                if let Some(value) = map.get(name) {
                    return Some(format!("{name} {value}"));
                }
            }
            if let Some(call) = map.get("$call").and_then(Value::as_str)
                && !["filesys.MakeFsOnDisk", "t.TempDir", "Succeed", "HaveOccurred"].contains(&call)
            {
                return Some(format!("$call {call}"));
            }
            map.values().find_map(unknown_marker)
        }
        Value::Array(items) => items.iter().find_map(unknown_marker),
        _ => None,
    }
}

fn run(id: &str, fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let function = id.rsplit('/').nth(1).unwrap_or_default();
    match function {
        "TestKustomizationGenerator" => generator(fields, fixtures),
        "Test_Components" => components(fields, fixtures),
        "Test_Images" => images(fields),
        "Test_IsLocalRelativePath" => {
            let expected = fields.get("expected").and_then(Value::as_bool).unwrap_or_default();
            Ok(Verdict::same(&expected, &flux::is_local_relative_path(text(fields, "path"))))
        }
        "Test_IgnoreMissingComponents" => missing_components(fields),
        "TestGenerateManifest" => manifest(fields, fixtures),
        "TestKustomizationGenerator_WithSourceIgnore" => source_ignore(fields, fixtures),
        "TestKustomizationGenerator_WithRemoteResource" => remote_resource(fields, fixtures),
        "TestScanManifests" | "TestScanManifests_WithIgnorePatterns" => scan(fields, fixtures),
        "Test_isSecurePath" => secure_path(fields),
        "TestTrimSopsData" => trim_sops(fields),
        "Test_unMarshallKustomization" => find_unit(fields, fixtures),
        "Test_ResolveKustomization" => resolve(fields, fixtures),
        "Test_isKustomization" => {
            let object = plain(&fields["object"]);
            let expected = fields.get("expected").and_then(Value::as_bool).unwrap_or_default();
            Ok(Verdict::same(&expected, &flux::is_unit(object.get("object").unwrap_or(&object))))
        }
        "Test_kustomizationsEqual" => {
            let expected = fields.get("expected").and_then(Value::as_bool).unwrap_or_default();
            let (a, b) = (plain(&fields["kustomization1"]), plain(&fields["kustomization2"]));
            Ok(Verdict::same(&expected, &flux::same_unit(&a, &b)))
        }
        "Test_kustomizationPath" => unit_path(fields),
        "Test_Build_substituteStrategy" => substitute(fields, fixtures),
        other => bail!("unknown test `{other}`"),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn strings(fields: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = fields.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A Go structure as the JSON it stands for.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter().filter(|(name, _)| *name != "$type");
            Value::Object(fields.map(|(name, value)| (json_name(name), plain(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn json_name(name: &str) -> String {
    match name {
        "ObjectMeta" => "metadata".into(),
        "ID" => "id".into(),
        _ => {
            let mut chars = name.chars();
            chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    }
}

/// A copy of a fixture folder, for cases that write beside it upstream.
struct Copied {
    root: PathBuf,
    _keep: tempfile::TempDir,
}

fn copied(source: Option<&Path>) -> Result<Copied> {
    let keep = tempfile::tempdir()?;
    let root = fs::canonicalize(keep.path())?;
    if let Some(source) = source {
        copy(source, &root)?;
    }
    Ok(Copied { root, _keep: keep })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn yaml(text: &str) -> Result<Value> {
    Ok(flux_yaml::yaml_to_json(text)?)
}

fn spec_of(fixtures: &Fixtures, file: &str) -> Result<Spec> {
    Ok(Spec::from_object(&yaml(&fixtures.text(file)?)?)?)
}

fn prepared(dir: &Path, spec: &Spec, ignore: Option<flux::Ignore<'_>>) -> Result<(flux::Prepared, Value)> {
    let fs = RootedDir::new(dir)?;
    let prepared = flux::prepare(&fs, fs.root(), spec, ignore)?;
    let value = yaml(std::str::from_utf8(&prepared.content)?)?;
    Ok((prepared, value))
}

fn built(
    root: &Path,
    dir: &Path,
    spec: &Spec,
    ignore: Option<flux::Ignore<'_>>,
) -> Result<String, flux_kustomize::Error> {
    let fs = RootedDir::new(root)?;
    flux::build(&fs, dir, spec, ignore, &Options::default())?.to_yaml()
}

fn generator(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let source = fixtures.path("testdata/resources");
    let copy = copied(Some(&source))?;
    let spec = spec_of(fixtures, "testdata/kustomization.yaml")?;
    let root = if flag(fields, "secured") { copy.root.clone() } else { PathBuf::from("/") };
    let output = built(&root, &copy.root, &spec, None)?;
    Ok(Verdict::same_text(&fixtures.text("testdata/kustomization_expected.yaml")?, &output))
}

fn components(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let dir = text(fields, "dir");
    let source = (!dir.is_empty()).then(|| fixtures.path(&format!("testdata/{dir}")));
    let copy = copied(source.as_deref())?;
    let spec = Spec { components: strings(fields, "fluxComponents"), ..Spec::default() };
    let (_, value) = prepared(&copy.root, &spec, None)?;
    let expected = fields.get("expectedComponents").cloned().unwrap_or_default();
    Ok(Verdict::same(&expected, &value.get("components").cloned().unwrap_or_default()))
}

fn images(fields: &Map<String, Value>) -> Result<Verdict> {
    let list = |name: &str| plain(fields.get(name).unwrap_or(&Value::Null));
    let name = fields["fluxImages"][0]["Name"].as_str().context("an image has a name")?;
    let copy = copied(None)?;
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
        "spec": {"selector": {"matchLabels": {"app": "app"}}, "template": {
            "metadata": {"labels": {"app": "app"}},
            "spec": {"containers": [{"name": "app", "image": name}]},
        }},
    });
    fs::write(copy.root.join("deployment.yaml"), flux_yaml::emit_v2(&deployment))?;
    let mut kustomization = json!({"resources": ["deployment.yaml"]});
    if fields.contains_key("existingImages") {
        kustomization["images"] = list("existingImages");
    }
    fs::write(copy.root.join("kustomization.yaml"), flux_yaml::emit_v2(&kustomization))?;
    let spec = Spec::from_object(&json!({"spec": {"images": list("fluxImages")}}))?;
    let (_, value) = prepared(&copy.root, &spec, None)?;
    if value["images"] != list("expectedImages") {
        return Ok(Verdict::same(&list("expectedImages"), &value["images"]));
    }
    let output = yaml(&built(&copy.root, &copy.root, &spec, None)?)?;
    let image = &output["spec"]["template"]["spec"]["containers"][0]["image"];
    Ok(Verdict::same(&fields["expectedImage"], image))
}

fn missing_components(fields: &Map<String, Value>) -> Result<Verdict> {
    let copy = copied(None)?;
    let existing = copy.root.join("existing-component");
    let overlay = copy.root.join("overlay");
    fs::create_dir_all(&existing)?;
    fs::create_dir_all(&overlay)?;
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: []\n";
    fs::write(existing.join("kustomization.yaml"), component)?;
    let beside = |list: Vec<String>| list.into_iter().map(|name| format!("../{name}")).collect::<Vec<_>>();
    let spec = Spec {
        components: beside(strings(fields, "components")),
        ignore_missing_components: flag(fields, "ignoreMissingComponents"),
        ..Spec::default()
    };
    let fs = RootedDir::new(&copy.root)?;
    let prepared = flux::prepare(&fs, &overlay, &spec, None)?;
    let value = yaml(std::str::from_utf8(&prepared.content)?)?;
    let expected = match fields.get("expectedComponents").filter(|list| !list.is_null()) {
        Some(_) => json!(beside(strings(fields, "expectedComponents"))),
        None => Value::Null,
    };
    let found = value.get("components").cloned().unwrap_or_default();
    if found != expected {
        return Ok(Verdict::same(&expected, &found));
    }
    Ok(match (built(&copy.root, &overlay, &spec, None), flag(fields, "expectError")) {
        (Ok(_), false) => Verdict::Pass,
        (Err(error), true) if error.to_string().contains("missing-component") => Verdict::Pass,
        (Ok(_), true) => Verdict::Fail("expected an error".into()),
        (Err(error), _) => Verdict::Fail(format!("failed: {error}")),
    })
}

fn manifest(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let source = text(fields, "sourceDir");
    let source = (!source.is_empty()).then(|| fixtures.path(source));
    let copy = copied(source.as_deref())?;
    let spec = spec_of(fixtures, text(fields, "ksFile"))?;
    let (prepared, _) = prepared(&copy.root, &spec, None)?;
    if !prepared.path.starts_with(&copy.root) || prepared.content.is_empty() {
        return Ok(Verdict::Fail(format!("the manifest is for {}", prepared.path.display())));
    }
    let action = if prepared.created { "created" } else { "unchanged" };
    Ok(Verdict::same(&text(fields, "expectedAction"), &action))
}

/// The rules of a tree's `.sourceignore` files and of `extra`, after the defaults.
fn matcher(dir: &Path, extra: &str) -> Result<Matcher> {
    let mut patterns = Vec::new();
    collect_patterns(dir, &mut Vec::new(), &mut patterns)?;
    patterns.extend(read_patterns(extra, &[]));
    Ok(Matcher::with_defaults(patterns, &[]))
}

fn collect_patterns(
    dir: &Path,
    domain: &mut Vec<String>,
    patterns: &mut Vec<flux_archive::ignore::Pattern>,
) -> Result<()> {
    let file = dir.join(".sourceignore");
    if file.is_file() {
        let domain: Vec<&str> = domain.iter().map(String::as_str).collect();
        patterns.extend(read_patterns(&fs::read_to_string(file)?, &domain));
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            domain.push(entry.file_name().to_string_lossy().into_owned());
            collect_patterns(&entry.path(), domain, patterns)?;
            domain.pop();
        }
    }
    Ok(())
}

/// Calls `work` with the rules for a folder.
fn with_ignore<T>(dir: &Path, extra: &str, work: impl FnOnce(flux::Ignore<'_>) -> Result<T>) -> Result<T> {
    let matcher = matcher(dir, extra)?;
    let ignore = |path: &Path, is_dir: bool| {
        let below = path.strip_prefix(dir).unwrap_or(path);
        let parts: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();
        matcher.matches(&parts, is_dir)
    };
    work(&ignore)
}

fn source_ignore(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let copy = copied(Some(&fixtures.path("testdata/resources")))?;
    let spec = spec_of(fixtures, "testdata/kustomization.yaml")?;
    let extra = text(fields, "ignore");
    let output = with_ignore(&copy.root, extra, |ignore| Ok(built(&copy.root, &copy.root, &spec, Some(ignore))?))?;
    let expected = match extra.is_empty() {
        true => String::new(),
        false => fixtures.text("testdata/kustomization_with_ignore_expected.yaml")?,
    };
    Ok(Verdict::same_text(&expected, &output))
}

fn remote_resource(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let copy = copied(Some(&fixtures.path("testdata/remote")))?;
    let spec = spec_of(fixtures, "testdata/kustomization.yaml")?;
    let extra = text(fields, "ignore");
    let (_, value) = with_ignore(&copy.root, extra, |ignore| prepared(&copy.root, &spec, Some(ignore)))?;
    Ok(Verdict::same(&fields["expected"], &value["resources"]))
}

fn scan(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let base = text(fields, "base");
    let copy = copied((!base.is_empty()).then(|| fixtures.path(base)).as_deref())?;
    let fs = RootedDir::new(&copy.root)?;
    let patterns = text(fields, "ignorePatterns");
    let found = match patterns.is_empty() {
        true => flux::scan(&fs, &copy.root, None),
        false => with_ignore(&copy.root, patterns, |ignore| Ok(flux::scan(&fs, &copy.root, Some(ignore))))?,
    };
    let base = base.trim_start_matches("./");
    Ok(match (found, flag(fields, "wantErr")) {
        (Err(_), true) => Verdict::Pass,
        (Err(error), false) => Verdict::Fail(format!("failed: {error}")),
        (Ok(_), true) => Verdict::Fail("expected an error".into()),
        (Ok(found), false) => {
            let relative = |path: &PathBuf| Ok(format!("{base}/{}", path.strip_prefix(&copy.root)?.display()));
            let found = found.iter().map(relative).collect::<Result<Vec<_>>>()?;
            let mut expected = strings(fields, "wantPaths");
            expected.sort();
            Verdict::same(&expected, &found)
        }
    })
}

fn secure_path(fields: &Map<String, Value>) -> Result<Verdict> {
    let copy = copied(None)?;
    let rooted = |text: &str| PathBuf::from(text.replace("<root>", &copy.root.display().to_string()));
    let root = copy.root.join(text(fields, "rootSuffix"));
    fs::create_dir_all(&root)?;
    for file in fields.get("files").and_then(Value::as_array).into_iter().flatten() {
        let name = file["name"].as_str().context("a file has a name")?;
        let place = copy.root.join(name);
        fs::create_dir_all(place.parent().context("a file lies in a folder")?)?;
        match file["symlink"].as_str() {
            Some(target) => symlink(rooted(target), &place)?,
            None => fs::write(&place, format!("{name} data"))?,
        }
    }
    let fs = RootedDir::new(&root)?;
    let refused = matches!(fs.read(&rooted(text(fields, "path"))), Err(FsError::OutsideRoot { .. }));
    let expected = fields["wantErr"]["$call"] == "HaveOccurred";
    Ok(Verdict::same(&expected, &refused))
}

fn trim_sops(fields: &Map<String, Value>) -> Result<Verdict> {
    let mut object = yaml(text(fields, "yamlStr"))?;
    flux::mask_encrypted(&mut object)?;
    Ok(Verdict::same_text(text(fields, "expected"), &flux_yaml::emit_v2(&object)))
}

/// Command-line fixtures lie in a folder of their own.
fn command_line(file: &str) -> String {
    file.trim_start_matches("./").replacen("testdata/", "cli-build-testdata/", 1)
}

fn find_unit(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let file = text(fields, "localKsFile");
    let content = fixtures.text(&command_line(file))?;
    Ok(match (flux::find_unit(&content, Path::new(file), "podinfo", "flux-system"), flag(fields, "wantErr")) {
        (Ok(unit), false) => Verdict::same(&json!("podinfo"), &unit["metadata"]["name"]),
        (Err(error), true) if error.to_string().contains(text(fields, "errString")) => Verdict::Pass,
        (Ok(_), true) => Verdict::Fail("expected an error".into()),
        (Err(error), _) => Verdict::Fail(format!("failed: {error}")),
    })
}

fn resolve(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let file = text(fields, "localKsFile");
    let local = match file.is_empty() {
        true => None,
        false => {
            let content = fixtures.text(&command_line(file))?;
            Some(flux::find_unit(&content, Path::new(file), "podinfo", "flux-system")?)
        }
    };
    let live = fields.get("liveKustomization").filter(|live| !live.is_null()).map(plain);
    let dry_run = flag(fields, "dryrun");
    let unit = flux::resolve_unit(local.clone(), live.as_ref(), dry_run).context("there is a unit")?;
    Ok(match (&local, &live) {
        _ if dry_run => Verdict::same(&None, &unit.pointer("/status/inventory")),
        (None, live) => Verdict::same(live, &Some(unit)),
        (Some(_), Some(live)) => Verdict::same(&live["status"], &unit["status"]),
        (Some(_), None) => Verdict::Pass,
    })
}

fn unit_path(fields: &Map<String, Value>) -> Result<Verdict> {
    let sources: BTreeMap<String, PathBuf> =
        [("GitRepository/flux-system/my-repo".to_owned(), PathBuf::from("./path/to/local/git"))].into();
    let unit = plain(&fields["kustomization"]);
    Ok(match (flux::local_path(&unit, &sources), flag(fields, "wantErr")) {
        (Ok(path), false) => Verdict::same(&text(fields, "expected"), &&*path.display().to_string()),
        (Err(error), true) if error.to_string().contains(text(fields, "errString")) => Verdict::Pass,
        (Ok(_), true) => Verdict::Fail("expected an error".into()),
        (Err(error), _) => Verdict::Fail(format!("failed: {error}")),
    })
}

fn substitute(fields: &Map<String, Value>, fixtures: &Fixtures) -> Result<Verdict> {
    let unit = yaml(&fixtures.text(&command_line(text(fields, "ksFile")))?)?;
    let dir = fixtures.path("cli-build-testdata/substitute-strategy/resources");
    let fs = RootedDir::new(&dir)?;
    let mut output = flux::build(&fs, fs.root(), &Spec::from_object(&unit)?, None, &Options::default())?.to_yaml()?;
    if unit["spec"]["postBuild"]["substituteStrategy"] == "Always" {
        output = flux_envsubst::eval(&output, &|_| None, false)?;
    }
    let object = yaml(&output)?;
    let expected = json!([text(fields, "wantColor"), text(fields, "wantShape")]);
    Ok(Verdict::same(&expected, &json!([object["data"]["color"], object["data"]["shape"]])))
}
