//! A disk that takes no more. A size limit on this very test, run again in a process of its own
//! in which the signal of that limit is ignored, makes `write` fail as a full disk does.

use std::process::Command;

use palisade_journal::{Durability, JournalError, recover, verify::State};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fixture::*;

#[test]
fn a_full_disk_denies_and_leaves_nothing_half_written() {
    if std::env::var_os("PALISADE_TEST_FULL").is_none() {
        let again = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["full::a_full_disk_denies_and_leaves_nothing_half_written", "--exact"])
            .arg("--nocapture")
            .env("PALISADE_TEST_FULL", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let state = state();
    let journal = open(state.path(), "one");
    put(&journal, "before");
    let before = std::fs::read(file(state.path(), "one")).unwrap();
    let limits = getrlimit(Resource::Fsize);
    // Room for half a record.
    let room = Some(before.len() as u64 + 200);
    setrlimit(Resource::Fsize, Rlimit { current: room, ..limits }).unwrap();

    let refused = journal.record_blocking(denial("full"), Durability::Written).unwrap_err();
    assert!(matches!(refused, JournalError::Io { step: "write", .. }), "{refused}");
    assert!(refused.is_full());
    assert_eq!(std::fs::read(file(state.path(), "one")).unwrap(), before);
    setrlimit(Resource::Fsize, limits).unwrap();

    // There is room again, and still it takes nothing: what was refused stays refused.
    let again = journal.record_blocking(denial("later"), Durability::Written).unwrap_err();
    assert!(matches!(again, JournalError::Poisoned(_)) && again.is_full(), "{again}");
    let folded = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(journal.record_folding(denial("folded")));
    assert!(folded.is_err());
    drop(journal);
    while report(state.path()).sessions[0].state == State::Open {
        std::thread::yield_now();
    }
    recover(state.path(), &id("one")).unwrap();
    let text = std::fs::read_to_string(file(state.path(), "one")).unwrap();
    assert!(text.contains("before") && !text.contains("full") && !text.contains("later"));
    assert!(report(state.path()).is_whole());
}
