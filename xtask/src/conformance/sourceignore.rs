//! Suite `cases/sourceignore`: rules for what an artifact or a chart leaves out.

use std::fs;
use std::path::Path;

use anyhow::Result;
use flux_archive::helmignore::HelmIgnore;
use flux_archive::ignore::{load_patterns, read_patterns};
use flux_archive::{Limits, Matcher, Pattern, write_tar_gz};
use serde_json::Value;

use super::table::{self, Row, call, texts};
use super::{Case, Inputs, Verdict};

/// Calls whose arguments are all there is to them.
const CONSTRUCTORS: &[&str] = &["gitignore.ParsePattern", "SourceIgnoreFilter"];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, judge)
}

fn judge(row: &Row) -> Verdict {
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return skip;
    }
    match row.test.as_str() {
        "TestReadPatterns" => paths(row, &Matcher::new(read_patterns(row.text("ignore"), &domain(&row.fields)))),
        "TestVCSPatterns" | "TestDefaultPatterns" => {
            paths(row, &Matcher::with_defaults(patterns(&row.fields["patterns"]), &domain(&row.fields)))
        }
        "TestReadIgnoreFile" | "TestLoadExcludePatterns" => file(row),
        "TestIgnore" => helm(row),
        "TestStorage_Archive" => archive(row).unwrap_or_else(|error| Verdict::Fail(format!("{error:#}"))),
        other => Verdict::Fail(format!("no judge for {other}")),
    }
}

fn domain(fields: &Value) -> Vec<&str> {
    table::list(&fields["domain"]).iter().filter_map(Value::as_str).collect()
}

fn patterns(value: &Value) -> Vec<Pattern> {
    table::list(value).iter().filter_map(pattern).collect()
}

/// `gitignore.ParsePattern(text, domain)`.
fn pattern(value: &Value) -> Option<Pattern> {
    let (_, arguments) = call(value)?;
    let domain = arguments.get(1).map(texts).unwrap_or_default();
    let domain: Vec<&str> = domain.iter().map(String::as_str).collect();
    Some(Pattern::parse(arguments.first()?.as_str()?, &domain))
}

fn paths(row: &Row, matcher: &Matcher) -> Verdict {
    for (field, expected) in [("matches", true), ("mismatches", false)] {
        for path in row.texts(field) {
            if matcher.excludes(&path, false) != expected {
                return Verdict::Fail(format!("{path}: expected excluded = {expected}"));
            }
        }
    }
    Verdict::Pass
}

/// Patterns of a rule file, or of all below a directory; a missing file has none.
fn file(row: &Row) -> Verdict {
    let (path, dir) = (row.text("path"), row.text("dir"));
    let domain = domain(&row.fields);
    let read = if dir.is_empty() {
        Ok(fs::read_to_string(path).map(|text| read_patterns(&text, &domain)).unwrap_or_default())
    } else {
        load_patterns(Path::new(dir), &domain)
    };
    match read {
        Ok(read) => Verdict::same(&patterns(&row.fields["want"]), &read),
        Err(error) => Verdict::Fail(error.to_string()),
    }
}

/// The paths lie in a fixture where names without a dot are directories.
fn helm(row: &Row) -> Verdict {
    let name = row.text("name");
    let base = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_dir = name.ends_with('/') || !base.contains('.') || base == ".";
    match HelmIgnore::parse(row.text("pattern")) {
        Ok(rules) => Verdict::same(&row.flag("expect"), &rules.ignores(name, is_dir)),
        Err(error) => Verdict::Fail(error.to_string()),
    }
}

fn archive(row: &Row) -> Result<Verdict> {
    let dir = tempfile::tempdir()?;
    for (name, file) in row.fields["files"].as_object().into_iter().flatten() {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(dir.path()))?;
        fs::write(&path, file["content"].as_str().unwrap_or_default())?;
        if let Some(mode) = file["mode"].as_u64() {
            set_mode(&path, u32::try_from(mode)?)?;
        }
    }
    let matcher = call(&row.fields["filter"]).map(|(_, arguments)| {
        let rules = arguments.first().map(patterns).unwrap_or_default();
        Matcher::for_source(rules, &[])
    });
    let written = write_tar_gz(dir.path(), matcher.as_ref(), Vec::new(), Limits::default());
    let bytes = match (written, row.flag("wantErr")) {
        (Ok(bytes), false) => bytes,
        (Err(_), true) => return Ok(Verdict::Pass),
        (Ok(_), true) => return Ok(Verdict::Fail("expected an error".into())),
        (Err(error), false) => return Ok(Verdict::Fail(format!("unexpected error: {error}"))),
    };
    let mut found = std::collections::BTreeMap::new();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    for entry in tar.entries()? {
        let entry = entry?;
        let header = entry.header();
        let is_dir = header.entry_type().is_dir();
        found.insert((entry.path()?.display().to_string(), is_dir), (header.size()?, header.mode()?));
    }
    for (name, file) in row.fields["want"].as_object().into_iter().flatten() {
        let (name, wanted) = name.strip_prefix('!').map_or((name.as_str(), true), |name| (name, false));
        let size = file["content"].as_str().unwrap_or_default().len() as u64;
        let mode = file["mode"].as_u64().map_or(Ok(0o600), u32::try_from)?;
        let expected = wanted.then_some((size, mode));
        let got = found.get(&(name.to_owned(), false)).copied();
        if got != expected {
            return Ok(Verdict::Fail(format!("{name}: expected {expected:?}, got {got:?}")));
        }
    }
    for name in row.texts("wantDirs") {
        let (name, wanted) = name.strip_prefix('!').map_or((name.as_str(), true), |name| (name, false));
        let got = found.get(&(name.to_owned(), true)).map(|(_, mode)| *mode);
        if got != wanted.then_some(0o750) {
            return Ok(Verdict::Fail(format!("directory {name}: got {got:?}")));
        }
    }
    Ok(Verdict::Pass)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}
