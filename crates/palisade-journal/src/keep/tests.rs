use palisade_core::{Event, Layer, PolicyDigest, SessionId};
use rustix::io::Errno;

use super::{Options, Retention, tidy};
use crate::{
    Durability, Journal, Timestamp,
    disk::faults::{self, What},
    verify,
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
