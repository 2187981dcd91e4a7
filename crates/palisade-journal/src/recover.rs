//! A torn tail is cut; anything else that is wrong is left as it is, for it is evidence.

use std::{collections::BTreeMap, os::fd::OwnedFd, path::Path, thread, time::Duration};

use palisade_core::{Event, Layer, PolicyDigest, SessionId};
use rustix::{
    fs::{self, FlockOperation},
    io::Errno,
};
use sha2::{Digest, Sha256};

use crate::{
    Durability, Hash, Journal, JournalError, disk,
    gap::{self, Gap},
    ledger::{self, Head},
    reader::{Lines, Step},
    record::{self, BadLine},
    store::{Folder, LEDGER, io},
    tail::Tail,
    tree::{self, Frontier},
    writer,
};

/// What a recovery did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The number of the last record, which tells of the recovery.
    pub seq: u64,
}

/// End a session whose supervisor died: cut its torn tail if it has one, record that, and enter
/// the end in the ledger. Fails with [`JournalError::Busy`] if the session is alive.
pub fn recover(state_dir: &Path, session: &SessionId) -> Result<Recovered, JournalError> {
    let journal = Folder::open(&crate::journal_dir(state_dir))?;
    journal.existing(session.as_str())?;
    let (_, newest) = Tail::open(&crate::journal_dir(state_dir), Some(session.as_str()), 1)?;
    let policy = newest.last().map_or_else(|| PolicyDigest::of(b""), |last| last.policy.clone());
    let last = Event::observed("end", Layer::Supervisor, session.as_str())
        .with("ended_by", "recovery after the supervisor was gone");
    let closed = Journal::open(state_dir, session, None, &policy)?
        .close_blocking(last, Durability::Durable)?;
    Ok(Recovered { seq: closed.seq })
}

/// The whole part of a session's last segment.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) size: u64,
    pub(crate) head: Head,
    pub(crate) tree: Frontier,
    pub(crate) torn: Option<Torn>,
}

/// What was cut.
#[derive(Debug)]
pub(crate) struct Torn {
    pub(crate) bytes: u64,
    pub(crate) hash: Hash,
}

impl Whole {
    pub(crate) fn fresh(session: &SessionId) -> Self {
        Self { size: 0, head: writer::genesis(session), tree: Frontier::default(), torn: None }
    }
}

/// Take the writer's lock. A reader that asks whether the session lives holds it for a moment.
pub(crate) fn own(fd: &OwnedFd, path: &Path, session: &SessionId) -> Result<(), JournalError> {
    for _ in 0..50 {
        match fs::flock(fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(Duration::from_millis(1)),
            Err(errno) => return Err(io("lock", path)(errno)),
        }
    }
    Err(JournalError::Busy(session.clone()))
}

/// Walk the session's chain to its end and cut what a crash left behind the last whole record.
pub(crate) fn tail(
    journal: &Folder,
    folder: &Folder,
    last: &OwnedFd,
    session: &SessionId,
) -> Result<Whole, JournalError> {
    let anchors = anchors(journal, session)?;
    let fits = |head: &Head, tree: &Frontier| {
        anchors.get(&head.seq).is_none_or(|(hash, root)| {
            *hash == head.hash && root.is_none_or(|root| root == tree.root())
        })
    };
    let mut head = writer::genesis(session);
    let mut tree = Frontier::default();
    let (mut size, mut torn) = (0, None::<u64>);
    let mut newest = String::new();
    for name in folder.segments()? {
        let path = folder.path().join(&name);
        let damaged = |offset, what: &str| JournalError::Damaged {
            path: path.clone(),
            offset,
            what: what.into(),
        };
        if let Some(offset) = torn {
            return Err(damaged(offset, "a segment before the last one is torn"));
        }
        let Some(fd) = folder.read(&name)? else { continue };
        let mut lines = Lines::of(fd);
        loop {
            let step = lines.step().map_err(|e| reading(&path, &e))?;
            let good = match step {
                Step::End => break,
                // Whoever made it checked it, and what follows it goes on from its hash.
                Step::Line if torn.is_none() && gap::is_gap(lines.line()) => {
                    let gap = Gap::parse(lines.line()).ok().filter(|(of, _)| of == session);
                    let Some((_, gap)) = gap.filter(|(_, gap)| gap.append_to(&mut tree)) else {
                        return Err(damaged(lines.offset, "the chain is broken"));
                    };
                    head = Head { seq: gap.to, hash: gap.last };
                    if anchors.range(gap.from..gap.to).next().is_some() || !fits(&head, &tree) {
                        return Err(damaged(lines.offset, "the ledger knows another record here"));
                    }
                    continue;
                }
                Step::Line => record::link(lines.line(), session),
                Step::Torn(_) | Step::TooLong => Err(BadLine::Hash),
            };
            match good {
                Ok(link) => {
                    // A whole record behind a bad one: somebody's work, not a crash's.
                    if let Some(offset) = torn {
                        return Err(damaged(offset, "a bad record stands before good ones"));
                    }
                    let next = head.seq.saturating_add(1);
                    if link.stranger.is_some() || link.seq != next || link.prev != head.hash {
                        return Err(damaged(lines.offset, "the chain is broken"));
                    }
                    head = Head { seq: link.seq, hash: link.hash };
                    tree.append(tree::leaf(lines.line()));
                    if !fits(&head, &tree) {
                        return Err(damaged(lines.offset, "the ledger knows another record here"));
                    }
                }
                Err(_) => torn = torn.or(Some(lines.offset)),
            }
        }
        size = torn.unwrap_or(lines.offset);
        newest = name;
    }
    // The ledger must not know of more than the file holds.
    if let Some(known) = anchors.keys().next_back().filter(|known| **known > head.seq) {
        return Err(JournalError::Damaged {
            path: folder.path().into(),
            offset: 0,
            what: format!("the ledger knows {known} records, {} are left", head.seq),
        });
    }
    let torn = match torn {
        None => None,
        Some(offset) => Some(cut(&folder.path().join(newest), last, offset)?),
    };
    Ok(Whole { size, head, tree, torn })
}

/// The records of this session that the ledger knows, by number.
fn anchors(
    journal: &Folder,
    session: &SessionId,
) -> Result<BTreeMap<u64, (Hash, Option<Hash>)>, JournalError> {
    let mut anchors = BTreeMap::new();
    let Some(fd) = journal.read(LEDGER)? else { return Ok(anchors) };
    let path = journal.path().join(LEDGER);
    let mut lines = Lines::of(fd);
    while lines.step().map_err(|e| reading(&path, &e))? == Step::Line {
        let Ok((line, _)) = ledger::line::parse(lines.line()) else { continue };
        let ours = line.entry.is_anchor() && line.session.as_ref() == Some(session);
        if let Some(hash) = line.at_hash.filter(|_| ours) {
            anchors.insert(line.at_seq, (hash, line.at_root));
        }
    }
    Ok(anchors)
}

fn cut(path: &Path, last: &OwnedFd, offset: u64) -> Result<Torn, JournalError> {
    let (mut hasher, mut at) = (Sha256::new(), offset);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = rustix::io::pread(last, &mut buffer, at).map_err(io("read", path))?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        at = at.saturating_add(u64::try_from(read).unwrap_or(0));
    }
    disk::cut(last, path, offset)?;
    disk::sync_data(last, path)?;
    Ok(Torn { bytes: at.saturating_sub(offset), hash: Hash::from(hasher) })
}

pub(crate) fn reading(path: &Path, error: &std::io::Error) -> JournalError {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    JournalError::Io { step: "read", path: path.into(), errno }
}
