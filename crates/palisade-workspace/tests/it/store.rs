use std::fs;

use palisade_workspace::{Store, WorkspaceError};

use crate::world::{World, id, mode, put};

#[test]
fn a_store_that_others_may_enter_is_refused() {
    let world = World::with(&[]);
    world.store();
    mode(&world.state().join("workspaces"), 0o755);
    assert!(matches!(Store::create(&world.state()), Err(WorkspaceError::Untrusted { .. })));
}

#[test]
fn a_store_that_is_a_link_is_refused() {
    let world = World::with(&[]);
    fs::create_dir(world.state()).unwrap();
    fs::create_dir(world.outside("workspaces")).unwrap();
    mode(&world.outside("workspaces"), 0o700);
    std::os::unix::fs::symlink(world.outside("workspaces"), world.state().join("workspaces"))
        .unwrap();
    assert!(Store::create(&world.state()).is_err());
}

#[test]
fn what_a_crash_left_is_swept() {
    let world = World::with(&[]);
    let store = world.store();
    let folder = world.state().join("workspaces");
    let session = id(7);
    put(&folder.join(format!(".new-{session}/lock")), "");
    put(&folder.join(format!(".gone-{session}/layers/upper/a/b")), "");
    assert!(store.list().unwrap().is_empty());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// Killed between a folder and its lock.
#[test]
fn what_a_crash_left_without_a_lock_is_swept() {
    let world = World::with(&[]);
    let store = world.store();
    let folder = world.state().join("workspaces");
    for (number, mode_of) in [(7, 0o700), (8, 0)] {
        let left = folder.join(format!(".new-{}", id(number)));
        fs::create_dir(&left).unwrap();
        mode(&left, mode_of);
    }
    assert!(store.list().unwrap().is_empty());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn what_is_being_made_is_not_swept() {
    let world = World::with(&[]);
    let store = world.store();
    let folder = world.state().join("workspaces");
    let made = folder.join(format!(".new-{}", id(7)));
    fs::create_dir(&made).unwrap();
    let making = fs::File::open(&folder).unwrap();
    making.lock_shared().unwrap();
    assert!(store.list().unwrap().is_empty());
    assert!(made.exists());
    drop(making);
    assert!(store.list().unwrap().is_empty());
    assert!(!made.exists());
}

#[test]
fn an_overlay_is_found_by_id_beginning_or_folder() {
    let world = World::with(&[("sub/x", "")]);
    for number in [0x11, 0x12] {
        let session = world.begin(number);
        put(&session.upper.join("a"), "2");
        session.end().unwrap();
    }
    let store = world.store();
    let found = |name: &str| store.open(Some(name), None).map(|one| one.record().session.clone());
    assert_eq!(found(id(0x11).as_str()), Ok(id(0x11)));
    assert_eq!(found("s-12"), Ok(id(0x12)));
    assert!(matches!(found("s-1"), Err(WorkspaceError::Ambiguous { .. })));
    assert_eq!(found("s-13"), Err(WorkspaceError::Unknown("s-13".to_owned())));
    assert!(found("../x").is_err() && found("").is_err());
    store.open(Some("s-11"), None).unwrap().discard().unwrap();
    let here = store.open(None, Some(&world.host("sub"))).unwrap();
    assert_eq!(here.record().session, id(0x12));
}

#[test]
fn a_damaged_record_hides_no_other() {
    let world = World::with(&[]);
    for number in [1, 2] {
        let session = world.begin(number);
        put(&session.upper.join("a"), "2");
        session.end().unwrap();
    }
    let record = world.state().join("workspaces").join(id(1).as_str()).join("record.json");
    fs::write(record, "{}").unwrap();
    let store = world.store();
    let all = store.list().unwrap();
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 1);
    assert_eq!(all.len(), 2);
    assert_eq!(store.open(None, None).unwrap().record().session, id(2));
}
