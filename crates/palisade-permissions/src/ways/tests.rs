use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};

use super::*;

/// Names that a path is put together of: folders, a file, links of each kind, what is not there, and odd ones.
const NAMES: &[&str] = &[
    "a", "b", "Sub", "sub", "file", "to_b", "to_file", "up", "abs", "gone", "loop", "odd", "chain",
    "missing", "..", ".", "", "\0", "proc", "self", "root",
];

/// ```text
/// a/{file, to_b -> ../b, up -> .., Sub/file}   b/{file, sub/}   to_b -> b   to_file -> a/file   up -> ..
/// abs -> ROOT/b/sub   gone -> missing/x   loop -> loop   chain -> to_b/sub   odd -> a folder whose name is no UTF-8
/// ```
fn tree() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for name in ["a/Sub", "b/sub"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    for name in ["a/file", "a/Sub/file", "b/file"] {
        fs::write(root.join(name), "").unwrap();
    }
    let odd = root.join(OsStr::from_bytes(b"\xff\xfe"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("file"), "").unwrap();
    let absolute = root.join("b/sub");
    for (target, link) in [
        (Path::new("../b"), "a/to_b"),
        (Path::new(".."), "a/up"),
        (Path::new("b"), "to_b"),
        (Path::new("a/file"), "to_file"),
        (Path::new(".."), "up"),
        (&absolute, "abs"),
        (Path::new("missing/x"), "gone"),
        (Path::new("loop"), "loop"),
        (Path::new("to_b/sub"), "chain"),
        (&odd, "odd"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    (folder, root)
}

/// Where a path leads, by the links that are there: what `Ways` has to find, however it does.
fn led(folder: &Path, path: &str, home: Option<&Path>) -> PathBuf {
    let given = whole(folder, path, home);
    let start = match of_process(&without_dots(&given)) {
        Some(_) => lexical(folder, path, home),
        None => given,
    };
    followed(start).unwrap_or_else(|| lexical(folder, path, home))
}

#[test]
fn a_path_leads_where_each_of_its_links_does() {
    let (_folder, root) = tree();
    let paths = prop::collection::vec(select(NAMES), 1..6);
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let home = root.join("a");
    let lookups = Lookups::new(Some(&home));
    let all = (paths, select(&["", "/", "~/", "//"][..]), select(&["", "/"][..]));
    let result = TestRunner::new(config).run(&all, |(names, start, end)| {
        let start = if start == "/" { format!("{}/", root.display()) } else { start.to_owned() };
        let path = format!("{start}{}{end}", names.join("/"));
        for folder in [&root, &root.join("to_b"), &root.join("a/Sub"), &PathBuf::from("/proc")] {
            let ways = Ways::new(folder, &path, Some(&home));
            prop_assert_eq!(ways.lexical(), lexical(folder, &path, Some(&home)));
            let real = led(folder, &path, Some(&home));
            prop_assert_eq!(ways.real().as_os_str(), real.as_os_str(), "{:?}", path);
            prop_assert!(ways.iter().eq([ways.lexical(), ways.real()]) || ways.real.is_none());
            // By whatever else was looked up before.
            let cwd = Cwd::new(folder.clone(), &lookups);
            prop_assert_eq!(&*cwd.ways(&path), &ways, "{:?}", path);
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn what_differs_in_a_byte_is_two_paths() {
    let (_folder, root) = tree();
    let lookups = Lookups::new(None);
    let cwd = Cwd::new(root.clone(), &lookups);
    for (path, real) in [
        ("a/file", "a/file"),
        ("A/file", "A/file"),
        ("a/sub/file", "a/sub/file"),
        ("to_file", "a/file"),
        // A file is no folder, and so the link is not gone through.
        ("to_file/", "to_file"),
        ("to_b/../a", "a"),
        ("a/up/b", "b"),
        ("chain/../file", "b/file"),
        ("gone", "gone"),
        ("loop/x", "loop/x"),
        ("missing/../to_b/file", "to_b/file"),
    ] {
        assert_eq!(cwd.ways(path).real(), root.join(real), "{path}");
    }
    let odd = cwd.ways("odd/file");
    assert_eq!(odd.lexical(), root.join("odd/file"));
    assert_eq!(odd.real(), root.join(OsStr::from_bytes(b"\xff\xfe/file")));
}

/// A process that changes links meanwhile shows one rule the same file as the other.
#[test]
fn a_link_is_looked_up_once_for_a_decision() {
    let (_folder, root) = tree();
    let lookups = Lookups::new(None);
    let cwd = Cwd::new(root.clone(), &lookups);
    let before = cwd.ways("to_b/file");
    fs::remove_file(root.join("to_b")).unwrap();
    symlink("a", root.join("to_b")).unwrap();
    assert_eq!(cwd.ways("to_b/file"), before);
    let lookups = Lookups::new(None);
    let now = Cwd::new(root.clone(), &lookups).ways("to_b/file");
    assert_eq!(now.real(), root.join("a/file"));
}
