use std::{
    fs,
    path::{Path, PathBuf},
};

use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use palisade_journal::{Closed, Durability, Journal, journal_dir, verify};
use tempfile::TempDir;

pub(crate) fn policy() -> PolicyDigest {
    PolicyDigest::of(b"policy")
}

pub(crate) fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

pub(crate) fn denial(subject: &str) -> Event {
    Event {
        decision: Verdict::Deny,
        reason: "no rule permits it".into(),
        ..Event::observed("connect", Layer::Egress, subject)
    }
    .with("port", 443)
}

pub(crate) fn open(state: &Path, session: &str) -> Journal {
    Journal::open(state, &id(session), Some(&format!("name-{session}")), &policy()).unwrap()
}

pub(crate) fn put(journal: &Journal, subject: &str) -> u64 {
    journal.record_blocking(denial(subject), Durability::Written).unwrap().seq
}

pub(crate) fn end(journal: &Journal) -> Closed {
    let last = Event::observed("end", Layer::Process, "exit 0");
    journal.close_blocking(last, Durability::Written).unwrap()
}

/// A whole session of `records` records: the opening, denials, the end.
pub(crate) fn session(state: &Path, name: &str, records: u64) {
    let journal = open(state, name);
    for n in 0..records - 2 {
        put(&journal, &format!("{n}.{name}.example:443"));
    }
    assert_eq!(end(&journal).seq, records);
}

pub(crate) fn state() -> TempDir {
    TempDir::new().unwrap()
}

pub(crate) fn file(state: &Path, session: &str) -> PathBuf {
    journal_dir(state).join(session).join("000001.jsonl")
}

/// What the keys' holder remembers of the ledger, overwritten: as if the machine had died before it was written.
pub(crate) fn forget(state: &Path) {
    use std::os::unix::fs::FileExt;
    let key = fs::OpenOptions::new().write(true).open(state.join("journal.key")).unwrap();
    key.write_all_at(&[0; 4096], 512).unwrap();
}

pub(crate) fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(Into::into).collect()
}

pub(crate) fn write_lines(path: &Path, lines: &[String]) {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

pub(crate) fn report(state: &Path) -> verify::Report {
    verify(state, &verify::Options::default()).unwrap()
}

pub(crate) fn first_damage(state: &Path) -> Option<verify::Damage> {
    report(state).damages().next().cloned()
}

/// The line with its hash, as somebody who knows the format would forge it.
pub(crate) fn resealed(line: &str) -> String {
    use sha2::Digest;
    let body = &line[..line.len() - 75];
    let hash = sha2::Sha256::digest(format!("{body}}}"));
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    format!("{body},\"hash\":\"{hex}\"}}")
}
