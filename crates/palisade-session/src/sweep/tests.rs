use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
};

use palisade_core::SessionId;

use super::*;

fn watch(folder: &Path, name: &str, was: Was) -> Watched {
    Watched { folder: folder.into(), name: name.into(), was, git: name.starts_with(".git") }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    (folder, real)
}

#[test]
fn what_appeared_is_moved_aside_and_nothing_else() {
    let (_keep, at) = folder();
    fs::write(at.join(".envrc"), "evil").unwrap();
    fs::write(at.join(".envrc.palisade-moved"), "older").unwrap();
    fs::write(at.join("README"), "mine").unwrap();
    let found = sweep(&[watch(&at, ".envrc", Was::Absent), watch(&at, ".mcp.json", Was::Absent)]);
    let [Found { path, moved: Ok(to), how: How::Appeared }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(*path, at.join(".envrc"));
    // Whatever an agent makes first, it cannot take every name.
    let shown = to.to_str().unwrap();
    assert!(shown.contains("/.envrc.palisade-moved-") && moved_from(to).as_ref() == Some(path));
    assert_eq!(fs::read_to_string(to).unwrap(), "evil");
    assert!(!at.join(".envrc").exists() && at.join("README").exists());
}

#[test]
fn a_link_on_the_way_is_moved_and_not_followed() {
    let (_keep, at) = folder();
    let (_other, outside) = folder();
    fs::create_dir(outside.join("git")).unwrap();
    symlink(&outside, at.join(".config")).unwrap();
    let found = sweep(&[watch(&at, ".config/git", Was::Absent)]);
    assert_eq!(found.len(), 1);
    assert!(at.join(".config").symlink_metadata().is_err());
    assert!(outside.join("git").exists());
}

#[test]
fn a_link_that_says_something_else_is_moved() {
    let (_keep, at) = folder();
    symlink("envs/dev", at.join(".envrc")).unwrap();
    let as_it_was = watch(&at, ".envrc", Was::Link("envs/dev".into()));
    assert!(sweep(std::slice::from_ref(&as_it_was)).is_empty());
    fs::remove_file(at.join(".envrc")).unwrap();
    assert!(sweep(std::slice::from_ref(&as_it_was)).is_empty());
    fs::write(at.join(".envrc"), "evil").unwrap();
    assert_eq!(sweep(&[as_it_was]).len(), 1);
}

#[test]
fn a_new_repository_stays_unless_it_has_hooks_or_programs() {
    let (_keep, at) = folder();
    let all = [".git", ".git/hooks", ".git/config"].map(|name| watch(&at, name, Was::Absent));
    fs::create_dir_all(at.join(".git/hooks")).unwrap();
    fs::write(at.join(".git/hooks/pre-commit.sample"), "").unwrap();
    fs::write(at.join(".git/config"), "[core]\n\tbare = false\n").unwrap();
    assert!(sweep(&all).is_empty());
    fs::write(at.join(".git/hooks/pre-commit"), "#!/bin/sh\n").unwrap();
    fs::write(at.join(".git/config"), "[core]\n\tpager = ./x\n").unwrap();
    let found = sweep(&all);
    let paths: Vec<_> = found.iter().map(|one| one.path.clone()).collect();
    assert_eq!(paths, [at.join(".git/hooks"), at.join(".git/config")]);
    // A file says that the repository is elsewhere.
    fs::remove_dir_all(at.join(".git")).unwrap();
    fs::write(at.join(".git"), "gitdir: /tmp/x\n").unwrap();
    assert_eq!(sweep(&all).len(), 1);
}

#[test]
fn launches_at_one_time_keep_their_lists() {
    let (_keep, at) = folder();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let at = &at;
            scope.spawn(move || {
                for round in 0..100_u8 {
                    let session =
                        SessionId::from_random([thread, round].repeat(8).try_into().unwrap());
                    let watched = vec![watch(at, ".envrc", Was::Absent)];
                    let list = kept(at, at, &session, watched);
                    assert!(at.join("sweeps").join(session.as_str()).exists());
                    list.forget();
                }
            });
        }
    });
}

fn kept(state: &Path, folder: &Path, session: &SessionId, watched: Vec<Watched>) -> List {
    let (list, found) = List::begin(state, session, vec![folder.to_owned()]).unwrap();
    assert!(found.is_empty());
    let mut list = list.unwrap();
    list.fill(Lists { watched, nested: Vec::new(), skills: Vec::new() }).unwrap();
    list
}

#[test]
fn the_list_of_a_dead_supervisor_is_done_once_and_a_live_ones_is_left() {
    let (_keep, at) = folder();
    let state = at.join("state");
    let (first, second, third) = (
        SessionId::from_random([7; 16]),
        SessionId::from_random([8; 16]),
        SessionId::from_random([9; 16]),
    );
    let list = kept(&state, &at, &first, vec![watch(&at, ".envrc", Was::Absent)]);
    fs::write(at.join(".envrc"), "evil").unwrap();
    kept(&state, Path::new("/elsewhere"), &second, Vec::new()).forget();
    // As a kill would: the lock goes, the list stays.
    let path = state.join("sweeps").join(first.as_str());
    drop(list);
    assert!(path.exists());
    let begin = || List::begin(&state, &third, vec!["/elsewhere".into()]).unwrap().1;
    assert_eq!(begin().len(), 1);
    assert!(begin().is_empty() && !path.exists());
}

#[test]
fn the_last_session_in_a_folder_looks_for_all() {
    let (_keep, at) = folder();
    let state = at.join("state");
    let session = |number| SessionId::from_random([number; 16]);
    let first = kept(&state, &at, &session(1), vec![watch(&at, ".envrc", Was::Absent)]);
    fs::write(at.join(".envrc"), "evil").unwrap();
    // To the second it was there.
    let second = kept(&state, &at.join("below"), &session(2), Vec::new());
    let found = first.done();
    assert_eq!(found.iter().map(|one| one.how).collect::<Vec<_>>(), [How::Later]);
    assert!(at.join(".envrc").exists());
    // Nor does a third, elsewhere, look while the second is there.
    kept(&state, Path::new("/elsewhere"), &session(3), Vec::new()).forget();
    assert!(at.join(".envrc").exists());
    let found = second.done();
    assert_eq!(found.iter().map(|one| one.how).collect::<Vec<_>>(), [How::Appeared]);
    assert!(!at.join(".envrc").exists());
    assert_eq!(fs::read_dir(state.join("sweeps")).unwrap().count(), 0);
}

#[test]
fn nothing_is_moved_under_a_launch() {
    let (_keep, at) = folder();
    let state = at.join("state");
    let session = |number| SessionId::from_random([number; 16]);
    let first = kept(&state, &at, &session(1), Vec::new());
    let second = kept(&state, &at, &session(2), Vec::new());
    let elsewhere = kept(&state, Path::new("/elsewhere"), &session(3), Vec::new());
    let (acted, acts) = std::sync::mpsc::channel();
    let start = |turns: Turns| {
        let acted = acted.clone();
        std::thread::spawn(move || turns.between_launches(|| acted.send(()).unwrap()))
    };
    let waits = start(first.turns());
    assert!(acts.recv_timeout(PAUSE).is_err(), "the second is being launched");
    second.stands().unwrap();
    acts.recv_timeout(PAUSE * 100).unwrap();
    waits.join().unwrap();
    // The first does not stand, as far as the second is told; one elsewhere is none of its business.
    let waits = start(second.turns());
    assert!(acts.recv_timeout(PAUSE).is_err(), "the first is being launched");
    first.forget();
    acts.recv_timeout(PAUSE * 100).unwrap();
    waits.join().unwrap();
    let waits = start(elsewhere.turns());
    acts.recv_timeout(PAUSE * 100).unwrap();
    waits.join().unwrap();
}

/// Where sessions are started one after the other there is always one that does not stand yet.
#[test]
fn launches_without_end_are_not_waited_for_without_end() {
    let (_keep, at) = folder();
    let state = at.join("state");
    let session = |number| SessionId::from_random([number; 16]);
    let first = kept(&state, &at, &session(1), Vec::new());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 2..5 {
            let (state, at, over) = (&state, &at, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let launched = kept(state, at, &session(number), Vec::new());
                    std::thread::sleep(PAUSE / 2);
                    launched.stands().unwrap();
                    launched.forget();
                }
            });
        }
        std::thread::sleep(PAUSE);
        let began = std::time::Instant::now();
        first.turns().between_launches(|| ());
        let took = began.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(took < PAUSE * 15, "{took:?}");
    });
    first.forget();
}

/// Long for whoever does not wait.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
