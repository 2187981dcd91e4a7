//! Proofs that the records a report shows are in the journal that was signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use palisade_core::SessionId;
use palisade_journal::proof::{Proof, ProofError, Prover};
use serde::Serialize;

/// What of a report's records is proved.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Proofs {
    /// The journal's first key, which an auditor is to have by another way.
    pub key: Option<String>,
    /// The checkpoint that all proofs lead to, a signed note.
    pub checkpoint: Option<String>,
    /// Records that the report shows and that are proved.
    pub proved: u64,
    /// Records that it shows and that are not: under no checkpoint yet.
    pub not_yet: u64,
    /// Why nothing is proved, if so.
    pub why: Option<String>,
    /// The proofs: `palisade audit verify --proof` takes them.
    pub proof: Option<Proof>,
}

/// Records by session and number.
pub(super) type Shown = BTreeSet<(SessionId, u64)>;

/// Prove as many of these as are under a checkpoint, and check each proof.
pub(super) fn prove(dir: &Path, shown: &Shown) -> (Proofs, Shown) {
    match proved(dir, shown) {
        Ok((proofs, records)) => (proofs, records),
        Err(error) => {
            let proofs = Proofs { why: Some(error.to_string()), ..Proofs::default() };
            (proofs, Shown::new())
        }
    }
}

fn proved(dir: &Path, shown: &Shown) -> Result<(Proofs, Shown), ProofError> {
    let prover = Prover::open(dir)?;
    let (_, key) = prover.keys().into_iter().next().ok_or(ProofError::Unsigned)?;
    let mut by_session: BTreeMap<&SessionId, Vec<(SessionId, u64)>> = BTreeMap::new();
    for one in shown {
        by_session.entry(&one.0).or_default().push(one.clone());
    }
    let mut wanted = Vec::new();
    for (_, records) in by_session {
        wanted.extend(under_checkpoint(&prover, records)?);
    }
    let proof = prover.prove(&wanted)?;
    // What does not hold is not to be shown as proved.
    let records: Shown =
        proof.verify(&key)?.into_iter().map(|record| (record.session, record.seq)).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let proofs = Proofs {
        key: Some(key.to_string()),
        checkpoint: Some(prover.checkpoint().to_string()),
        proved: count(records.len()),
        not_yet: count(shown.len().saturating_sub(records.len())),
        why: None,
        proof: Some(proof),
    };
    Ok((proofs, records))
}

/// Those of one session that are under its last checkpoint. They are in order.
fn under_checkpoint(
    prover: &Prover,
    mut records: Vec<(SessionId, u64)>,
) -> Result<Vec<(SessionId, u64)>, ProofError> {
    loop {
        match prover.prove(&records) {
            Ok(_) => return Ok(records),
            // The first that is beyond is told: all behind it are too.
            Err(ProofError::NotYet { seq, .. }) => {
                let before = records.len();
                records.retain(|(_, number)| *number < seq);
                if records.len() == before {
                    return Ok(Vec::new());
                }
            }
            Err(error) => return Err(error),
        }
    }
}
