//! The keys that sign a journal, and what their holder remembers of the ledger.
//!
//! One small file beside the journal's folder, used under the ledger's lock. It holds the key in force and, for
//! a while, the one before it, and the ledger's head and tree as they were last signed: whoever can write the
//! journal but not this file cannot have a changed ledger signed. Keys are random; a key that was followed by
//! another is overwritten once the kernel has had the time to put what names the next on the disk.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::Ed25519KeyPair,
};
use rustix::io::{self as sys, Errno, fcntl_dupfd_cloexec};
use zeroize::Zeroizing;

use crate::{
    Hash, JournalError, disk,
    ledger::{Head, Ledger, line::origin},
    note::{NamedKey, PublicKey, Use},
    store::{Folder, io},
    tree::Frontier,
};

pub(crate) const KEY: &str = "journal.key";
/// A key in force for so long is followed by another.
pub(crate) const EVOLVE: Duration = Duration::from_secs(300);
/// Longer than a kernel keeps written pages in memory (`dirty_expire_centisecs`, 30 s) and its flusher sleeps.
pub(crate) const SETTLED: Duration = Duration::from_secs(60);

const MAGIC: &[u8; 64] = b"palisade-journal-key/1\n.........................................";
const SLOTS: [u64; 2] = [64, 128];
/// A sector of its own: it is written anew with each entry, the keys are not.
const MEMORY: u64 = 512;
const FIXED: usize = 32 + 32 + 1 + 8 + 8 + 32;
const MEMORY_MAX: usize = FIXED + 64 * 32 + 32;

/// What the keys' holder knows of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The journal's first key, which gives it its name.
    pub(crate) first: PublicKey,
    /// The key in force.
    pub(crate) now: PublicKey,
    /// Where its seed is.
    pub(crate) slot: usize,
    /// Since when it is in force, in seconds since 1970.
    pub(crate) since: u64,
    /// The last entry, and the tree of all.
    pub(crate) head: Head,
    pub(crate) tree: Frontier,
}

/// The file, open.
#[derive(Debug)]
pub(crate) struct Keyring {
    fd: OwnedFd,
    path: PathBuf,
}

impl Keyring {
    /// Open the file under the state folder, made if missing.
    pub(crate) fn open(state: &Folder) -> Result<Self, JournalError> {
        let path = state.path().join(KEY);
        let (fd, size) = state.keep(KEY)?;
        let keyring = Self { fd, path };
        let mut magic = [0; 64];
        let read = keyring.read(&mut magic, 0)?;
        // A crash can leave a part of it.
        if size < 64 && MAGIC.starts_with(magic.get(..read).unwrap_or_default()) {
            keyring.write(MAGIC, 0)?;
        } else if magic != *MAGIC {
            let why = "it is not a journal's key";
            return Err(JournalError::Untrusted { path: keyring.path, why });
        }
        Ok(keyring)
    }

    /// The same file once more.
    pub(crate) fn again(&self) -> Result<Self, JournalError> {
        let fd = fcntl_dupfd_cloexec(&self.fd, 0).map_err(io("open", &self.path))?;
        Ok(Self { fd, path: self.path.clone() })
    }

    /// What was remembered, if it is whole.
    pub(crate) fn memory(&self) -> Result<Option<Memory>, JournalError> {
        let mut block = [0; MEMORY_MAX];
        let read = self.read(&mut block, MEMORY)?;
        Ok(block.get(..read).and_then(decoded))
    }

    pub(crate) fn remember(&self, memory: &Memory) -> Result<(), JournalError> {
        self.write(&encoded(memory), MEMORY)
    }

    /// The key in a slot.
    pub(crate) fn pair(&self, slot: usize) -> Result<Option<Ed25519KeyPair>, JournalError> {
        let mut seed = Zeroizing::new([0; 32]);
        self.read(seed.as_mut(), place(slot))?;
        if *seed == [0; 32] {
            return Ok(None);
        }
        Ok(Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok())
    }

    /// Make a new key in a slot.
    pub(crate) fn make(&self, slot: usize) -> Result<Ed25519KeyPair, JournalError> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(seed.as_mut()).map_err(|_| JournalError::NoRandom)?;
        self.write(seed.as_ref(), place(slot))?;
        Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| JournalError::NoRandom)
    }

    /// Overwrite a slot.
    pub(crate) fn forget(&self, slot: usize) -> Result<(), JournalError> {
        let mut seed = Zeroizing::new([0; 32]);
        self.read(seed.as_mut(), place(slot))?;
        if *seed == [0; 32] { Ok(()) } else { self.write(&[0; 32], place(slot)) }
    }

    /// Put the file on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        disk::sync_data(&self.fd, &self.path)
    }

    fn read(&self, bytes: &mut [u8], mut at: u64) -> Result<usize, JournalError> {
        let mut filled = 0_usize;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match sys::pread(&self.fd, rest, at) {
                Ok(0) => break,
                Ok(n) => {
                    filled = filled.saturating_add(n);
                    at = at.saturating_add(u64::try_from(n).unwrap_or(0));
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(io("read", &self.path)(errno)),
            }
        }
        Ok(filled)
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), JournalError> {
        disk::write_at(&self.fd, &self.path, bytes, at)
    }
}

/// A key of the journal whose first one is `first`, as it is given out.
pub(crate) fn named(first: PublicKey, key: PublicKey) -> Option<NamedKey> {
    NamedKey::new(&origin(first), Use::Log, key).ok()
}

/// The owner's acts on the keys of the journal under a state folder.
#[derive(Debug)]
pub struct KeyHolder {
    journal: Folder,
    keys: Keyring,
}

impl KeyHolder {
    /// Open the keys under `state_dir`. A journal that is not signed yet is from then on.
    pub fn open(state_dir: &Path) -> Result<Self, JournalError> {
        let state = Folder::state(state_dir)?;
        let journal = state.journal()?;
        Ok(Self { journal, keys: Keyring::open(&state)? })
    }

    /// Let another key sign from now on, and destroy the one before. Gives the new one.
    pub fn rotate(&self) -> Result<Option<NamedKey>, JournalError> {
        let mut ledger = Ledger::lock(&self.journal, &self.keys)?;
        let key = ledger.replace_key()?;
        Ok(named(ledger.first_key(), key))
    }

    /// Enter that what `key` signed behind entry `since` of the ledger proves nothing, and let another key sign.
    /// Gives the new one, which verifiers are to be given.
    pub fn revoke(
        &self,
        key: PublicKey,
        since: u64,
        why: &str,
    ) -> Result<Option<NamedKey>, JournalError> {
        let mut ledger = Ledger::lock(&self.journal, &self.keys)?;
        let next = ledger.revoke(key, since, why)?;
        Ok(named(ledger.first_key(), next))
    }
}

/// The other of the two slots.
pub(crate) fn other(slot: usize) -> usize {
    1_usize.saturating_sub(slot)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn place(slot: usize) -> u64 {
    SLOTS.get(slot).copied().unwrap_or(64)
}

fn encoded(memory: &Memory) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend(memory.first.0);
    out.extend(memory.now.0);
    out.push(u8::from(memory.slot > 0));
    out.extend(memory.since.to_le_bytes());
    out.extend(memory.head.seq.to_le_bytes());
    out.extend(memory.head.hash.bytes());
    for peak in memory.tree.peaks() {
        out.extend(peak.bytes());
    }
    out.extend(Hash::of(&[&out]).bytes());
    out
}

fn decoded(block: &[u8]) -> Option<Memory> {
    let mut rest = block;
    let first = PublicKey(*take(&mut rest)?);
    let now = PublicKey(*take(&mut rest)?);
    let [slot] = *take::<1>(&mut rest)?;
    let since = u64::from_le_bytes(*take(&mut rest)?);
    let seq = u64::from_le_bytes(*take(&mut rest)?);
    let hash = Hash::from_bytes(*take(&mut rest)?);
    let mut peaks = Vec::new();
    for _ in 0..seq.count_ones() {
        peaks.push(Hash::from_bytes(*take(&mut rest)?));
    }
    let length = block.len().checked_sub(rest.len())?;
    let sum = take::<32>(&mut rest)?;
    if Hash::of(&[block.get(..length)?]).bytes() != sum {
        return None;
    }
    let tree = Frontier::of(seq, peaks)?;
    Some(Memory { first, now, slot: usize::from(slot > 0), since, head: Head { seq, hash }, tree })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, more) = rest.split_first_chunk::<N>()?;
    *rest = more;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn memory_is_kept_whole_or_not_at_all(
            leaves in 0..500_u64, since in any::<u64>(), slot in 0..2_usize, cut in any::<usize>(),
        ) {
            let mut tree = Frontier::default();
            (0..leaves).for_each(|n| tree.append(crate::tree::leaf(&n.to_be_bytes())));
            let head = Head { seq: leaves, hash: Hash::of(&[b"head"]) };
            let (first, now) = (PublicKey([1; 32]), PublicKey([2; 32]));
            let memory = Memory { first, now, slot, since, head, tree };
            let mut block = encoded(&memory);
            block.extend([7; 50]);
            prop_assert_eq!(decoded(&block), Some(memory));
            let at = cut % (block.len() - 50);
            block[at] ^= 1;
            prop_assert!(decoded(&block).is_none());
            prop_assert!(decoded(&block[..at]).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            drop(decoded(&bytes));
        }
    }
}
