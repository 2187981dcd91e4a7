//! The small chain of all sessions: where each began and where it ended.
//!
//! A session's own chain cannot show that its last records, or all of them, are gone; its entry
//! here can. Each entry anchors one record of a session by number and hash, and each session's
//! `open` record names the ledger's head at that moment, so neither can be cut alone without a
//! trace once the other has moved on.

use std::{
    fmt::Write as _,
    os::fd::OwnedFd,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use rustix::{
    fs::{self, FlockOperation},
    io::{self as sys, Errno},
};
use serde::{Deserialize, Serialize};

use crate::{
    Hash, JournalError, Timestamp, encode, record,
    store::{Folder, LEDGER, io},
};

/// An entry is a few hundred bytes; this holds several.
const ENTRY_MAX: usize = 4096;
const NAME_MAX: usize = 256;
const PATIENCE: Duration = Duration::from_secs(5);

/// What an entry says about its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub(crate) enum Entry {
    /// A writer opened it; the anchor is the record that says so.
    Start,
    /// Its writer closed it; the anchor is its last record.
    End,
    /// Not about a session: the ledger's own torn tail was cut.
    Recovered,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) v: u64,
    pub(crate) time: Timestamp,
    pub(crate) seq: u64,
    pub(crate) entry: Entry,
    pub(crate) session: Option<SessionId>,
    pub(crate) name: Option<String>,
    pub(crate) at_seq: u64,
    pub(crate) at_hash: Hash,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
}

/// A point of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
}

/// The ledger, locked: nobody else appends while this lives.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    fd: OwnedFd,
    size: u64,
    head: Head,
}

impl Ledger {
    /// Lock the ledger and find its head. A torn last line is cut and the cut is entered.
    pub(crate) fn lock(folder: &Folder) -> Result<Self, JournalError> {
        let path = folder.path().join(LEDGER);
        let (fd, _) = folder.append(LEDGER)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => {
                    thread::sleep(Duration::from_micros(200));
                }
                Err(Errno::WOULDBLOCK) => return Err(JournalError::LedgerLocked { path }),
                Err(errno) => return Err(io("lock", &path)(errno)),
            }
        }
        let stat = fs::fstat(&fd).map_err(io("look at", &path))?;
        if stat.st_nlink == 0 {
            return Err(JournalError::Interfered { path });
        }
        let genesis = Head { seq: 0, hash: Hash::ledger_genesis() };
        let mut ledger = Self { path, fd, size: crate::store::size(&stat), head: genesis };
        if ledger.size > 0 {
            ledger.find_head()?;
        }
        Ok(ledger)
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Enter a point of a session's chain.
    pub(crate) fn enter(
        &mut self,
        entry: Entry,
        session: &SessionId,
        name: Option<&str>,
        at: Head,
    ) -> Result<(), JournalError> {
        self.append(entry, Some(session), name, at)
    }

    /// Put the ledger on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        fs::fdatasync(&self.fd).map_err(io("sync", &self.path))
    }

    fn append(
        &mut self,
        entry: Entry,
        session: Option<&SessionId>,
        name: Option<&str>,
        at: Head,
    ) -> Result<(), JournalError> {
        let seq = self.head.seq.saturating_add(1);
        let word = match entry {
            Entry::Start => "start",
            Entry::End => "end",
            Entry::Recovered => "recovered",
        };
        let mut text = String::new();
        // Writing to a String cannot fail.
        write!(
            text,
            "{{\"v\":1,\"time\":\"{}\",\"seq\":{seq},\"entry\":\"{word}\",\"session\":",
            Timestamp::now()
        )
        .ok();
        let mut line = text.into_bytes();
        match session {
            Some(session) => encode::string(&mut line, session.as_str(), NAME_MAX),
            None => line.extend_from_slice(b"null"),
        }
        line.extend_from_slice(b",\"name\":");
        match name {
            Some(name) => encode::string(&mut line, name, NAME_MAX),
            None => line.extend_from_slice(b"null"),
        }
        let rest = format!(
            ",\"at_seq\":{},\"at_hash\":\"{}\",\"prev\":\"{}\"",
            at.seq, at.hash, self.head.hash
        );
        line.extend_from_slice(rest.as_bytes());
        let hash = record::seal(&mut line, 0);
        if let Err(errno) = write_all(&self.fd, &line) {
            fs::ftruncate(&self.fd, self.size).map_err(io("cut", &self.path))?;
            return Err(io("write", &self.path)(errno));
        }
        self.size = self.size.saturating_add(u64::try_from(line.len()).unwrap_or(0));
        self.head = Head { seq, hash };
        Ok(())
    }

    fn find_head(&mut self) -> Result<(), JournalError> {
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
        let torn = tail.len().saturating_sub(whole);
        if let Some(last) = tail.get(..whole.saturating_sub(1)).filter(|_| whole > 0) {
            let start = last.iter().rposition(|&b| b == b'\n').map_or(0, |at| at.saturating_add(1));
            let line = last.get(start..).unwrap_or_default();
            match parse(line) {
                Ok(line) => self.head = Head { seq: line.seq, hash: line.hash },
                Err(_) => {
                    let at = from.saturating_add(u64::try_from(start).unwrap_or(0));
                    return damaged(at, "its last entry is not what was written");
                }
            }
        }
        if torn > 0 {
            let torn = u64::try_from(torn).unwrap_or(0);
            self.size = self.size.saturating_sub(torn);
            fs::ftruncate(&self.fd, self.size).map_err(io("cut", &self.path))?;
            // The number says how many bytes went; the hash stands for nothing but the head.
            let at = Head { seq: torn, hash: self.head.hash };
            self.append(Entry::Recovered, None, None, at)?;
        }
        Ok(())
    }
}

/// Take one line of a ledger, without newline.
pub(crate) fn parse(line: &[u8]) -> Result<Line, record::BadLine> {
    record::sealed(line)?;
    let line: Line =
        serde_json::from_slice(line).map_err(|e| record::BadLine::Form(e.to_string()))?;
    if line.v != 1 {
        return Err(record::BadLine::Form(format!("version {} is not known here", line.v)));
    }
    Ok(line)
}

/// Write all of `bytes`; what a short write leaves behind is the caller's to cut.
pub(crate) fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match sys::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
