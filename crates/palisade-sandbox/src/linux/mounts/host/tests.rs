use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::*;

/// What a plan says of a path at the moment it is made.
fn object(path: &Path) -> HostObject {
    let found = path.symlink_metadata().unwrap();
    HostObject {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
        folder: found.is_dir(),
        writable: true,
        owned_by: None,
    }
}

/// Between the plan and the mount the agent of another session exchanges what was checked.
#[test]
fn exchanges_what_was_checked() {
    let base = tempfile::tempdir().unwrap();
    let base = base.path().canonicalize().unwrap();
    let at = |name: &str| base.join(name);
    type Exchange = fn(&Path);
    let exchanges: [(&str, Exchange, &[Errno]); 5] = [
        (
            "another folder",
            |base| {
                // The old one is kept, or the new one may get its inode.
                fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                fs::rename(base.join("secret"), base.join("up/one")).unwrap();
            },
            &[Errno::STALE],
        ),
        (
            "a link",
            |base| {
                fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                std::os::unix::fs::symlink("../secret", base.join("up/one")).unwrap();
            },
            &[Errno::LOOP, Errno::STALE],
        ),
        (
            "a file",
            |base| {
                fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                fs::write(base.join("up/one"), "").unwrap();
            },
            &[Errno::STALE],
        ),
        (
            "a link above it",
            |base| {
                fs::create_dir(base.join("secret/one")).unwrap();
                fs::rename(base.join("up"), base.join("kept")).unwrap();
                std::os::unix::fs::symlink("secret", base.join("up")).unwrap();
            },
            &[Errno::LOOP],
        ),
        ("nothing", |base| fs::remove_dir(base.join("up/one")).unwrap(), &[Errno::NOENT]),
    ];
    for (what, exchange, errnos) in exchanges {
        fs::create_dir_all(at("up/one")).unwrap();
        fs::create_dir(at("secret")).unwrap();
        let checked = object(&at("up/one"));
        open_checked(&checked).unwrap();
        exchange(&base);
        let error = open_checked(&checked).unwrap_err();
        assert!(errnos.contains(&error.errno), "{what}: {error}");
        for entry in fs::read_dir(&base).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => fs::remove_dir_all(entry.path()).unwrap(),
                false => fs::remove_file(entry.path()).unwrap(),
            }
        }
    }
}

/// What is opened stays what it is, whatever becomes of its name.
#[test]
fn exchanges_what_was_opened() {
    let base = tempfile::tempdir().unwrap();
    let one = base.path().canonicalize().unwrap().join("one");
    fs::create_dir(&one).unwrap();
    let checked = object(&one);
    let opened = open_checked(&checked).unwrap();
    fs::rename(&one, base.path().join("kept")).unwrap();
    fs::create_dir(&one).unwrap();
    let found = rustix::fs::fstat(&opened).unwrap();
    assert_eq!((found.st_dev, found.st_ino), (checked.device, checked.inode));
    assert_ne!(one.metadata().unwrap().ino(), checked.inode);
}
