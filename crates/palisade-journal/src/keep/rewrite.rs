use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufWriter, Write},
};

use palisade_core::SessionId;
use rustix::{
    fs::{Timestamps, futimens},
    io::Errno,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Retention;
use crate::{
    Hash, JournalError, Timestamp, disk,
    gap::{self, Gap},
    reader::{Lines, Step},
    recover::reading,
    sealed::Packer,
    store::{Folder, PACKED, SEGMENT, number},
    tree,
};

/// Behind the name of a file that is not whole yet. No segment has it.
pub(super) const NEW: &str = ".new";

/// What a record's class is told by.
#[derive(Deserialize)]
struct Classed<'a> {
    time: Timestamp,
    seq: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    layer: Cow<'a, str>,
    hash: Hash,
}

/// Which records go.
pub(super) struct Rule<'a> {
    pub(super) session: &'a SessionId,
    pub(super) retention: &'a Retention,
    pub(super) now: Timestamp,
    /// The records that the ledger names: its roots of the tree there are to be checked later too, so no gap goes across one.
    pub(super) anchors: BTreeSet<u64>,
}

impl Rule<'_> {
    /// Whether the line is of a record that goes.
    pub(super) fn is_due(&self, line: &[u8]) -> bool {
        serde_json::from_slice::<Classed<'_>>(line).is_ok_and(|record| self.due(&record).is_some())
    }

    /// The class and the days of a rule that says that this record goes.
    fn due(&self, record: &Classed<'_>) -> Option<(&str, u64)> {
        let (class, seconds) = self.retention.of_event(&record.kind, &record.layer)?;
        (record.time.plus_seconds(seconds) <= self.now).then_some((class, seconds))
    }
}

/// A segment that is written anew, beside the old one.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// The name of the old one, and the one that the new one is to have.
    pub(super) old: String,
    pub(super) name: String,
    /// Records that are not in it any more, and were in the old one.
    pub(super) dropped: u64,
    /// The digest of its gaps.
    pub(super) gaps: Hash,
    /// The rules.
    pub(super) rules: BTreeMap<String, u64>,
    pub(super) before: u64,
    pub(super) after: u64,
}

/// Write a segment anew without what is due, compressed.
pub(super) fn segment(
    folder: &Folder,
    name: &str,
    rule: &Rule<'_>,
) -> Result<Option<Rewritten>, JournalError> {
    let path = folder.path().join(name);
    let Some(fd) = folder.read(name)? else { return Ok(None) };
    let failed = |error: std::io::Error| reading(&path, &error);
    let meta = File::from(fd.try_clone().map_err(failed)?).metadata().map_err(failed)?;
    let digits = number(name).unwrap_or_default();
    let target = format!("{digits}{SEGMENT}{PACKED}");
    let out = folder.make(&format!("{target}{NEW}"))?;
    let mut write = Writing {
        packer: Packer::new(BufWriter::new(out)),
        rule,
        gap: None,
        digest: Sha256::new(),
        dropped: 0,
        rules: BTreeMap::new(),
    };
    let mut lines = Lines::of(fd);
    loop {
        match lines.step().map_err(failed)? {
            Step::End => break,
            Step::Line => write.line(lines.line()).map_err(failed)?,
            Step::Torn(_) | Step::TooLong => return Err(reading(&path, &damaged())),
        }
    }
    write.flush().map_err(failed)?;
    let Writing { packer, digest, dropped, rules, .. } = write;
    let written = packer.finish().and_then(|out| Ok(out.into_inner()?)).map_err(failed)?;
    // Whoever asks for what is new goes by this time.
    let (seconds, nanoseconds) = {
        use std::os::unix::fs::MetadataExt;
        (meta.mtime(), meta.mtime_nsec())
    };
    let at = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: at, last_modification: at };
    futimens(&written, &times).map_err(|e| failed(e.into()))?;
    let new = folder.path().join(format!("{target}{NEW}"));
    disk::sync_data(&written, &new)?;
    let after = written.metadata().map_err(failed)?.len();
    let gaps = Hash::from(digest);
    let (old, before) = (name.to_owned(), meta.len());
    Ok(Some(Rewritten { old, name: target, dropped, gaps, rules, before, after }))
}

struct Writing<'a, W: Write> {
    packer: Packer<W>,
    rule: &'a Rule<'a>,
    gap: Option<Gap>,
    digest: Sha256,
    dropped: u64,
    rules: BTreeMap<String, u64>,
}

impl<W: Write> Writing<'_, W> {
    fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        if gap::is_gap(line) {
            let (_, gap) = Gap::parse(line).map_err(|_| damaged())?;
            return self.put(gap);
        }
        let record: Classed<'_> = serde_json::from_slice(line).map_err(|_| damaged())?;
        if let Some((class, seconds)) = self.rule.due(&record) {
            self.rules.insert(class.to_owned(), seconds);
            self.dropped = self.dropped.saturating_add(1);
            return self.put(Gap::of(record.seq, tree::leaf(line), record.hash));
        }
        self.flush()?;
        self.packer.line(&[line, b"\n"].concat())
    }

    fn put(&mut self, next: Gap) -> std::io::Result<()> {
        if self.gap.as_ref().is_some_and(|gap| self.rule.anchors.contains(&gap.to)) {
            self.flush()?;
        }
        match &mut self.gap {
            Some(gap) => gap.extend(next),
            None => self.gap = Some(next),
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let Some(gap) = self.gap.take() else { return Ok(()) };
        let line = gap.line(self.rule.session);
        self.digest.update(&line);
        self.packer.line(&line)
    }
}

/// It was verified before, so somebody changed it since.
fn damaged() -> std::io::Error {
    Errno::BADMSG.into()
}
