use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::{Path, PathBuf},
};

use palisade_core::{SessionId, Verdict};

use crate::{
    Condition, JournalError, Record, Timestamp, condition, gap, ledger,
    reader::{Lines, Step},
    record,
    recover::reading,
    store::{Folder, LEDGER},
    verify,
};

/// Which records are wanted; an empty filter wants all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A session's id or its name.
    pub session: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The layer.
    pub layer: Option<String>,
    /// What was decided.
    pub decision: Option<Verdict>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// A part of the subject.
    pub subject: Option<String>,
    /// A text in the subject, the reason, the rule or any value of the detail.
    pub text: Option<String>,
    /// What else holds of its fields.
    pub conditions: Vec<Condition>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a record is wanted, its session aside.
    pub fn takes(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|w| w == has);
        is(&self.kind, &record.kind)
            && is(&self.layer, &record.layer)
            && self.decision.is_none_or(|wanted| wanted == record.decision)
            && self.rule.as_ref().is_none_or(|wanted| record.rule.as_ref() == Some(wanted))
            && self.subject.as_ref().is_none_or(|part| record.subject.contains(part.as_str()))
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && self.conditions.iter().all(|condition| condition.takes(record))
            && self.text.as_ref().is_none_or(|text| says(record, text))
    }
}

fn says(record: &Record, text: &str) -> bool {
    record.subject.contains(text)
        || record.reason.contains(text)
        || record.rule.as_ref().is_some_and(|rule| rule.contains(text))
        || record.detail.values().any(|value| condition::holds(value, text))
}

/// A line that is no record, and was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

/// The records that a filter takes, of all sessions, in the order of time; within a session in
/// the order of their numbers. A session's file is open only while its time passes.
///
/// Each record's own hash is checked. That none is missing is for [`verify()`](verify::verify).
#[derive(Debug)]
pub struct Query {
    folder: Folder,
    filter: Filter,
    front: BinaryHeap<Reverse<(Timestamp, SessionId)>>,
    sources: BTreeMap<SessionId, Source>,
    unreadable: Vec<Unreadable>,
}

/// A session's segments, and the next record of it.
#[derive(Debug)]
struct Source {
    segments: Vec<String>,
    at: usize,
    lines: Option<Lines>,
    next: Record,
}

impl Query {
    /// Ask the journal in `dir`: a state folder, or the journal's own.
    pub fn new(dir: &Path, filter: Filter) -> Result<Self, JournalError> {
        let folder = verify::open(dir)?;
        let mut query = Self {
            filter,
            front: BinaryHeap::new(),
            sources: BTreeMap::new(),
            unreadable: Vec::new(),
            folder,
        };
        for id in sessions(&query.folder, query.filter.session.as_deref())? {
            query.add(id)?;
        }
        Ok(query)
    }

    /// The next record.
    pub fn next_record(&mut self) -> Result<Option<Record>, JournalError> {
        while let Some(Reverse((_, id))) = self.front.pop() {
            let Some(mut source) = self.sources.remove(&id) else { continue };
            let record = match self.advance(&id, &mut source)? {
                Some(next) => {
                    let record = std::mem::replace(&mut source.next, next);
                    self.front.push(Reverse((source.next.time.max(record.time), id.clone())));
                    self.sources.insert(id, source);
                    record
                }
                None => source.next,
            };
            if self.filter.takes(&record) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Lines that were passed over so far.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Read the session's first record, and close its file again until its time comes.
    fn add(&mut self, id: SessionId) -> Result<(), JournalError> {
        let Ok(folder) = self.folder.existing(id.as_str()) else { return Ok(()) };
        let segments = folder.segments()?;
        if let (Some(since), Some(last)) = (self.filter.since, segments.last()) {
            let ((seconds, nanoseconds), _) = folder.changed(last)?;
            // The file's time is rounded to the kernel's tick.
            if Timestamp::from_unix(seconds.saturating_add(1), nanoseconds) < since {
                return Ok(());
            }
        }
        let (mut at, mut lines) = (0, None);
        let first = self.read(&id, &segments, &mut at, &mut lines)?;
        if let Some(next) = first {
            self.front.push(Reverse((next.time, id.clone())));
            self.sources.insert(id, Source { segments, at: 0, lines: None, next });
        }
        Ok(())
    }

    fn advance(
        &mut self,
        id: &SessionId,
        source: &mut Source,
    ) -> Result<Option<Record>, JournalError> {
        if source.lines.is_none() && source.at == 0 {
            // Pass the first record, which is known.
            let known = self.unreadable.len();
            self.read(id, &source.segments, &mut source.at, &mut source.lines)?;
            self.unreadable.truncate(known);
        }
        self.read(id, &source.segments, &mut source.at, &mut source.lines)
    }

    fn read(
        &mut self,
        id: &SessionId,
        segments: &[String],
        at: &mut usize,
        lines: &mut Option<Lines>,
    ) -> Result<Option<Record>, JournalError> {
        loop {
            let open = match lines {
                Some(open) => open,
                None => {
                    let Some(name) = segments.get(*at) else { return Ok(None) };
                    *at = at.saturating_add(1);
                    let folder = self.folder.existing(id.as_str())?;
                    let Some(fd) = folder.read(name)? else { continue };
                    lines.insert(Lines::of(fd))
                }
            };
            let path = || {
                let name = segments.get(at.saturating_sub(1)).map_or("", String::as_str);
                self.folder.path().join(id.as_str()).join(name)
            };
            let good = match open.step().map_err(|e| reading(&path(), &e))? {
                Step::End | Step::Torn(_) => {
                    *lines = None;
                    continue;
                }
                Step::TooLong => None,
                // What was removed says nothing.
                Step::Line if gap::is_gap(open.line()) => continue,
                Step::Line => record::parse(open.line()).ok().filter(|r| r.session == *id),
            };
            match good {
                Some(record) => return Ok(Some(record)),
                None => self.unreadable.push(Unreadable { path: path(), line: open.number }),
            }
        }
    }
}

/// The sessions of a journal, or those whose id or name this is.
pub(crate) fn sessions(
    folder: &Folder,
    wanted: Option<&str>,
) -> Result<Vec<SessionId>, JournalError> {
    let mut ids: Vec<SessionId> = folder.names()?.iter().filter_map(|n| n.parse().ok()).collect();
    let Some(wanted) = wanted else { return Ok(ids) };
    let mut named = Vec::new();
    if let Some(fd) = folder.read(LEDGER)? {
        let path = folder.path().join(LEDGER);
        let mut lines = Lines::of(fd);
        loop {
            match lines.step().map_err(|e| reading(&path, &e))? {
                Step::End | Step::Torn(_) => break,
                Step::TooLong => {}
                Step::Line => {
                    let line = ledger::line::parse(lines.line()).ok();
                    let named_so =
                        |l: &ledger::Line| l.entry.is_anchor() && l.name.as_deref() == Some(wanted);
                    if let Some((line, _)) = line.filter(|(l, _)| named_so(l)) {
                        named.extend(line.session);
                    }
                }
            }
        }
    }
    ids.retain(|id| id.as_str() == wanted || named.contains(id));
    Ok(ids)
}
