//! The newest records, and those that come.

use std::{collections::BTreeMap, path::Path};

use palisade_core::SessionId;

use crate::{
    JournalError, Record, Timestamp,
    encode::RECORD_MAX,
    query, record,
    recover::reading,
    sealed::Source,
    store::{Folder, PACKED},
    verify,
};

/// More than this is not read at once; the rest comes with the next look.
const CHUNK: u64 = 1 << 20;

/// A look at the end of all sessions, or of one.
#[derive(Debug)]
pub struct Tail {
    folder: Folder,
    session: Option<String>,
    /// How far each segment has been read.
    seen: BTreeMap<(SessionId, String), u64>,
}

impl Tail {
    /// The `count` newest records in the order of time, and a tail that goes on from there.
    /// `session` is an id or a name.
    pub fn open(
        dir: &Path,
        session: Option<&str>,
        count: usize,
    ) -> Result<(Self, Vec<Record>), JournalError> {
        let folder = verify::open(dir)?;
        let mut tail = Self { folder, session: session.map(Into::into), seen: BTreeMap::new() };
        let mut files = tail.files()?;
        files.sort_by_key(|(changed, ..)| std::cmp::Reverse(*changed));
        let mut newest: Vec<Record> = Vec::new();
        for (changed, id, segment, length) in files {
            let full = newest.len() >= count;
            // The file's time is rounded to the kernel's tick.
            let (seconds, nanoseconds) = (changed.0.saturating_add(1), changed.1);
            let older = newest
                .first()
                .is_none_or(|oldest| Timestamp::from_unix(seconds, nanoseconds) < oldest.time);
            let mut end = length;
            if !(full && older) {
                let (whole, records) = tail.last(&id, &segment, length, count)?;
                end = whole;
                newest.extend(records);
                newest
                    .sort_by(|a, b| (a.time, &a.session, a.seq).cmp(&(b.time, &b.session, b.seq)));
                let surplus = newest.len().saturating_sub(count);
                newest.drain(..surplus);
            }
            tail.seen.insert((id, segment), end);
        }
        Ok((tail, newest))
    }

    /// What was written since the last look, in the order of time.
    pub fn poll(&mut self) -> Result<Vec<Record>, JournalError> {
        let mut new = Vec::new();
        for (_, id, segment, length) in self.files()? {
            let seen = self.seen.get(&(id.clone(), segment.clone())).copied().unwrap_or(0);
            if length > seen {
                let bytes =
                    self.bytes(&id, &segment, seen, length.min(seen.saturating_add(CHUNK)))?;
                let whole =
                    bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at.saturating_add(1));
                new.extend(records(bytes.get(..whole).unwrap_or_default()));
                // A chunk without any line's end holds no record; do not wait for one.
                let passed =
                    if whole == 0 && bytes.len() > RECORD_MAX { bytes.len() } else { whole };
                let end = seen.saturating_add(u64::try_from(passed).unwrap_or(0));
                self.seen.insert((id, segment), end);
            }
        }
        new.sort_by(|a, b| (a.time, &a.session, a.seq).cmp(&(b.time, &b.session, b.seq)));
        Ok(new)
    }

    #[expect(clippy::type_complexity, reason = "one private use, and each part has a clear type")]
    fn files(&self) -> Result<Vec<((i64, u32), SessionId, String, u64)>, JournalError> {
        let mut files = Vec::new();
        for id in query::sessions(&self.folder, self.session.as_deref())? {
            let Ok(folder) = self.folder.existing(id.as_str()) else { continue };
            for segment in folder.segments()? {
                let (changed, mut length) = folder.changed(&segment)?;
                if segment.ends_with(PACKED)
                    && let Some(fd) = folder.read(&segment)?
                {
                    let path = folder.path().join(&segment);
                    length = Source::of(fd).size().map_err(|e| reading(&path, &e))?;
                }
                files.push((changed, id.clone(), segment, length));
            }
        }
        Ok(files)
    }

    /// The last records of a segment, and where its last whole line ends.
    fn last(
        &self,
        id: &SessionId,
        segment: &str,
        length: u64,
        count: usize,
    ) -> Result<(u64, Vec<Record>), JournalError> {
        let mut window = 16 * 1024_u64;
        loop {
            let from = length.saturating_sub(window);
            let bytes = self.bytes(id, segment, from, length)?;
            let lines = bytes.iter().filter(|&&b| b == b'\n').count();
            if lines <= count && from > 0 {
                window = window.saturating_mul(4);
                continue;
            }
            let whole =
                bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at.saturating_add(1));
            let end = from.saturating_add(u64::try_from(whole).unwrap_or(0));
            let mut records: Vec<_> = records(bytes.get(..whole).unwrap_or_default()).collect();
            let surplus = records.len().saturating_sub(count);
            records.drain(..surplus);
            return Ok((end, records));
        }
    }

    fn bytes(
        &self,
        id: &SessionId,
        segment: &str,
        from: u64,
        to: u64,
    ) -> Result<Vec<u8>, JournalError> {
        let folder = self.folder.existing(id.as_str())?;
        let path = folder.path().join(segment);
        let Some(fd) = folder.read(segment)? else { return Ok(Vec::new()) };
        let mut source = Source::of(fd);
        let failed = |e: std::io::Error| reading(&path, &e);
        let length = source.size().map_err(failed)?.min(to).saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let filled = source.fill_at(from, &mut bytes).map_err(failed)?;
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// The records among these lines; others are for `verify` to tell of.
fn records(bytes: &[u8]) -> impl Iterator<Item = Record> {
    bytes.split(|&b| b == b'\n').filter_map(|line| record::parse(line).ok())
}
