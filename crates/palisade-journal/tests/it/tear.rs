//! Torn tails: cut and told of. Anything else: left alone, for it is evidence.

use std::{fs, io::Write};

use palisade_journal::{
    Journal, JournalError, journal_dir, recover,
    verify::{Kind, State},
};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::fixture::*;

fn crashed(torn: &[u8]) -> tempfile::TempDir {
    let state = state();
    let journal = open(state.path(), "one");
    put(&journal, "a");
    drop(journal);
    settle(state.path());
    let mut file = fs::OpenOptions::new().append(true).open(file(state.path(), "one")).unwrap();
    file.write_all(torn).unwrap();
    state
}

/// Wait until the writer of a dropped journal is gone.
fn settle(state: &std::path::Path) {
    while report(state).sessions.iter().any(|session| session.state == State::Open) {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn a_session_without_an_end_is_not_damaged() {
    let state = crashed(b"");
    let report = report(state.path());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].state, State::EndedHard);
}

#[test]
fn a_torn_tail_is_cut_recorded_and_ended() {
    for torn in [&b"{\"v\":1,\"time\":\"20"[..], &[0; 5000], b"\xff\xfe\nhalf", b"\n"] {
        let state = crashed(torn);
        let found = first_damage(state.path()).unwrap();
        assert_eq!(found.line, 3, "{found}");
        assert_eq!(recover(state.path(), &id("one")).unwrap().seq, 5);
        let report = report(state.path());
        assert!(report.is_whole(), "{report:?}");
        assert_eq!(report.sessions[0].state, State::Ended);
        let lines = lines(&file(state.path(), "one"));
        assert!(lines[2].contains("\"kind\":\"recovered\""));
        assert!(lines[2].contains(&format!("\"cut_bytes\":{}", torn.len())), "{}", lines[2]);
        assert!(lines[3].contains("\"kind\":\"journal_reopen\""));
    }
}

#[test]
fn recovery_does_not_sweep_an_edit_away() {
    let state = crashed(b"");
    let path = file(state.path(), "one");
    let mut all = lines(&path);
    all[0] = all[0].replace("\"open\"", "\"nope\"").replace("name-one", "name-two");
    write_lines(&path, &all);
    let refused = recover(state.path(), &id("one")).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { offset: 0, .. }), "{refused}");
    assert_eq!(lines(&path), all);
}

#[test]
fn recovery_does_not_sweep_a_truncation_away() {
    let state = state();
    session(state.path(), "one", 5);
    let path = file(state.path(), "one");
    write_lines(&path, &lines(&path)[..3]);
    let refused = Journal::open(state.path(), &id("one"), None, &policy()).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
}

#[test]
fn a_live_session_is_not_recovered() {
    let state = state();
    let journal = open(state.path(), "one");
    assert_eq!(recover(state.path(), &id("one")).unwrap_err(), JournalError::Busy(id("one")));
    end(&journal);
}

#[test]
fn a_session_goes_on_after_it_was_closed() {
    let state = state();
    session(state.path(), "one", 5);
    session_again(state.path());
    let report = report(state.path());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.sessions[0].records, report.ledger_entries), (8, 5));
}

/// As a process has it that is forked meanwhile, up to its `execve`.
#[test]
fn a_session_that_ended_is_not_held_open_by_a_copy_of_its_descriptor() {
    let state = state();
    let journal = open(state.path(), "one");
    put(&journal, "a");
    let path = file(state.path(), "one");
    let numbers = fs::read_dir("/proc/self/fd").unwrap().map(|fd| fd.unwrap());
    let number = numbers.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == path));
    let number = number.map(|fd| fd.file_name().to_str().unwrap().parse().unwrap()).next().unwrap();
    let me = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let copy = pidfd_getfd(me, number, PidfdGetfdFlags::empty()).unwrap();
    end(&journal);
    assert_eq!(report(state.path()).sessions[0].state, State::Ended);
    drop(copy);
}

fn session_again(state: &std::path::Path) {
    let journal = open(state, "one");
    assert_eq!(put(&journal, "again"), 7);
    end(&journal);
}

#[test]
fn a_torn_ledger_is_cut_and_entered() {
    let state = state();
    session(state.path(), "one", 3);
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    fs::OpenOptions::new().append(true).open(&ledger).unwrap().write_all(b"{\"v\":1,").unwrap();
    let found = first_damage(state.path()).unwrap();
    assert_eq!(found.kind, Kind::TornTail { bytes: 7 });
    session(state.path(), "two", 3);
    let report = report(state.path());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.ledger_entries, 6);
}

#[test]
fn an_edited_ledger_stops_the_next_launch() {
    let state = state();
    session(state.path(), "one", 3);
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let text = fs::read_to_string(&ledger).unwrap().replace("\"at_seq\":3", "\"at_seq\":2");
    fs::write(&ledger, text).unwrap();
    let refused = Journal::open(state.path(), &id("two"), None, &policy()).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
}

/// A crash while a session is opened: before its file, before its first record, and before the ledger
/// knows it. The first session of all as well.
#[test]
fn a_crash_in_the_opening_is_recovered() {
    for (others, cut) in [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2)] {
        let state = state();
        for number in 0..others {
            session(state.path(), &format!("other-{number}"), 3);
        }
        drop(open(state.path(), "one"));
        settle(state.path());
        let ledger = journal_dir(state.path()).join("ledger.jsonl");
        let mut entries = lines(&ledger);
        entries.pop();
        write_lines(&ledger, &entries);
        forget(state.path());
        let path = file(state.path(), "one");
        match cut {
            0 => fs::remove_file(&path).unwrap(),
            1 => write_lines(&path, &[]),
            _ => {}
        }
        let now = report(state.path());
        assert!(now.is_whole(), "{others} {cut}: {now:?}");
        let one = now.sessions.iter().find(|s| s.session == id("one")).unwrap();
        assert_eq!(one.state, State::EndedHard);
        recover(state.path(), &id("one")).unwrap();
        let then = report(state.path());
        assert!(then.is_whole(), "{others} {cut}: {then:?}");
        assert!(then.sessions.iter().all(|s| s.state == State::Ended), "{then:?}");
    }
}

/// Of a session that has done anything, the entry cannot go without a trace.
#[test]
fn an_opening_that_the_ledger_lost_is_damage() {
    let state = state();
    session(state.path(), "other", 3);
    let journal = open(state.path(), "one");
    put(&journal, "a");
    drop(journal);
    settle(state.path());
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let mut entries = lines(&ledger);
    entries.pop();
    write_lines(&ledger, &entries);
    let damage = first_damage(state.path()).unwrap();
    assert_eq!((damage.kind, damage.seq), (Kind::Unlisted, 1));
    // Nor is it swept away by a recovery: the keys' holder says what it knew.
    recover(state.path(), &id("one")).unwrap();
    let damages: Vec<_> = report(state.path()).damages().map(|d| d.kind.clone()).collect();
    assert_eq!(damages, [Kind::RolledBack { known: 4, found: 3 }, Kind::Unlisted]);
}
