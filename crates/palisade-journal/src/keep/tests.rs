use palisade_core::{Event, Layer, PolicyDigest, SessionId};
use rustix::io::Errno;

use super::{
    Options, Retention, hold,
    rewrite::{self, NEW, Rule},
    tidy,
};
use crate::{
    Durability, Journal, Timestamp,
    disk::faults::{self, What},
    keys::Keyring,
    ledger::{Entry, Ledger, Said},
    store::Folder,
    verify::{self, Kind, verify},
};

fn session(state: &std::path::Path) -> SessionId {
    let session = SessionId::from_random([5; 16]);
    let journal = Journal::open(state, &session, None, &PolicyDigest::of(b"p")).unwrap();
    let put = |event: Event| {
        journal.record_blocking(event, Durability::Written).unwrap();
    };
    put(Retention::default().with("connect", 60).event());
    for n in 0..40 {
        put(Event::observed("connect", Layer::Egress, format!("host-{n}")));
        put(Event::observed("exec", Layer::Process, format!("program-{n}")));
    }
    let end = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(end, Durability::Durable).unwrap();
    session
}

/// Whatever fails while records are removed, and wherever the process ends: the journal verifies, and the next time
/// all that was due goes.
#[test]
fn a_crash_or_a_failure_at_any_step_leaves_a_journal_that_verifies() {
    for what in [What::Stops, What::Fails(Errno::NOSPC), What::Fails(Errno::IO)] {
        for at in 1.. {
            let state = tempfile::tempdir().unwrap();
            let session = session(state.path());
            let now = Timestamp::now().plus_seconds(3600);
            let options = Options { now, otherwise: Retention::default(), only: None, dry: false };
            faults::plan(state.path(), at, what);
            drop(tidy(state.path(), &options));
            let (steps, _) = faults::over(state.path());
            let report = verify(state.path(), &verify::Options::default()).unwrap();
            // The ledger's own tail may be torn, which the next entry cuts and tells.
            let torn =
                |damage: &verify::Damage| matches!(damage.kind, verify::Kind::TornTail { .. });
            assert!(report.damages().all(torn), "{what:?} {at}: {:?}", report.damages().next());
            let again = tidy(state.path(), &options);
            // A ledger that was torn is cut by the next entry.
            let again = again.or_else(|_| {
                let journal = Journal::open(
                    state.path(),
                    &SessionId::from_random([6; 16]),
                    None,
                    &PolicyDigest::of(b"p"),
                );
                drop(journal.unwrap());
                tidy(state.path(), &options)
            });
            let again = again.unwrap();
            assert!(again.sessions.iter().all(|one| one.skipped.is_none()), "{again:?}");
            let report = verify(state.path(), &verify::Options::default()).unwrap();
            assert!(report.is_whole(), "{what:?} {at}: {:?}", report.damages().next());
            let one = report.sessions.iter().find(|one| one.session == session).unwrap();
            assert_eq!((one.dropped, one.records), (40, 83), "{what:?} {at}");
            if steps < at {
                assert!(at > 5, "{steps} steps");
                break;
            }
        }
    }
}

/// What somebody does who has the key of the ledger: remove by a rule of his own, and sign what he likes about it.
fn removed_by_a_thief(
    claim: &str,
    by: &Retention,
    entered: u64,
    count: Option<u64>,
) -> verify::Report {
    let state = tempfile::tempdir().unwrap();
    let session = session(state.path());
    let folder = Folder::state(state.path()).unwrap();
    let journal = folder.journal().unwrap();
    let ledger = verify::ledger::walk(&journal, &verify::Options::default()).unwrap();
    let anchors = ledger.sessions[&session].anchors.iter().map(|it| it.at.seq).collect();
    let now = Timestamp::now().plus_seconds(1_000_000);
    let rule = Rule { session: &session, retention: by, now, anchors };
    let place = journal.existing(session.as_str()).unwrap();
    let new = rewrite::segment(&place, "000001.jsonl", &rule).unwrap().unwrap();
    assert!(new.dropped > 0);
    let keys = Keyring::open(&folder).unwrap();
    let mut ledger = Ledger::lock(&journal, &keys).unwrap();
    let said = Said {
        session: Some(&session),
        name: Some(claim),
        at_seq: count.unwrap_or(new.dropped),
        at_hash: Some(new.gaps),
        time: Some(Timestamp::now().plus_seconds(entered)),
        ..Said::plain(Entry::Dropped)
    };
    ledger.append(said).unwrap();
    drop(ledger);
    place.rename(&format!("{}{NEW}", new.name), &new.name).unwrap();
    place.remove(&new.old).unwrap();
    verify(state.path(), &verify::Options::default()).unwrap()
}

#[test]
fn who_has_the_key_removes_more_than_the_rule_says() {
    let rule = Retention::default().with("connect", 60);
    // What the rule says is no damage.
    let fine = removed_by_a_thief("audit.retain: connect 60s", &rule, 100, None);
    assert!(fine.is_whole(), "{:?}", fine.damages().next());
    let more = Retention::default().with("exec", 1);
    for (claim, by, entered, count, why) in [
        // Another class, another time, a rule for all.
        ("audit.retain: exec 1s", &more, 100, None, "the session has another rule"),
        ("audit.retain: connect 1s", &rule, 100, None, "the session has another rule"),
        ("audit.retain: default 1d", &more, 100, None, "the session has another rule"),
        ("audit.retain: connect 60s, exec 1s", &more, 100, None, "the session has another rule"),
        // No rule at all.
        ("because", &rule, 100, None, "is no rule"),
        ("audit.retain: ", &rule, 100, None, "is no rule"),
        // Before its time, said or cut.
        ("audit.retain: connect 60s", &rule, 30, None, "was not due"),
        ("audit.retain: connect 60s, ex [cut 9 bytes]", &rule, 30, None, "was not due"),
        ("audit.retain:  [cut 99 bytes]", &rule, 30, None, "was not due"),
        // More than it says.
        ("audit.retain: connect 60s", &rule, 100, Some(39), "knows of 39 removed records"),
    ] {
        let report = removed_by_a_thief(claim, by, entered, count);
        let found = report.damages().next().map(|damage| damage.kind.clone());
        let Some(Kind::BeyondRule { why: told, .. }) = found else { panic!("{claim}: {found:?}") };
        assert!(told.contains(why), "{claim}: {told}");
    }
}

/// Nothing is signed on top of a ledger that somebody changed.
#[test]
fn a_hold_looks_at_the_ledger_first() {
    let state = tempfile::tempdir().unwrap();
    let session = session(state.path());
    hold(state.path(), Some(&session), "case 1").unwrap();
    let path = state.path().join("journal/ledger.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    // What is remembered of the end is not changed.
    std::fs::write(&path, text.replacen("\"at_seq\":1,", "\"at_seq\":2,", 1)).unwrap();
    assert!(hold(state.path(), None, "case 2").is_err());
    assert!(super::release(state.path(), Some(&session), "over").is_err());
    let erased = super::erase(state.path(), &session, "x", || panic!("it was destroyed"));
    assert!(erased.is_err());
    // A torn tail is what a crash leaves, and no reason to refuse.
    std::fs::write(&path, format!("{text}{{\"v\":2,")).unwrap();
    hold(state.path(), None, "case 2").unwrap();
    let report = verify(state.path(), &verify::Options::default()).unwrap();
    assert!(report.is_whole() && report.hold.as_deref() == Some("case 2"), "{report:?}");
}
