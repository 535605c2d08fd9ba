use super::*;

fn storage() -> (tempfile::TempDir, Storage) {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::new(dir.path(), "localhost:9090", Retention::default()).unwrap();
    (dir, storage)
}

fn stored(storage: &Storage, file: &str, content: &[u8]) -> Artifact {
    let mut artifact = storage.new_artifact("GitRepository", "default", "app", "main@sha1:0", file);
    storage.store::<StorageError>(&mut artifact, |out| Ok(out.write_all(content).unwrap())).unwrap();
    artifact
}

#[test]
fn a_stored_file_verifies_until_it_changes() {
    let (_dir, storage) = storage();
    let artifact = stored(&storage, "a.tar.gz", b"content");
    assert_eq!(artifact.size, 7);
    assert_eq!(artifact.path, "gitrepository/default/app/a.tar.gz");
    assert_eq!(artifact.url, "http://localhost:9090/gitrepository/default/app/a.tar.gz");
    storage.verify(&artifact).unwrap();
    let path = storage.local_path(&artifact.path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(&path, "conten!").unwrap();
    assert!(matches!(storage.verify(&artifact), Err(StorageError::DigestMismatch { .. })));
    storage.remove(&artifact).unwrap();
    assert!(!storage.exists(&artifact));
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let (_dir, storage) = storage();
    let artifact = stored(&storage, "a.tar.gz", b"good");
    let mut again = artifact.clone();
    let failed = storage.store(&mut again, |out| {
        out.write_all(b"half").unwrap();
        Err(StorageError::NoDigest)
    });
    assert!(failed.is_err());
    storage.verify(&artifact).unwrap();
    let dir = storage.local_path("gitrepository/default/app").unwrap();
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
}

#[test]
fn paths_stay_inside() {
    let (_dir, storage) = storage();
    for path in ["", "/", "..", "a/../../b", "../x"] {
        assert_eq!(storage.local_path(path), None, "{path}");
    }
    let mut artifact = storage.new_artifact("K", "n", "o", "r", "f");
    artifact.path = "../../etc/passwd".into();
    assert!(!storage.exists(&artifact));
    assert!(storage.verify(&artifact).is_err());
    artifact.path = "top".into();
    assert_eq!(storage.remove_all(&artifact).unwrap(), None);
}

#[test]
fn garbage_goes_by_age_and_number_but_never_the_current_file() {
    let (_dir, storage) = storage();
    let names: Vec<String> = (1..=5).map(|n| format!("{n}.tar.gz")).collect();
    let artifacts: Vec<_> = names.iter().map(|name| stored(&storage, name, name.as_bytes())).collect();
    for (at, artifact) in artifacts.iter().enumerate() {
        let time = std::time::SystemTime::now() - Duration::from_secs(100 - at as u64);
        let path = storage.local_path(&artifact.path).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    let hurried = storage.collect_garbage(&artifacts[4], Duration::ZERO);
    assert!(matches!(hurried, Err(StorageError::Timeout)));
    // The oldest is the current one.
    let garbage = storage.garbage_files(&artifacts[0], 1000, 2, Duration::from_secs(1000)).unwrap();
    assert_eq!(garbage.len(), 3);
    assert!(!garbage.contains(&storage.local_path(&artifacts[0].path).unwrap()));
    let removed = storage.collect_garbage(&artifacts[4], Duration::from_secs(5)).unwrap();
    assert_eq!(removed.len(), 4);
    assert!(storage.exists(&artifacts[4]));
    assert!(storage.remove_all(&artifacts[4]).unwrap().is_some());
    assert!(storage.remove_all(&artifacts[4]).unwrap().is_none());
}

#[test]
fn bad_digests_are_named() {
    let (_dir, storage) = storage();
    let mut artifact = stored(&storage, "a", b"x");
    artifact.digest = String::new();
    assert!(matches!(storage.verify(&artifact), Err(StorageError::NoDigest)));
    for digest in ["nothing", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "md5:abc"] {
        artifact.digest = digest.into();
        assert!(matches!(storage.verify(&artifact), Err(StorageError::BadDigest { .. })), "{digest}");
    }
}
