//! A folder that cannot be written, one that is moved while it is written, and verification that goes on where it was.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use palisade_journal::{
    Journal, JournalError, journal_dir,
    verify::{self, Kind, Options},
};

use crate::{fixture::*, proof::first_key};

#[test]
fn a_folder_that_cannot_be_written_opens_no_journal() {
    let state = state();
    session(state.path(), "one", 3);
    let opened = |state: &Path| Journal::open(state, &id("two"), None, &policy());
    if rustix::process::geteuid().is_root() {
        // No mode stops root; this file system takes no folders.
        let refused = opened(Path::new("/proc/self/palisade")).unwrap_err();
        assert!(matches!(refused, JournalError::Io { step: "make", .. }), "{refused}");
    } else {
        for folder in [journal_dir(state.path()), state.path().to_owned()] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
        }
        let refused = opened(state.path()).unwrap_err();
        for folder in [journal_dir(state.path()), state.path().to_owned()] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        }
        assert!(matches!(refused, JournalError::Io { .. }), "{refused}");
    }
    assert!(report(state.path()).is_whole());
    // What can only be read can be verified.
    for file in [file(state.path(), "one"), journal_dir(state.path()).join("ledger.jsonl")] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o400)).unwrap();
    }
    assert!(report(state.path()).is_whole());
}

#[test]
fn a_folder_that_is_moved_under_its_writer_stays_one_journal() {
    let state = state();
    let journal = open(state.path(), "one");
    put(&journal, "before");
    let key = first_key(state.path());
    let moved = state.path().join("moved");
    fs::rename(journal_dir(state.path()), &moved).unwrap();
    put(&journal, "after");
    end(&journal);
    let options = Options { key: Some(key), ..Options::default() };
    let there = verify::verify(&moved, &options).unwrap();
    assert!(there.is_whole() && there.records() == 4, "{there:?}");
    // The next session finds no journal where one was, and says so.
    session(state.path(), "two", 3);
    let damage = first_damage(state.path()).unwrap();
    assert_eq!(damage.kind, Kind::RolledBack { known: 3, found: 1 });
}

#[test]
fn a_verification_goes_on_where_the_last_one_was() {
    let state = state();
    session(state.path(), "one", 50);
    let journal = open(state.path(), "two");
    for n in 0..20 {
        put(&journal, &format!("{n}"));
    }
    let reached = report(state.path()).reached();
    let text = serde_json::to_string(&reached).unwrap();
    let options = Options { resume: serde_json::from_str(&text).unwrap(), ..Options::default() };
    let resumed = || verify::verify(state.path(), &options).unwrap();
    for n in 0..20 {
        put(&journal, &format!("more {n}"));
    }
    end(&journal);
    let report = resumed();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.records(), report.sessions[1].proved), (92, 42));
    assert_eq!(report.reached(), crate::fixture::report(state.path()).reached());
    // What is new is read, what is old was trusted; a cut is seen in either.
    let path = file(state.path(), "two");
    let good = lines(&path);
    let attack = |change: &dyn Fn(&mut Vec<String>)| {
        let mut all = good.clone();
        change(&mut all);
        write_lines(&path, &all);
        !resumed().is_whole()
    };
    assert!(attack(&|all| all[30] = all[30].replace("deny", "allow")));
    assert!(attack(&|all| all.truncate(30)));
    assert!(attack(&|all| all.truncate(10)));
    assert!(attack(&|all| drop(all.remove(3))));
    assert!(attack(&|all| all[20] = resealed(&all[20].replace("deny", "allow"))));
    assert!(attack(&|all| all.swap(25, 26)));
}
