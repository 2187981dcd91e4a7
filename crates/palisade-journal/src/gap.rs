//! What stands in a chain in the place of records that were removed: enough to go on, and nothing of what they said.

use palisade_core::SessionId;
use serde::Deserialize;

use crate::{
    Hash,
    record::BadLine,
    tree::{self, Frontier},
};

/// How a gap's line begins. A record's begins with `{"v":1,"time":`.
const BEGINS: &[u8] = b"{\"v\":1,\"gap\":";
/// A subtree of more leaves than a session can have.
const LEVEL_MAX: u32 = 48;

/// Records that were removed: their numbers, the roots of the subtrees of the session's tree that they are,
/// and the last one's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) peaks: Vec<(u32, Hash)>,
    pub(crate) last: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    v: u64,
    gap: u64,
    session: SessionId,
    from: u64,
    to: u64,
    peaks: Vec<Hash>,
    last: Hash,
}

/// Whether the line is a gap's, good or bad.
pub(crate) fn is_gap(line: &[u8]) -> bool {
    line.starts_with(BEGINS)
}

impl Gap {
    /// Take a line, without newline.
    pub(crate) fn parse(line: &[u8]) -> Result<(SessionId, Self), BadLine> {
        let form = |what: &str| BadLine::Form(what.into());
        let it: Written = serde_json::from_slice(line).map_err(|e| form(&e.to_string()))?;
        let count = it.to.checked_sub(it.from).and_then(|count| count.checked_add(1));
        if it.v != 1 || it.from == 0 || count != Some(it.gap) || it.gap >= 1 << LEVEL_MAX {
            return Err(form("it is no gap between two records"));
        }
        let levels = levels(it.from.saturating_sub(1), it.to);
        if levels.len() != it.peaks.len() {
            return Err(form("the gap has not the roots of its records"));
        }
        let peaks = levels.into_iter().zip(it.peaks).collect();
        let gap = Self { from: it.from, to: it.to, peaks, last: it.last };
        // What another program would write otherwise is no gap: its digest is signed.
        if gap.line(&it.session) != [line, b"\n"].concat() {
            return Err(form("the gap is not written as one is"));
        }
        Ok((it.session, gap))
    }

    /// As it is written, with its newline.
    pub(crate) fn line(&self, session: &SessionId) -> Vec<u8> {
        let count = self.to.saturating_sub(self.from).saturating_add(1);
        let peaks: Vec<String> = self.peaks.iter().map(|(_, hash)| format!("\"{hash}\"")).collect();
        format!(
            "{{\"v\":1,\"gap\":{count},\"session\":\"{session}\",\"from\":{},\"to\":{},\"peaks\":[{}],\"last\":\"{}\"}}\n",
            self.from,
            self.to,
            peaks.join(","),
            self.last
        )
        .into_bytes()
    }

    /// How many records.
    pub(crate) fn count(&self) -> u64 {
        self.to.saturating_sub(self.from).saturating_add(1)
    }

    /// A gap of one record.
    pub(crate) fn of(seq: u64, leaf: Hash, hash: Hash) -> Self {
        Self { from: seq, to: seq, peaks: vec![(0, leaf)], last: hash }
    }

    /// Make it longer by the one that follows.
    pub(crate) fn extend(&mut self, next: Gap) {
        let mut at = next.from.saturating_sub(1);
        for (level, hash) in next.peaks {
            self.push(at, level, hash);
            at = at.saturating_add(1_u64.checked_shl(level).unwrap_or(0));
        }
        (self.to, self.last) = (next.to, next.last);
    }

    fn push(&mut self, mut at: u64, mut level: u32, mut hash: Hash) {
        // Two subtrees of a size are one of twice the size, if the left begins at a multiple of that.
        while level < LEVEL_MAX
            && (at >> level) & 1 == 1
            && self.peaks.last().is_some_and(|(left, _)| *left == level)
        {
            let Some((_, left)) = self.peaks.pop() else { break };
            hash = tree::node(left, hash);
            at = at.saturating_sub(1 << level);
            level = level.saturating_add(1);
        }
        self.peaks.push((level, hash));
    }

    /// Go on behind it; false, if it does not begin where the tree ends.
    pub(crate) fn append_to(&self, tree: &mut Frontier) -> bool {
        tree.size().saturating_add(1) == self.from
            && self.peaks.iter().all(|(level, hash)| tree.append_tree(*level, *hash))
    }
}

/// The sizes (as powers of two) of the largest subtrees that the leaves `from..to` are.
fn levels(mut from: u64, to: u64) -> Vec<u32> {
    let mut levels = Vec::new();
    while from < to {
        let most = to.saturating_sub(from).max(1).ilog2();
        let level = from.trailing_zeros().min(most);
        levels.push(level);
        from = from.saturating_add(1_u64.checked_shl(level).unwrap_or(u64::MAX));
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tree_with_gaps_has_the_root_of_the_whole(
            size in 1..200_u64, cuts in proptest::collection::vec((0..200_u64, 1..60_u64), 0..6),
        ) {
            let session: SessionId = "one".parse().unwrap();
            let leaf = |n: u64| tree::leaf(&n.to_be_bytes());
            let (mut whole, mut with) = (Frontier::default(), Frontier::default());
            let gone = |n: u64| cuts.iter().any(|(from, count)| (*from..from + count).contains(&n));
            let mut gap: Option<Gap> = None;
            for n in 0..size {
                whole.append(leaf(n));
                if gone(n) {
                    let one = Gap::of(n + 1, leaf(n), leaf(n));
                    match &mut gap {
                        Some(gap) => gap.extend(one),
                        None => gap = Some(one),
                    }
                }
                if !gone(n) || n + 1 == size {
                    if let Some(gap) = gap.take() {
                        let line = gap.line(&session);
                        let read = Gap::parse(&line[..line.len() - 1]).unwrap();
                        prop_assert_eq!(&read, &(session.clone(), gap.clone()));
                        prop_assert!(gap.append_to(&mut with));
                        prop_assert!(!gap.append_to(&mut with.clone()));
                    }
                    if !gone(n) {
                        with.append(leaf(n));
                    }
                }
            }
            prop_assert_eq!(whole, with);
        }

        #[test]
        fn any_line_is_a_gap_or_none(from in any::<u64>(), to in any::<u64>(), count in any::<u64>(), peaks in 0..70_usize) {
            let peaks = vec![format!("\"{}\"", "a".repeat(64)); peaks].join(",");
            let line = format!("{{\"v\":1,\"gap\":{count},\"session\":\"s\",\"from\":{from},\"to\":{to},\"peaks\":[{peaks}],\"last\":\"{}\"}}", "b".repeat(64));
            drop(Gap::parse(line.as_bytes()));
        }
    }
}
