use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, Header};

use super::target::WAY_AT_MOST;
use super::*;
use crate::{Writer, write_tar_gz};

const LIMITS: Limits = Limits { bytes: Some(1 << 20), entries: 100 };

/// An archive with one raw header per entry, whatever its name says.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn unpack_one(entries: &[(&str, EntryType, &[u8])]) -> (tempfile::TempDir, Result<(), UnpackError>) {
    let dir = tempfile::tempdir().unwrap();
    let result = unpack(archive(entries).as_slice(), &dir.path().join("out"), LIMITS, Symlinks::Refuse);
    (dir, result)
}

#[test]
fn files_and_directories_come_back() {
    let (dir, result) = unpack_one(&[
        (".", EntryType::Directory, b""),
        ("a", EntryType::Directory, b""),
        ("a/b.txt", EntryType::Regular, b"hello"),
        ("deep/down/c", EntryType::Regular, b""),
    ]);
    result.unwrap();
    assert_eq!(fs::read(dir.path().join("out/a/b.txt")).unwrap(), b"hello");
    assert!(dir.path().join("out/deep/down/c").is_file());
}

#[test]
fn names_that_leave_the_root_are_refused() {
    for name in ["../x", "a/../../x", "/etc/x", "a/..", "..", "a\\b", "a/../b"] {
        let (dir, result) = unpack_one(&[(name, EntryType::Regular, b"x")]);
        assert!(matches!(result, Err(UnpackError::Name { .. })), "{name}: {result:?}");
        assert!(!dir.path().join("x").exists());
    }
}

#[test]
fn only_files_and_directories_are_made() {
    for kind in [EntryType::Link, EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::GNUSparse] {
        let (_dir, result) = unpack_one(&[("x", kind, b"")]);
        assert!(result.is_err(), "{kind:?}");
    }
    let (_dir, result) = unpack_one(&[("x", EntryType::Symlink, b"")]);
    assert!(matches!(result, Err(UnpackError::Symlink { .. })));
}

#[test]
fn links_that_stood_in_the_target_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, out) = (dir.path().join("outside"), dir.path().join("out"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink(&outside, out.join("a")).unwrap();
    std::os::unix::fs::symlink(outside.join("new"), out.join("b")).unwrap();
    for name in ["a/x", "b"] {
        let bytes = archive(&[(name, EntryType::Regular, b"x")]);
        assert!(unpack(bytes.as_slice(), &out, LIMITS, Symlinks::Refuse).is_err(), "{name}");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let bytes = archive(&[("x", EntryType::Regular, b"x")]);
    let result = unpack(bytes.as_slice(), &link, LIMITS, Symlinks::Refuse);
    assert!(matches!(result, Err(UnpackError::NotADirectory { .. })));
}

#[test]
fn directories_change_at_every_depth() {
    let deep = vec!["d"; WAY_AT_MOST + 3].join("/");
    let beside = vec!["d"; WAY_AT_MOST + 1].join("/");
    let paths = [format!("{deep}/a"), format!("{deep}/b"), format!("{beside}/e/c"), "d/f".into(), "g".into()];
    let entries: Vec<_> = paths.iter().map(|path| (path.as_str(), EntryType::Regular, path.as_bytes())).collect();
    let (dir, unpacked) = unpack_one(&entries);
    unpacked.unwrap();
    for path in &paths {
        assert_eq!(&fs::read_to_string(dir.path().join("out").join(path)).unwrap(), path);
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_an_error() {
    let (_dir, result) = unpack_one(&[("a", EntryType::Regular, b"x"), ("a/b", EntryType::Regular, b"x")]);
    assert!(matches!(result, Err(UnpackError::Write { .. })));
}

#[test]
fn bombs_end_early() {
    let dir = tempfile::tempdir().unwrap();
    let zeros = vec![0; 2 << 20];
    let bytes = archive(&[("zeros", EntryType::Regular, &zeros)]);
    let result = unpack(bytes.as_slice(), dir.path(), LIMITS, Symlinks::Refuse);
    assert!(matches!(result, Err(UnpackError::TooLarge { .. })));
    let many: Vec<_> = (0..101).map(|_| ("d", EntryType::Directory, &b""[..])).collect();
    let result = unpack(archive(&many).as_slice(), dir.path(), LIMITS, Symlinks::Refuse);
    assert!(matches!(result, Err(UnpackError::TooManyEntries { limit: 100 })));
    let long = vec![b'a'; 100_000];
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let bytes = archive(&[("x", kind, &long)]);
        let result = unpack(bytes.as_slice(), dir.path(), LIMITS, Symlinks::Refuse);
        assert!(matches!(result, Err(UnpackError::Header { .. })), "{kind:?}");
    }
}

#[test]
fn extended_headers_are_checked_like_names() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = archive(&[("x", EntryType::XHeader, b"13 path=../x\n"), ("ok", EntryType::Regular, b"x")]);
    let result = unpack(bytes.as_slice(), &dir.path().join("out"), LIMITS, Symlinks::Refuse);
    assert!(matches!(result, Err(UnpackError::Name { .. })), "{result:?}");
    assert!(!dir.path().join("x").exists());
}

#[test]
fn garbage_and_truncation_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    assert!(unpack(&b"not gzip"[..], dir.path(), LIMITS, Symlinks::Refuse).is_err());
    let content: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let whole = archive(&[("a", EntryType::Regular, &content)]);
    assert!(unpack(&whole[..whole.len() / 2], dir.path(), LIMITS, Symlinks::Refuse).is_err());
}

#[test]
fn long_names_survive() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let names = [format!("{}/{}", "d".repeat(90), "f".repeat(99)), "n".repeat(180), format!("{}/x", "e".repeat(200))];
    for name in &names {
        fs::create_dir_all(from.join(name).parent().unwrap()).unwrap();
        fs::write(from.join(name), name).unwrap();
    }
    let bytes = write_tar_gz(&from, None, Vec::new(), Limits::default()).unwrap();
    unpack(bytes.as_slice(), &to, Limits::default(), Symlinks::Refuse).unwrap();
    for name in &names {
        assert_eq!(fs::read_to_string(to.join(name)).unwrap(), *name);
    }
}

#[test]
fn archives_depend_on_content_alone() {
    let make = || {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a.txt"), "1").unwrap();
        fs::write(dir.path().join("a/x"), "2").unwrap();
        std::os::unix::fs::symlink("a.txt", dir.path().join("link")).unwrap();
        write_tar_gz(dir.path(), None, Vec::new(), Limits::default()).unwrap()
    };
    let bytes = make();
    assert_eq!(bytes, make());
    let mut tar = Archive::new(MultiGzDecoder::new(bytes.as_slice()));
    let names: Vec<_> = tar.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
    assert_eq!(names, [".", "a", "a/x", "a.txt"]);
}

#[test]
fn announced_sizes_are_held() {
    let mut writer = Writer::new(Vec::new(), Limits::default()).unwrap();
    assert!(writer.file(b"short", false, 5, &b"abc"[..]).is_err());
    let mut writer = Writer::new(Vec::new(), Limits::default()).unwrap();
    assert!(writer.file(b"long", false, 2, &b"abc"[..]).is_err());
    let mut writer = Writer::new(Vec::new(), Limits { bytes: Some(2), entries: 10 }).unwrap();
    assert!(writer.file(b"large", false, 3, &b"abc"[..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_stay_inside(name in "[./a\\\\]{0,12}", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let entries = [(name.as_str(), EntryType::Regular, bytes.as_slice())];
        let _ = unpack(archive(&entries).as_slice(), &out, LIMITS, Symlinks::Skip);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&bytes).unwrap();
        let _ = unpack(gzip.finish().unwrap().as_slice(), &out, LIMITS, Symlinks::Skip);
        prop_assert!(fs::read_dir(dir.path()).unwrap().count() <= 1);
    }
}
