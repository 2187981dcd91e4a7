//! The format's specification is enough: a verifier that shares no code agrees.

use std::{path::Path, process::Command};

use palisade_core::{Event, Layer};
use palisade_journal::{Durability, journal_dir, verify::State};

use crate::fixture::*;

/// `None` when there is no Python, which in CI is a failure.
fn python(state: &Path) -> Option<bool> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
    match Command::new("python3").arg(script).arg(journal_dir(state)).output() {
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stderr));
            Some(output.status.success())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI: {error}");
            println!("skipped: no python3 ({error})");
            None
        }
    }
}

#[test]
fn an_independent_verifier_agrees() {
    let state = state();
    session(state.path(), "one", 50);
    let journal = open(state.path(), "two");
    let odd = "\0\u{1b}\u{202e}é😀\u{7f}\"\\/\n".repeat(500);
    let event =
        denial(&odd).with("float", 0.1).with("none", None::<u8>).with(&odd, vec![odd.clone()]);
    journal.record_blocking(event, Durability::Durable).unwrap();
    end(&journal);
    let journal = open(state.path(), "one");
    put(&journal, "again");
    end(&journal);
    let Some(whole) = python(state.path()) else { return };
    assert!(whole);
    a_cut_opening_is_no_damage();

    let path = file(state.path(), "one");
    let good = lines(&path);
    let attacks: [fn(&mut Vec<String>); 6] = [
        |all| all[3] = all[3].replace("deny", "allow"),
        |all| all[3] = resealed(&all[3].replace("deny", "allow")),
        |all| all.swap(3, 4),
        |all| drop(all.remove(5)),
        |all| drop(all.pop()),
        |all| all.insert(7, all[7].clone()),
    ];
    for (n, attack) in attacks.into_iter().enumerate() {
        let mut all = good.clone();
        attack(&mut all);
        write_lines(&path, &all);
        assert_eq!(python(state.path()), Some(false), "attack {n}");
        assert!(!report(state.path()).is_whole(), "attack {n}");
    }
}

#[test]
fn the_line_is_what_python_would_write() {
    let state = state();
    let journal = open(state.path(), "one");
    let event = Event::observed("x", Layer::Files, "\u{8}\u{c}\t\r\n\"\\/é😀\u{7f}\u{2028}");
    journal.record_blocking(event, Durability::Written).unwrap();
    end(&journal);
    let script = "import json,sys\nfor l in open(sys.argv[1]):\n assert json.dumps(json.loads(l),separators=(',',':'))+'\\n'==l";
    let Ok(status) =
        Command::new("python3").args(["-c", script]).arg(file(state.path(), "one")).status()
    else {
        assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI");
        return;
    };
    assert!(status.success());
}

/// Where a crash was between the two chains, both verifiers see none; where an act followed, both do.
fn a_cut_opening_is_no_damage() {
    for acted in [false, true] {
        let state = state();
        session(state.path(), "one", 3);
        let journal = open(state.path(), "two");
        if acted {
            put(&journal, "act");
        }
        drop(journal);
        let ledger = journal_dir(state.path()).join("ledger.jsonl");
        let mut entries = lines(&ledger);
        entries.pop();
        write_lines(&ledger, &entries);
        while report(state.path()).sessions[1].state == State::Open {
            std::thread::yield_now();
        }
        assert_eq!(python(state.path()), Some(!acted));
        assert_eq!(report(state.path()).is_whole(), !acted);
    }
}
