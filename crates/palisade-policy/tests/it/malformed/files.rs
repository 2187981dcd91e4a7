use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use insta::assert_snapshot;

use super::{said, wrong};

/// Nothing of this may hang: a FIFO has nobody who writes, a device has no end.
#[test]
fn what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::write(at("file"), "palisade: 1\n").unwrap();
    let mut all = String::new();
    for name in ["missing", "folder", "fifo", "socket", "dangling", "loop", "file/below"] {
        said(&mut all, name, &wrong(&at(name)), folder.path());
    }
    said(&mut all, "device", &wrong(Path::new("/dev/zero")), folder.path());
    drop(socket);
    assert_snapshot!("no_file", all);
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, "palisade: 1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        // Root may read everything.
        return;
    }
    let found = wrong(&path);
    assert!(found.to_string().contains("you may not read it"), "{found}");
}

#[test]
fn what_extends_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| fs::write(at(name), text).unwrap();
    fs::create_dir(at("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    write("itself", "palisade: 1\nextends: [./itself]\n");
    write("one.yaml", "palisade: 1\nextends: [shell, two.yaml]\n");
    write("two.yaml", "palisade: 1\n# and back\nextends:\n  - one.yaml\n");
    write("unknown", "palisade: 1\nextends: [shel]\n");
    write("missing", "palisade: 1\nextends: [./nowhere.yaml]\n");
    write("to_folder", "palisade: 1\nextends: [./folder]\n");
    write("to_fifo", "palisade: 1\nextends: [./fifo]\n");
    write("broken.yaml", "palisade: 1\nnetwrok: {}\n");
    write("to_broken", "palisade: 1\nextends: [./broken.yaml]\n");
    write("several", "palisade: 1\nextends: [./a.yaml, nobody, ./broken.yaml]\n");
    for depth in 0..20 {
        let next = depth + 1;
        write(&format!("deep{depth}"), &format!("palisade: 1\nextends: [./deep{next}]\n"));
    }
    let mut all = String::new();
    for name in [
        "itself",
        "one.yaml",
        "unknown",
        "missing",
        "to_folder",
        "to_fifo",
        "to_broken",
        "several",
        "deep0",
    ] {
        let found = wrong(&at(name));
        assert!(found.iter().all(|one| one.line > 0), "{found}");
        said(&mut all, name, &found, folder.path());
    }
    assert_snapshot!("extends", all);
}
