use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    Head,
    line::{Entry, Line, checkpoint, parse},
};
use crate::{Hash, note::PublicKey, record::BadLine, tree::Frontier, verify::Kind};

/// A ledger, followed from its first entry: the chain, the tree and the keys.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) head: Head,
    pub(crate) tree: Frontier,
    pub(crate) keys: Option<Keys>,
    /// A key that was had from elsewhere: none from before it may name another.
    trusted: Option<PublicKey>,
    revoked: HashSet<PublicKey>,
}

/// The keys of a ledger, at some entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    /// The first, which gives the log its name.
    pub(crate) first: PublicKey,
    /// The one before, which may still name another after a crash that took the last.
    pub(crate) before: Option<PublicKey>,
    /// The one in force.
    pub(crate) now: PublicKey,
}

impl Follow {
    pub(crate) fn new() -> Self {
        let head = Head { seq: 0, hash: Hash::ledger_genesis() };
        Self { head, tree: Frontier::default(), keys: None, trusted: None, revoked: HashSet::new() }
    }

    pub(crate) fn trusting(trusted: Option<PublicKey>) -> Self {
        Self { trusted, ..Self::new() }
    }

    /// Take the next line, without newline. After an error nothing more can be taken.
    pub(crate) fn line(&mut self, bytes: &[u8]) -> Result<Line, Kind> {
        let line = self.chained(bytes)?;
        match (line.root, line.sig) {
            (Some(root), Some(sig)) if root == self.tree.root() => {
                let keys = match (self.keys, line.entry, line.key) {
                    (Some(keys), ..) => keys,
                    (None, Entry::Key, Some(key)) => Keys { first: key, before: None, now: key },
                    _ => return Err(Kind::Forged),
                };
                let text = checkpoint(keys.first, line.seq, root).to_string();
                let by = |key: PublicKey| key.signed(text.as_bytes(), &sig.0);
                let next = line.key.filter(|_| line.entry == Entry::Key);
                let keys = if by(keys.now) {
                    match next {
                        Some(next) if self.keys.is_some() => {
                            Keys { before: Some(keys.now), now: next, ..keys }
                        }
                        _ => keys,
                    }
                } else {
                    let now = next.filter(|_| keys.before.is_some_and(by)).ok_or(Kind::Forged)?;
                    Keys { now, ..keys }
                };
                let revoked = line.key.filter(|_| line.entry == Entry::Revoked);
                self.revoked.extend(revoked);
                // A crash takes no key that somebody has elsewhere, and a thief may have one that was revoked.
                let fit =
                    |one: &PublicKey| self.trusted != Some(keys.now) && !self.revoked.contains(one);
                self.keys = Some(Keys { before: keys.before.filter(fit), ..keys });
            }
            (Some(_), Some(_)) => return Err(Kind::Forged),
            // What was signed once is signed from then on.
            _ if self.keys.is_some() => return Err(Kind::Unsigned),
            _ => {}
        }
        self.head = Head { seq: line.seq, hash: line.hash };
        Ok(line)
    }
    /// Take the next line, whose signature was checked before. Which keys are in force then has to be set by whoever knows.
    pub(crate) fn known(&mut self, bytes: &[u8]) -> Result<Line, Kind> {
        let line = self.chained(bytes)?;
        match (line.entry, line.key) {
            (Entry::Key, Some(now)) if self.keys.is_none() => {
                self.keys = Some(Keys { first: now, before: None, now });
            }
            (Entry::Revoked, Some(key)) => {
                self.revoked.insert(key);
            }
            _ => {}
        }
        self.head = Head { seq: line.seq, hash: line.hash };
        Ok(line)
    }

    /// The next line, if it is the next of the chain; its leaf is in the tree.
    fn chained(&mut self, bytes: &[u8]) -> Result<Line, Kind> {
        let (line, leaf) = parse(bytes).map_err(|bad| match bad {
            BadLine::Hash => Kind::Edited,
            BadLine::Form(why) => Kind::Unparsable { why },
        })?;
        let due = self.head.seq.saturating_add(1);
        if line.seq > due {
            return Err(Kind::Removed { from: due, to: line.seq.saturating_sub(1) });
        }
        if line.seq < due {
            return Err(Kind::Duplicate { found: line.seq });
        }
        if line.prev != self.head.hash {
            return Err(Kind::Replaced);
        }
        self.tree.append(leaf);
        Ok(line)
    }
}
