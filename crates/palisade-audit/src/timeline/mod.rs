//! A session in the order of time: for a terminal, and as a page of its own.

mod page;
mod terminal;

use std::path::Path;

use palisade_core::{SessionId, Verdict};
use palisade_journal::{Record, Timestamp};

pub use self::{page::page, terminal::lines};
use crate::{AuditError, session};

/// Rows that are shown at most, and so are held.
pub const MOST: usize = 20_000;

/// A session, event by event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Timeline {
    /// The session.
    pub session: SessionId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it was started with.
    pub command: Option<String>,
    /// When its first and its last event were.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The newest rows.
    pub rows: Vec<Row>,
    /// Events that older rows would show.
    pub left_out: u64,
    /// Events in all.
    pub events: u64,
}

/// Events of the same that follow each other.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The number of the first.
    pub seq: u64,
    /// When it was.
    pub time: Timestamp,
    /// How many there are.
    pub count: u64,
    /// When the last was.
    pub until: Timestamp,
    /// The lane that it is drawn in.
    pub lane: Lane,
    /// What kind of act.
    pub kind: String,
    /// What was decided.
    pub decision: Verdict,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
    /// What it was about.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// Where an event is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lane {
    /// Calls of models and what they answer.
    Model,
    /// Calls of tools.
    Tool,
    /// Programs and system calls.
    Process,
    /// Names, connections, requests.
    Network,
    /// Files.
    Files,
    /// Palisade itself.
    Supervisor,
}

impl Lane {
    /// All, in the order in which they are drawn.
    pub const ALL: [Lane; 6] =
        [Lane::Model, Lane::Tool, Lane::Process, Lane::Network, Lane::Files, Lane::Supervisor];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Model => "model",
            Lane::Tool => "tool",
            Lane::Process => "process",
            Lane::Network => "network",
            Lane::Files => "files",
            Lane::Supervisor => "supervisor",
        }
    }

    fn of(record: &Record) -> Self {
        match (record.kind.as_str(), record.layer.as_str()) {
            ("tool_call", _) | (_, "tool") => Lane::Tool,
            (_, "inference") => Lane::Model,
            (_, "process") => Lane::Process,
            (_, "network" | "egress") => Lane::Network,
            (_, "files") => Lane::Files,
            _ => Lane::Supervisor,
        }
    }
}

/// The timeline of a session, of its newest rows at most `most`.
///
/// # Errors
/// The journal cannot be read.
pub fn of(state: &Path, id: &SessionId, most: usize) -> Result<Timeline, AuditError> {
    let most = most.clamp(1, MOST);
    let mut timeline = Timeline {
        session: id.clone(),
        name: None,
        command: None,
        span: None,
        rows: Vec::new(),
        left_out: 0,
        events: 0,
    };
    session::each(state, id, &mut |record| {
        timeline.add(record, most);
        Ok(())
    })?;
    timeline.cut(most);
    if timeline.events == 0 {
        return Err(AuditError::NoSession(id.to_string()));
    }
    Ok(timeline)
}

impl Timeline {
    fn add(&mut self, record: Record, most: usize) {
        self.events = self.events.saturating_add(1);
        let (first, last) = self.span.unwrap_or((record.time, record.time));
        self.span = Some((first.min(record.time), last.max(record.time)));
        match record.kind.as_str() {
            "journal_open" => {
                let name = record.detail.get("name").and_then(serde_json::Value::as_str);
                self.name = self.name.take().or_else(|| name.map(str::to_owned));
            }
            "launch" => self.command = self.command.take().or(Some(record.subject.clone())),
            _ => {}
        }
        let folded = record.detail.get("count").and_then(serde_json::Value::as_u64);
        let count = folded.filter(|_| record.kind == "folded").unwrap_or(1);
        if let Some(row) = self.rows.last_mut().filter(|row| row.is_like(&record)) {
            row.count = row.count.saturating_add(count);
            row.until = row.until.max(record.time);
            return;
        }
        self.rows.push(Row {
            lane: Lane::of(&record),
            seq: record.seq,
            time: record.time,
            until: record.time,
            count,
            kind: record.kind,
            decision: record.decision,
            rule: record.rule,
            subject: record.subject,
            reason: record.reason,
        });
        if self.rows.len() >= most.saturating_mul(2) {
            self.cut(most);
        }
    }

    /// Forget the oldest rows.
    fn cut(&mut self, most: usize) {
        let over = self.rows.len().saturating_sub(most);
        let cut: u64 = self.rows.drain(..over).map(|row| row.count).sum();
        self.left_out = self.left_out.saturating_add(cut);
    }

    /// Seconds from the beginning to a moment.
    fn seconds(&self, time: Timestamp) -> f64 {
        let start = self.span.map_or(time, |(first, _)| first);
        // Precise to the microsecond for centuries.
        #[expect(clippy::cast_precision_loss, reason = "for a picture")]
        let micros = time.unix_micros().saturating_sub(start.unix_micros()) as f64;
        micros / 1_000_000.0
    }
}

impl Row {
    fn is_like(&self, record: &Record) -> bool {
        self.kind == record.kind
            && self.decision == record.decision
            && self.subject == record.subject
            && self.rule == record.rule
            && self.reason == record.reason
    }
}
