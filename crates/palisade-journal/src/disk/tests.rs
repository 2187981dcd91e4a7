//! A journal whose disk fails, or whose machine stops, at every single step.

use std::{fs, path::Path, thread, time::Duration};

use palisade_core::{Event, Layer, PolicyDigest, SessionId};
use rustix::io::Errno;

use super::faults::{What, over, pause, plan};
use crate::{
    Durability, Filter, Journal, JournalError, KeyHolder, Query, journal_dir, recover,
    verify::{self, Options, Report, State},
};

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn event(subject: &str) -> Event {
    Event::observed("act", Layer::Egress, subject)
}

/// A life of two sessions; gives the subjects that were acknowledged, those on the disk with them.
fn live(state: &Path) -> (Vec<String>, Vec<String>) {
    let (mut written, mut durable) = (Vec::new(), Vec::new());
    let policy = PolicyDigest::of(b"policy");
    for session in ["one", "two"] {
        let Ok(journal) = Journal::open(state, &id(session), None, &policy) else { continue };
        let mut mine = Vec::new();
        for n in 0..6 {
            let subject = format!("{session}-{n}");
            let class = if n % 3 == 1 { Durability::Durable } else { Durability::Written };
            if journal.record_blocking(event(&subject), class).is_ok() {
                if class == Durability::Durable {
                    // One sync is for all of the session that was written before.
                    durable.append(&mut mine);
                    durable.push(subject.clone());
                } else {
                    mine.push(subject.clone());
                }
                written.push(subject);
            }
        }
        let closed = journal.close_blocking(event("end"), Durability::Written);
        if closed.is_ok() {
            written.push(format!("end of {session}"));
        }
        drop(journal);
        if session == "one" {
            KeyHolder::open(state).and_then(|keys| keys.rotate()).ok();
        }
    }
    (written, durable)
}

fn verified(state: &Path) -> Report {
    for _ in 0..2000 {
        let report = verify::verify(state, &Options::default()).unwrap();
        if report.sessions.iter().all(|session| session.state != State::Open) {
            return report;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("a writer does not end");
}

fn subjects(state: &Path) -> Vec<String> {
    let mut query = Query::new(state, Filter::default()).unwrap();
    let mut subjects = Vec::new();
    while let Some(record) = query.next_record().unwrap() {
        if record.subject == "end" {
            subjects.push(format!("end of {}", record.session));
        }
        subjects.push(record.subject);
    }
    subjects
}

/// What is left is whole but for torn ends, holds what was acknowledged, and goes on.
fn survives(state: &Path, acknowledged: &[String], what: &str) {
    if !journal_dir(state).is_dir() {
        assert!(acknowledged.is_empty(), "{what}");
        return;
    }
    for damage in verified(state).damages() {
        assert!(matches!(damage.kind, verify::Kind::TornTail { .. }), "{what}: {damage}");
    }
    goes_on(state, acknowledged, what);
    let report = verified(state);
    let damages: Vec<_> = report.damages().map(ToString::to_string).collect();
    assert!(damages.is_empty(), "{what}: {damages:?}");
}

/// It holds what was acknowledged, also after the next session and recovery.
fn goes_on(state: &Path, acknowledged: &[String], what: &str) {
    let there = subjects(state);
    for subject in acknowledged {
        assert!(there.contains(subject), "{what}: {subject} was acknowledged and is gone");
    }
    // The next session cuts what is torn of the ledger, recovery what is torn of a session.
    let journal = Journal::open(state, &id("next"), None, &PolicyDigest::of(b"policy")).unwrap();
    journal.close_blocking(event("end"), Durability::Written).unwrap();
    for session in verified(state).sessions {
        if session.state == State::EndedHard {
            recover(state, &session.session).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
    let there = subjects(state);
    assert!(acknowledged.iter().all(|subject| there.contains(subject)), "{what}");
}

fn steps() -> u64 {
    let state = tempfile::tempdir().unwrap();
    plan(state.path(), 0, What::Stops);
    let (written, _) = live(state.path());
    assert_eq!(written.len(), 14);
    let (steps, _) = over(state.path());
    assert!(steps > 40, "{steps}");
    steps
}

/// The process is killed in the middle of every write, and at every sync and cut.
#[test]
fn a_crash_at_any_step_loses_nothing_that_was_acknowledged() {
    for at in 1..=steps() {
        let state = tempfile::tempdir().unwrap();
        plan(state.path(), at, What::Stops);
        let (written, _) = live(state.path());
        verified_quiet(state.path());
        over(state.path());
        survives(state.path(), &written, &format!("stopped at step {at}"));
    }
}

/// Wait for the writers that the stop left behind.
fn verified_quiet(state: &Path) {
    if journal_dir(state).is_dir() {
        verified(state);
    }
}

/// Each write, sync and cut fails once: what needs a record is refused, and nothing half written stays.
#[test]
fn a_failure_at_any_step_denies_and_leaves_a_whole_journal() {
    for (errno, each) in [(Errno::NOSPC, 1), (Errno::IO, 5)] {
        for at in (1..=steps()).step_by(each) {
            let state = tempfile::tempdir().unwrap();
            plan(state.path(), at, What::Fails(errno));
            let (written, _) = live(state.path());
            verified_quiet(state.path());
            over(state.path());
            let what = format!("{errno} at step {at}");
            if journal_dir(state.path()).is_dir() {
                let report = verified(state.path());
                let damages: Vec<_> = report.damages().map(ToString::to_string).collect();
                assert!(damages.is_empty(), "{what}: {damages:?}");
            }
            survives(state.path(), &written, &what);
        }
    }
}

/// The power fails at every step: of each file only what was synced is left. What was durable is there. Where the
/// ledger and a session were not synced together one knows more than the other: then verification says so.
#[test]
fn a_power_failure_leaves_what_was_durable() {
    let (mut unknown, steps) = (0, steps());
    for at in 1..=steps {
        let state = tempfile::tempdir().unwrap();
        plan(state.path(), at, What::Stops);
        let (_, durable) = live(state.path());
        verified_quiet(state.path());
        let (_, synced) = over(state.path());
        let mut files =
            vec![journal_dir(state.path()).join("ledger.jsonl"), state.path().join("journal.key")];
        for session in ["one", "two"] {
            files.push(journal_dir(state.path()).join(session).join("000001.jsonl"));
        }
        for file in files.iter().filter(|file| file.exists()) {
            fs::write(file, synced.get(file).map(Vec::as_slice).unwrap_or_default()).unwrap();
        }
        let what = format!("no power from step {at} on");
        if !journal_dir(state.path()).is_dir() {
            continue;
        }
        let report = verified(state.path());
        let kinds: Vec<_> = report.damages().map(|damage| damage.kind.clone()).collect();
        let open = |kind: &_| {
            use verify::Kind::{Missing, Truncated, Unlisted};
            matches!(kind, Unlisted | Missing | Truncated { .. })
        };
        if !kinds.is_empty() && kinds.iter().all(open) {
            unknown += 1;
            goes_on(state.path(), &durable, &what);
        } else {
            survives(state.path(), &durable, &what);
        }
    }
    assert!(unknown < steps * 2 / 3, "{unknown} of {steps}");
}

/// A disk that takes no sync: what must be durable is refused, and everything after it.
#[test]
fn without_a_sync_nothing_is_durable() {
    let state = tempfile::tempdir().unwrap();
    let journal = Journal::open(state.path(), &id("one"), None, &PolicyDigest::of(b"p")).unwrap();
    plan(state.path(), 2, What::Fails(Errno::IO));
    let refused = journal.record_blocking(event("a"), Durability::Durable).unwrap_err();
    assert!(matches!(refused, JournalError::Io { step: "sync", .. }), "{refused}");
    over(state.path());
    let refused = journal.record_blocking(event("b"), Durability::Written).unwrap_err();
    assert!(matches!(refused, JournalError::Poisoned(_)), "{refused}");
}

/// A disk that hangs: what waits is bounded, whoever needs a record waits, and nothing is lost when it goes on.
#[tokio::test]
async fn a_slow_disk_holds_up_callers_and_not_memory() {
    let state = tempfile::tempdir().unwrap();
    let journal = Journal::open(state.path(), &id("one"), None, &PolicyDigest::of(b"p")).unwrap();
    pause(state.path(), true);
    let waiting: Vec<_> = (0..3000)
        .map(|n| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.record(event(&n.to_string())).await })
        })
        .collect();
    while journal.free() > 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(journal.free(), 0);
    assert!(waiting.iter().all(|one| !one.is_finished()), "one was answered before it was written");
    pause(state.path(), false);
    let mut numbers = Vec::new();
    for one in waiting {
        numbers.push(one.await.unwrap().unwrap().seq);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=3001).collect::<Vec<_>>());
    journal.close(event("end"), Durability::Written).await.unwrap();
    assert!(verified(state.path()).is_whole());
}
