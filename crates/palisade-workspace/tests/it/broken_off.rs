use std::{fs, os::unix::fs::symlink, path::Path};

use palisade_workspace::WorkspaceError;

use crate::world::{World, apply, everything, mode, opaque, put, whiteout};

fn world() -> World {
    let world = World::with(&[
        ("a", "1"),
        ("folder/a", "1"),
        ("folder/b/c", "1"),
        ("becomes a file/x", "1"),
        ("becomes a folder", "1"),
        ("becomes a link", "1"),
        ("hidden/old", "1"),
        ("hidden/both", "1"),
        ("one name", "1"),
    ]);
    fs::hard_link(world.host("one name"), world.host("other name")).unwrap();
    world
}

fn work(upper: &Path) {
    put(&upper.join("a"), "2");
    whiteout(&upper.join("folder"));
    put(&upper.join("becomes a file"), "2");
    put(&upper.join("becomes a folder/x/y"), "2");
    symlink("a", upper.join("becomes a link")).unwrap();
    opaque(&upper.join("hidden"));
    put(&upper.join("hidden/both"), "2");
    put(&upper.join("hidden/new"), "2");
    put(&upper.join("closed/x"), "2");
    mode(&upper.join("closed"), 0o555);
    whiteout(&upper.join("one name"));
    put(&upper.join("other name"), "2");
}

/// Stopped at every single step, the next run does the rest, and nothing was taken for a change
/// of the host's.
#[test]
fn the_next_run_completes() {
    let whole = world();
    let overlay = whole.after(work);
    let steps = apply(&overlay).unwrap().changes;
    let expected = whole.tree("host");
    assert!(steps > 12);
    for last in 0..steps {
        let world = world();
        let overlay = world.after(work);
        let changes = overlay.changes().unwrap();
        let mut count = 0;
        let stopped = overlay.apply(&everything().of(&changes).take, &mut |_| {
            count += 1;
            if count > last { Err("stop".to_owned()) } else { Ok(()) }
        });
        assert_eq!(stopped, Err(WorkspaceError::Stopped("stop".to_owned())));
        let rest = overlay.changes().unwrap();
        let chosen = everything().of(&rest);
        assert!(chosen.left.is_empty(), "after {last} steps: {:?}", chosen.left);
        overlay.apply(&chosen.take, &mut |_| Ok(())).unwrap();
        assert_eq!(world.tree("host"), expected, "after {last} steps");
        assert!(overlay.changes().unwrap().is_empty());
    }
}

#[test]
fn a_temporary_file_that_was_left_is_removed() {
    for discards in [false, true] {
        let world = World::with(&[("d/a", "1")]);
        let overlay = world.after(|upper| put(&upper.join("d/a"), "2"));
        let folder =
            fs::read_dir(world.state().join("workspaces")).unwrap().next().unwrap().unwrap();
        put(&world.host("d/.palisade-0123456789abcdef"), "half");
        let longer = "and what an older and longer note left behind";
        fs::write(
            folder.path().join("pending"),
            format!("d\0.palisade-0123456789abcdef\0{longer}"),
        )
        .unwrap();
        if discards {
            overlay.discard().unwrap();
        } else {
            apply(&overlay).unwrap();
        }
        let names: Vec<_> = world.tree("host").into_keys().collect();
        assert_eq!(names, [Path::new("d"), Path::new("d/a")]);
    }
}

#[test]
fn a_note_that_names_anything_else_removes_nothing() {
    let world = World::with(&[("a", "1"), ("d/b", "1")]);
    put(&world.outside(".palisade-1"), "outside");
    let overlay = world.after(|upper| put(&upper.join("new"), "2"));
    let folder = fs::read_dir(world.state().join("workspaces")).unwrap().next().unwrap().unwrap();
    for note in
        ["\0a\0", "d\0b\0", "../outside\0.palisade-1\0", "\0.palisade-/../a\0", "", "\0", "d\0"]
    {
        fs::write(folder.path().join("pending"), note).unwrap();
        let changes = overlay.changes().unwrap();
        overlay.apply(&[], &mut |_| Ok(())).unwrap();
        assert_eq!(changes.len(), 1);
    }
    assert!(world.host("a").exists() && world.host("d/b").exists());
    assert!(world.outside(".palisade-1").exists());
}
