//! Proof of single records for somebody who has not the journal: record → session's tree → ledger's tree →
//! signed checkpoint → a key that he knows.

mod prover;

use palisade_core::SessionId;
use serde::{Deserialize, Serialize};

use crate::{
    Hash, JournalError, Record,
    ledger::{Entry, line},
    note::{Checkpoint, NamedKey, NoteError, PublicKey, SignedNote, Use},
    record,
    tree::{consistent, included, leaf},
};
pub use prover::Prover;

const PROOF: &str = "palisade-proof/1";
const CONTINUATION: &str = "palisade-continuation/1";

/// Why there is no proof, or why it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger or the session is damaged.
    #[error("{0}")]
    Damaged(String),
    /// There is no such record.
    #[error("there is no record {seq} of session {session}")]
    NoRecord {
        /// The session.
        session: SessionId,
        /// The number that was asked for.
        seq: u64,
    },
    /// The record is behind the last checkpoint of its session.
    #[error(
        "record {seq} of session {session} is under no checkpoint yet: one comes each minute and at the session's end"
    )]
    NotYet {
        /// The session.
        session: SessionId,
        /// The number that was asked for.
        seq: u64,
    },
    /// The record was removed by a rule for keeping.
    #[error("record {seq} of session {session} was removed, as the rules for keeping say")]
    Dropped {
        /// The session.
        session: SessionId,
        /// The number that was asked for.
        seq: u64,
    },
    /// The journal is of a version without signatures, or has no entry yet.
    #[error("this journal is not signed: the next session that opens it begins that")]
    Unsigned,
    /// There are fewer entries than somebody saw.
    #[error("the ledger has {found} entries, and {known} were seen")]
    RolledBack {
        /// How many were seen.
        known: u64,
        /// How many there are.
        found: u64,
    },
    /// The proof has another form.
    #[error("it is no proof: {0}")]
    Form(&'static str),
    /// A signature or a key is wrong.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
    /// A key does not follow from the given one.
    #[error("its keys do not go back to {0}")]
    OtherKey(String),
    /// The hashes do not lead to the signed root.
    #[error("record {seq} of session {session} is not in the signed tree")]
    NotIn {
        /// The session.
        session: SessionId,
        /// The record's number.
        seq: u64,
    },
    /// A key that was revoked signed what the record is proved by.
    #[error(
        "record {seq} of session {session} is proved by entry {entry}, and the key that signed that was revoked ({why})"
    )]
    Revoked {
        /// The session.
        session: SessionId,
        /// The record's number.
        seq: u64,
        /// The ledger's entry.
        entry: u64,
        /// Why it was revoked.
        why: String,
    },
    /// The new tree is no continuation of the old one.
    #[error(
        "forked: the checkpoint of {size} entries is no continuation of the one of {old} entries"
    )]
    Forked {
        /// The old size.
        old: u64,
        /// The new one.
        size: u64,
    },
}

/// A checkpoint of the ledger and the keys that lead to the one that signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The checkpoint, a signed note.
    pub checkpoint: SignedNote,
    /// The entries that named keys before it, the oldest first.
    pub keys: Vec<KeyLink>,
}

/// An entry of the ledger that names the next key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLink {
    /// The line of the ledger.
    pub entry: String,
    /// The way from it, the last leaf of the tree of that time, to its root.
    pub path: Vec<Hash>,
}

/// Proof of some records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `palisade-proof/1`.
    pub format: String,
    /// What is signed.
    pub signed: Signed,
    /// The records.
    pub records: Vec<Proved>,
    /// The entries that revoked keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<Revocation>,
}

/// An entry of the ledger that revokes a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The line of the ledger.
    pub entry: String,
    /// From the entry to the root of the ledger's tree, as the checkpoint has it.
    pub entry_path: Vec<Hash>,
}

/// The way from one record to the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proved {
    /// The record's line.
    pub record: String,
    /// From the record to the root of its session's tree, as the ledger's entry has it.
    pub path: Vec<Hash>,
    /// The line of the ledger.
    pub entry: String,
    /// From the entry to the root of the ledger's tree, as the checkpoint has it.
    pub entry_path: Vec<Hash>,
}

/// Proof that a ledger goes on where somebody saw it last. What a witness is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuation {
    /// `palisade-continuation/1`.
    pub format: String,
    /// The size that was seen; 0 for the first time.
    pub old: u64,
    /// The consistency proof from there.
    pub path: Vec<Hash>,
    /// What it goes on to.
    pub signed: Signed,
}

impl Signed {
    /// The checkpoint, if keys that follow from `trust` signed it.
    pub fn verify(&self, trust: &NamedKey) -> Result<Checkpoint, ProofError> {
        let other = || ProofError::OtherKey(trust.name.clone());
        let checkpoint = self.checkpoint.checkpoint()?;
        if checkpoint.origin != trust.name || trust.used != Use::Log {
            return Err(other());
        }
        // Of keys before the given one nothing need be known.
        let (mut before, mut now): (Option<PublicKey>, Option<PublicKey>) = (None, None);
        let mut last = 0;
        for link in &self.keys {
            let entry = line::parse(link.entry.as_bytes());
            let Ok((entry, leaf)) = entry else { return Err(ProofError::Form("a key's entry")) };
            let (Entry::Key, Some(next), Some(root), Some(sig)) =
                (entry.entry, entry.key, entry.root, entry.sig)
            else {
                return Err(ProofError::Form("an entry names no key"));
            };
            let at = entry.seq.checked_sub(1).ok_or(ProofError::Form("a key's entry"))?;
            if at < last || entry.seq > checkpoint.size {
                return Err(ProofError::Form("the keys are in another order"));
            }
            last = entry.seq;
            let Some(in_force) = now else {
                now = (next == trust.key).then_some(next);
                continue;
            };
            if !included(leaf, at, entry.seq, &link.path, root) {
                return Err(other());
            }
            let text =
                Checkpoint { origin: checkpoint.origin.clone(), size: entry.seq, root }.to_string();
            let by = |key: PublicKey| key.signed(text.as_bytes(), &sig.0);
            if by(in_force) {
                before = Some(in_force);
            } else if !before.is_some_and(by) {
                return Err(other());
            }
            now = Some(next);
        }
        let signer = now.ok_or_else(other)?;
        // A key that this very checkpoint's entry named did not sign it.
        let by = |key| NamedKey { key, ..trust.clone() }.check(&self.checkpoint);
        match (by(signer), before) {
            (Ok(_), _) => Ok(checkpoint),
            (Err(_), Some(before)) if last == checkpoint.size && by(before).is_ok() => {
                Ok(checkpoint)
            }
            (Err(error), _) => Err(error.into()),
        }
    }
}

impl Proof {
    /// The records, if all are proved by keys that follow from `trust`.
    pub fn verify(&self, trust: &NamedKey) -> Result<Vec<Record>, ProofError> {
        if self.format != PROOF {
            return Err(ProofError::Form("its format is not palisade-proof/1"));
        }
        let checkpoint = self.signed.verify(trust)?;
        let revoked = self.revoked(&checkpoint)?;
        self.records.iter().map(|one| one.verify(&checkpoint, &revoked)).collect()
    }

    /// What was revoked, of which keys and in which entries. That no other was is not proved.
    fn revoked(&self, checkpoint: &Checkpoint) -> Result<Vec<Revoked>, ProofError> {
        let named = |link: &KeyLink| {
            let (entry, _) = line::parse(link.entry.as_bytes()).ok()?;
            entry.key.map(|key| (entry.seq, key))
        };
        let named: Vec<_> = self.signed.keys.iter().filter_map(named).collect();
        let form = || ProofError::Form("an entry revokes no key");
        let mut all = Vec::new();
        for one in &self.revocations {
            let (entry, leaf) = line::parse(one.entry.as_bytes()).map_err(|_| form())?;
            let (Entry::Revoked, Some(key), Some(at)) =
                (entry.entry, entry.key, entry.seq.checked_sub(1))
            else {
                return Err(form());
            };
            if !included(leaf, at, checkpoint.size, &one.entry_path, checkpoint.root) {
                return Err(ProofError::Form("a revocation is not in the signed tree"));
            }
            // It signed what stands behind the entry that named it, up to the one that named the next.
            let place = named.iter().position(|(_, one)| *one == key);
            let from = place.and_then(|at| named.get(at)).map_or(0, |(seq, _)| *seq);
            let next = place.and_then(|at| named.get(at.saturating_add(1)));
            let until = next.map_or(entry.seq, |(seq, _)| seq.saturating_add(1)).min(entry.seq);
            let why = entry.name.unwrap_or_default();
            all.push(Revoked { since: entry.at_seq.max(from), until, why });
        }
        Ok(all)
    }
}

/// Entries that prove nothing: behind `since` and before `until`.
struct Revoked {
    since: u64,
    until: u64,
    why: String,
}

impl Proved {
    fn verify(&self, checkpoint: &Checkpoint, revoked: &[Revoked]) -> Result<Record, ProofError> {
        let record = record::parse(self.record.as_bytes());
        let record = record.map_err(|_| ProofError::Form("a record is not whole"))?;
        let entry = line::parse(self.entry.as_bytes());
        let (entry, entry_leaf) = entry.map_err(|_| ProofError::Form("an entry is not whole"))?;
        let not = || ProofError::NotIn { session: record.session.clone(), seq: record.seq };
        let (Some(at), Some(entry_at), Some(root)) =
            (record.seq.checked_sub(1), entry.seq.checked_sub(1), entry.at_root)
        else {
            return Err(not());
        };
        let of_session = entry.session.as_ref() == Some(&record.session);
        let line = leaf(self.record.as_bytes());
        let in_session = included(line, at, entry.at_seq, &self.path, root);
        let in_ledger =
            included(entry_leaf, entry_at, checkpoint.size, &self.entry_path, checkpoint.root);
        if !(of_session && in_session && in_ledger) {
            return Err(not());
        }
        match revoked.iter().find(|one| one.since < entry.seq && entry.seq < one.until) {
            None => Ok(record),
            Some(one) => Err(ProofError::Revoked {
                session: record.session,
                seq: record.seq,
                entry: entry.seq,
                why: crate::escaped(&one.why),
            }),
        }
    }
}

impl Continuation {
    /// The checkpoint, if it is signed by keys that follow from `trust` and goes on from the old root.
    pub fn verify(&self, trust: &NamedKey, old_root: Hash) -> Result<Checkpoint, ProofError> {
        if self.format != CONTINUATION {
            return Err(ProofError::Form("its format is not palisade-continuation/1"));
        }
        let new = self.signed.verify(trust)?;
        if self.old > new.size {
            return Err(ProofError::RolledBack { known: self.old, found: new.size });
        }
        if consistent((self.old, old_root), (new.size, new.root), &self.path) {
            Ok(new)
        } else {
            Err(ProofError::Forked { old: self.old, size: new.size })
        }
    }
}
