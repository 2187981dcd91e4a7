use std::{os::fd::OwnedFd, path::Path};

use palisade_core::SessionId;
use rustix::fs::{FlockOperation, flock};

use super::{
    Retention, hold,
    rewrite::{self, NEW, Rewritten, Rule},
};
use crate::{
    JournalError, Timestamp,
    keys::Keyring,
    ledger::{Entry, Ledger, Said},
    reader::{Lines, Step},
    record,
    recover::{self, reading},
    store::{Folder, PACKED, io, is_live},
    verify::{
        self, chain,
        ledger::{Known, Walked},
    },
};

const LOCK: &str = "keeping.lock";
/// A file with less takes as many blocks of a disk.
const SMALL: u64 = 16 * 1024;
/// The session's rule stands among its first records.
const LOOK: usize = 64;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time that records are compared with.
    pub now: Timestamp,
    /// The rule for sessions that have none of their own.
    pub otherwise: Retention,
    /// Only this session.
    pub only: Option<SessionId>,
    /// Say what would be removed, and do nothing.
    pub dry: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Tidied {
    /// Another process is at it, and nothing was done.
    pub busy: bool,
    /// The sessions of which something was removed, that were compressed, or that could not be.
    pub sessions: Vec<Tidy>,
}

/// What was done with a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tidy {
    /// The session.
    pub session: SessionId,
    /// Records that were removed.
    pub dropped: u64,
    /// By which rule, such as `egress 30d`.
    pub rule: String,
    /// Bytes of its segments before and after.
    pub bytes: (u64, u64),
    /// Why nothing was removed that was due.
    pub skipped: Option<Skipped>,
}

/// Why something stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// A hold: its reason.
    Held(String),
    /// It is damaged, and so it is evidence.
    Damaged(String),
    /// It is of a version without signatures, which could not show that a rule removed it.
    Unsigned,
    /// It could not be read or written.
    Failed(JournalError),
}

/// Remove what is due and compress what ended. One process does this at a time; each step can be the last one, and the
/// journal verifies.
///
/// # Errors
/// The journal cannot be read, or its ledger is damaged: then nothing is removed.
pub fn tidy(state_dir: &Path, options: &Options) -> Result<Tidied, JournalError> {
    let state = Folder::state(state_dir)?;
    let journal = state.journal()?;
    let mut tidied = Tidied::default();
    let Some(_lock) = lock(&state)? else {
        tidied.busy = true;
        return Ok(tidied);
    };
    let ledger = walked(&journal)?;
    for (session, known) in &ledger.sessions {
        if options.only.as_ref().is_some_and(|only| only != session) {
            continue;
        }
        let work = Work { state: &state, journal: &journal, session, options };
        match work.run(known) {
            Ok(done) => tidied.sessions.extend(done),
            Err(error) => tidied.sessions.push(work.skipped(Skipped::Failed(error))),
        }
    }
    Ok(tidied)
}

pub(super) fn lock(state: &Folder) -> Result<Option<OwnedFd>, JournalError> {
    let (fd, _) = state.append(LOCK)?;
    match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(fd)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(io("lock", &state.path().join(LOCK))(errno)),
    }
}

pub(super) fn walked(journal: &Folder) -> Result<Walked, JournalError> {
    whole(verify::ledger::walk(journal, &verify::Options::default())?)
}

pub(super) fn whole(ledger: Walked) -> Result<Walked, JournalError> {
    match &ledger.damage {
        None => Ok(ledger),
        Some(damage) => Err(JournalError::Damaged {
            path: damage.path.clone(),
            offset: damage.offset,
            what: damage.kind.to_string(),
        }),
    }
}

struct Work<'a> {
    state: &'a Folder,
    journal: &'a Folder,
    session: &'a SessionId,
    options: &'a Options,
}

impl Work<'_> {
    fn skipped(&self, why: Skipped) -> Tidy {
        let session = self.session.clone();
        Tidy { session, dropped: 0, rule: String::new(), bytes: (0, 0), skipped: Some(why) }
    }

    fn run(&self, known: &Known) -> Result<Option<Tidy>, JournalError> {
        // One whose supervisor died is ended by `recover` first.
        let Ok(folder) = self.journal.existing(self.session.as_str()) else { return Ok(None) };
        let segments = folder.segments()?;
        let Some(last) = segments.last().filter(|_| known.ended) else { return Ok(None) };
        if folder.read(last)?.is_some_and(is_live) {
            return Ok(None);
        }
        let retention = self.due(&folder, &segments, known)?;
        let mut plain = 0_u64;
        for name in segments.iter().filter(|name| !name.ends_with(PACKED)) {
            plain = plain.saturating_add(folder.changed(name)?.1);
        }
        if retention.is_none() && plain < SMALL {
            return Ok(None);
        }
        let mut skipped = None;
        let held = hold::under_lock(self.journal)?;
        let mut retention = retention.unwrap_or_default();
        if let Some(why) = held.of(self.session).filter(|_| !retention.is_empty()) {
            skipped = Some(Skipped::Held(why.to_owned()));
            retention = Retention::default();
        } else if known.anchors.last().is_none_or(|anchor| anchor.root.is_none()) {
            skipped = (!retention.is_empty()).then_some(Skipped::Unsigned);
            retention = Retention::default();
        }
        if retention.is_empty() && plain < SMALL {
            return Ok(skipped.map(|why| self.skipped(why)));
        }
        let id = self.session.clone();
        if let Some(damage) =
            chain::session(self.journal, id, Some(known), false, None, false).damage
        {
            return Ok(Some(self.skipped(Skipped::Damaged(damage.to_string()))));
        }
        self.rewrite(&folder, &segments, known, &retention, skipped)
    }

    /// The rule, if by it something is due: the session's own, or the one for those that have none.
    fn due(
        &self,
        folder: &Folder,
        segments: &[String],
        known: &Known,
    ) -> Result<Option<Retention>, JournalError> {
        let mut own = None;
        let mut seen = 0_usize;
        each(folder, segments, |line| {
            seen = seen.saturating_add(1);
            // A later one is of a policy that came into force while it ran.
            if says_keeping(line)
                && let Ok(record) = record::parse(line)
            {
                own = Retention::of(&record).or(own.take());
            }
            Ok(seen < LOOK || own.is_some())
        })?;
        let retention = own.unwrap_or_else(|| self.options.otherwise.clone());
        let mut due = false;
        if !retention.is_empty() {
            let rule = self.rule(known, &retention);
            each(folder, segments, |line| {
                due = rule.is_due(line);
                Ok(!due)
            })?;
        }
        Ok(due.then_some(retention))
    }

    fn rule<'b>(&'b self, known: &Known, retention: &'b Retention) -> Rule<'b> {
        Rule {
            session: self.session,
            retention,
            now: self.options.now,
            anchors: known.anchors.iter().map(|anchor| anchor.at.seq).collect(),
        }
    }

    fn rewrite(
        &self,
        folder: &Folder,
        segments: &[String],
        known: &Known,
        retention: &Retention,
        skipped: Option<Skipped>,
    ) -> Result<Option<Tidy>, JournalError> {
        let rule = self.rule(known, retention);
        let mut done = Tidy { skipped, ..self.skipped(Skipped::Unsigned) };
        for name in segments {
            let Some(new) = rewrite::segment(folder, name, &rule)? else { continue };
            let pack = !name.ends_with(PACKED) && new.before >= SMALL;
            if self.options.dry || (new.dropped == 0 && !pack) {
                folder.remove(&format!("{}{NEW}", new.name))?;
                if new.dropped == 0 {
                    continue;
                }
            } else if !self.put(folder, &new, &mut done)? {
                break;
            }
            if new.dropped > 0 {
                done.rule = said(&new);
            }
            done.dropped = done.dropped.saturating_add(new.dropped);
            done.bytes.0 = done.bytes.0.saturating_add(new.before);
            done.bytes.1 = done.bytes.1.saturating_add(new.after);
        }
        let nothing = done.dropped == 0 && done.bytes == (0, 0) && done.skipped.is_none();
        Ok((!nothing).then_some(done))
    }

    /// Say it in the ledger, and let the new segment take the old one's place. False, if a hold came between.
    fn put(&self, folder: &Folder, new: &Rewritten, done: &mut Tidy) -> Result<bool, JournalError> {
        let made = format!("{}{NEW}", new.name);
        if new.dropped > 0 {
            let keys = Keyring::open(self.state)?;
            let mut ledger = Ledger::lock(self.journal, &keys)?;
            if let Some(why) = hold::under_lock(self.journal)?.of(self.session) {
                folder.remove(&made)?;
                done.skipped = Some(Skipped::Held(why.to_owned()));
                return Ok(false);
            }
            ledger.append(Said {
                session: Some(self.session),
                name: Some(&said(new)),
                at_seq: new.dropped,
                at_hash: Some(new.gaps),
                // Whether it was due then is checked.
                time: Some(self.options.now),
                ..Said::plain(Entry::Dropped)
            })?;
            ledger.sync()?;
            keys.sync()?;
        }
        folder.rename(&made, &new.name)?;
        folder.sync()?;
        if new.old != new.name {
            folder.remove(&new.old)?;
            folder.sync()?;
        }
        Ok(true)
    }
}

/// Each line of the segments, until one says that it is enough.
fn each(
    folder: &Folder,
    segments: &[String],
    mut look: impl FnMut(&[u8]) -> Result<bool, JournalError>,
) -> Result<(), JournalError> {
    for name in segments {
        let Some(fd) = folder.read(name)? else { continue };
        let path = folder.path().join(name);
        let mut lines = Lines::of(fd);
        while lines.step().map_err(|e| reading(&path, &e))? == Step::Line {
            if !look(lines.line())? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn says_keeping(line: &[u8]) -> bool {
    let word = b"\"kind\":\"keeping\"";
    line.get(..300).unwrap_or(line).windows(word.len()).any(|part| part == word)
}

/// How a rule in words begins.
pub(super) const SAID: &str = "audit.retain: ";

/// The rules in words, such as `audit.retain: egress 30d, default 1y`.
fn said(new: &Rewritten) -> String {
    let span = |seconds: u64| match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s => format!("{s}s"),
    };
    let all: Vec<String> =
        new.rules.iter().map(|(class, seconds)| format!("{class} {}", span(*seconds))).collect();
    format!("{SAID}{}", all.join(", "))
}

/// End sessions whose supervisor died, so that their rules can be applied.
///
/// # Errors
/// The journal cannot be read.
pub fn end_dead(state_dir: &Path) -> Result<u64, JournalError> {
    let journal = Folder::state(state_dir)?.journal()?;
    let mut ended = 0_u64;
    for (session, known) in walked(&journal)?.sessions {
        let Ok(folder) = journal.existing(session.as_str()) else { continue };
        let last = folder.segments()?.pop();
        let live = match &last {
            Some(name) => folder.read(name)?.is_some_and(is_live),
            None => true,
        };
        if !known.ended && !live && recover::recover(state_dir, &session).is_ok() {
            ended = ended.saturating_add(1);
        }
    }
    Ok(ended)
}
