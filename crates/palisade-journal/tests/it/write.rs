//! The writing side.

use std::{fs, os::unix::fs::PermissionsExt, thread, time::Instant};

use palisade_core::{Event, Layer};
use palisade_journal::{Durability, Journal, JournalError, journal_dir, verify::State};
use serde_json::Value;

use crate::fixture::*;

#[test]
fn a_session_is_one_whole_chain_of_its_own() {
    let state = state();
    session(state.path(), "one", 5);
    let report = report(state.path());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].records, 5);
    assert_eq!(report.sessions[0].name.as_deref(), Some("name-one"));
    assert_eq!(report.sessions[0].state, State::Ended);
}

#[test]
fn members_stand_in_their_fixed_order() {
    let state = state();
    session(state.path(), "one", 3);
    let line: serde_json::Map<String, Value> =
        serde_json::from_str(&lines(&file(state.path(), "one"))[1]).unwrap();
    let members: Vec<_> = line.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "v", "time", "mono_ns", "session", "seq", "kind", "layer", "decision", "rule",
            "subject", "reason", "policy", "detail", "prev", "hash"
        ]
    );
    assert_eq!(line["rule"], Value::Null);
    assert_eq!(line["detail"]["port"], 443);
}

#[test]
fn a_record_has_the_policy_that_decided_and_not_the_next_one() {
    let state = state();
    let journal = open(state.path(), "one");
    let next = palisade_core::PolicyDigest::of(b"next");
    journal.set_policy(next.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        journal.record_under(denial("one"), &policy()).await.unwrap();
        journal.record_folding_under(denial("two"), &policy()).await.unwrap();
        journal.record(denial("three")).await.unwrap();
    });
    end(&journal);
    let lines = lines(&file(state.path(), "one"));
    let of = |line: usize| {
        let record: Value = serde_json::from_str(&lines[line]).unwrap();
        record["policy"].as_str().unwrap().to_owned()
    };
    assert_eq!([of(1), of(2)], [policy().as_str(), policy().as_str()]);
    assert_eq!(of(3), next.as_str());
}

#[test]
fn newlines_ansi_and_json_in_a_subject_forge_no_record() {
    let state = state();
    let journal = open(state.path(), "one");
    let hostile = "x\"}\n{\"v\":1,\"seq\":9,\"decision\":\"allow\"}\r\u{1b}[2K\u{202e}\0\u{7f}";
    let event = denial(hostile).with("argv", vec![hostile, hostile]).with(hostile, hostile);
    journal.record_blocking(event, Durability::Written).unwrap();
    end(&journal);
    let bytes = fs::read(file(state.path(), "one")).unwrap();
    assert!(bytes.iter().all(|&b| b == b'\n' || (0x20..0x7f).contains(&b)));
    let lines = lines(&file(state.path(), "one"));
    assert_eq!(lines.len(), 3);
    let record: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(record["subject"], hostile);
    assert_eq!(record["detail"][hostile], hostile);
    assert!(report(state.path()).is_whole());
}

#[test]
fn a_huge_event_is_cut_to_a_whole_record() {
    let state = state();
    let journal = open(state.path(), "one");
    let mut event = denial(&"\0".repeat(50 << 20));
    for n in 0..500 {
        event = event.with(&format!("k{n}"), "\u{202e}".repeat(5000));
    }
    journal.record_blocking(event, Durability::Written).unwrap();
    end(&journal);
    let line = &lines(&file(state.path(), "one"))[1];
    assert!(line.len() < 64 * 1024, "{}", line.len());
    assert!(line.contains(" [cut ") && line.contains("\"_cut\":"));
    assert!(report(state.path()).is_whole());
}

#[test]
fn folders_and_files_are_for_the_owner_only() {
    let state = state();
    session(state.path(), "one", 3);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let journal = journal_dir(state.path());
    assert_eq!(mode(&journal), 0o700);
    assert_eq!(mode(&journal.join("one")), 0o700);
    assert_eq!(mode(&file(state.path(), "one")), 0o600);
    assert_eq!(mode(&journal.join("ledger.jsonl")), 0o600);
}

/// Its owner could put another journal and its keys in the place of ours. Only root can make such a folder here.
#[test]
fn a_state_folder_of_another_user_is_refused() {
    let state = state();
    let owner = 47_812;
    if std::os::unix::fs::chown(state.path(), Some(owner), None).is_err() {
        println!("skipped: only root gives folders away");
        return;
    }
    let refused = Journal::open(state.path(), &id("one"), None, &policy()).unwrap_err();
    assert!(matches!(refused, JournalError::NotYours { owner: 47_812, .. }), "{refused}");
    assert!(refused.to_string().contains("PALISADE_STATE"), "{refused}");
    std::os::unix::fs::chown(state.path(), Some(0), None).unwrap();
    end(&open(state.path(), "one"));
}

#[test]
fn a_state_folder_that_anybody_can_write_is_closed() {
    let state = state();
    let mode = || fs::metadata(state.path()).unwrap().permissions().mode() & 0o7777;
    // With the sticky bit nobody can rename what is another's; a group is its owner's choice.
    for (before, after) in [(0o777, 0o755), (0o1777, 0o1777), (0o770, 0o770)] {
        fs::set_permissions(state.path(), fs::Permissions::from_mode(before)).unwrap();
        session(state.path(), &format!("s{before}"), 3);
        assert_eq!(mode(), after);
    }
    assert!(report(state.path()).is_whole());
}

#[test]
fn a_link_planted_as_journal_is_not_followed() {
    let state = state();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let journal = journal_dir(state.path());
    let opened = || Journal::open(state.path(), &id("one"), None, &policy()).unwrap_err();
    std::os::unix::fs::symlink(elsewhere.path(), &journal).unwrap();
    assert!(matches!(opened(), JournalError::Io { step: "open", .. }));
    fs::remove_file(&journal).unwrap();
    fs::create_dir_all(journal.join("one")).unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, file(state.path(), "one")).unwrap();
    assert!(matches!(opened(), JournalError::Io { step: "open", .. }));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn two_writers_of_one_session_are_refused() {
    let state = state();
    let first = open(state.path(), "one");
    let second = Journal::open(state.path(), &id("one"), None, &policy());
    assert_eq!(second.unwrap_err(), JournalError::Busy(id("one")));
    end(&first);
    assert!(report(state.path()).is_whole());
}

#[test]
fn sessions_side_by_side_all_verify() {
    let state = state();
    thread::scope(|scope| {
        for n in 0..8 {
            let path = state.path();
            scope.spawn(move || session(path, &format!("s{n}"), 200));
        }
    });
    let report = report(state.path());
    assert!(report.is_whole(), "{:?}", report.damages().collect::<Vec<_>>());
    assert_eq!((report.sessions.len(), report.records(), report.ledger_entries), (8, 1600, 17));
}

#[test]
fn many_callers_of_one_journal_each_get_their_own_number() {
    let state = state();
    let journal = open(state.path(), "one");
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|t| {
                let journal = journal.clone();
                scope.spawn(move || {
                    let record = |n| denial(&format!("{t}-{n}"));
                    let how = if t == 0 { Durability::Durable } else { Durability::Written };
                    (0..200)
                        .map(|n| journal.record_blocking(record(n), how).unwrap().seq)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=1601).collect::<Vec<_>>());
    assert_eq!(end(&journal).seq, 1602);
    assert!(report(state.path()).is_whole());
}

#[tokio::test]
async fn async_callers_may_also_block_and_nothing_panics() {
    let state = state();
    let journal = open(state.path(), "one");
    assert_eq!(journal.record(denial("a")).await.unwrap().seq, 2);
    assert_eq!(journal.record_durable(denial("b")).await.unwrap().seq, 3);
    assert_eq!(put(&journal, "c"), 4);
    let last = Event::observed("end", Layer::Process, "");
    assert_eq!(journal.close(last, Durability::Durable).await.unwrap().seq, 5);
    assert_eq!(journal.record(denial("d")).await.unwrap_err(), closed());
    assert!(report(state.path()).is_whole());
}

fn closed() -> JournalError {
    JournalError::Poisoned(std::sync::Arc::new(JournalError::Closed))
}

#[test]
fn nothing_is_taken_after_the_close() {
    let state = state();
    let journal = open(state.path(), "one");
    let other = journal.clone();
    end(&journal);
    assert_eq!(other.record_blocking(denial("x"), Durability::Written).unwrap_err(), closed());
    let last = Event::observed("end", Layer::Process, "");
    assert!(other.close_blocking(last, Durability::Written).is_err());
    assert_eq!(lines(&file(state.path(), "one")).len(), 2);
}

#[test]
fn a_file_cut_grown_or_unlinked_under_its_writer_denies() {
    for attack in ["cut", "grown", "unlinked"] {
        let state = state();
        let journal = open(state.path(), "one");
        put(&journal, "a");
        let path = file(state.path(), "one");
        let mut bytes = fs::read(&path).unwrap();
        match attack {
            "cut" => fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap(),
            "grown" => {
                bytes.extend(b"{}\n");
                fs::write(&path, bytes).unwrap();
            }
            _ => fs::remove_file(&path).unwrap(),
        }
        let refused = journal.record_blocking(denial("b"), Durability::Written).unwrap_err();
        assert_eq!(refused, JournalError::Interfered { path }, "{attack}");
        let again = journal.record_blocking(denial("c"), Durability::Written).unwrap_err();
        assert!(matches!(again, JournalError::Poisoned(_)), "{attack}: {again}");
    }
}

#[test]
fn opening_is_cheap() {
    let state = state();
    drop(open(state.path(), "warm"));
    let start = Instant::now();
    let opened: Vec<_> = (0..100).map(|n| open(state.path(), &format!("s{n}"))).collect();
    let each = start.elapsed() / 100;
    println!("open: {each:?} each");
    assert!(each.as_millis() < 20, "{each:?}");
    drop(opened);
}
