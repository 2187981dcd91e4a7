//! Merkle trees as RFC 6962 hashes them (section 2.1), and proofs in them.
//!
//! A tree is never held whole. [`Frontier`] is its right edge, which is enough to go on and to know the root;
//! proofs are made in one pass over the leaves.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::Hash;

/// Hashes of a proof: more than a tree of 2^64 leaves needs.
pub(crate) const PROOF_MAX: usize = 65;

/// The hash of a leaf.
pub fn leaf(bytes: &[u8]) -> Hash {
    Hash::of(&[&[0], bytes])
}

pub(crate) fn node(left: Hash, right: Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left.bytes());
    hasher.update(right.bytes());
    Hash::from(hasher)
}

/// The right edge of a tree: the roots of its whole subtrees, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// A tree of `size` leaves with these peaks; `None` if their number cannot be.
    pub(crate) fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let many = usize::try_from(size.count_ones()).ok()?;
        (peaks.len() == many).then_some(Self { size, peaks })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Put a leaf's hash behind the last.
    pub fn append(&mut self, leaf: Hash) {
        let mut right = leaf;
        let mut full = self.size;
        while full & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            right = node(left, right);
            full >>= 1;
        }
        self.peaks.push(right);
        self.size = self.size.saturating_add(1);
    }

    /// Put a whole subtree of 2^`level` leaves behind the last; false, if it cannot stand there.
    pub(crate) fn append_tree(&mut self, level: u32, root: Hash) -> bool {
        let Some(leaves) = 1_u64.checked_shl(level) else { return false };
        if !self.size.is_multiple_of(leaves) {
            return false;
        }
        let mut right = root;
        let mut full = self.size >> level;
        while full & 1 == 1 {
            let Some(left) = self.peaks.pop() else { return false };
            right = node(left, right);
            full >>= 1;
        }
        self.peaks.push(right);
        self.size = self.size.saturating_add(leaves);
        true
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Hash::of(&[]) };
        peaks.fold(*last, |right, left| node(*left, right))
    }
}

/// The subtrees whose roots prove that leaf `index` is in the tree of `size` leaves, in the proof's order.
pub(crate) fn inclusion_parts(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut parts, mut from, mut to) = (Vec::new(), 0, size);
    while to.saturating_sub(from) > 1 {
        let middle = from.saturating_add(split(to.saturating_sub(from)));
        if index < middle {
            parts.push(middle..to);
            to = middle;
        } else {
            parts.push(from..middle);
            from = middle;
        }
    }
    parts.reverse();
    parts
}

/// The subtrees whose roots prove that the tree of `old` leaves is the beginning of that of `size`.
pub(crate) fn consistency_parts(old: u64, size: u64) -> Vec<Range<u64>> {
    let (mut parts, mut from, mut to) = (Vec::new(), 0_u64, size);
    if old == 0 || old >= size {
        return parts;
    }
    while old < to {
        let middle = from.saturating_add(split(to.saturating_sub(from)));
        if old <= middle {
            parts.push(middle..to);
            to = middle;
        } else {
            parts.push(from..middle);
            from = middle;
        }
    }
    if from > 0 {
        parts.push(from..to);
    }
    parts.reverse();
    parts
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << count.saturating_sub(1).max(1).ilog2()
}

/// The roots of these subtrees, filled in one pass over the leaves.
#[derive(Debug)]
pub(crate) struct Gather {
    parts: Vec<(Range<u64>, Frontier)>,
    next: u64,
}

impl Gather {
    pub(crate) fn new(parts: Vec<Range<u64>>) -> Self {
        let parts = parts.into_iter().map(|part| (part, Frontier::default())).collect();
        Self { parts, next: 0 }
    }

    pub(crate) fn leaf(&mut self, leaf: Hash) {
        let at = self.next;
        if let Some((_, tree)) = self.parts.iter_mut().find(|(part, _)| part.contains(&at)) {
            tree.append(leaf);
        }
        self.next = at.saturating_add(1);
    }

    /// A whole subtree of 2^`level` leaves. A part that is to be proved holds all of it or nothing: its
    /// sibling is on the way from a leaf that is there.
    pub(crate) fn tree(&mut self, level: u32, root: Hash) {
        let at = self.next;
        if let Some((_, tree)) = self.parts.iter_mut().find(|(part, _)| part.contains(&at)) {
            tree.append_tree(level, root);
        }
        self.next = at.saturating_add(1_u64.checked_shl(level).unwrap_or(u64::MAX));
    }

    pub(crate) fn proof(&self) -> Vec<Hash> {
        self.parts.iter().map(|(_, tree)| tree.root()).collect()
    }
}

/// Whether the proof leads from leaf `index` to `root` (RFC 9162, 2.1.3.2).
pub fn included(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> bool {
    if index >= size || proof.len() > PROOF_MAX {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size.saturating_sub(1), leaf);
    for part in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(*part, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, *part);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether the proof shows that the tree of `old` leaves is the beginning of that of `size`
/// (RFC 9162, 2.1.4.2). Of an empty tree every one is the continuation.
pub fn consistent(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((old, old_root), (size, root)) = (old, new);
    if old > size || proof.len() > PROOF_MAX {
        return false;
    }
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty() && old_root == Hash::of(&[]);
    }
    let mut parts = proof.iter().copied();
    let first = if old.is_power_of_two() { Some(old_root) } else { parts.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old.saturating_sub(1), size.saturating_sub(1));
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut was, mut is) = (first, first);
    for part in parts {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            was = node(part, was);
            is = node(part, is);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            is = node(is, part);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && was == old_root && is == root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf(&n.to_be_bytes())).collect()
    }

    fn at(leaves: &[Hash], index: u64) -> &Hash {
        &leaves[usize::try_from(index).unwrap()]
    }

    /// As RFC 6962 defines it, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [one] => *one,
            more => {
                let mut k = 1;
                while k * 2 < more.len() {
                    k *= 2;
                }
                node(defined(&more[..k]), defined(&more[k..]))
            }
        }
    }

    fn proof(parts: Vec<Range<u64>>, leaves: &[Hash]) -> Vec<Hash> {
        let mut gather = Gather::new(parts);
        leaves.iter().for_each(|leaf| gather.leaf(*leaf));
        gather.proof()
    }

    fn root(leaves: &[Hash]) -> Hash {
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.append(*leaf));
        tree.root()
    }

    /// The vectors of the reference implementation of RFC 6962.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|n| u8::from_str_radix(&hex[n..n + 2], 16).unwrap())
                .collect()
        };
        let leaves: Vec<Hash> = inputs.iter().map(|hex| leaf(&bytes(hex))).collect();
        assert_eq!(
            root(&leaves[..0]).to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            root(&leaves[..1]).to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            root(&leaves[..2]).to_string(),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
        assert_eq!(
            root(&leaves).to_string(),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn every_small_tree_has_its_proofs_and_no_other() {
        for size in 0..40_u64 {
            let all = leaves(size);
            let head = root(&all);
            assert_eq!(head, defined(&all));
            for index in 0..size {
                let path = proof(inclusion_parts(index, size), &all);
                let leaf = *at(&all, index);
                assert!(included(leaf, index, size, &path, head), "{index} of {size}");
                assert!(size == 1 || !included(leaf, (index + 1) % size, size, &path, head));
                assert!(!included(leaf, index, size, &path, leaf_of_none()));
            }
            for old in 0..=size {
                let was = root(&all[..usize::try_from(old).unwrap()]);
                let path = proof(consistency_parts(old, size), &all);
                assert!(consistent((old, was), (size, head), &path), "{old} of {size}");
                if old > 0 {
                    assert!(!consistent((old, leaf_of_none()), (size, head), &path));
                    assert!(!consistent((old, was), (size, leaf_of_none()), &path));
                }
            }
        }
    }

    fn leaf_of_none() -> Hash {
        leaf(b"none")
    }

    proptest! {
        #[test]
        fn any_proof_is_taken_without_a_panic(
            index in any::<u64>(), size in any::<u64>(), count in 0..70_usize, seed in any::<u64>(),
        ) {
            let hash = leaf(&seed.to_be_bytes());
            let path = vec![hash; count];
            prop_assert!(!included(hash, index, size, &path, leaf_of_none()));
            prop_assert!(!consistent((index, hash), (size, leaf_of_none()), &path));
        }

        #[test]
        fn a_changed_proof_proves_nothing(
            size in 2..200_u64, index in any::<u64>(), which in any::<usize>(), bit in 0..256_usize,
        ) {
            let all = leaves(size);
            let index = index % size;
            let mut path = proof(inclusion_parts(index, size), &all);
            let which = which % path.len();
            let mut bytes = *path[which].bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            path[which] = Hash::from_bytes(bytes);
            prop_assert!(!included(*at(&all, index), index, size, &path, root(&all)));
        }
    }
}
