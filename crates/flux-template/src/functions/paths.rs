//! `path`: slashes only. The `os` variants are the same on Unix.

use super::{Arguments as _, Function, flag, text};
use crate::exec::Ty::{Bool, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", &[Str], Str, |_, a| text(base(a.bytes(0)))),
    Function::new("dir", &[Str], Str, |_, a| text(dir(a.bytes(0)))),
    Function::new("clean", &[Str], Str, |_, a| text(clean(a.bytes(0)))),
    Function::new("ext", &[Str], Str, |_, a| text(extension(a.bytes(0)))),
    Function::new("isAbs", &[Str], Bool, |_, a| flag(a.bytes(0).starts_with(b"/"))),
    Function::new("osBase", &[Str], Str, |_, a| text(base(a.bytes(0)))),
    Function::new("osDir", &[Str], Str, |_, a| text(dir(a.bytes(0)))),
    Function::new("osClean", &[Str], Str, |_, a| text(clean(a.bytes(0)))),
    Function::new("osExt", &[Str], Str, |_, a| text(extension(a.bytes(0)))),
    Function::new("osIsAbs", &[Str], Bool, |_, a| flag(a.bytes(0).starts_with(b"/"))),
];

/// The last element; `.` for an empty path, `/` for slashes alone.
pub(crate) fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = &path[..end];
    match path.iter().rposition(|byte| *byte == b'/') {
        _ if path.is_empty() => b"/",
        Some(slash) => &path[slash + 1..],
        None => path,
    }
}

fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    clean(&path[..end])
}

fn extension(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match name.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => &name[dot..],
        None => b"",
    }
}

fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => drop(kept.pop()),
                None if rooted => {}
                _ => kept.push(b".."),
            },
            other => kept.push(other),
        }
    }
    let joined = kept.join(b"/".as_slice());
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        _ => joined,
    }
}
