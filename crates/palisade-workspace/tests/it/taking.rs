use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
};

use palisade_workspace::{What, diff};

use crate::world::{
    World, apply, apply_chosen, at, everything, id, is_root, mode, opaque, put, whiteout,
};

const HOST: [(&str, &str); 8] = [
    ("same", "as it was\n"),
    ("changed", "old\n"),
    ("program", "#!/bin/sh\n"),
    ("gone", "x"),
    ("folder/a", "a"),
    ("folder/b/c", "c"),
    ("replaced/a", "a"),
    ("hidden/a", "a"),
];

fn work(upper: &Path) {
    put(&upper.join("changed"), "new\n");
    put(&upper.join("same"), "as it was\n");
    put(&upper.join("program"), "#!/bin/sh\n");
    mode(&upper.join("program"), 0o755);
    whiteout(&upper.join("gone"));
    whiteout(&upper.join("folder"));
    put(&upper.join("replaced"), "a file now");
    opaque(&upper.join("hidden"));
    put(&upper.join("hidden/b/c"), "new");
    put(&upper.join("new/deep/file"), "new");
    fs::create_dir(upper.join("empty")).unwrap();
    mode(&upper.join("empty"), 0o500);
    symlink("new/deep/file", upper.join("link")).unwrap();
}

#[test]
fn the_host_has_what_the_overlay_showed() {
    let world = World::with(&HOST);
    let overlay = world.after(work);
    let changes = overlay.changes().unwrap();
    let kinds: Vec<(&str, What)> =
        changes.iter().map(|change| (change.path.to_str().unwrap(), change.what())).collect();
    assert_eq!(
        kinds,
        [
            ("changed", What::Changed),
            ("empty", What::Added),
            ("folder", What::Deleted),
            ("folder/a", What::Deleted),
            ("folder/b", What::Deleted),
            ("folder/b/c", What::Deleted),
            ("gone", What::Deleted),
            ("hidden/a", What::Deleted),
            ("hidden/b", What::Added),
            ("hidden/b/c", What::Added),
            ("link", What::Added),
            ("new", What::Added),
            ("new/deep", What::Added),
            ("new/deep/file", What::Added),
            ("program", What::Changed),
            ("replaced", What::Replaced),
            ("replaced/a", What::Deleted),
        ]
    );
    assert!(changes.iter().all(|change| change.conflict.is_none() && change.unfit.is_none()));
    assert_eq!(apply(&overlay).unwrap().changes, 17);
    let expected = [
        ("changed", "file 644 new\n"),
        ("empty", "folder 500"),
        ("hidden", "folder 755"),
        ("hidden/b", "folder 755"),
        ("hidden/b/c", "file 644 new"),
        ("link", "link new/deep/file"),
        ("new", "folder 755"),
        ("new/deep", "folder 755"),
        ("new/deep/file", "file 644 new"),
        ("program", "file 755 #!/bin/sh\n"),
        ("replaced", "file 644 a file now"),
        ("same", "file 644 as it was\n"),
    ];
    let tree = world.tree("host");
    let shown: Vec<_> = tree.iter().map(|(p, t)| (p.to_str().unwrap(), t.as_str())).collect();
    assert_eq!(shown, expected);
    assert!(overlay.changes().unwrap().is_empty());
    overlay.discard().unwrap();
    assert_eq!(fs::read_dir(world.state().join("workspaces")).unwrap().count(), 0);
}

#[test]
fn a_part_is_taken_and_the_rest_stays() {
    let world = World::with(&HOST);
    let overlay = world.after(work);
    let choice = palisade_workspace::Choice { paths: vec!["new/deep".into()], ..everything() };
    assert_eq!(apply_chosen(&overlay, &choice).unwrap().changes, 3);
    assert!(world.host("new/deep/file").exists() && world.host("gone").exists());
    assert_eq!(overlay.changes().unwrap().len(), 14);
}

#[test]
fn git_applies_the_diff_as_well() {
    let world = World::with(&HOST);
    for name in ["binary", "binary to text", "binary gone"] {
        fs::write(world.host(name), b"old\0\xfe").unwrap();
    }
    put(&world.host("text to binary"), "text\n");
    let overlay = world.after(|upper| {
        put(&upper.join("changed"), "new\nwithout end");
        put(&upper.join("a b\n\u{e9}\"\\\t"), "x\n");
        put(&upper.join("nothing"), "");
        whiteout(&upper.join("folder"));
        symlink("changed", upper.join("gone")).unwrap();
        put(&upper.join("program"), "#!/bin/sh\necho\n");
        mode(&upper.join("program"), 0o755);
        // What is no text: new, changed, gone, made text, and longer than what is shown as text.
        fs::write(upper.join("picture"), b"\0\x01\xff new").unwrap();
        fs::write(upper.join("binary"), b"old\0 changed").unwrap();
        fs::write(upper.join("binary to text"), "text\n").unwrap();
        fs::write(upper.join("text to binary"), b"\0").unwrap();
        whiteout(&upper.join("binary gone"));
        fs::write(upper.join("long"), "a line\n".repeat(700_000)).unwrap();
    });
    let mut patch = Vec::new();
    for change in &overlay.changes().unwrap() {
        patch.extend(diff::of(&overlay, change, diff::Form::Exact).unwrap());
    }
    let copy = world.root().join("copy");
    let run = |command: &str| {
        let shell = ["-c", command];
        let done = std::process::Command::new("sh").args(shell).current_dir(world.root()).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run("cp -a host copy");
    fs::write(world.root().join("patch"), &patch).unwrap();
    run("cd copy && git apply ../patch");
    apply(&overlay).unwrap();
    let git = crate::world::tree(&copy);
    let ours = world.tree("host");
    let files = |tree: &std::collections::BTreeMap<std::path::PathBuf, String>| {
        tree.iter()
            .filter(|(_, t)| !t.starts_with("folder"))
            .map(|(p, t)| (p.clone(), t.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&git), files(&ours));
    // And takes it back.
    run("cd copy && git apply -R ../patch");
    assert_eq!(fs::read(copy.join("binary gone")).unwrap(), b"old\0\xfe");
    assert_eq!(fs::read(copy.join("binary")).unwrap(), b"old\0\xfe");
    assert!(!copy.join("picture").exists());
}

/// An agent makes it with one call; whoever reads it reads for hours.
#[test]
fn a_terabyte_of_holes_takes_no_time() {
    let world = World::with(&[("small", "1")]);
    let huge = |path: &Path| {
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(path).unwrap();
        file.set_len(1 << 40).unwrap();
        file.write_all_at(b"end", 1 << 39).unwrap();
    };
    let overlay = world.after(|upper| huge(&upper.join("small")));
    let begun = std::time::Instant::now();
    assert_eq!(apply(&overlay).unwrap().changes, 1);
    assert!(overlay.changes().unwrap().is_empty());
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn two_sessions_on_one_folder_are_apart() {
    let world = World::with(&[("a", "1"), ("b", "1")]);
    let (one, two) = (world.begin(1), world.begin(2));
    put(&one.upper.join("a"), "one");
    put(&two.upper.join("a"), "two");
    put(&two.upper.join("b"), "two");
    one.end().unwrap();
    two.end().unwrap();
    let store = world.store();
    assert!(store.open(None, None).is_err(), "it has to be said which");
    apply(&store.open(Some(id(1).as_str()), None).unwrap()).unwrap();
    let second = store.open(Some(id(2).as_str()), None).unwrap();
    let changes = second.changes().unwrap();
    assert!(at(&changes, "a").conflict.is_some() && at(&changes, "b").conflict.is_none());
    apply(&second).unwrap();
    assert_eq!(world.tree("host")[Path::new("a")], "file 644 one");
    assert_eq!(world.tree("host")[Path::new("b")], "file 644 two");
}

#[test]
fn a_hole_stays_a_hole() {
    let world = World::with(&[]);
    let overlay = world.after(|upper| {
        let file = fs::File::create(upper.join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        rustix::io::pwrite(&file, b"middle", 1 << 39).unwrap();
    });
    apply(&overlay).unwrap();
    let found = fs::metadata(world.host("sparse")).unwrap();
    assert_eq!(found.len(), 1 << 40);
    assert!(found.blocks() < 1 << 12, "{} blocks", found.blocks());
    let mut text = [0; 6];
    rustix::io::pread(fs::File::open(world.host("sparse")).unwrap(), &mut text, 1 << 39).unwrap();
    assert_eq!(&text, b"middle");
}

#[test]
fn owner_mode_and_attributes_of_the_hosts_file_stay() {
    let world = World::with(&[("a", "old")]);
    let (path, root) = (world.host("a"), is_root());
    if root {
        for path in [world.host(""), path.clone()] {
            std::os::unix::fs::chown(path, Some(1234), Some(1235)).unwrap();
        }
    }
    mode(&path, 0o640);
    let attribute = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&path, "user.note", b"kept", attribute).unwrap();
    let overlay = world.after(|upper| {
        put(&upper.join("a"), "new");
        mode(&upper.join("a"), 0o640);
        rustix::fs::setxattr(upper.join("a"), "user.agents", b"not kept", attribute).unwrap();
        put(&upper.join("d/b"), "new");
        symlink("d", upper.join("l")).unwrap();
    });
    apply(&overlay).unwrap();
    let mut value = [0; 16];
    let length = rustix::fs::getxattr(&path, "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept");
    assert!(rustix::fs::getxattr(&path, "user.agents", &mut value[..]).is_err());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    for name in ["a", "d", "d/b", "l"] {
        let found = world.host(name).symlink_metadata().unwrap();
        if root {
            assert_eq!((found.uid(), found.gid()), (1234, 1235), "{name}");
        } else {
            assert_eq!(found.uid(), rustix::process::getuid().as_raw(), "{name}");
        }
    }
}
