//! One session's records from a place on, for whoever sends them elsewhere and must know how far it came.

use std::path::Path;

use palisade_core::SessionId;
use serde::{Deserialize, Serialize};

use crate::{
    JournalError, Record,
    encode::RECORD_MAX,
    gap::{self, Gap},
    record,
    recover::reading,
    sealed::Source,
    store::{FIRST_SEGMENT, Folder, PACKED, is_live, number},
    verify,
};

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;
/// Bytes after which a look ends, so that what it found is no more than receivers take at once.
const ENOUGH: u64 = 512 * 1024;

/// A place between two records of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The segment.
    pub segment: String,
    /// Bytes of it before this place.
    pub offset: u64,
    /// The number of the record before; 0 before the first.
    pub seq: u64,
}

impl Default for Position {
    fn default() -> Self {
        Self { segment: FIRST_SEGMENT.to_owned(), offset: 0, seq: 0 }
    }
}

/// What a look found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Followed {
    /// The records, in the order of their numbers.
    pub records: Vec<Record>,
    /// The place behind them.
    pub after: Position,
    /// Lines that are no record, which were passed over. `palisade audit verify` says more.
    pub unreadable: u64,
    /// Numbers that are missing between the place before and the last record.
    pub missing: u64,
}

/// The records of one session, from a place on.
#[derive(Debug)]
pub struct Follow {
    folder: Folder,
    session: SessionId,
    at: Position,
}

impl Follow {
    /// Follow the session's records from a place on, in the journal of a state folder.
    pub fn open(dir: &Path, session: &SessionId, at: Position) -> Result<Self, JournalError> {
        let folder = verify::open(dir)?.existing(session.as_str())?;
        let mut follow = Self { folder, session: session.clone(), at };
        follow.moved()?;
        Ok(follow)
    }

    /// The place behind what was taken.
    pub fn position(&self) -> &Position {
        &self.at
    }

    /// Whether some process writes this session's journal now.
    pub fn is_written(&self) -> Result<bool, JournalError> {
        let Some(last) = self.folder.segments()?.pop() else { return Ok(false) };
        Ok(self.folder.read(&last)?.is_some_and(is_live))
    }

    /// At most `most` records behind the place, and some hundred kilobytes; the place moves behind them.
    /// None: there is nothing new.
    pub fn take(&mut self, most: usize) -> Result<Followed, JournalError> {
        let mut found = Followed { after: self.at.clone(), ..Followed::default() };
        let mut read = 0_u64;
        while found.records.len() < most && read < ENOUGH {
            let bytes = self.bytes()?;
            let mut taken = 0_usize;
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                if !line.ends_with(b"\n") || found.records.len() == most {
                    break;
                }
                taken = taken.saturating_add(line.len());
                self.read(line.strip_suffix(b"\n").unwrap_or(line), &mut found);
            }
            // A line longer than any record has no end in here; it is not waited for.
            if taken == 0 && bytes.len() > RECORD_MAX {
                taken = bytes.len();
                found.unreadable = found.unreadable.saturating_add(1);
            }
            if taken == 0 {
                match self.next_segment()? {
                    Some(next) if bytes.is_empty() => {
                        self.at.segment = next;
                        self.at.offset = 0;
                        continue;
                    }
                    _ => break,
                }
            }
            let taken = u64::try_from(taken).unwrap_or(0);
            self.at.offset = self.at.offset.saturating_add(taken);
            // What is no record is passed over, however much it is.
            read = if found.records.is_empty() { 0 } else { read.saturating_add(taken) };
        }
        found.after = self.at.clone();
        Ok(found)
    }

    /// The segment may have been compressed, or records in it removed: then it is read from its beginning, and what was
    /// taken is passed over by its number.
    fn moved(&mut self) -> Result<(), JournalError> {
        let segments = self.folder.segments()?;
        if segments.contains(&self.at.segment) && !self.at.segment.ends_with(PACKED) {
            return Ok(());
        }
        let now = segments.into_iter().find(|name| number(name) == number(&self.at.segment));
        if let Some(now) = now {
            (self.at.segment, self.at.offset) = (now, 0);
        }
        Ok(())
    }

    fn read(&mut self, line: &[u8], found: &mut Followed) {
        if gap::is_gap(line)
            && let Ok((of, gap)) = Gap::parse(line)
            && of == self.session
        {
            self.at.seq = self.at.seq.max(gap.to);
            return;
        }
        match record::parse(line).ok().filter(|record| record.session == self.session) {
            // Taken before the segment was compressed.
            Some(record) if record.seq <= self.at.seq => {}
            Some(record) => {
                let between = record.seq.saturating_sub(self.at.seq.saturating_add(1));
                found.missing = found.missing.saturating_add(between);
                self.at.seq = record.seq;
                found.records.push(record);
            }
            None => found.unreadable = found.unreadable.saturating_add(1),
        }
    }

    fn next_segment(&self) -> Result<Option<String>, JournalError> {
        let segments = self.folder.segments()?;
        Ok(segments.into_iter().find(|name| number(name) > number(&self.at.segment)))
    }

    /// What stands behind the place in its segment, as much as is read at once.
    fn bytes(&self) -> Result<Vec<u8>, JournalError> {
        let path = self.folder.path().join(&self.at.segment);
        let Some(fd) = self.folder.read(&self.at.segment)? else { return Ok(Vec::new()) };
        let mut source = Source::of(fd);
        let failed = |e: std::io::Error| reading(&path, &e);
        let length = source.size().map_err(failed)?;
        if length < self.at.offset {
            return Err(JournalError::Interfered { path });
        }
        let wanted = length.saturating_sub(self.at.offset);
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(CHUNK).min(CHUNK)];
        let filled = source.fill_at(self.at.offset, &mut bytes).map_err(failed)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::{Event, Layer, PolicyDigest};

    use super::*;
    use crate::{Durability, Journal};

    #[test]
    fn goes_on_where_it_was_and_never_reads_half_a_line() {
        let state = tempfile::tempdir().unwrap();
        let session = SessionId::from_random([7; 16]);
        let policy = PolicyDigest::of(b"p");
        let journal = Journal::open(state.path(), &session, None, &policy).unwrap();
        let write = |n: u32| {
            let event = Event::observed("connect", Layer::Egress, format!("host-{n}"));
            journal.record_blocking(event, Durability::Written).unwrap();
        };
        (0..5).for_each(write);
        let mut follow = Follow::open(state.path(), &session, Position::default()).unwrap();
        assert!(follow.is_written().unwrap());
        let seqs = |found: &Followed| found.records.iter().map(|r| r.seq).collect::<Vec<_>>();
        assert_eq!(seqs(&follow.take(4).unwrap()), [1, 2, 3, 4]);
        let kept = follow.position().clone();
        assert_eq!(seqs(&follow.take(9).unwrap()), [5, 6]);
        assert!(follow.take(9).unwrap().records.is_empty());
        write(5);
        let mut again = Follow::open(state.path(), &session, kept).unwrap();
        let found = again.take(9).unwrap();
        assert_eq!((seqs(&found), found.missing, found.unreadable), (vec![5, 6, 7], 0, 0));
        journal
            .close_blocking(Event::observed("end", Layer::Process, "x"), Durability::Written)
            .unwrap();
        assert!(!again.is_written().unwrap());
        let file = state.path().join("journal").join(session.as_str()).join(FIRST_SEGMENT);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() - 9]).unwrap();
        assert!(again.take(9).unwrap().records.is_empty());
        let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
        std::fs::write(&file, [lines[0], b"{\n", lines[4], lines[5]].concat()).unwrap();
        let mut damaged = Follow::open(state.path(), &session, Position::default()).unwrap();
        let found = damaged.take(9).unwrap();
        assert_eq!((seqs(&found), found.missing, found.unreadable), (vec![1, 5, 6], 3, 1));
        std::fs::write(&file, lines[0]).unwrap();
        assert!(matches!(damaged.take(9), Err(JournalError::Interfered { .. })));
    }
}
