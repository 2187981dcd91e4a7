//! Checkpoints, keys, stamps and proofs of somebody else's journal: printed and read again they are the same, and none is believed
//! that this key did not sign.

use palisade_journal::{
    Hash, Timestamp,
    note::{Checkpoint, NamedKey, SignedNote},
    proof::{Continuation, Proof},
    rfc3161::Question,
};

use crate::input::text;

/// A key that signed nothing here.
const KEY: &str = "example.com/log+8e5b6b5e+AX7Bnzs5VfKPhnKrq0Lh7gNGxmPV6sEAbYyeCeFxkUPC";

pub(crate) fn target(data: &[u8]) {
    let text = text(data);
    same::<Checkpoint>(&text);
    same::<NamedKey>(&text);
    same::<SignedNote>(&text);
    same::<Timestamp>(&text);
    same::<Hash>(&text);
    if let Ok(note) = text.parse::<SignedNote>() {
        drop(note.checkpoint());
    }
    if let Ok(key) = KEY.parse::<NamedKey>() {
        if let Ok(proof) = serde_json::from_str::<Proof>(&text) {
            assert!(proof.verify(&key).is_err(), "a proof that nobody signed");
        }
        if let Ok(continuation) = serde_json::from_str::<Continuation>(&text) {
            let root = palisade_journal::tree::leaf(b"");
            assert!(continuation.verify(&key, root).is_err(), "a continuation that nobody signed");
        }
        if let Ok(note) = text.parse::<SignedNote>() {
            assert!(!matches!(key.check(&note), Ok(Some(_))), "a note that nobody signed");
        }
    }
    if let Ok(question) = Question::about(b"text") {
        assert!(question.answered(data).is_err(), "a stamp for another question");
    }
}

fn same<T: std::str::FromStr + std::fmt::Display>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        let printed = read.to_string();
        let again = printed.parse::<T>().map(|again| again.to_string());
        assert!(again.is_ok_and(|again| again == printed), "{printed:?}");
    }
}
