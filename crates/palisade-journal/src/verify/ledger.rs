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

use super::{
    Damage, Kind, Options, Revoked,
    seen::{Seen, Vouch},
};
use crate::{
    Hash, JournalError, Timestamp,
    ledger::{
        Entry, Follow, Head, Keys, Line, line,
        parts::{PARTS, Parts},
    },
    note::{NamedKey, PublicKey},
    reader::{Lines, Step},
    recover::reading,
    store::{Folder, LEDGER, io, size},
};

/// What the ledger says, as far as it holds together.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) entries: u64,
    /// It is in parts, as in a copy.
    pub(crate) in_parts: bool,
    pub(crate) damage: Option<Damage>,
    /// The walk ended at the damage: the ledger may have known more.
    pub(crate) stopped: bool,
    pub(crate) keys: Option<Keys>,
    /// Each key with the entry that named it.
    pub(crate) in_force: Vec<(u64, PublicKey)>,
    pub(crate) revoked: Vec<Revoked>,
    /// A hold on all sessions.
    pub(crate) hold: Option<String>,
    pub(crate) sessions: BTreeMap<SessionId, Known>,
}

/// What the ledger knows of one session.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) name: Option<String>,
    /// In the order of the ledger.
    pub(crate) anchors: Vec<Anchor>,
    /// The last of them is an end.
    pub(crate) ended: bool,
    /// What may stand in the place of records, in the order of the ledger.
    pub(crate) dropped: Vec<Dropped>,
    /// Where it is besides, in the order of the ledger.
    pub(crate) shipped: Vec<Shipped>,
    pub(crate) hold: Option<String>,
    pub(crate) erased: Option<String>,
}

/// That a session is at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shipped {
    pub(crate) place: String,
    /// How many records of it.
    pub(crate) records: u64,
    /// Of all that went.
    pub(crate) digest: Hash,
}

/// A removal of records from a segment.
#[derive(Debug)]
pub(crate) struct Dropped {
    /// Of the segment's gaps.
    pub(crate) digest: Hash,
    /// The rule, in words.
    pub(crate) rule: String,
    /// How many records.
    pub(crate) count: u64,
    pub(crate) time: Timestamp,
}

/// A record of a session that the ledger names.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) entry: Entry,
    pub(crate) at: Head,
    /// The root of the session's tree there, if it is signed.
    pub(crate) root: Option<Hash>,
    /// The ledger's head when the entry was made.
    pub(crate) before: Head,
}

pub(crate) fn walk(folder: &Folder, options: &Options) -> Result<Walked, JournalError> {
    pass(folder, options, &mut Vouch::default())
}

/// Walk a journal's own ledger; signatures in the bytes that were `seen` are not checked again. What is seen now comes with it,
/// if nothing is damaged.
pub(crate) fn walk_on(
    folder: &Folder,
    seen: Option<&Seen>,
) -> Result<(Walked, Option<Seen>), JournalError> {
    let options = Options::default();
    let mut vouch = Vouch::new(seen);
    let mut walked = pass(folder, &options, &mut vouch)?;
    if vouch.is_open() {
        // It is not what was seen: what is wrong with it, if anything is, is found by checking all.
        vouch = Vouch::new(None);
        walked = pass(folder, &options, &mut vouch)?;
    }
    let whole = walked.damage.is_none() && !walked.in_parts;
    let seen = vouch.done(walked.keys.filter(|_| whole));
    Ok((walked, seen))
}

fn pass(folder: &Folder, options: &Options, vouch: &mut Vouch<'_>) -> Result<Walked, JournalError> {
    let mut path = folder.path().join(LEDGER);
    let mut walked = Walked::default();
    let mut seen = options.checkpoints.clone();
    seen.retain(|checkpoint| checkpoint.size > 0);
    seen.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
    let reader: Option<Box<dyn Read>> = match folder.read(LEDGER)? {
        Some(fd) => {
            let whole = settled_size(&fd).map_err(io("look at", &path))?;
            Some(Box::new(File::from(fd).take(whole)))
        }
        None => Parts::of(folder)?.map(|parts| {
            (walked.in_parts, path) = (true, folder.path().join(PARTS));
            Box::new(parts) as Box<dyn Read>
        }),
    };
    if let Some(reader) = reader {
        let mut lines = Lines::new(reader);
        let mut follow = Follow::trusting(options.key.as_ref().map(|key| key.key));
        loop {
            let step = lines.step().map_err(|e| reading(&path, &e))?;
            let before = follow.head;
            let damage = |kind| {
                let (line, offset) = (lines.number, lines.offset);
                let seq = before.seq.saturating_add(1);
                Damage { path: path.clone(), line, offset, seq, kind }
            };
            let taken = match step {
                Step::End => break,
                Step::Torn(bytes) => Err(Kind::TornTail { bytes }),
                Step::TooLong => Err(Kind::Unparsable { why: "the line is too long".into() }),
                Step::Line if vouch.knows(lines.end()) => follow.known(lines.line()),
                Step::Line => follow.line(lines.line()),
            };
            let same = |line| match vouch.line(lines.line(), lines.end(), &mut follow) {
                true => Ok(line),
                false => Err(Kind::Replaced),
            };
            let line = match taken.and_then(same) {
                Ok(line) => line,
                Err(kind) => {
                    walked.damage.get_or_insert(damage(kind));
                    walked.stopped = true;
                    break;
                }
            };
            if line.entry == Entry::Lost {
                let (known, found) = (line.at_seq, before.seq);
                walked.damage.get_or_insert(damage(Kind::RolledBack { known, found }));
            }
            while let Some(checkpoint) = seen.pop_if(|one| one.size <= line.seq) {
                let same = checkpoint.root == follow.tree.root();
                if checkpoint.size < line.seq || !same {
                    let size = checkpoint.size;
                    walked.damage.get_or_insert(damage(Kind::Diverged { size }));
                }
            }
            walked.take(line, before, follow.keys.as_ref());
        }
        walked.entries = follow.head.seq;
        walked.keys = follow.keys;
    }
    let at = |kind| Damage { path: path.clone(), line: 0, offset: 0, seq: walked.entries, kind };
    if let Some(checkpoint) = seen.first().filter(|_| !walked.stopped) {
        let (known, found) = (checkpoint.size, walked.entries);
        let damage = at(Kind::RolledBack { known, found });
        walked.damage.get_or_insert(damage);
    }
    if let Some(key) = options.key.as_ref().filter(|key| !walked.proved_by(key)) {
        // Where it is damaged before the key's entry, the damage says more.
        let other = walked.keys.is_some_and(|keys| line::origin(keys.first) != key.name);
        let damage = at(if walked.keys.is_none() { Kind::Unsigned } else { Kind::OtherKey });
        if other || walked.damage.is_none() {
            walked.damage = Some(damage);
        }
    }
    Ok(walked)
}

impl Walked {
    fn take(&mut self, line: Line, before: Head, keys: Option<&Keys>) {
        match (line.entry, line.key) {
            (Entry::Key, Some(key)) => self.in_force.push((line.seq, key)),
            (Entry::Revoked, Some(key)) => {
                let (since, until) = (line.at_seq, line.seq);
                let why = line.name.clone().unwrap_or_default();
                self.revoked.push(Revoked { key, since, until, why });
            }
            _ => {}
        }
        let name = || line.name.clone().unwrap_or_default();
        let hold = match line.entry {
            Entry::Hold => Some(Some(name())),
            Entry::Released => Some(None),
            _ => None,
        };
        let Some(session) = line.session else {
            self.hold = hold.unwrap_or(self.hold.take());
            return;
        };
        if !line.entry.is_anchor() {
            // Of a session that it does not know otherwise it says nothing.
            let Some(known) = self.sessions.get_mut(&session) else { return };
            known.hold = hold.unwrap_or(known.hold.take());
            match (line.entry, line.at_hash) {
                (Entry::Dropped, Some(digest)) => known.dropped.push(Dropped {
                    digest,
                    rule: name(),
                    count: line.at_seq,
                    time: line.time,
                }),
                (Entry::Shipped, Some(digest)) => {
                    let (place, records) = (name(), line.at_seq);
                    known.shipped.push(Shipped { place, records, digest });
                }
                (Entry::Erased, _) => known.erased = Some(name()),
                _ => {}
            }
            return;
        }
        let Some(hash) = line.at_hash else { return };
        let known = self.sessions.entry(session).or_default();
        known.name = line.name.or(known.name.take());
        let at = Head { seq: line.at_seq, hash };
        let root = line.at_root.filter(|_| keys.is_some());
        known.ended = line.entry == Entry::End;
        known.anchors.push(Anchor { entry: line.entry, at, root, before });
    }

    /// Whether the key is one of this ledger's own, under its name.
    fn proved_by(&self, key: &NamedKey) -> bool {
        self.keys.is_some_and(|keys| line::origin(keys.first) == key.name)
            && self.in_force.iter().any(|(_, one)| *one == key.key)
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
