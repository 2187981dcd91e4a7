//! What is removed by a rule leaves a chain that verifies; what is removed otherwise is damage.

use std::{fs, path::Path};

use palisade_core::{Event, Layer};
use palisade_journal::{
    Durability, Filter, Query, Timestamp, journal_dir,
    keep::{self, Erased, Options, Retention, Skipped, Tidied},
    proof::{ProofError, Prover},
    verify::Kind,
};

use crate::{fixture::*, proof::first_key, python::python};

pub(crate) const DAY: u64 = 86_400;

fn later(days: u64) -> Timestamp {
    Timestamp::now().plus_seconds(days * DAY)
}

pub(crate) fn tidy(state: &Path, days: u64, otherwise: Retention) -> Tidied {
    let options = Options { now: later(days), otherwise, only: None, dry: false };
    keep::tidy(state, &options).unwrap()
}

/// Denied connections, and requests and executions between them, under a rule.
pub(crate) fn mixed(state: &Path, name: &str, rule: &Retention) {
    let journal = open(state, name);
    if !rule.is_empty() {
        journal.record_blocking(rule.event(), Durability::Written).unwrap();
    }
    for n in 0..100 {
        put(&journal, &format!("secret-{n}.example:443"));
        let kind = if n % 7 == 0 { "request" } else { "exec" };
        let event = Event::observed(kind, Layer::Process, format!("kept-{n}"));
        journal.record_blocking(event, Durability::Written).unwrap();
    }
    end(&journal);
}

fn subjects(state: &Path) -> Vec<String> {
    let mut query = Query::new(state, Filter::default()).unwrap();
    let mut all = Vec::new();
    while let Some(record) = query.next_record().unwrap() {
        all.push(record.subject);
    }
    assert_eq!(query.unreadable(), []);
    all
}

fn packed(state: &Path, session: &str) -> Vec<u8> {
    fs::read(journal_dir(state).join(session).join("000001.jsonl.zst")).unwrap()
}

fn unpacked(state: &Path, session: &str) -> Vec<String> {
    let text = zstd::stream::decode_all(packed(state, session).as_slice()).unwrap();
    String::from_utf8(text).unwrap().lines().map(Into::into).collect()
}

#[test]
fn what_a_rule_removes_leaves_a_chain_that_verifies() {
    let state = state();
    let rule = Retention::default().with("connect", 30 * DAY).with("request", 60 * DAY);
    mixed(state.path(), "one", &rule);
    mixed(state.path(), "two", &Retention::default());
    let key = first_key(state.path());
    let before = report(state.path());
    assert_eq!(before.records(), 203 + 202);

    let nothing = tidy(state.path(), 29, Retention::default());
    assert!(nothing.sessions.iter().all(|s| s.dropped == 0));
    let done = tidy(state.path(), 31, Retention::default());
    let one = done.sessions.iter().find(|s| s.dropped > 0).unwrap();
    assert_eq!((one.dropped, one.rule.as_str()), (100, "audit.retain: connect 30d"));
    assert!(subjects(state.path()).iter().filter(|s| s.starts_with("secret")).count() == 100);
    let lines = unpacked(state.path(), "one");
    assert!(!lines.iter().any(|line| line.contains("secret-")));
    assert!(lines.iter().any(|line| line.contains("\"gap\":1,")));

    let report = report(state.path());
    assert_eq!(report.damages().next(), None);
    assert_eq!(report.records(), 203 + 202);
    assert_eq!((report.sessions[0].dropped, report.sessions[1].dropped), (100, 0));
    assert_eq!(report.sessions[0].dropped_by, ["audit.retain: connect 30d"]);
    assert_eq!(report.sessions[0].head, before.sessions[0].head);
    assert_ne!(python(state.path()), Some(false));

    // What stayed is proved under the roots of before; what went has no proof, and it is said why.
    let prover = Prover::open(state.path()).unwrap();
    let proof = prover.prove(&[(id("one"), 4), (id("one"), 203)]).unwrap();
    assert_eq!(proof.verify(&key).unwrap().len(), 2);
    let gone = prover.prove(&[(id("one"), 3)]).unwrap_err();
    assert!(matches!(gone, ProofError::Dropped { seq: 3, .. }), "{gone}");

    // A second rule later, and a third time nothing.
    let done = tidy(state.path(), 61, Retention::default());
    assert_eq!(done.sessions.iter().map(|s| s.dropped).sum::<u64>(), 15);
    assert!(tidy(state.path(), 61, Retention::default()).sessions.is_empty());
    let report = self::report(state.path());
    assert!(report.is_whole());
    assert_eq!(report.sessions[0].dropped, 115);
    assert_ne!(python(state.path()), Some(false));

    // All of it but what ties the chains, for a session that had no rule.
    let all = Retention::default().with("default", DAY);
    assert_eq!(tidy(state.path(), 90, all).sessions[0].dropped, 201);
    let report = self::report(state.path());
    assert!(report.is_whole(), "{:?}", report.damages().next());
    assert_eq!(report.records(), 203 + 202);
    assert_ne!(python(state.path()), Some(false));
}

#[test]
fn a_session_goes_on_in_another_segment_behind_a_compressed_one() {
    let state = state();
    mixed(state.path(), "one", &Retention::default().with("connect", DAY));
    assert_eq!(tidy(state.path(), 2, Retention::default()).sessions[0].dropped, 100);
    let journal = open(state.path(), "one");
    put(&journal, "later.example");
    end(&journal);
    assert!(journal_dir(state.path()).join("one/000002.jsonl").exists());
    let report = report(state.path());
    assert!(report.is_whole(), "{:?}", report.damages().next());
    assert_eq!(report.records(), 203 + 3);
    assert_eq!(subjects(state.path()).len(), 103 + 3);
    assert_ne!(python(state.path()), Some(false));
    let resumed = palisade_journal::verify::Options {
        resume: Some(report.reached()),
        ..palisade_journal::verify::Options::default()
    };
    assert!(palisade_journal::verify(state.path(), &resumed).unwrap().is_whole());
}

#[test]
fn a_removal_that_no_rule_signed_is_damage() {
    let state = state();
    mixed(state.path(), "one", &Retention::default().with("request", DAY));
    tidy(state.path(), 2, Retention::default());
    let path = journal_dir(state.path()).join("one/000001.jsonl.zst");
    let good = packed(state.path(), "one");
    let lines = unpacked(state.path(), "one");
    let at = lines.iter().position(|line| line.contains("\"gap\":")).unwrap();
    let attack = |lines: &[String]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::remove_file(&path).unwrap();
        fs::write(path.with_file_name("000001.jsonl"), text).unwrap();
        let damage = first_damage(state.path());
        assert_ne!(python(state.path()), Some(true));
        fs::remove_file(path.with_file_name("000001.jsonl")).unwrap();
        fs::write(&path, &good).unwrap();
        damage.expect("it is damage").kind
    };
    // One record more, with the right hashes, by somebody who knows the form.
    let mut more = lines.clone();
    let record: serde_json::Value = serde_json::from_str(&more[4]).unwrap();
    let leaf = palisade_journal::tree::leaf(more[4].as_bytes());
    more[4] = format!(
        "{{\"v\":1,\"gap\":1,\"session\":\"one\",\"from\":5,\"to\":5,\"peaks\":[\"{leaf}\"],\"last\":{}}}",
        record["hash"]
    );
    assert!(matches!(attack(&more), Kind::Removed { .. }));
    // A gap that is longer, or that is not there.
    let mut cut = lines.clone();
    cut.remove(at);
    assert!(matches!(attack(&cut), Kind::Removed { .. }));
    let mut other = lines.clone();
    let peak = other[at].find("\"peaks\":[\"").unwrap() + 12;
    let digit = if &other[at][peak..=peak] == "0" { "1" } else { "0" };
    other[at].replace_range(peak..=peak, digit);
    assert!(matches!(attack(&other), Kind::Rewritten | Kind::Removed { .. }));
    assert!(report(state.path()).is_whole());
    // The ledger's entry is taken away.
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let mut entries = self::lines(&ledger);
    assert!(entries.pop().unwrap().contains("\"entry\":\"dropped\""));
    write_lines(&ledger, &entries);
    assert!(matches!(first_damage(state.path()).unwrap().kind, Kind::Removed { .. }));
}

#[test]
fn a_hold_wins_over_every_rule() {
    let state = state();
    let rule = Retention::default().with("default", DAY);
    mixed(state.path(), "one", &rule);
    mixed(state.path(), "two", &rule);
    keep::hold(state.path(), Some(&id("one")), "case 7").unwrap();
    let done = tidy(state.path(), 2, Retention::default());
    assert_eq!(done.sessions[0].skipped, Some(Skipped::Held("case 7".into())));
    assert_eq!((done.sessions[0].dropped, done.sessions[1].dropped), (0, 201));
    let held = keep::erase(state.path(), &id("one"), "asked", || panic!("destroyed")).unwrap();
    assert!(matches!(held, Erased::Held(why) if why == "case 7"));
    assert_eq!(report(state.path()).sessions[0].hold.as_deref(), Some("case 7"));
    keep::release(state.path(), Some(&id("one")), "closed").unwrap();
    keep::hold(state.path(), None, "all of it").unwrap();
    assert!(tidy(state.path(), 2, Retention::default()).sessions.iter().all(|s| s.dropped == 0));
    assert_eq!(report(state.path()).hold.as_deref(), Some("all of it"));
    keep::release(state.path(), None, "over").unwrap();
    assert_eq!(tidy(state.path(), 2, Retention::default()).sessions[0].dropped, 201);
    let done = keep::erase(state.path(), &id("one"), "asked", || Ok(())).unwrap();
    assert!(matches!(done, Erased::Done));
    let report = report(state.path());
    assert!(report.is_whole(), "{:?}", report.damages().next());
    assert_eq!(report.sessions[0].erased.as_deref(), Some("asked"));
    assert_ne!(python(state.path()), Some(false));
}

#[test]
fn what_is_damaged_is_evidence_and_stays() {
    let state = state();
    mixed(state.path(), "one", &Retention::default().with("default", DAY));
    let path = file(state.path(), "one");
    let mut all = lines(&path);
    all[8] = all[8].replace("deny", "allow").replace("kept", "KEPT");
    write_lines(&path, &all);
    let done = tidy(state.path(), 2, Retention::default());
    assert!(matches!(done.sessions[0].skipped, Some(Skipped::Damaged(_))), "{done:?}");
    assert_eq!(lines(&path), all);
}

/// A journal whose session is still being written, or was never ended, is left alone.
#[test]
fn an_open_session_is_left_alone() {
    let state = state();
    let journal = open(state.path(), "one");
    let rule = Retention::default().with("default", 0);
    journal.record_blocking(rule.event(), Durability::Written).unwrap();
    put(&journal, "a");
    assert!(tidy(state.path(), 2, Retention::default()).sessions.is_empty());
    drop(journal);
}
