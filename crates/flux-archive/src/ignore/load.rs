//! Rule files of a directory on disk.

use std::fs;
use std::io;
use std::path::Path;

use super::{IGNORE_FILE, Pattern, read_patterns};

/// Larger rule files are an error.
const MAX_FILE: u64 = 1 << 20;

/// The rule files below `dir`, with the directories they stand in, relative to it, in the order of a walk.
pub fn load_files(dir: &Path) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    walk(dir, "", &mut found)?;
    Ok(found)
}

/// The patterns of the rule files below `dir`; `domain` goes before the directory of each.
pub fn load_patterns(dir: &Path, domain: &[&str]) -> io::Result<Vec<Pattern>> {
    let mut patterns = Vec::new();
    for (directory, text) in load_files(dir)? {
        let mut domain = domain.to_vec();
        domain.extend(directory.split('/').filter(|part| !part.is_empty()));
        patterns.extend(read_patterns(&text, &domain));
    }
    Ok(patterns)
}

fn walk(dir: &Path, relative: &str, found: &mut Vec<(String, String)>) -> io::Result<()> {
    let file = dir.join(IGNORE_FILE);
    if let Ok(meta) = fs::symlink_metadata(&file)
        && meta.is_file()
    {
        if meta.len() > MAX_FILE {
            return Err(io::Error::other(format!("{} is larger than {MAX_FILE} bytes", file.display())));
        }
        found.push((relative.to_owned(), String::from_utf8_lossy(&fs::read(&file)?).into_owned()));
    }
    let mut entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && name != ".git" {
            let below = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            walk(&entry.path(), &below, found)?;
        }
    }
    Ok(())
}
