use std::os::unix::fs::symlink;

use super::*;

fn memory() -> MemoryFs {
    let mut fs = MemoryFs::new();
    fs.insert("/a/b/c.yaml", *b"x: 1\n");
    fs.create_dir("/empty");
    fs
}

#[test]
fn memory_knows_files_and_folders() {
    let fs = memory();
    assert_eq!(fs.kind(Path::new("/a/b")), Some(FileKind::Dir));
    assert_eq!(&*fs.read(Path::new("a/./b/../b/c.yaml")).unwrap(), b"x: 1\n");
    assert_eq!(fs.read(Path::new("/a")).unwrap_err().to_string(), "cannot read content from non-file '/'");
    assert_eq!(fs.canonical(Path::new("/z")).unwrap_err().to_string(), "'/z' doesn't exist");
    let names: Vec<_> = fs.read_dir(Path::new("/")).unwrap().into_iter().map(|entry| entry.0).collect();
    assert_eq!(names, ["a", "empty"]);
}

#[test]
fn links_that_leave_the_root_are_refused() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("d")).unwrap();
    std::fs::write(root.path().join("d/f"), "f").unwrap();
    symlink(outside.path().join("secret"), root.path().join("away")).unwrap();
    symlink("../d/f", root.path().join("d/near")).unwrap();
    symlink("loop", root.path().join("loop")).unwrap();
    let fs = RootedDir::new(root.path()).unwrap();
    assert!(matches!(fs.read(&root.path().join("away")), Err(FsError::OutsideRoot { .. })));
    assert!(matches!(fs.read(&root.path().join("d/../x")), Err(FsError::CannotOpen { .. })));
    assert!(matches!(fs.read(&root.path().join("d/../../not-there-at-all")), Err(FsError::OutsideRoot { .. })));
    assert!(matches!(fs.canonical(&root.path().join("d/../../not-there-at-all")), Err(FsError::MissingOnDisk { .. })));
    assert_eq!(&*fs.read(&root.path().join("d/near")).unwrap(), b"f");
    assert!(matches!(fs.read(&root.path().join("loop")), Err(FsError::Io { .. })));
    assert!(matches!(
        fs.read(Path::new("/etc/hostname")),
        Err(FsError::OutsideRoot { .. }) | Err(FsError::CannotOpen { .. })
    ));
    let names: Vec<_> = fs.read_dir(root.path()).unwrap().into_iter().map(|entry| entry.0).collect();
    assert_eq!(names, ["d"]);
}

#[test]
fn files_have_a_largest_size() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("f"), vec![b'x'; 100]).unwrap();
    let fs = RootedDir::new(root.path()).unwrap().with_max_file(99);
    assert!(matches!(fs.read(&root.path().join("f")), Err(FsError::TooLarge { limit: 99, .. })));
}

#[test]
fn an_overlay_hides_and_adds() {
    let mut fs = Overlay::new(memory());
    fs.insert("/a/b/c.yaml", *b"new");
    fs.insert("/a/b/d.yaml", *b"more");
    assert_eq!(&*fs.read(Path::new("/a/b/c.yaml")).unwrap(), b"new");
    let names: Vec<_> = fs.read_dir(Path::new("/a/b")).unwrap().into_iter().map(|entry| entry.0).collect();
    assert_eq!(names, ["c.yaml", "d.yaml"]);
    assert_eq!(fs.canonical(Path::new("/a/b/d.yaml")).unwrap(), Path::new("/a/b/d.yaml"));
}

#[test]
fn a_record_notices_edits_misses_and_listings() {
    let recorder = Recorder::new(memory());
    recorder.read(Path::new("/a/b/c.yaml")).unwrap();
    recorder.read(Path::new("/a/none")).unwrap_err();
    recorder.read_dir(Path::new("/a/b")).unwrap();
    let record = recorder.into_record();
    assert_eq!(record.len(), 3);
    assert!(record.unchanged(&memory()));
    let mut edited = memory();
    edited.insert("/a/none", *b"now");
    assert!(!record.unchanged(&edited));
    let mut listed = memory();
    listed.insert("/a/b/e", *b"");
    assert!(!record.unchanged(&listed));
}

#[test]
fn clean_is_textual() {
    for (input, expected) in [("/a/../b", "/b"), ("a/./b//c/..", "a/b"), ("../x", "../x"), ("/..", "/"), ("", ".")] {
        assert_eq!(clean(Path::new(input)), Path::new(expected), "{input}");
    }
}
