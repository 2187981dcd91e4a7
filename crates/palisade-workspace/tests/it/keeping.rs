use std::{fs, os::unix::fs::PermissionsExt};

use palisade_workspace::{Outcome, State, WorkspaceError};

use crate::world::{World, id, put};

#[test]
fn nothing_is_kept_of_a_session_that_changed_nothing() {
    let world = World::with(&[("a", "1")]);
    assert_eq!(world.begin(1).end().unwrap(), Outcome::Unchanged);
    // Nor of one that was not started after all.
    drop(world.begin(2));
    assert_eq!(fs::read_dir(world.state().join("workspaces")).unwrap().count(), 0);
}

#[test]
fn nobody_works_on_it_while_the_sandbox_lives() {
    let world = World::with(&[("a", "1")]);
    let session = world.begin(1);
    put(&session.upper.join("a"), "2");
    let store = world.store();
    assert_eq!(store.list().unwrap()[0].as_ref().unwrap().state, State::Running);
    let refused = store.open(None, None).unwrap_err();
    assert_eq!(refused, WorkspaceError::InUse(id(1).to_string()));
    session.end().unwrap();
    let listed = store.list().unwrap();
    let listed = listed[0].as_ref().unwrap();
    assert_eq!(listed.state, State::Ended);
    assert_eq!(listed.record.ended.as_deref(), Some("2026-01-01T01:00:00.000000Z"));
    assert_eq!(store.weight(&id(1)).unwrap().files, 1);
    let held = store.open(None, None).unwrap();
    assert!(matches!(store.open(None, None), Err(WorkspaceError::InUse(_))));
    drop(held);
    store.open(None, None).unwrap();
}

#[test]
fn a_session_that_is_dropped_keeps_its_changes() {
    let world = World::with(&[("a", "1")]);
    let session = world.begin(1);
    put(&session.upper.join("a"), "2");
    drop(session.kept);
    let overlay = world.open();
    assert_eq!(overlay.changes().unwrap().len(), 1);
    assert_eq!(overlay.record().ended, None);
}

#[test]
fn others_see_nothing_of_it() {
    let world = World::with(&[]);
    let session = world.begin(1);
    for path in [session.kept.layers(), session.upper.join("../..")] {
        let bits = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(bits, 0o700, "{}", path.display());
    }
}
