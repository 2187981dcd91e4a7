use std::{fs, os::unix::fs::symlink, path::Path};

use palisade_workspace::{Left, Unfit, WorkspaceError};
use rustix::fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat};

use crate::world::{World, apply, at, everything, is_root, mode, put, tree};

#[test]
fn takes_no_pipe_socket_device_or_set_id_bit() {
    let world = World::with(&[("program", "x")]);
    let overlay = world.after(|upper| {
        mkfifoat(CWD, upper.join("pipe"), Mode::RWXU).unwrap();
        mknodat(CWD, upper.join("socket"), FileType::Socket, Mode::RWXU, 0).unwrap();
        for (name, bits) in [("suid", 0o4755), ("sgid", 0o2755), ("program", 0o4755)] {
            put(&upper.join(name), "x");
            mode(&upper.join(name), bits);
        }
        if is_root() {
            let null = makedev(1, 3);
            mknodat(CWD, upper.join("device"), FileType::CharacterDevice, Mode::RWXU, null)
                .unwrap();
            mknodat(CWD, upper.join("block"), FileType::BlockDevice, Mode::RWXU, null).unwrap();
        }
        put(&upper.join("fine"), "x");
    });
    let changes = overlay.changes().unwrap();
    for (name, expected) in [
        ("pipe", Unfit::Special("a pipe".into())),
        ("socket", Unfit::Special("a socket".into())),
        ("suid", Unfit::SetId),
        ("sgid", Unfit::SetId),
        ("program", Unfit::SetId),
    ] {
        assert_eq!(at(&changes, name).unfit, Some(expected), "{name}");
    }
    if is_root() {
        for name in ["device", "block"] {
            assert_eq!(at(&changes, name).unfit, Some(Unfit::Special("a device".into())));
        }
    }
    apply(&overlay).unwrap();
    let names: Vec<_> = world.tree("host").into_keys().collect();
    assert_eq!(names, [Path::new("fine"), Path::new("program")]);
    // Even if they were asked for.
    for name in ["pipe", "socket"] {
        let result = overlay.apply(&[at(&changes, name)], &mut |_| Ok(()));
        assert!(matches!(result, Err(WorkspaceError::Unsteady(_))), "{name}: {result:?}");
    }
}

#[test]
fn makes_no_link_that_leaves() {
    let world = World::with(&[("d/x", "")]);
    put(&world.outside("secret"), "secret");
    let overlay = world.after(|upper| {
        symlink(world.outside("secret"), upper.join("absolute")).unwrap();
        symlink("../outside/secret", upper.join("relative")).unwrap();
        fs::create_dir(upper.join("d")).unwrap();
        symlink("../../outside", upper.join("d/up")).unwrap();
        symlink("d/../../outside", upper.join("round")).unwrap();
        // A folder of the host becomes a link.
        fs::create_dir(upper.join("e")).unwrap();
        symlink("../d", upper.join("e/inside")).unwrap();
    });
    let changes = overlay.changes().unwrap();
    for name in ["absolute", "relative", "d/up", "round"] {
        assert!(matches!(at(&changes, name).unfit, Some(Unfit::Leaves(_))), "{name}");
    }
    assert_eq!(at(&changes, "e/inside").unfit, None);
    apply(&overlay).unwrap();
    let names: Vec<_> = world.tree("host").into_keys().collect();
    assert_eq!(names, ["d", "d/x", "e", "e/inside"].map(Path::new));
    // A plain copy would have taken them.
    let upper = fs::read_dir(world.state().join("workspaces")).unwrap().next().unwrap().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(upper.path().join("layers/upper/."))
        .arg(world.host(""))
        .status();
    assert!(copied.unwrap().success());
    assert_eq!(fs::read_to_string(world.host("relative")).unwrap(), "secret");
}

/// The agent's last process still runs when the operator looks.
#[test]
fn swaps_a_file_of_the_overlay_between_looking_and_applying() {
    let world = World::with(&[("a", "1")]);
    put(&world.outside("secret"), "secret");
    let session = world.begin(1);
    let upper = session.upper.clone();
    put(&upper.join("a"), "agent");
    put(&upper.join("d/b"), "agent");
    session.end().unwrap();
    let overlay = world.open();
    let swaps: [&dyn Fn(); 4] = [
        &|| {
            fs::remove_file(upper.join("a")).unwrap();
            symlink(world.outside("secret"), upper.join("a")).unwrap();
        },
        &|| {
            fs::remove_file(upper.join("a")).unwrap();
            fs::hard_link(world.outside("secret"), upper.join("a")).unwrap();
        },
        &|| {
            fs::remove_file(upper.join("a")).unwrap();
            mkfifoat(CWD, upper.join("a"), Mode::RWXU).unwrap();
        },
        &|| {
            fs::rename(upper.join("d"), upper.join("was")).unwrap();
            symlink(world.outside(""), upper.join("d")).unwrap();
            put(&world.outside("b"), "outside");
        },
    ];
    for (number, swap) in swaps.iter().enumerate() {
        fs::remove_file(upper.join("a")).unwrap();
        put(&upper.join("a"), &format!("agent {number}"));
        let changes = overlay.changes().unwrap();
        swap();
        let all: Vec<_> = changes.iter().collect();
        let result = overlay.apply(&all, &mut |_| Ok(()));
        assert!(result.is_err(), "swap {number}");
        let host = world.tree("host");
        assert!(!format!("{host:?}").contains("secret"), "{host:?}");
        assert!(!format!("{host:?}").contains("outside"), "{host:?}");
        assert!(!format!("{host:?}").contains(".palisade-"), "{host:?}");
    }
}

#[test]
fn a_second_name_outside_is_not_written_through() {
    let world = World::with(&[("a", "shared")]);
    fs::hard_link(world.host("a"), world.outside("other name")).unwrap();
    let overlay = world.after(|upper| put(&upper.join("a"), "agent"));
    apply(&overlay).unwrap();
    assert_eq!(fs::read_to_string(world.outside("other name")).unwrap(), "shared");
    assert_eq!(fs::read_to_string(world.host("a")).unwrap(), "agent");
}

#[test]
fn what_cannot_be_read_is_said() {
    if is_root() {
        return;
    }
    let world = World::with(&[("file", "x"), ("folder/x", "x")]);
    let overlay = world.after(|upper| {
        put(&upper.join("file"), "y");
        put(&upper.join("folder/y"), "y");
        put(&upper.join("new/y"), "y");
        for name in ["file", "folder", "new"] {
            mode(&upper.join(name), 0);
        }
        // Of the workspace itself the agent may take every right; that says nothing.
        mode(upper, 0);
    });
    let changes = overlay.changes().unwrap();
    for name in ["file", "folder", "new"] {
        assert_eq!(at(&changes, name).unfit, Some(Unfit::Unreadable(0)), "{name}");
    }
    assert_eq!(apply(&overlay).unwrap().changes, 0);
    overlay.discard().unwrap();
}

#[test]
fn a_path_too_long_for_any_system_call_is_left_and_thrown_away() {
    let world = World::with(&[]);
    let overlay = world.after(|upper| {
        put(&upper.join("short"), "x");
        let name = "n".repeat(250);
        let mut folder = rustix::fs::open(upper, rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
        for _ in 0..400 {
            rustix::fs::mkdirat(&folder, &name, Mode::RWXU).unwrap();
            folder = rustix::fs::openat(&folder, &name, rustix::fs::OFlags::PATH, Mode::empty())
                .unwrap();
        }
    });
    let changes = overlay.changes().unwrap();
    assert_eq!(changes.last().map(|change| change.path.as_os_str().len()), Some(5), "sorted");
    let too_long = changes.iter().filter(|change| change.unfit == Some(Unfit::TooLong)).count();
    assert_eq!((too_long, changes.len()), (1, 18));
    apply(&overlay).unwrap();
    assert_eq!(tree(&world.host(""))[Path::new("short")], "file 644 x");
    overlay.discard().unwrap();
    assert_eq!(fs::read_dir(world.state().join("workspaces")).unwrap().count(), 0);
}

#[test]
fn sensitive_files_need_a_word() {
    let world = World::with(&[(".git/config", "x"), (".git/HEAD", "x")]);
    let overlay = world.after(|upper| {
        put(&upper.join(".git/config"), "[core]\n\tfsmonitor = evil\n");
        put(&upper.join(".git/HEAD"), "y");
        put(&upper.join("sub/HEAD"), "x");
        put(&upper.join("sub/config"), "x");
        fs::create_dir_all(upper.join("sub/objects")).unwrap();
        fs::create_dir_all(upper.join("sub/refs")).unwrap();
        symlink(".git/hooks", upper.join("harmless")).unwrap();
    });
    let changes = overlay.changes().unwrap();
    let choice = palisade_workspace::Choice { sensitive: false, ..everything() };
    let chosen = choice.of(&changes);
    let left: Vec<_> = chosen.left.iter().map(|(c, why)| (c.path.to_str().unwrap(), why)).collect();
    assert_eq!(
        left,
        [
            (".git/config", &Left::Sensitive),
            ("harmless", &Left::Sensitive),
            ("sub/config", &Left::Sensitive)
        ]
    );
}
