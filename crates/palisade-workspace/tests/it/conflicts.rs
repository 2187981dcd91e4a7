use std::{fs, os::unix::fs::symlink, path::Path};

use palisade_workspace::{Choice, Conflict, WorkspaceError};

use crate::world::{World, apply, apply_chosen, at, everything, put, whiteout};

#[test]
fn what_the_host_did_meanwhile_is_not_written_over() {
    let world = World::with(&[
        ("changed", "1"),
        ("touched", "1"),
        ("exchanged", "1"),
        ("deleted", "1"),
        ("removed/a", "1"),
        ("free", "1"),
    ]);
    let overlay = world.after(|upper| {
        for name in ["changed", "touched", "exchanged", "deleted", "free", "made"] {
            put(&upper.join(name), "agent");
        }
        whiteout(&upper.join("removed"));
    });
    // The same size; and a time of change that was set back, which only the kernel's own shows.
    let times = fs::metadata(world.host("touched")).unwrap().modified().unwrap();
    fs::write(world.host("changed"), "2").unwrap();
    fs::write(world.host("touched"), "2").unwrap();
    fs::File::options()
        .write(true)
        .open(world.host("touched"))
        .unwrap()
        .set_modified(times)
        .unwrap();
    fs::write(world.host("x"), "2").unwrap();
    fs::rename(world.host("x"), world.host("exchanged")).unwrap();
    fs::remove_file(world.host("deleted")).unwrap();
    fs::write(world.host("made"), "2").unwrap();
    fs::write(world.host("removed/b"), "2").unwrap();

    let changes = overlay.changes().unwrap();
    for (path, expected) in [
        ("changed", Some(Conflict::Changed)),
        ("touched", Some(Conflict::Changed)),
        ("exchanged", Some(Conflict::Changed)),
        ("deleted", Some(Conflict::Deleted)),
        ("made", Some(Conflict::Made)),
        ("removed/b", Some(Conflict::Made)),
        ("removed/a", None),
        ("removed", None),
        ("free", None),
    ] {
        assert_eq!(at(&changes, path).conflict, expected, "{path}");
    }
    apply(&overlay).unwrap();
    let tree = world.tree("host");
    for (path, text) in [
        ("changed", "file 644 2"),
        ("exchanged", "file 644 2"),
        ("made", "file 644 2"),
        ("removed/b", "file 644 2"),
        ("free", "file 644 agent"),
    ] {
        assert_eq!(tree[Path::new(path)], text, "{path}");
    }
    assert!(!tree.contains_key(Path::new("deleted")));
    assert!(!tree.contains_key(Path::new("removed/a")));

    // Who says so gets the agent's.
    apply_chosen(&overlay, &Choice { overwrite: true, ..everything() }).unwrap();
    let tree = world.tree("host");
    for name in ["changed", "touched", "exchanged", "made", "deleted", "free"] {
        assert_eq!(tree[Path::new(name)], "file 644 agent", "{name}");
    }
    assert!(!tree.contains_key(Path::new("removed")));
}

#[test]
fn a_change_between_looking_and_applying_is_noticed() {
    let world = World::with(&[("a", "1"), ("d/b", "1")]);
    let overlay = world.after(|upper| {
        put(&upper.join("a"), "agent");
        put(&upper.join("d/b"), "agent");
        put(&upper.join("c"), "agent");
    });
    for meanwhile in [
        &(|| fs::write(world.host("a"), "3").unwrap()) as &dyn Fn(),
        &|| fs::remove_file(world.host("a")).unwrap(),
        &|| fs::write(world.host("c"), "3").unwrap(),
    ] {
        let changes = overlay.changes().unwrap();
        let all: Vec<_> = changes.iter().collect();
        meanwhile();
        let result = overlay.apply(&all, &mut |_| Ok(()));
        assert!(matches!(result, Err(WorkspaceError::Unsteady(_))), "{result:?}");
    }
}

/// The host's folder becomes a link that leads out, between looking and writing.
#[test]
fn swaps_a_folder_of_the_host_for_a_link() {
    let world = World::with(&[("d/b", "1")]);
    put(&world.outside("b"), "outside");
    let overlay = world.after(|upper| put(&upper.join("d/b"), "agent"));
    let changes = overlay.changes().unwrap();
    let all: Vec<_> = changes.iter().collect();
    let swap = || {
        fs::rename(world.host("d"), world.host("was")).unwrap();
        symlink(world.outside(""), world.host("d")).unwrap();
    };
    let result = overlay.apply(&all, &mut |_| {
        swap();
        Ok(())
    });
    assert!(matches!(result, Err(WorkspaceError::Unsteady(_))), "{result:?}");
    assert_eq!(fs::read_to_string(world.outside("b")).unwrap(), "outside");
    // Nothing is left behind, here or there.
    assert_eq!(world.tree("outside").len(), 1);
    assert_eq!(fs::read_dir(world.host("was")).unwrap().count(), 1);
    // By name it would have gone through.
    fs::write(world.host("d/b"), "by name").unwrap();
    assert_eq!(fs::read_to_string(world.outside("b")).unwrap(), "by name");
    // And looking again does not see through the link either.
    let again = overlay.changes().unwrap();
    assert!(again.iter().all(|change| change.conflict.is_some()), "{again:?}");
}

#[test]
fn another_folder_in_the_place_of_the_workspace_gets_nothing() {
    let world = World::with(&[("a", "1")]);
    let overlay = world.after(|upper| put(&upper.join("a"), "agent"));
    fs::rename(world.host(""), world.root().join("moved")).unwrap();
    assert!(matches!(overlay.changes(), Err(WorkspaceError::Moved(_))));
    put(&world.host("a"), "1");
    assert!(matches!(overlay.changes(), Err(WorkspaceError::Moved(_))));
    fs::remove_dir_all(world.host("")).unwrap();
    symlink(world.root().join("moved"), world.root().join("host")).unwrap();
    assert!(matches!(overlay.changes(), Err(WorkspaceError::Moved(_))));
    fs::remove_file(world.root().join("host")).unwrap();
    fs::rename(world.root().join("moved"), world.root().join("host")).unwrap();
    apply(&overlay).unwrap();
    assert_eq!(world.tree("host")[Path::new("a")], "file 644 agent");
}

#[test]
fn without_a_record_of_the_host_nothing_is_sure() {
    let world = World::with(&[("a", "1")]);
    let overlay = world.after(|upper| put(&upper.join("a"), "agent"));
    let folder = fs::read_dir(world.state().join("workspaces")).unwrap().next().unwrap().unwrap();
    fs::remove_file(folder.path().join("baseline")).unwrap();
    assert_eq!(overlay.changes().unwrap()[0].conflict, Some(Conflict::Unknown));
    assert_eq!(apply(&overlay).unwrap().changes, 0);
    fs::write(folder.path().join("baseline"), "nonsense").unwrap();
    assert!(matches!(overlay.changes(), Err(WorkspaceError::Damaged { .. })));
}
