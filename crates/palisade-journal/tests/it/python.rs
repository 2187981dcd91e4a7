//! The format's specification is enough: a verifier that shares no code agrees.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use palisade_core::{Event, Layer};
use palisade_journal::{
    Durability, KeyHolder, journal_dir,
    ship::{Reached, Sealing, Shipping},
    verify::{self, State},
};

use crate::{fixture::*, proof::first_key};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// `None` when there is no Python, which in CI is a failure, or none that reads what is compressed.
pub(crate) fn python(state: &Path) -> Option<bool> {
    python_at(&journal_dir(state), None)
}

/// What both programs say: the one that reads all, and the hundred lines.
fn python_with(state: &Path, key: Option<&Path>) -> Option<bool> {
    let all = python_at(&journal_dir(state), key)?;
    if let Some(key) = key {
        assert_eq!(core(state, key), Some(all), "the hundred lines");
    }
    Some(all)
}

fn python_at(journal: &Path, key: Option<&Path>) -> Option<bool> {
    ran(Command::new("python3").args(["-B", "verify_all.py"]).arg(journal).args(key))
}

/// What the hundred lines say.
fn core(state: &Path, key: &Path) -> Option<bool> {
    ran(Command::new("python3").args(["-B", "verify.py"]).arg(journal_dir(state)).arg(key))
}

/// The same in plain Python, for which there is no library but its own.
fn plain(state: &Path, key: &Path) -> Option<bool> {
    ran(Command::new("python3").args(["-B", "-S", "verify.py"]).arg(journal_dir(state)).arg(key))
}

fn ran(command: &mut Command) -> Option<bool> {
    match command.current_dir(TESTS).output() {
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stderr));
            // Nothing here reads zstd.
            (output.status.code() != Some(3)).then_some(output.status.success())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 is needed in CI: {error}");
            println!("skipped: no python3 ({error})");
            None
        }
    }
}

/// A file with the journal's first key, in its state folder.
fn key_file(state: &Path) -> PathBuf {
    let path = state.join("key");
    fs::write(&path, first_key(state).to_string()).unwrap();
    path
}

/// The verifier is short enough to be read, and not by having lines that nobody can.
#[test]
fn an_independent_verifier_has_a_hundred_lines() {
    let text = fs::read_to_string(Path::new(TESTS).join("verify.py")).unwrap();
    let (mut lines, mut documents) = (0, false);
    for line in text.lines().map(str::trim_end) {
        let quotes = line.matches("\"\"\"").count();
        let inside = documents || quotes > 0;
        documents ^= quotes % 2 == 1;
        if !inside && !line.is_empty() && !line.trim_start().starts_with('#') {
            lines += 1;
            assert!(line.chars().count() <= 100 && !line.contains(';'), "{line}");
        }
    }
    assert!((80..=100).contains(&lines), "{lines} lines");
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
    let keys = key_file(state.path());
    let Some(whole) = python_with(state.path(), Some(&keys)) else { return };
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
        assert_eq!(python_with(state.path(), Some(&keys)), Some(false), "attack {n}");
        assert!(!report(state.path()).is_whole(), "attack {n}");
    }
}

/// Signatures, keys that follow one another, and the older form, by a verifier with an Ed25519 of its own.
#[test]
fn an_independent_verifier_agrees_on_signatures() {
    let state = state();
    session(state.path(), "one", 20);
    let keys = key_file(state.path());
    KeyHolder::open(state.path()).unwrap().rotate().unwrap();
    session(state.path(), "two", 20);
    let Some(whole) = python_with(state.path(), Some(&keys)) else { return };
    assert!(whole);
    assert_eq!(plain(state.path(), &keys), Some(true));

    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let good = lines(&ledger);
    let flip = |line: &mut String, at: usize| {
        let digit = if line.as_bytes()[at] == b'0' { "1" } else { "0" };
        line.replace_range(at..=at, digit);
    };
    // A digit of the signature, of the root, of the key; the entry of the key is gone.
    type Attack<'a> = &'a dyn Fn(&mut Vec<String>);
    let attacks: [Attack<'_>; 4] = [
        &|all| {
            let at = all[4].len() - 10;
            flip(&mut all[4], at);
        },
        &|all| {
            let at = all[4].len() - 150;
            flip(&mut all[4], at);
        },
        &|all| {
            let at = all[3].find("\"key\":\"").unwrap() + 20;
            flip(&mut all[3], at);
        },
        &|all| drop(all.remove(3)),
    ];
    for (n, attack) in attacks.into_iter().enumerate() {
        let mut all = good.clone();
        attack(&mut all);
        write_lines(&ledger, &all);
        assert_eq!(python_with(state.path(), Some(&keys)), Some(false), "attack {n}");
        assert_eq!(plain(state.path(), &keys), Some(false), "attack {n}");
        assert!(!report(state.path()).is_whole(), "attack {n}");
    }

    // All of it anew, by somebody without the key: whole, and not what the key's owner wrote.
    let forged = self::state();
    session(forged.path(), "one", 20);
    assert_eq!(python(forged.path()), Some(true));
    assert_eq!(python_with(forged.path(), Some(&keys)), Some(false));

    let old = self::state();
    let version_1 = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/version-1");
    std::os::unix::fs::symlink(version_1, journal_dir(old.path())).unwrap();
    assert_eq!(python(old.path()), Some(true));
    assert_eq!(python_with(old.path(), Some(&keys)), Some(false));
}

/// Ship what has ended to a folder, as a round does; gives where the next part of the ledger begins.
pub(crate) fn ship(state: &Path, copy: &Path, from: &Reached, sessions: &[&str]) -> Reached {
    let mut end = from.clone();
    let parts = |end: &mut Reached| {
        let shipping = Shipping::begin(state).unwrap().unwrap();
        let ledger = copy.join(&shipping.name).join("_ledger");
        fs::create_dir_all(&ledger).unwrap();
        while let Some(part) = shipping.part(end, None).unwrap() {
            fs::write(ledger.join(&part.name), &part.text).unwrap();
            *end = part.end;
        }
        shipping
    };
    let shipping = parts(&mut end);
    for session in sessions {
        let Sealing::Sealed(sealed) = shipping.seal(&id(session)).unwrap() else {
            panic!("{session}")
        };
        let folder = copy.join(&shipping.name).join(session);
        fs::create_dir_all(&folder).unwrap();
        let objects = sealed.pieces.iter().map(|piece| (piece.name.as_str(), &piece.sha256));
        let (_, digest) = palisade_journal::ship::manifest(objects, &[]);
        for piece in sealed.pieces {
            let (mut from, mut to) =
                (piece.file, fs::File::create(folder.join(&piece.name)).unwrap());
            std::io::copy(&mut from, &mut to).unwrap();
        }
        shipping.enter(&id(session), "the place", sealed.records, digest).unwrap();
    }
    parts(&mut end);
    end
}

/// A copy's ledger is in parts, and not every session is there.
#[test]
fn an_independent_verifier_agrees_on_a_copy() {
    let (state, elsewhere) = (state(), state());
    session(state.path(), "one", 500);
    session(state.path(), "two", 20);
    let end = ship(state.path(), elsewhere.path(), &Reached::default(), &["one"]);
    session(state.path(), "three", 20);
    ship(state.path(), elsewhere.path(), &end, &["three"]);
    let copy = fs::read_dir(elsewhere.path()).unwrap().next().unwrap().unwrap().path();
    let agree = |whole: bool, what: &str| {
        let report = verify::verify(&copy, &verify::Options::default()).unwrap();
        let damages: Vec<_> = report.damages().map(ToString::to_string).collect();
        assert_eq!(report.is_whole(), whole, "{what}: {damages:?}");
        if let Some(python) = python_at(&copy, None) {
            assert_eq!(python, whole, "{what}");
        }
    };
    agree(true, "as it was shipped");
    let mut parts: Vec<_> =
        fs::read_dir(copy.join("_ledger")).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    assert!(parts.len() > 2);
    let aside = elsewhere.path().join("aside");
    for part in &parts[..parts.len() - 1] {
        fs::rename(part, &aside).unwrap();
        agree(false, "without a part of the ledger");
        fs::rename(&aside, part).unwrap();
    }
    let good = fs::read(&parts[1]).unwrap();
    let mut bad = good.clone();
    let digit = bad.len() - 20;
    bad[digit] = if bad[digit] == b'0' { b'1' } else { b'0' };
    fs::write(&parts[1], bad).unwrap();
    agree(false, "with a digit of a signature changed");
    fs::write(&parts[1], &good).unwrap();
    fs::rename(copy.join("one"), &aside).unwrap();
    agree(false, "without a session that was shipped");
    fs::create_dir(copy.join("one")).unwrap();
    agree(false, "without its records");
    fs::remove_dir(copy.join("one")).unwrap();
    fs::rename(&aside, copy.join("one")).unwrap();
    agree(true, "as it was again");
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
        let keys = key_file(state.path());
        assert_eq!(python_with(state.path(), Some(&keys)), Some(!acted));
        assert_eq!(report(state.path()).is_whole(), !acted);
    }
}
