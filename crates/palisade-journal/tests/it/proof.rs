//! Proofs of records, keys that follow one another, witnesses.

use std::{fs, path::Path};

use palisade_journal::{
    KeyHolder, journal_dir,
    note::{NamedKey, SignedNote},
    proof::{Continuation, Proof, ProofError, Prover},
    tree::Frontier,
    verify::{self, Kind, Options},
    witness::{Witness, WitnessError},
};
use proptest::prelude::*;

use crate::fixture::*;

pub(crate) fn first_key(state: &Path) -> NamedKey {
    Prover::open(state).unwrap().keys()[0].1.clone()
}

pub(crate) fn with_key(state: &Path, key: &NamedKey) -> verify::Report {
    let options = Options { key: Some(key.clone()), ..Options::default() };
    verify::verify(state, &options).unwrap()
}

fn checkpoint(state: &Path) -> SignedNote {
    Prover::open(state).unwrap().checkpoint().clone()
}

#[test]
fn each_record_is_proved_with_nothing_but_the_key() {
    let state = state();
    session(state.path(), "one", 9);
    session(state.path(), "two", 1000);
    session(state.path(), "three", 2);
    let key = first_key(state.path());
    let prover = Prover::open(state.path()).unwrap();
    let wanted: Vec<_> = (1..=9)
        .map(|seq| (id("one"), seq))
        .chain([1, 2, 512, 513, 999, 1000].map(|seq| (id("two"), seq)))
        .collect();
    let proof = prover.prove(&wanted).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    // On another machine.
    let proof: Proof = serde_json::from_str(&text).unwrap();
    let records = proof.verify(&key).unwrap();
    let got: Vec<_> = records.iter().map(|r| (r.session.clone(), r.seq)).collect();
    assert_eq!(got, wanted);
    assert_eq!(records[4].to_json(), lines(&file(state.path(), "one"))[4]);
    let no = |seq| prover.prove(&[(id("one"), seq)]).unwrap_err();
    assert!(matches!(no(0), ProofError::NoRecord { .. }));
    assert!(matches!(no(10), ProofError::NoRecord { .. }));
}

#[test]
fn a_record_of_a_running_session_is_under_a_checkpoint_later() {
    let state = state();
    let journal = open(state.path(), "one");
    put(&journal, "a");
    let early = Prover::open(state.path()).unwrap();
    assert!(early.prove(&[(id("one"), 1)]).is_ok());
    assert!(matches!(early.prove(&[(id("one"), 2)]), Err(ProofError::NotYet { .. })));
    end(&journal);
    let late = Prover::open(state.path()).unwrap();
    late.prove(&[(id("one"), 2)]).unwrap().verify(&first_key(state.path())).unwrap();
}

#[test]
fn a_long_session_has_checkpoints_on_the_way() {
    let state = state();
    let journal = open(state.path(), "one");
    for n in 0..4200 {
        put(&journal, &format!("{n}"));
    }
    let checkpoints = || {
        let ledger = lines(&journal_dir(state.path()).join("ledger.jsonl"));
        ledger.iter().filter(|line| line.contains("\"entry\":\"checkpoint\"")).count()
    };
    assert_eq!(checkpoints(), 1);
    let proved = report(state.path()).sessions[0].proved;
    assert!((4096..4201).contains(&proved), "{proved}");
    let proof = Prover::open(state.path()).unwrap().prove(&[(id("one"), 2000)]).unwrap();
    proof.verify(&first_key(state.path())).unwrap();
    end(&journal);
    let report = report(state.path());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].proved, 4202);
}

#[test]
fn a_proof_proves_nothing_else() {
    let state = state();
    session(state.path(), "one", 40);
    session(state.path(), "two", 40);
    let key = first_key(state.path());
    let prover = Prover::open(state.path()).unwrap();
    let good = prover.prove(&[(id("one"), 17)]).unwrap();
    let other = prover.prove(&[(id("two"), 17)]).unwrap();
    let attack = |change: &dyn Fn(&mut Proof)| {
        let mut proof = good.clone();
        change(&mut proof);
        assert_ne!(proof, good);
        proof.verify(&key).unwrap_err()
    };
    let not_in = |error: &ProofError| matches!(error, ProofError::NotIn { .. });
    let edited = |line: &str| resealed(&line.replace("\"deny\"", "\"allow\""));
    assert!(not_in(&attack(&|p| p.records[0].record = edited(&p.records[0].record))));
    assert!(not_in(&attack(&|p| p.records[0].record = other.records[0].record.clone())));
    assert!(not_in(&attack(&|p| p.records[0].entry = other.records[0].entry.clone())));
    assert!(not_in(&attack(&|p| p.records[0].path.truncate(1))));
    assert!(not_in(&attack(&|p| p.records[0].entry_path.reverse())));
    attack(&|p| p.format = "palisade-proof/2".into());
    attack(&|p| p.signed.keys.clear());
    attack(&|p| p.signed.checkpoint.text = p.signed.checkpoint.text.replace("\n5\n", "\n6\n"));
    attack(&|p| p.signed.checkpoint.signatures.clear());
    let elsewhere = self::state();
    session(elsewhere.path(), "one", 40);
    assert!(matches!(good.verify(&first_key(elsewhere.path())), Err(ProofError::OtherKey(_))));
    let forged = Prover::open(elsewhere.path()).unwrap().prove(&[(id("one"), 17)]).unwrap();
    assert!(matches!(forged.verify(&key), Err(ProofError::OtherKey(_))));
}

#[test]
fn keys_follow_one_another_and_each_is_a_trust_root() {
    let state = state();
    session(state.path(), "one", 5);
    let keys = KeyHolder::open(state.path()).unwrap();
    let mut named = vec![first_key(state.path())];
    for n in 0..4 {
        named.push(keys.rotate().unwrap().unwrap());
        session(state.path(), &format!("s{n}"), 5);
    }
    let prover = Prover::open(state.path()).unwrap();
    let kept: Vec<_> = prover.keys().into_iter().map(|(_, key)| key).collect();
    assert_eq!(kept, named);
    let proof = prover.prove(&[(id("one"), 3), (id("s3"), 3)]).unwrap();
    for key in &named {
        assert!(with_key(state.path(), key).is_whole());
        assert_eq!(proof.verify(key).unwrap().len(), 2);
    }
    // A key entry is the last one.
    let last = keys.rotate().unwrap().unwrap();
    let proof = Prover::open(state.path()).unwrap().prove(&[(id("one"), 3)]).unwrap();
    named.iter().for_each(|key| drop(proof.verify(key).unwrap()));
    assert!(with_key(state.path(), &last).is_whole());
    // Another journal's.
    let elsewhere = self::state();
    session(elsewhere.path(), "one", 5);
    let report = with_key(state.path(), &first_key(elsewhere.path()));
    assert_eq!(report.ledger_damage.unwrap().kind, Kind::OtherKey);
}

/// Who gets everything there is later cannot sign for the time before: that key is gone.
#[test]
fn a_key_that_was_followed_is_destroyed() {
    let state = state();
    session(state.path(), "one", 5);
    let path = state.path().join("journal.key");
    let seeds = || {
        let bytes = fs::read(&path).unwrap();
        [bytes[64..96].to_vec(), bytes[128..160].to_vec()]
    };
    let [old, none] = seeds();
    assert_eq!(none, [0; 32]);
    KeyHolder::open(state.path()).unwrap().rotate().unwrap();
    let now = seeds();
    assert!(!now.contains(&old), "the old key is still there");
    assert!(now.iter().any(|seed| *seed != [0; 32]));
    assert!(!fs::read(&path).unwrap().windows(32).any(|bytes| bytes == old));
}

#[test]
fn a_revoked_key_is_told_of() {
    let state = state();
    session(state.path(), "one", 5);
    let key = first_key(state.path());
    let keys = KeyHolder::open(state.path()).unwrap();
    let next = keys.revoke(key.key, 2, "a laptop was lost").unwrap().unwrap();
    session(state.path(), "two", 5);
    let report = with_key(state.path(), &next);
    assert!(report.is_whole(), "{report:?}");
    let [revoked] = report.revoked.as_slice() else { panic!("{report:?}") };
    assert_eq!((revoked.key, revoked.since, revoked.until), (key.key, 2, 4));
    assert_eq!(revoked.why, "a laptop was lost");
    // So is a proof: of what the key signed since, and of nothing else.
    let prover = Prover::open(state.path()).unwrap();
    let refused = prover.prove(&[(id("one"), 2)]).unwrap().verify(&key).unwrap_err();
    assert!(matches!(&refused, ProofError::Revoked { entry: 3, .. }), "{refused}");
    let proof = prover.prove(&[(id("two"), 2)]).unwrap();
    assert_eq!(proof.revocations.len(), 1);
    assert_eq!(proof.verify(&key).unwrap().len(), 1);
    let mut forged = proof.clone();
    forged.revocations[0].entry_path.pop();
    assert!(forged.verify(&key).is_err());
}

/// What a thief of an old copy of the keys can write is not what the new key goes back to.
#[test]
fn signs_with_a_stolen_old_key() {
    let state = state();
    session(state.path(), "one", 5);
    let stolen = tempfile::TempDir::new().unwrap();
    copy(state.path(), stolen.path());
    let next = KeyHolder::open(state.path()).unwrap().rotate().unwrap().unwrap();
    session(state.path(), "two", 5);
    session(stolen.path(), "two", 5);
    assert!(with_key(state.path(), &next).is_whole());
    let report = with_key(stolen.path(), &next);
    assert_eq!(report.ledger_damage.unwrap().kind, Kind::OtherKey);
}

/// Append the entry that `key` signs from the next one on, with the root and the signature that `seed` makes.
fn name_key(ledger: &Path, key: &str, seed: &[u8]) {
    use palisade_journal::tree::leaf;
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut all = lines(ledger);
    let body_of = |line: &str| format!("{}}}", &line[..line.len() - 212]);
    let (mut tree, last) = (Frontier::default(), all.last().unwrap());
    all.iter().for_each(|line| tree.append(leaf(body_of(line).as_bytes())));
    let prev = &last[last.find("\"hash\":\"").unwrap() + 8..][..64];
    let time = &last[7..43];
    let seq = all.len() + 1;
    let body = format!(
        "{{\"v\":2,{time},\"seq\":{seq},\"entry\":\"key\",\"session\":null,\"name\":null,\"at_seq\":0,\
         \"at_hash\":null,\"at_root\":null,\"key\":\"{key}\",\"prev\":\"{prev}\""
    );
    let line = resealed(&format!("{body},\"hash\":\"{}\"}}", "0".repeat(64)));
    tree.append(leaf(line.as_bytes()));
    let first: &str = &all[0][all[0].find("\"key\":\"").unwrap() + 7..][..64];
    let first: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&first[2 * at..2 * at + 2], 16).unwrap()).collect();
    let text = palisade_journal::note::Checkpoint {
        origin: format!(
            "palisade.journal/{}",
            hex(&<sha2::Sha256 as sha2::Digest>::digest(&first))[..16].to_owned()
        ),
        size: tree.size(),
        root: tree.root(),
    };
    let sig = hex(pair.sign(text.to_string().as_bytes()).as_ref());
    let body = line.strip_suffix('}').unwrap();
    all.push(format!("{body},\"root\":\"{}\",\"sig\":\"{sig}\"}}", tree.root()));
    write_lines(ledger, &all);
}

/// A key that was followed may name another after a crash. One that was revoked may not, nor one before a key that a
/// verifier was given.
#[test]
fn a_thief_names_his_own_key_with_a_revoked_one() {
    let state = state();
    session(state.path(), "one", 5);
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let (stolen, first) =
        (fs::read(state.path().join("journal.key")).unwrap(), first_key(state.path()));
    let stolen = &stolen[64..96];
    let thief = "a".repeat(64);
    let keys = KeyHolder::open(state.path()).unwrap();

    // The entry is made as the format has it.
    let before = fs::read(&ledger).unwrap();
    name_key(&ledger, &thief, stolen);
    let report = with_key(state.path(), &first);
    assert!(report.is_whole(), "{report:?}");
    fs::write(&ledger, &before).unwrap();

    let next = keys.revoke(first.key, 3, "stolen").unwrap().unwrap();
    let whole = fs::read(&ledger).unwrap();
    assert!(with_key(state.path(), &next).is_whole());
    name_key(&ledger, &thief, stolen);
    for key in [&first, &next] {
        assert_eq!(with_key(state.path(), key).ledger_damage.map(|d| d.kind), Some(Kind::Forged));
    }
    fs::write(&ledger, &whole).unwrap();
    assert!(with_key(state.path(), &next).is_whole());

    // Without the revocation: he knows the new key's public half.
    fs::write(&ledger, &before).unwrap();
    name_key(&ledger, &next.key.to_string(), stolen);
    name_key(&ledger, &thief, stolen);
    assert_eq!(with_key(state.path(), &next).ledger_damage.map(|d| d.kind), Some(Kind::Forged));
    let proof = Prover::open(state.path()).unwrap().prove(&[(id("one"), 3)]).unwrap();
    assert!(matches!(proof.verify(&next), Err(ProofError::OtherKey(_))));
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[test]
fn a_rolled_back_ledger_is_told_of_by_the_next_entry() {
    let state = state();
    session(state.path(), "one", 5);
    let before = tempfile::TempDir::new().unwrap();
    copy(&journal_dir(state.path()), before.path());
    session(state.path(), "two", 5);
    fs::remove_dir_all(journal_dir(state.path())).unwrap();
    fs::create_dir(journal_dir(state.path())).unwrap();
    copy(before.path(), &journal_dir(state.path()));
    assert!(report(state.path()).is_whole(), "nobody but the keys' holder can know yet");
    session(state.path(), "three", 5);
    let damage = first_damage(state.path()).unwrap();
    assert_eq!(damage.kind, Kind::RolledBack { known: 5, found: 3 });
}

#[test]
fn a_ledger_that_was_put_in_the_place_is_not_signed() {
    let (state, other) = (state(), state());
    session(state.path(), "one", 5);
    session(other.path(), "one", 5);
    session(other.path(), "two", 5);
    fs::remove_dir_all(journal_dir(state.path())).unwrap();
    fs::create_dir(journal_dir(state.path())).unwrap();
    copy(&journal_dir(other.path()), &journal_dir(state.path()));
    let refused = palisade_journal::Journal::open(state.path(), &id("three"), None, &policy());
    let refused = refused.unwrap_err();
    assert!(matches!(refused, palisade_journal::JournalError::Damaged { .. }), "{refused}");
}

#[test]
fn a_witness_signs_what_goes_on_and_nothing_else() {
    let (state, elsewhere) = (state(), state());
    session(state.path(), "one", 5);
    let key = first_key(state.path());
    let witness = Witness::open(&elsewhere.path().join("w"), Some("witness.example/1")).unwrap();
    let continuation = |state: &Path, old| Prover::open(state).unwrap().continuation(old).unwrap();
    let unknown = witness.cosign(&continuation(state.path(), 0), None).unwrap_err();
    assert!(matches!(unknown, WitnessError::Unknown(_)), "{unknown}");
    let note = witness.cosign(&continuation(state.path(), 0), Some(&key)).unwrap();
    let note: SignedNote = note.to_string().parse().unwrap();
    assert!(witness.key().check(&note).unwrap().unwrap() > 1_700_000_000);
    assert_eq!(key.check(&note), Ok(None));

    // It goes on, with another key, and the witness follows.
    let before = tempfile::TempDir::new().unwrap();
    copy(state.path(), before.path());
    KeyHolder::open(state.path()).unwrap().rotate().unwrap();
    session(state.path(), "two", 5);
    let text = serde_json::to_string(&continuation(state.path(), 3)).unwrap();
    let shown: Continuation = serde_json::from_str(&text).unwrap();
    let second = witness.cosign(&shown, None).unwrap();
    assert_eq!(second.checkpoint().unwrap().size, 6);
    // The same again is fine; what was before is not.
    let again = witness.cosign(&continuation(state.path(), 6), None).unwrap();
    assert_eq!(again.text, second.text);
    let stale = witness.cosign(&shown, None).unwrap_err();
    assert!(matches!(stale, WitnessError::Elsewhere { seen: 6, .. }), "{stale}");

    // A fork by somebody who stole the keys of then.
    for n in 0..4 {
        session(before.path(), &format!("f{n}"), 3);
    }
    let forked = witness.cosign(&continuation(before.path(), 6), None).unwrap_err();
    let is_fork = |e: &WitnessError| {
        matches!(e, WitnessError::Proof(ProofError::Forked { .. } | ProofError::OtherKey(_)))
    };
    assert!(is_fork(&forked), "{forked}");
    // The verifier sees it too, by what the witness signed.
    let options = Options {
        key: Some(key.clone()),
        checkpoints: vec![second.checkpoint().unwrap()],
        ..Options::default()
    };
    assert!(verify::verify(state.path(), &options).unwrap().is_whole());
    let report = verify::verify(before.path(), &options).unwrap();
    assert_eq!(report.ledger_damage.unwrap().kind, Kind::Diverged { size: 6 });
    // And a rollback that nobody else could see.
    copy_over(&before, state.path());
    let report = verify::verify(state.path(), &options).unwrap();
    assert!(!report.is_whole());
}

fn copy_over(from: &tempfile::TempDir, state: &Path) {
    let ledger = journal_dir(state).join("ledger.jsonl");
    let all = lines(&journal_dir(from.path()).join("ledger.jsonl"));
    write_lines(&ledger, &all[..3]);
}

#[test]
fn a_rollback_that_a_checkpoint_knows_better() {
    let state = state();
    session(state.path(), "one", 5);
    session(state.path(), "two", 5);
    let seen = checkpoint(state.path()).checkpoint().unwrap();
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    write_lines(&ledger, &lines(&ledger)[..3]);
    fs::remove_dir_all(journal_dir(state.path()).join("two")).unwrap();
    assert!(report(state.path()).is_whole());
    let options = Options { checkpoints: vec![seen], ..Options::default() };
    let report = verify::verify(state.path(), &options).unwrap();
    assert_eq!(report.ledger_damage.unwrap().kind, Kind::RolledBack { known: 5, found: 3 });
}

#[test]
fn a_journal_of_version_1_verifies_and_is_signed_from_now_on() {
    let state = state();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/version-1");
    fs::create_dir(journal_dir(state.path())).unwrap();
    copy(&old, &journal_dir(state.path()));
    let before = report(state.path());
    assert!(before.is_whole(), "{before:?}");
    assert_eq!((before.records(), before.ledger_entries, before.signed), (6, 4, None));
    session(state.path(), "new", 5);
    let key = first_key(state.path());
    let after = with_key(state.path(), &key);
    assert!(after.is_whole(), "{after:?}");
    assert_eq!((after.records(), after.ledger_entries), (11, 7));
    // What was there is under the signatures from then on.
    let ledger = journal_dir(state.path()).join("ledger.jsonl");
    let mut all = lines(&ledger);
    all.drain(..2);
    write_lines(&ledger, &all);
    assert!(!with_key(state.path(), &key).is_whole());
    // An unsigned ledger is none for who has a key.
    write_lines(&ledger, &lines(&old.join("ledger.jsonl")));
    fs::remove_dir_all(journal_dir(state.path()).join("new")).unwrap();
    assert!(report(state.path()).is_whole());
    let report = with_key(state.path(), &key);
    assert_eq!(report.ledger_damage.unwrap().kind, Kind::Unsigned);
}

#[test]
fn the_roots_are_those_of_the_lines() {
    let state = state();
    session(state.path(), "one", 7);
    let mut tree = Frontier::default();
    for line in lines(&file(state.path(), "one")) {
        tree.append(palisade_journal::tree::leaf(line.as_bytes()));
    }
    let ledger = lines(&journal_dir(state.path()).join("ledger.jsonl"));
    assert!(ledger[2].contains(&format!("\"at_root\":\"{}\"", tree.root())), "{}", ledger[2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_changed_proof_is_refused(at in any::<usize>(), with in 1..128_u8) {
        thread_local! {
            static GOOD: (String, NamedKey) = {
                let state = state();
                session(state.path(), "one", 20);
                KeyHolder::open(state.path()).unwrap().rotate().unwrap();
                session(state.path(), "two", 20);
                let proof = Prover::open(state.path()).unwrap().prove(&[(id("one"), 7)]).unwrap();
                (serde_json::to_string(&proof).unwrap(), first_key(state.path()))
            };
        }
        GOOD.with(|(text, key)| -> Result<(), TestCaseError> {
            let mut bytes = text.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= with;
            let Ok(proof) = serde_json::from_slice::<Proof>(&bytes) else { return Ok(()) };
            let good: Proof = serde_json::from_str(text).unwrap();
            // Only what no statement hangs on may differ: the sealed entry's own root and signature, the first key's way.
            if let Ok(records) = proof.verify(key) {
                prop_assert_eq!(records, good.verify(key).unwrap());
                prop_assert_eq!(&proof.records[0].record, &good.records[0].record);
            }
            Ok(())
        })?;
    }

    #[test]
    fn any_text_is_no_proof(text in "[ -~]{0,200}") {
        prop_assert!(serde_json::from_str::<Proof>(&text).is_err());
        prop_assert!(serde_json::from_str::<Continuation>(&text).is_err());
    }
}
