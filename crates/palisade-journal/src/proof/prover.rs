use std::{collections::BTreeMap, path::Path};

use palisade_core::SessionId;

use super::{
    CONTINUATION, Continuation, KeyLink, PROOF, Proof, ProofError, Proved, Revocation, Signed,
};
use crate::{
    Hash,
    gap::{self, Gap},
    keys,
    ledger::{Entry, Follow, Keys, line},
    note::{NamedKey, NoteSignature, PublicKey, Signature, SignedNote},
    reader::{Lines, Step},
    record,
    recover::reading,
    store::{Folder, LEDGER},
    tree::{Frontier, Gather, consistency_parts, inclusion_parts, leaf},
    verify,
};

/// Makes proofs from a journal's files; no key is needed for that.
///
/// It holds the ledger's hashes (some hundred bytes an entry), and reads a session's records when one of them is
/// to be proved.
#[derive(Debug)]
pub struct Prover {
    folder: Folder,
    leaves: Vec<Hash>,
    first: PublicKey,
    named: Vec<(u64, PublicKey)>,
    keys: Vec<KeyLink>,
    revoked: Vec<(u64, String)>,
    checkpoint: SignedNote,
    anchors: BTreeMap<(SessionId, u64), Anchor>,
}

/// A signed entry about a session: its line, its number, and the root of the session's tree.
#[derive(Debug)]
struct Anchor {
    line: String,
    seq: u64,
    root: Hash,
}

impl Prover {
    /// Read the ledger of the journal in `dir`: a state folder, or the journal's own. Its chain, tree and
    /// signatures are checked on the way.
    pub fn open(dir: &Path) -> Result<Self, ProofError> {
        let folder = verify::open(dir)?;
        let path = folder.path().join(LEDGER);
        let fd = folder.read(LEDGER)?.ok_or(ProofError::Unsigned)?;
        let mut lines = Lines::of(fd);
        let mut follow = Follow::new();
        let (mut leaves, mut keys, mut named) = (Vec::new(), Vec::new(), Vec::new());
        let (mut anchors, mut revoked) = (BTreeMap::new(), Vec::new());
        let mut newest = None;
        loop {
            match lines.step().map_err(|e| reading(&path, &e))? {
                // Of a torn end a writer may be in the middle.
                Step::End | Step::Torn(_) => break,
                Step::TooLong => {
                    return Err(ProofError::Damaged("a line of the ledger is too long".into()));
                }
                Step::Line => {}
            }
            let mut peaks: Vec<Hash> = follow.tree.peaks().to_vec();
            let signer = follow.keys.map(|keys| keys.now);
            let at = |kind| format!("{}:{}: {kind}", path.display(), lines.number);
            let entry = follow.line(lines.line()).map_err(|kind| ProofError::Damaged(at(kind)))?;
            leaves.push(line::parse(lines.line()).map(|(_, leaf)| leaf).unwrap_or(entry.hash));
            let text = String::from_utf8_lossy(lines.line()).into_owned();
            if let (Entry::Key, Some(key)) = (entry.entry, entry.key) {
                peaks.reverse();
                keys.push(KeyLink { entry: text.clone(), path: peaks });
                named.push((entry.seq, key));
            }
            if entry.entry == Entry::Revoked {
                revoked.push((entry.seq, text.clone()));
            }
            newest = Some((entry.seq, entry.root.zip(entry.sig), signer));
            let anchor = entry.entry.is_anchor();
            if let (Some(session), Some(root)) = (entry.session.filter(|_| anchor), entry.at_root) {
                let anchor = Anchor { line: text, seq: entry.seq, root };
                anchors.entry((session, entry.at_seq)).or_insert(anchor);
            }
        }
        let (Some((seq, Some((root, sig)), signer)), Some(known)) = (newest, follow.keys) else {
            return Err(ProofError::Unsigned);
        };
        let checkpoint = note(seq, root, sig, known, signer).ok_or(ProofError::Unsigned)?;
        let first = known.first;
        Ok(Self { folder, leaves, first, named, keys, revoked, checkpoint, anchors })
    }

    /// The newest checkpoint of the ledger. Every entry of it is one; this is the last.
    pub fn checkpoint(&self) -> &SignedNote {
        &self.checkpoint
    }

    /// The newest checkpoint and the keys that lead to it.
    pub fn signed(&self) -> Signed {
        Signed { checkpoint: self.checkpoint.clone(), keys: self.keys.clone() }
    }

    /// The journal's keys, each with the number of the entry that named it. The first is what an auditor is to get
    /// early, by another way than the journal's.
    pub fn keys(&self) -> Vec<(u64, NamedKey)> {
        let named = |(seq, key): &(u64, PublicKey)| Some((*seq, keys::named(self.first, *key)?));
        self.named.iter().filter_map(named).collect()
    }

    /// Proof of these records (session and number), all under the newest checkpoint.
    pub fn prove(&self, wanted: &[(SessionId, u64)]) -> Result<Proof, ProofError> {
        let mut of_sessions: BTreeMap<&SessionId, Vec<u64>> = BTreeMap::new();
        for (session, seq) in wanted {
            of_sessions.entry(session).or_default().push(*seq);
        }
        let mut found = BTreeMap::new();
        for (session, seqs) in of_sessions {
            self.of_session(session, &seqs, &mut found)?;
        }
        let records = wanted.iter().filter_map(|one| found.get(one).cloned()).collect();
        let revocation = |(seq, entry): &(u64, String)| Revocation {
            entry: entry.clone(),
            entry_path: self.gathered(inclusion_parts(seq.saturating_sub(1), self.size())),
        };
        let revocations = self.revoked.iter().map(revocation).collect();
        Ok(Proof { format: PROOF.into(), signed: self.signed(), records, revocations })
    }

    /// Proof that the ledger goes on from its first `old` entries.
    pub fn continuation(&self, old: u64) -> Result<Continuation, ProofError> {
        let size = self.size();
        if old > size {
            return Err(ProofError::RolledBack { known: old, found: size });
        }
        let path = self.gathered(consistency_parts(old, size));
        Ok(Continuation { format: CONTINUATION.into(), old, path, signed: self.signed() })
    }

    fn size(&self) -> u64 {
        u64::try_from(self.leaves.len()).unwrap_or(u64::MAX)
    }

    fn gathered(&self, parts: Vec<std::ops::Range<u64>>) -> Vec<Hash> {
        let mut gather = Gather::new(parts);
        self.leaves.iter().for_each(|leaf| gather.leaf(*leaf));
        gather.proof()
    }

    fn of_session(
        &self,
        session: &SessionId,
        seqs: &[u64],
        found: &mut BTreeMap<(SessionId, u64), Proved>,
    ) -> Result<(), ProofError> {
        // For each record the last entry about its session: it is the same for all, and covers the most.
        let mut about = self.anchors.range((session.clone(), 0)..=(session.clone(), u64::MAX));
        let last = about.next_back();
        let most = last.map_or(0, |((_, at_seq), _)| *at_seq);
        let mut ways = BTreeMap::new();
        for seq in seqs {
            let (session, seq) = (session.clone(), *seq);
            if seq == 0 {
                return Err(ProofError::NoRecord { session, seq });
            }
            if seq > most {
                return Err(self.beyond(session, seq));
            }
            ways.insert(seq, Gather::new(inclusion_parts(seq.saturating_sub(1), most)));
        }
        let Some((_, anchor)) = last else { return Ok(()) };
        let (lines, tree) = self.walk(session, most, &mut ways)?;
        if tree.root() != anchor.root {
            let what = format!("the records of session {session} are not those that were signed");
            return Err(ProofError::Damaged(what));
        }
        let entry_path = self.gathered(inclusion_parts(anchor.seq.saturating_sub(1), self.size()));
        for (seq, way) in ways {
            let Some(record) = lines.get(&seq) else { continue };
            let proved = Proved {
                record: record.clone(),
                path: way.proof(),
                entry: anchor.line.clone(),
                entry_path: entry_path.clone(),
            };
            found.insert((session.clone(), seq), proved);
        }
        Ok(())
    }

    /// The lines that are wanted and the tree of the first `most`, in one pass.
    fn walk(
        &self,
        session: &SessionId,
        most: u64,
        ways: &mut BTreeMap<u64, Gather>,
    ) -> Result<(BTreeMap<u64, String>, Frontier), ProofError> {
        let mut kept = BTreeMap::new();
        let mut tree = Frontier::default();
        let folder = self.folder.existing(session.as_str())?;
        for name in folder.segments()? {
            let Some(fd) = folder.read(&name)? else { continue };
            let path = folder.path().join(&name);
            let mut lines = Lines::of(fd);
            while tree.size() < most && lines.step().map_err(|e| reading(&path, &e))? == Step::Line
            {
                if gap::is_gap(lines.line()) {
                    let what = || format!("a gap in session {session} is not what stood there");
                    let gap = Gap::parse(lines.line()).ok().map(|(_, gap)| gap);
                    let gap = gap.filter(|gap| gap.append_to(&mut tree));
                    let gap = gap.ok_or_else(|| ProofError::Damaged(what()))?;
                    for way in ways.values_mut() {
                        gap.peaks.iter().for_each(|(level, root)| way.tree(*level, *root));
                    }
                    if let Some(seq) = ways.keys().find(|seq| (gap.from..=gap.to).contains(seq)) {
                        return Err(ProofError::Dropped { session: session.clone(), seq: *seq });
                    }
                    continue;
                }
                let hash = leaf(lines.line());
                tree.append(hash);
                ways.values_mut().for_each(|way| way.leaf(hash));
                if ways.contains_key(&tree.size()) {
                    let line = String::from_utf8_lossy(lines.line()).into_owned();
                    kept.insert(tree.size(), line);
                }
            }
        }
        Ok((kept, tree))
    }

    /// Why a record behind the last checkpoint of its session has no proof.
    fn beyond(&self, session: SessionId, seq: u64) -> ProofError {
        let there = || -> Option<bool> {
            let folder = self.folder.existing(session.as_str()).ok()?;
            for name in folder.segments().ok()? {
                let mut lines = Lines::of(folder.read(&name).ok()??);
                while lines.step().ok()? == Step::Line {
                    if record::link(lines.line(), &session).is_ok_and(|link| link.seq == seq) {
                        return Some(true);
                    }
                }
            }
            None
        };
        if there().is_some() {
            ProofError::NotYet { session, seq }
        } else {
            ProofError::NoRecord { session, seq }
        }
    }
}

/// The checkpoint that a signed entry is; `signer` is the key that was in force before it.
fn note(
    seq: u64,
    root: Hash,
    sig: Signature,
    keys: Keys,
    signer: Option<PublicKey>,
) -> Option<SignedNote> {
    let text = line::checkpoint(keys.first, seq, root).to_string();
    // The first key signs the entry that names it. One that came in place of a lost one was named by the one before.
    let mut by = [signer, keys.before, Some(keys.now)].into_iter().flatten();
    let by = by.find(|key| key.signed(text.as_bytes(), &sig.0))?;
    let key = keys::named(keys.first, by)?;
    let signature = NoteSignature { name: key.name.clone(), id: key.id(), bytes: sig.0.to_vec() };
    Some(SignedNote { text, signatures: vec![signature] })
}
