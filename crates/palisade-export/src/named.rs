//! Exports by hand: a form, a reader, and a name under which it is known how far the last one came.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use palisade_core::SessionId;
use palisade_journal::{JournalError, Record, follow::Follow, journal_dir};

use crate::{
    Host,
    cursor::{Cursor, CursorError},
    ocsf, otlp, syslog,
};

/// Records at once.
const BATCH: usize = 512;
/// Of a record by hand there is no other facility than log audit.
const FACILITY: u8 = 13;

/// A form of a record, a line each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// As the journal has it, with its hash.
    Jsonl,
    /// The Open Cybersecurity Schema Framework.
    Ocsf,
    /// OpenTelemetry's JSON: `LogsData`.
    OtlpJson,
    /// RFC 5424.
    Syslog,
}

impl Form {
    /// A record as a line, with its end. `again`: it may be there already, which the journal's own form
    /// has no place for.
    pub fn line(self, record: &Record, again: bool) -> String {
        let host = Host::this();
        match self {
            Form::Jsonl => format!("{}\n", record.to_json()),
            Form::Ocsf => ocsf::line(&ocsf::event(record, host, again)),
            Form::OtlpJson => otlp::line(record, host),
            Form::Syslog => format!("{}\n", syslog::line(record, host, FACILITY, again)),
        }
    }
}

/// Why an export stopped. What was written before is known to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamedError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is known of the last export cannot be read or kept.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Whoever reads does not.
    #[error("the output: {0}")]
    Output(io::Error),
}

/// What an export wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Records.
    pub records: u64,
    /// Those of them that an export before, which did not end well, may have written.
    pub again: u64,
    /// Lines that were no record, and numbers that were missing.
    pub unreadable: u64,
    /// Sessions that another export of this name writes at this moment.
    pub busy: u64,
}

/// Write what came since the last export of this name, session by session, each in the order of its
/// numbers.
///
/// # Errors
/// As [`NamedError`].
pub fn named(
    state_dir: &Path,
    (name, form): (&str, Form),
    wanted: &dyn Fn(&Record) -> bool,
    out: &mut dyn Write,
) -> Result<Written, NamedError> {
    let mut written = Written::default();
    for session in sessions(state_dir) {
        let id = format!("named-{name}");
        let describe = format!("palisade audit export --cursor {name}");
        match Cursor::take(state_dir, (&id, &describe), &session)? {
            Some(cursor) => one(state_dir, (form, cursor), wanted, out, &mut written)?,
            None if crate::cursor::is_complete(state_dir, &id, &session) => {}
            None => written.busy = written.busy.saturating_add(1),
        }
    }
    Ok(written)
}

fn one(
    state_dir: &Path,
    (form, mut cursor): (Form, Cursor),
    wanted: &dyn Fn(&Record) -> bool,
    out: &mut dyn Write,
    written: &mut Written,
) -> Result<(), NamedError> {
    let session = cursor.progress.session.clone();
    let mut follow = Follow::open(state_dir, &session, cursor.progress.position.clone())?;
    let mut more = true;
    while more {
        // Before it is read: what was written by then is read.
        let ended = !follow.is_written()?;
        let found = follow.take(BATCH)?;
        let odd = found.unreadable.saturating_add(found.missing);
        cursor.progress.unreadable = cursor.progress.unreadable.saturating_add(odd);
        written.unreadable = written.unreadable.saturating_add(odd);
        more = !found.records.is_empty();
        if let (Some(first), Some(last)) = (found.records.first(), found.records.last()) {
            let begun = cursor.progress.begun;
            let (first, last) = (first.seq, last.seq);
            cursor.begin(first, last)?;
            for record in found.records.iter().filter(|record| wanted(record)) {
                let again = record.seq <= begun;
                out.write_all(form.line(record, again).as_bytes()).map_err(NamedError::Output)?;
                written.records = written.records.saturating_add(1);
                written.again = written.again.saturating_add(u64::from(again));
                cursor.progress.sent = cursor.progress.sent.saturating_add(1);
            }
            out.flush().map_err(NamedError::Output)?;
            cursor.pass(&found.records);
            cursor.progress.position = found.after;
            cursor.keep(false)?;
        } else if ended && cursor.progress.ended {
            cursor.complete()?;
            return Ok(());
        }
    }
    Ok(cursor.keep(false)?)
}

/// The sessions of a journal, by their ids.
pub(crate) fn sessions(state_dir: &Path) -> Vec<SessionId> {
    let Ok(entries) = fs::read_dir(journal_dir(state_dir)) else { return Vec::new() };
    let names = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
    let mut all: Vec<SessionId> =
        names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    all.sort();
    all
}
