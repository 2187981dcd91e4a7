use std::{collections::BTreeMap, os::fd::OwnedFd};

use palisade_core::SessionId;
use serde::{Deserialize, Serialize};

use crate::{Hash, ledger::Head, tree::Frontier};

/// How far an earlier verification came: what is before is not read again. Whoever keeps it trusts that look, and
/// keeps it where the journal's host cannot write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// Each session's last good record.
    pub sessions: BTreeMap<SessionId, Point>,
}

/// The end of a good record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    segment: String,
    offset: u64,
    line: u64,
    seq: u64,
    hash: Hash,
    /// The peaks of the session's tree.
    peaks: Vec<Hash>,
}

impl Point {
    pub(super) fn new(segment: &str, at: (u64, u64), head: Head, tree: &Frontier) -> Self {
        Self {
            segment: segment.into(),
            offset: at.0,
            line: at.1,
            seq: head.seq,
            hash: head.hash,
            peaks: tree.peaks().to_vec(),
        }
    }

    pub(super) fn segment(&self) -> &str {
        &self.segment
    }

    /// Where to go on in the segment: offset, line, head and tree. `None` if that record does not end there any more, and all
    /// is to be read.
    pub(super) fn stands(&self, segment: &OwnedFd) -> Option<(u64, u64, Head, Frontier)> {
        let tree = Frontier::of(self.seq, self.peaks.clone())?;
        let mut end = [0; 67];
        let at = self.offset.checked_sub(67)?;
        let read = rustix::io::pread(segment, &mut end, at).ok()?;
        let same = read == end.len() && end == *format!("{}\"}}\n", self.hash).as_bytes();
        let head = Head { seq: self.seq, hash: self.hash };
        same.then_some((self.offset, self.line, head, tree))
    }
}
