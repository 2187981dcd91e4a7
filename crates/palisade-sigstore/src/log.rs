//! The transparency log: its signed checkpoint, an entry's way to it, and the promise with the time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use palisade_journal::{Hash, tree};

use crate::{
    Failed,
    bundle::{LogEntry, Proof},
    failed::Step,
    json::Number,
    root::Log,
};

/// Bytes of a checkpoint.
const MOST: usize = 16 * 1024;
/// Signatures below one: the log's and those of witnesses.
const MOST_SIGNATURES: usize = 32;

impl Log {
    /// The log that an entry names.
    pub(crate) fn of<'a>(entry: &LogEntry, logs: &'a [Log]) -> Result<&'a Self, Failed> {
        let log = logs.iter().find(|log| log.id == entry.log_id.key_id.0);
        log.ok_or_else(|| Step::Log.failed("the trusted root has no log with the entry's id"))
    }

    /// Whether the entry is in the tree whose size and root hash the log has signed.
    pub(crate) fn includes(&self, entry: &LogEntry) -> Result<(), Failed> {
        let wrong = |why: &'static str| Step::Inclusion.failed(why);
        let proof = entry.inclusion_proof.as_ref().ok_or_else(|| wrong("there is none"))?;
        let (size, root) = self.checkpoint(proof)?;
        if proof.tree_size.0 != size || proof.root_hash.0 != root {
            return Err(wrong("it is for another tree than the checkpoint"));
        }
        let hash = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).ok().map(Hash::from);
        let hashes: Option<Vec<Hash>> = proof.hashes.iter().map(|one| hash(&one.0)).collect();
        let (Some(hashes), Some(root)) = (hashes, hash(&root)) else {
            return Err(wrong("its hashes have not 32 bytes each"));
        };
        let leaf = tree::leaf(&entry.canonicalized_body.0);
        if tree::included(leaf, proof.log_index.0, size, &hashes, root) {
            Ok(())
        } else {
            Err(wrong("its hashes do not lead from the entry to the tree's root"))
        }
    }

    /// The size and root hash that the log has signed: a note as `C2SP tlog-checkpoint` has it. Signatures of others
    /// count for nothing.
    fn checkpoint(&self, proof: &Proof) -> Result<(u64, Vec<u8>), Failed> {
        let wrong = |why: &'static str| Step::Checkpoint.failed(why);
        let unread = || wrong("it cannot be read");
        let text = &proof.checkpoint.as_ref().ok_or_else(|| wrong("there is none"))?.envelope;
        if text.len() > MOST {
            return Err(wrong("it is too large"));
        }
        let (note, signatures) = text.split_once("\n\n").ok_or_else(unread)?;
        let signed = format!("{note}\n");
        let signatures: Vec<&str> =
            signatures.strip_suffix('\n').ok_or_else(unread)?.split('\n').collect();
        if signatures.len() > MOST_SIGNATURES {
            return Err(wrong("it has too many signatures"));
        }
        let mut own = Vec::new();
        for line in signatures {
            let (_, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .ok_or_else(unread)?;
            let bytes = STANDARD.decode(signature).map_err(|_| unread())?;
            let (hint, signature) = bytes.split_first_chunk().ok_or_else(unread)?;
            if *hint == self.hint {
                own.push(signature.to_vec());
            }
        }
        let [own] = own.as_slice() else {
            return Err(wrong("it has not exactly one signature by the log's key"));
        };
        if !self.key.signed(signed.as_bytes(), own) {
            return Err(wrong("its signature is not by the log's key"));
        }
        let mut lines = note.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let size = lines.next().and_then(number);
        let root = lines.next().and_then(|line| STANDARD.decode(line).ok());
        match (origin, size, root) {
            (Some(_), Some(size), Some(root)) => Ok((size, root)),
            _ => Err(unread()),
        }
    }

    /// The time that the log has signed with the entry, in seconds since 1970, if it has.
    pub(crate) fn promised(&self, entry: &LogEntry) -> Result<Option<i64>, Failed> {
        let wrong = |why: &'static str| Step::Promise.failed(why);
        let Some(promise) = &entry.inclusion_promise else { return Ok(None) };
        let Number(time) =
            entry.integrated_time.ok_or_else(|| wrong("it is without the time that it signs"))?;
        // As RFC 8785 writes it.
        let signed = format!(
            r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":{}}}"#,
            STANDARD.encode(&entry.canonicalized_body.0),
            HEXLOWER.encode(&self.id),
            entry.log_index.0,
        );
        if !self.key.signed(signed.as_bytes(), &promise.signed_entry_timestamp.0) {
            return Err(wrong("its signature is not by the log's key, or not of this entry"));
        }
        let time = i64::try_from(time).map_err(|_| wrong("its time is none"))?;
        Ok(Some(time))
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}
