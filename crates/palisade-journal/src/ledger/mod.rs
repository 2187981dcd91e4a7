//! The small chain of all sessions: where each began, how far it came, and where it ended.
//!
//! A session's own chain cannot show that its last records, or all of them, are gone; its entry
//! here can. Each entry anchors one record of a session by number, hash and tree, and each session's
//! `open` record names the ledger's head at that moment, so neither can be cut alone without a
//! trace once the other has moved on. Each entry is signed: it is a checkpoint of the ledger's own tree.

mod follow;
pub(crate) mod line;
pub(crate) mod parts;

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use ring::signature::Ed25519KeyPair;
use rustix::{
    fs::{self, FlockOperation},
    io::{self as sys, Errno},
};

use crate::{
    Hash, JournalError, disk,
    keys::{self, Keyring, Memory},
    note::{PublicKey, Signature},
    reader::{Lines, Step},
    recover::reading,
    store::{Folder, LEDGER, io},
    verify::Kind,
};
pub(crate) use follow::{Follow, Keys};
pub(crate) use line::{Entry, Line, Said};

/// An entry is a few hundred bytes; this holds several.
const ENTRY_MAX: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(5);

/// A point of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
}

/// The ledger, locked: nobody else appends while this lives.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    path: PathBuf,
    fd: OwnedFd,
    size: u64,
    keys: &'a Keyring,
    pair: Ed25519KeyPair,
    memory: Memory,
}

impl<'a> Ledger<'a> {
    /// Lock the ledger, find its head and the key that signs. A torn last line is cut and the cut is entered.
    pub(crate) fn lock(folder: &Folder, keys: &'a Keyring) -> Result<Self, JournalError> {
        let path = folder.path().join(LEDGER);
        Self::lock_within(folder, keys, PATIENCE)?.ok_or(JournalError::LedgerLocked { path })
    }

    /// The same for who can come back later: `None` when another has it.
    pub(crate) fn try_lock(
        folder: &Folder,
        keys: &'a Keyring,
    ) -> Result<Option<Self>, JournalError> {
        Self::lock_within(folder, keys, Duration::ZERO)
    }

    fn lock_within(
        folder: &Folder,
        keys: &'a Keyring,
        patience: Duration,
    ) -> Result<Option<Self>, JournalError> {
        let path = folder.path().join(LEDGER);
        let (fd, _) = folder.append(LEDGER)?;
        let until = Instant::now() + patience;
        loop {
            match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => {
                    thread::sleep(Duration::from_micros(200));
                }
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(io("lock", &path)(errno)),
            }
        }
        let stat = fs::fstat(&fd).map_err(io("look at", &path))?;
        if stat.st_nlink == 0 {
            return Err(JournalError::Interfered { path });
        }
        let size = crate::store::size(&stat);
        let mut file = File { path, fd, size };
        let (head, torn) = file.find_head()?;
        let memory = keys.memory()?;
        let known = memory.filter(|memory| memory.head == head);
        let mut ledger = match known {
            Some(memory) => {
                let pair = keys.pair(memory.slot)?.filter(|p| PublicKey::of(p) == memory.now);
                let pair = pair.ok_or_else(|| JournalError::KeyLost { path: file.path.clone() })?;
                let File { path, fd, size } = file;
                Self { path, fd, size, keys, pair, memory }
            }
            None => Self::walked(file, folder, keys)?,
        };
        if torn > 0 {
            // The number says how many bytes went.
            ledger.append(Said { at_seq: torn, ..Said::plain(Entry::Recovered) })?;
        }
        ledger.settle()?;
        Ok(Some(ledger))
    }

    /// The slow way: all of it is followed and checked, for what is remembered is not what is there.
    fn walked(file: File, folder: &Folder, keys: &'a Keyring) -> Result<Self, JournalError> {
        let remembered = keys.memory()?;
        let (follow, seen) = file.follow(folder, remembered.as_ref().map(|m| m.head.seq))?;
        if let (Some(memory), Some(hash)) = (&remembered, seen)
            && hash != memory.head.hash
        {
            return Err(file.damaged("it is not the ledger that was signed here"));
        }
        let (mut slot, mut pair) = (0, None);
        let wanted = match (follow.keys, &remembered) {
            (Some(known), _) => [Some(known.now), known.before],
            // Nothing is signed: an older version's, a new one, or one that was put in its place.
            (None, Some(memory)) => [Some(memory.now), None],
            (None, None) => [None, None],
        };
        for key in wanted.into_iter().flatten() {
            for at in [0, 1] {
                let here = keys.pair(at)?.filter(|p| PublicKey::of(p) == key);
                if pair.is_none() && here.is_some() {
                    (slot, pair) = (at, here);
                }
            }
        }
        let File { path, fd, size } = file;
        let begins = follow.keys.is_none();
        let pair = match pair {
            Some(pair) => pair,
            None if begins => keys.make(slot)?,
            None => return Err(JournalError::KeyLost { path }),
        };
        let signs = PublicKey::of(&pair);
        let first = follow.keys.map_or(signs, |known| known.first);
        let memory = Memory {
            first,
            now: signs,
            slot,
            since: keys::now(),
            head: follow.head,
            tree: follow.tree,
        };
        let mut ledger = Self { path, fd, size, keys, pair, memory };
        if begins {
            ledger.append(Said { key: Some(signs), ..Said::plain(Entry::Key) })?;
        } else if follow.keys.is_some_and(|known| known.now != signs) {
            // The last key went with the power; the one before names another.
            ledger.evolve()?;
        }
        if let Some(was) = remembered.filter(|was| was.head.seq > follow.head.seq) {
            let (at_seq, at_hash) = (was.head.seq, Some(was.head.hash));
            ledger.append(Said { at_seq, at_hash, ..Said::plain(Entry::Lost) })?;
        }
        Ok(ledger)
    }

    pub(crate) fn head(&self) -> Head {
        self.memory.head
    }

    pub(crate) fn first_key(&self) -> PublicKey {
        self.memory.first
    }

    /// Enter a point of a session's chain.
    pub(crate) fn enter(
        &mut self,
        entry: Entry,
        session: &SessionId,
        name: Option<&str>,
        at: Head,
        root: Hash,
    ) -> Result<(), JournalError> {
        self.append(Said {
            session: Some(session),
            name,
            at_seq: at.seq,
            at_hash: Some(at.hash),
            at_root: Some(root),
            ..Said::plain(entry)
        })
    }

    /// Let another key sign from now on. The one before stays until that is surely on the disk.
    pub(crate) fn evolve(&mut self) -> Result<PublicKey, JournalError> {
        self.follow_key(false)
    }

    /// The same; `kept` puts the new key on the disk before an entry names it.
    fn follow_key(&mut self, kept: bool) -> Result<PublicKey, JournalError> {
        let slot = keys::other(self.memory.slot);
        let next = self.keys.make(slot)?;
        if kept {
            // What is remembered of the ledger goes to the disk with the key, and so not before the ledger.
            self.sync()?;
            self.keys.sync()?;
        }
        let key = PublicKey::of(&next);
        // It is remembered with the key that it names, or a crash would let the old one go on.
        self.write(Said { key: Some(key), ..Said::plain(Entry::Key) })?;
        self.pair = next;
        self.memory = Memory { now: key, slot, since: keys::now(), ..self.memory.clone() };
        self.keys.remember(&self.memory)?;
        Ok(key)
    }

    /// Say that a key is not to be believed for what it signed behind entry `since`, and let another sign.
    pub(crate) fn revoke(
        &mut self,
        key: PublicKey,
        since: u64,
        why: &str,
    ) -> Result<PublicKey, JournalError> {
        let said = Said::plain(Entry::Revoked);
        self.append(Said { name: Some(why), at_seq: since, key: Some(key), ..said })?;
        self.replace_key()
    }

    /// Let another key sign, and destroy the one before at once.
    pub(crate) fn replace_key(&mut self) -> Result<PublicKey, JournalError> {
        // One that was revoked may not name another again, whatever a power failure takes.
        let next = self.follow_key(true)?;
        self.sync()?;
        self.keys.sync()?;
        self.keys.forget(keys::other(self.memory.slot))?;
        self.keys.sync()?;
        Ok(next)
    }

    /// Put the ledger on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        disk::sync_data(&self.fd, &self.path)
    }

    /// What time does to keys: one that was long in force is followed, one that was followed is overwritten.
    fn settle(&mut self) -> Result<(), JournalError> {
        let age = keys::now().saturating_sub(self.memory.since);
        if age >= keys::EVOLVE.as_secs() {
            self.evolve()?;
        } else if age >= keys::SETTLED.as_secs() {
            self.keys.forget(keys::other(self.memory.slot))?;
        }
        Ok(())
    }

    pub(crate) fn append(&mut self, said: Said<'_>) -> Result<(), JournalError> {
        self.write(said)?;
        self.keys.remember(&self.memory)
    }

    fn write(&mut self, said: Said<'_>) -> Result<(), JournalError> {
        let (mut line, head) = line::body(said, self.memory.head);
        let mut tree = self.memory.tree.clone();
        tree.append(line::leaf_of(&line));
        let root = tree.root();
        let text = line::checkpoint(self.memory.first, head.seq, root).to_string();
        line::close(&mut line, root, &Signature::by(&self.pair, text.as_bytes()));
        if let Err(error) = disk::append(&self.fd, &self.path, &line) {
            disk::cut(&self.fd, &self.path, self.size)?;
            return Err(error);
        }
        self.size = self.size.saturating_add(u64::try_from(line.len()).unwrap_or(0));
        self.memory.head = head;
        self.memory.tree = tree;
        Ok(())
    }
}

/// The ledger's file.
#[derive(Debug)]
struct File {
    path: PathBuf,
    fd: OwnedFd,
    size: u64,
}

impl File {
    fn damaged(&self, what: &str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), offset: 0, what: what.into() }
    }

    /// All that is there, and the hash of entry `at`.
    fn follow(
        &self,
        folder: &Folder,
        at: Option<u64>,
    ) -> Result<(Follow, Option<Hash>), JournalError> {
        let (mut follow, mut seen) = (Follow::new(), None);
        let Some(fd) = folder.read(LEDGER)? else { return Ok((follow, seen)) };
        let mut lines = Lines::of(fd);
        loop {
            let step = lines.step().map_err(|e| reading(&self.path, &e))?;
            let taken = match step {
                Step::End => return Ok((follow, seen)),
                Step::Line => follow.line(lines.line()),
                Step::Torn(bytes) => Err(Kind::TornTail { bytes }),
                Step::TooLong => Err(Kind::Unparsable { why: "the line is too long".into() }),
            };
            match taken {
                Ok(line) if Some(line.seq) == at => seen = Some(line.hash),
                Ok(_) => {}
                Err(kind) => {
                    let (path, offset) = (self.path.clone(), lines.offset);
                    return Err(JournalError::Damaged { path, offset, what: kind.to_string() });
                }
            }
        }
    }

    /// The last whole entry, and how many torn bytes behind it were cut.
    fn find_head(&mut self) -> Result<(Head, u64), JournalError> {
        let genesis = Head { seq: 0, hash: Hash::ledger_genesis() };
        if self.size == 0 {
            return Ok((genesis, 0));
        }
        let window = u64::try_from(2 * ENTRY_MAX).unwrap_or(0).min(self.size);
        let from = self.size.saturating_sub(window);
        let mut tail = vec![0; usize::try_from(window).unwrap_or(0)];
        let mut filled = 0_usize;
        while let Some(rest) = tail.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = from.saturating_add(u64::try_from(filled).unwrap_or(0));
            match sys::pread(&self.fd, rest, at) {
                Ok(0) => break,
                Ok(n) => filled = filled.saturating_add(n),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(io("read", &self.path)(errno)),
            }
        }
        let damaged = |offset, what: &str| {
            Err(JournalError::Damaged { path: self.path.clone(), offset, what: what.into() })
        };
        let whole = match tail.iter().rposition(|&b| b == b'\n') {
            Some(at) => at.saturating_add(1),
            None if from == 0 => 0,
            None => return damaged(from, "its last entry has no end"),
        };
        let mut head = genesis;
        let torn = tail.len().saturating_sub(whole);
        if let Some(last) = tail.get(..whole.saturating_sub(1)).filter(|_| whole > 0) {
            let start = last.iter().rposition(|&b| b == b'\n').map_or(0, |at| at.saturating_add(1));
            let line = last.get(start..).unwrap_or_default();
            match line::parse(line) {
                Ok((line, _)) => head = Head { seq: line.seq, hash: line.hash },
                Err(_) => {
                    let at = from.saturating_add(u64::try_from(start).unwrap_or(0));
                    return damaged(at, "its last entry is not what was written");
                }
            }
        }
        let torn = u64::try_from(torn).unwrap_or(0);
        if torn > 0 {
            self.size = self.size.saturating_sub(torn);
            disk::cut(&self.fd, &self.path, self.size)?;
        }
        Ok((head, torn))
    }
}
