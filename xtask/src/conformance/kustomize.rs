//! The kustomize corpus: whole builds, single plugins, filters and merges, and real repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use flux_kustomize::{
    Error, FileSystem, LoadRestrictions, MemoryFs, Objects, Options, Reorder, RootedDir, build,
    parts::{self, MergeOptions},
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Case, Inputs, Verdict};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    kind: String,
    #[serde(default)]
    filesystem: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    empty_dirs: Vec<String>,
    #[serde(default)]
    options: Choices,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    merge: MergeChoices,
    expect: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_at: String,
    error_stable: Option<bool>,
    #[serde(default)]
    pinned: String,
    #[serde(default)]
    pinned_error: String,
    #[serde(default)]
    as_build: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Choices {
    load_restrictions: String,
    reorder: String,
    add_managed_by_label: bool,
    kustomize_version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MergeChoices {
    infer_associative_lists: bool,
    list_increase_direction: Value,
}

#[derive(Deserialize)]
struct Repository {
    builds: Vec<RealBuild>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RealBuild {
    dir: String,
    #[serde(default)]
    load_restrictions: String,
    #[serde(default)]
    reorder: String,
    expected: String,
    expected_legacy_order: Option<String>,
    #[serde(default)]
    legacy_order_same: bool,
}

/// Reads every folder with a `case.yaml`, and every repository.
pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for folder in folders(&inputs.dir)? {
        let family = name_of(&folder);
        for place in folders(&folder)? {
            if place.join("case.yaml").is_file() {
                cases.push(recorded(&family, place));
            } else if place.join("builds.yaml").is_file() {
                repository(&family, &place, &mut cases)?;
            }
        }
    }
    Ok(cases)
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let value = flux_yaml::yaml_to_json(&text).with_context(|| format!("parse {}", path.display()))?;
    serde_json::from_value(value).with_context(|| format!("read {}", path.display()))
}

fn judged(result: Result<Verdict>) -> Verdict {
    result.unwrap_or_else(|error| Verdict::Fail(format!("the case cannot be run: {error:#}")))
}

fn recorded(family: &str, place: PathBuf) -> Case {
    Case::new(format!("{family}/{}", name_of(&place)), move || judged(run(&place)))
}

fn run(place: &Path) -> Result<Verdict> {
    let case: Recorded = read_yaml(&place.join("case.yaml"))?;
    match case.kind.as_str() {
        "build" => run_build(&case, place),
        "transformer" | "generator" => run_plugin(&case, place),
        "filter" => {
            let (config, resources) = (text(place, "config.yaml")?, text(place, "resources.yaml")?);
            Ok(compare_data(&case, place, parts::filter(&case.filter, &config, &resources)))
        }
        "merge" => run_merge(&case, place),
        other => anyhow::bail!("unknown kind `{other}`"),
    }
}

fn text(place: &Path, name: &str) -> Result<String> {
    let path = place.join(name);
    match path.is_file() {
        true => Ok(String::from_utf8(fs::read(&path)?).with_context(|| format!("read {}", path.display()))?),
        false => Ok(String::new()),
    }
}

/// The file system of a case: the folder that `{{ROOT}}` stands for, and what keeps it.
struct World {
    fs: Arc<dyn FileSystem>,
    root: PathBuf,
    _keep: Option<tempfile::TempDir>,
}

fn world(case: &Recorded, place: &Path) -> Result<World> {
    let input = place.join("input");
    let mut files = Vec::new();
    if input.is_dir() {
        collect(&input, Path::new(""), &mut files)?;
    }
    if case.filesystem != "disk" {
        let mut memory = MemoryFs::new();
        for (path, content) in files {
            memory.insert(Path::new("/").join(path), content);
        }
        case.empty_dirs.iter().for_each(|dir| memory.create_dir(dir));
        return Ok(World { fs: Arc::new(memory), root: PathBuf::from("/"), _keep: None });
    }
    let keep = tempfile::tempdir()?;
    let root = fs::canonicalize(keep.path())?;
    for (path, content) in files {
        let target = root.join(path);
        fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
        let content = match String::from_utf8(content) {
            Ok(text) => text.replace("{{ROOT}}", &root.display().to_string()).into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        fs::write(target, content)?;
    }
    for dir in &case.empty_dirs {
        fs::create_dir_all(root.join(dir.trim_start_matches('/')))?;
    }
    Ok(World { fs: Arc::new(RootedDir::new(&root)?), root, _keep: Some(keep) })
}

fn collect(dir: &Path, below: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.push((path, fs::read(entry.path())?));
        }
    }
    Ok(())
}

fn options<'a>(choices: &'a Choices) -> Options<'a> {
    Options {
        load_restrictions: match choices.load_restrictions.as_str() {
            "none" => LoadRestrictions::None,
            _ => LoadRestrictions::RootOnly,
        },
        reorder: match choices.reorder.as_str() {
            "legacy" => Reorder::Legacy,
            "unspecified" => Reorder::Unspecified,
            _ => Reorder::None,
        },
        add_managed_by_label: choices.add_managed_by_label,
        version: choices.kustomize_version.as_deref(),
        ..Options::default()
    }
}

fn run_build(case: &Recorded, place: &Path) -> Result<Verdict> {
    let world = world(case, place)?;
    let path = match case.filesystem == "disk" {
        true => world.root.join(case.path.trim_start_matches('/')),
        false => PathBuf::from(&case.path),
    };
    let built = build(world.fs.as_ref(), &path, &options(&case.options));
    let answer = answer(built, &case.error_at);
    judge(case, place, &world.root, answer)
}

/// The printed result, or the error, told apart from one at the wrong time.
fn answer(built: Result<Objects, Error>, error_at: &str) -> Result<String, String> {
    let objects = built.map_err(|error| match error_at {
        "serialize" => format!("failed before printing: {error}"),
        _ => error.to_string(),
    })?;
    objects.to_yaml().map_err(|error| match error_at {
        "serialize" => error.to_string(),
        "" => error.to_string(),
        _ => format!("failed while printing: {error}"),
    })
}

/// Compares with what either version of the original answered.
fn judge(case: &Recorded, place: &Path, root: &Path, answer: Result<String, String>) -> Result<Verdict> {
    let rooted = |text: String| text.replace("{{ROOT}}", &root.display().to_string());
    let mut outputs = Vec::new();
    let mut errors = Vec::new();
    match case.pinned.as_str() {
        "output" => outputs.push(rooted(text(place, "expected.pinned.yaml")?)),
        "error" => errors.push(rooted(case.pinned_error.clone())),
        _ => {}
    }
    match case.expect.as_str() {
        "error" => errors.push(rooted(case.error.clone())),
        _ => outputs.push(rooted(text(place, "expected.yaml")?)),
    }
    Ok(match answer {
        Ok(output) if outputs.contains(&output) => Verdict::Pass,
        Ok(output) => match outputs.first() {
            Some(expected) => Verdict::same_text(expected, &output),
            None => Verdict::Fail(format!("expected the error {:?}, got {} bytes", errors[0], output.len())),
        },
        Err(error) if errors.contains(&error) => Verdict::Pass,
        Err(_) if case.error_stable == Some(false) && case.expect == "error" => Verdict::Pass,
        Err(error) => match errors.first() {
            Some(expected) => Verdict::same(expected, &error),
            None => Verdict::Fail(format!("failed: {error}")),
        },
    })
}

fn run_plugin(case: &Recorded, place: &Path) -> Result<Verdict> {
    let world = world(case, place)?;
    let (config, resources) = (text(place, "config.yaml")?, text(place, "resources.yaml")?);
    let path = Path::new(&case.path);
    let generator = case.kind == "generator";
    let made = match generator {
        true => parts::generate(world.fs.as_ref(), path, &config),
        false => parts::transform(world.fs.as_ref(), path, &config, &resources),
    };
    let verdict = judge(case, place, &world.root, answer(made, &case.error_at))?;
    if case.as_build != "same" || !matches!(verdict, Verdict::Pass) {
        return Ok(verdict);
    }
    let mut overlay = flux_kustomize::Overlay::new(world.fs.as_ref());
    let kustomization = match generator {
        true => "generators: [config.yaml]\n",
        false => "resources: [resources.yaml]\ntransformers: [config.yaml]\n",
    };
    for (name, content) in
        [("kustomization.yaml", kustomization), ("config.yaml", &config), ("resources.yaml", &resources)]
    {
        overlay.insert(path.join(name), content.as_bytes().to_vec());
    }
    let choices = Choices { load_restrictions: "rootOnly".into(), ..Choices::default() };
    let built = build(&overlay, path, &options(&choices));
    Ok(match judge(case, place, &world.root, answer(built, &case.error_at))? {
        Verdict::Fail(why) => Verdict::Fail(format!("as a build: {why}")),
        other => other,
    })
}

fn run_merge(case: &Recorded, place: &Path) -> Result<Verdict> {
    let direction = &case.merge.list_increase_direction;
    let options = MergeOptions {
        infer_associative_lists: case.merge.infer_associative_lists,
        prepend: direction == "1" || direction == 1,
    };
    let merged = parts::merge(&text(place, "target.yaml")?, &text(place, "patch.yaml")?, options);
    Ok(compare_data(case, place, merged.map(|node| node.into_iter().collect())))
}

/// Compares documents as data.
fn compare_data(case: &Recorded, place: &Path, answer: Result<Vec<flux_yaml::Node>, Error>) -> Verdict {
    if case.expect == "error" {
        return match answer {
            Err(_) if case.error_stable == Some(false) => Verdict::Pass,
            Err(error) => Verdict::same(&case.error, &error.to_string()),
            Ok(_) => Verdict::Fail(format!("expected the error {:?}", case.error)),
        };
    }
    let nodes = match answer {
        Ok(nodes) => nodes,
        Err(error) => return Verdict::Fail(format!("failed: {error}")),
    };
    judged((|| {
        let expected = text(place, "expected.yaml")?;
        let expected = flux_yaml::parse(&expected, &flux_yaml::ParseOptions::default())?;
        let expected = values(&expected)?;
        let actual = values(&nodes)?;
        Ok(Verdict::same_text(&print(&expected), &print(&actual)))
    })())
}

fn values(nodes: &[flux_yaml::Node]) -> Result<Vec<Value>> {
    let values = nodes.iter().map(|node| Ok(flux_yaml::to_json(node, flux_yaml::Schema::Yaml11)?));
    let values: Result<Vec<Value>> = values.collect();
    Ok(values?.into_iter().filter(|value| !value.is_null()).collect())
}

fn print(values: &[Value]) -> String {
    values.iter().map(flux_yaml::emit_v2).collect::<Vec<_>>().join("---\n")
}

fn repository(family: &str, place: &Path, cases: &mut Vec<Case>) -> Result<()> {
    let recorded: Repository = read_yaml(&place.join("builds.yaml"))?;
    for one in recorded.builds {
        let place = place.to_owned();
        let name = format!("{family}/{}/{}", name_of(&place), one.dir);
        cases.push(Case::new(name, move || judged(run_real(&one, &place))));
    }
    Ok(())
}

fn run_real(one: &RealBuild, place: &Path) -> Result<Verdict> {
    let fs = RootedDir::new(place.join("tree"))?;
    let path = fs.root().join(&one.dir);
    let choices = Choices {
        load_restrictions: one.load_restrictions.clone(),
        reorder: one.reorder.clone(),
        ..Choices::default()
    };
    let run = |reorder: &str, expected: &str| -> Result<Verdict> {
        let choices = Choices { reorder: reorder.into(), ..choices.clone() };
        let answer = build(&fs, &path, &options(&choices)).and_then(|objects| objects.to_yaml());
        let expected = fs::read_to_string(place.join(expected))?;
        Ok(match answer {
            Ok(output) => Verdict::same_text(&expected, &output),
            Err(error) => Verdict::Fail(format!("failed: {error}")),
        })
    };
    let verdict = run(&one.reorder, &one.expected)?;
    let legacy = match (&one.expected_legacy_order, one.legacy_order_same) {
        (Some(expected), _) => expected,
        (None, true) => &one.expected,
        (None, false) => return Ok(verdict),
    };
    match (verdict, run("legacy", legacy)?) {
        (Verdict::Pass, Verdict::Fail(why)) => Ok(Verdict::Fail(format!("in the legacy order: {why}"))),
        (verdict, _) => Ok(verdict),
    }
}
