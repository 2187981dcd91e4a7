use std::{
    collections::HashMap,
    io::Read,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use palisade_core::SessionId;

use crate::{
    JournalError, Record,
    encode::RECORD_MAX,
    gap, query,
    reader::{Lines, Step},
    record,
    recover::reading,
    sealed::Source,
    store::Folder,
    verify,
};

/// Segments that are held open for single lines.
const MOST_OPEN: usize = 64;

/// The records of a journal by where they stand, for who keeps an index of them. Each record's own
/// hash is checked when it is read.
#[derive(Debug)]
pub struct Places {
    folder: Folder,
    open: HashMap<(SessionId, String), Source>,
}

/// A segment of a session, as its file is now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// Its name in the session's folder.
    pub name: String,
    /// Which file it is.
    pub inode: u64,
    /// When it was last written, in seconds and nanoseconds.
    pub modified: (i64, u32),
    /// Its bytes.
    pub size: u64,
}

/// A line of a segment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes, with its newline.
    pub length: u64,
    /// Its number in the segment, from 1.
    pub number: u64,
    /// The record, if it is one of this session's with the hash that it says.
    pub record: Option<Record>,
}

/// The whole lines of a segment from a place on.
#[derive(Debug)]
pub struct LinesFrom {
    lines: Lines,
    session: SessionId,
    path: PathBuf,
}

/// A segment's bytes as they were written, whether its file is compressed or not.
#[derive(Debug)]
pub struct Content(Source);

impl Content {
    /// Of an open file.
    pub fn of(file: OwnedFd) -> Self {
        Self(Source::of(file))
    }

    /// How many bytes there are.
    ///
    /// # Errors
    /// The file is no segment, or cannot be read.
    pub fn size(&self) -> std::io::Result<u64> {
        self.0.size()
    }
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl Places {
    /// The journal in `dir`: a state folder, or the journal's own.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        Ok(Self { folder: verify::open(dir)?, open: HashMap::new() })
    }

    /// The journal's own folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Every session, or those with this id or name.
    ///
    /// # Errors
    /// The folder or the ledger cannot be read.
    pub fn sessions(&self, wanted: Option<&str>) -> Result<Vec<SessionId>, JournalError> {
        query::sessions(&self.folder, wanted)
    }

    /// A session's segments, in order. None, if it has no folder.
    ///
    /// # Errors
    /// They cannot be looked at.
    pub fn segments(&self, session: &SessionId) -> Result<Vec<Segment>, JournalError> {
        let Ok(folder) = self.folder.existing(session.as_str()) else { return Ok(Vec::new()) };
        let mut segments = Vec::new();
        for name in folder.segments()? {
            let (inode, modified, size) = folder.look(&name)?;
            segments.push(Segment { name, inode, modified, size });
        }
        Ok(segments)
    }

    /// The whole lines of a segment from `offset` on, where line `number` begins. `None`, if there is no
    /// such segment.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn lines(
        &self,
        session: &SessionId,
        segment: &str,
        (offset, number): (u64, u64),
    ) -> Result<Option<LinesFrom>, JournalError> {
        let Ok(folder) = self.folder.existing(session.as_str()) else { return Ok(None) };
        let Some(fd) = folder.read(segment)? else { return Ok(None) };
        let path = folder.path().join(segment);
        let mut source = Source::of(fd);
        source.go_to(offset).map_err(|e| reading(&path, &e))?;
        let lines = Lines::begun(source, offset, number);
        Ok(Some(LinesFrom { lines, session: session.clone(), path }))
    }

    /// The record that stands at this place, if one of this session does.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn at(
        &mut self,
        session: &SessionId,
        segment: &str,
        (offset, length): (u64, u64),
    ) -> Result<Option<Record>, JournalError> {
        let path = self.folder.path().join(session.as_str()).join(segment);
        let most = usize::try_from(length).unwrap_or(usize::MAX).min(RECORD_MAX);
        let key = (session.clone(), segment.to_owned());
        if !self.open.contains_key(&key) {
            let Ok(folder) = self.folder.existing(session.as_str()) else { return Ok(None) };
            let Some(fd) = folder.read(segment)? else { return Ok(None) };
            if self.open.len() >= MOST_OPEN {
                self.open.clear();
            }
            self.open.insert(key.clone(), Source::of(fd));
        }
        let Some(source) = self.open.get_mut(&key) else { return Ok(None) };
        let mut bytes = vec![0; most];
        let filled = source.fill_at(offset, &mut bytes).map_err(|e| reading(&path, &e))?;
        if filled < most {
            return Ok(None);
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        Ok(record::parse(line).ok().filter(|record| record.session == *session))
    }
}

impl LinesFrom {
    /// The next whole line. `None` at the end, or before a line that is not finished.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Line>, JournalError> {
        let record = loop {
            match self.lines.step().map_err(|e| reading(&self.path, &e))? {
                Step::End | Step::Torn(_) => return Ok(None),
                Step::TooLong => break None,
                // What was removed says nothing.
                Step::Line if gap::is_gap(self.lines.line()) => {}
                Step::Line => {
                    let record = record::parse(self.lines.line()).ok();
                    break record.filter(|r| r.session == self.session);
                }
            }
        };
        let offset = self.lines.offset;
        let length = self.lines.end().saturating_sub(offset);
        Ok(Some(Line { offset, length, number: self.lines.number, record }))
    }
}
