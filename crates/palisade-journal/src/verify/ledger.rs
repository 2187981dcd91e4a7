use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use rustix::fs::{FlockOperation, flock, fstat};

use super::{Damage, Kind};
use crate::{
    Hash, JournalError,
    ledger::{Entry, Head, parse},
    reader::{Lines, Step},
    record::BadLine,
    recover::reading,
    store::{Folder, LEDGER, io, size},
};

/// What the ledger says, as far as it holds together.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) entries: u64,
    pub(super) damage: Option<Damage>,
    pub(super) sessions: BTreeMap<SessionId, Known>,
}

/// What the ledger knows of one session.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) name: Option<String>,
    /// In the order of the session's records.
    pub(super) anchors: Vec<Anchor>,
}

/// A record of a session that the ledger names.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) entry: Entry,
    pub(super) at: Head,
    /// The ledger's head when the entry was made.
    pub(super) before: Head,
}

pub(super) fn walk(folder: &Folder) -> Result<Walked, JournalError> {
    let path = folder.path().join(LEDGER);
    let mut walked = Walked::default();
    let Some(fd) = folder.read(LEDGER)? else { return Ok(walked) };
    let whole = settled_size(&fd).map_err(io("look at", &path))?;
    let mut lines = Lines::new(File::from(fd).take(whole));
    let mut head = Head { seq: 0, hash: Hash::ledger_genesis() };
    loop {
        let step = lines.step().map_err(|e| reading(&path, &e))?;
        let due = head.seq.saturating_add(1);
        let kind = match step {
            Step::End => return Ok(walked),
            Step::Torn(bytes) => Some(Kind::TornTail { bytes }),
            Step::TooLong => Some(Kind::Unparsable { why: "the line is too long".into() }),
            Step::Line => match parse(lines.line()) {
                Err(BadLine::Hash) => Some(Kind::Edited),
                Err(BadLine::Form(why)) => Some(Kind::Unparsable { why }),
                Ok(line) if line.seq > due => {
                    Some(Kind::Removed { from: due, to: line.seq.saturating_sub(1) })
                }
                Ok(line) if line.seq < due => Some(Kind::Duplicate { found: line.seq }),
                Ok(line) if line.prev != head.hash => Some(Kind::Replaced),
                Ok(line) => {
                    let before = head;
                    head = Head { seq: line.seq, hash: line.hash };
                    walked.entries = walked.entries.saturating_add(1);
                    if let Some(session) = line.session {
                        let known = walked.sessions.entry(session).or_default();
                        known.name = line.name.or(known.name.take());
                        let at = Head { seq: line.at_seq, hash: line.at_hash };
                        known.anchors.push(Anchor { entry: line.entry, at, before });
                    }
                    None
                }
            },
        };
        if let Some(kind) = kind {
            let (line, offset) = (lines.number, lines.offset);
            walked.damage = Some(Damage { path, line, offset, seq: due, kind });
            return Ok(walked);
        }
    }
}

/// The size while nobody is in the middle of an entry.
fn settled_size(fd: &OwnedFd) -> Result<u64, rustix::io::Errno> {
    let until = Instant::now() + Duration::from_secs(2);
    while flock(fd, FlockOperation::NonBlockingLockShared).is_err() && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    let stat = fstat(fd)?;
    // Given back with the descriptor at the latest.
    flock(fd, FlockOperation::Unlock).ok();
    Ok(size(&stat))
}
