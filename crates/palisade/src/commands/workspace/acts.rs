//! The operator's acts, in the journal of the session that they are about.

use std::path::Path;

use palisade_core::{Event, Layer, Verdict};
use palisade_journal::{Durability, Journal, JournalError};
use palisade_workspace::{Record, Step, WorkspaceError};

use crate::failure::{Failure, Kind};

/// The session's journal, opened again.
pub(super) struct Acts(Journal);

impl Acts {
    pub(super) fn open(state_dir: &Path, record: &Record) -> Result<Self, Failure> {
        Journal::open(state_dir, &record.session, record.name.as_deref(), &record.policy)
            .map(Self)
            .map_err(unwritable)
    }

    /// Say what is about to be done, and see it on the disk first: it cannot be undone.
    pub(super) fn begin(&self, kind: &str, record: &Record, changes: usize) -> Result<(), Failure> {
        let event = by_operator(kind, record.workspace.display().to_string())
            .with("changes", u64::try_from(changes).unwrap_or(u64::MAX));
        self.0.record_blocking(event, Durability::Durable).map(drop).map_err(unwritable)
    }

    /// One file, before it takes effect.
    pub(super) fn step(&self, step: &Step<'_>) -> Result<(), String> {
        let change = step.change;
        let mut event = by_operator("workspace_file", change.path.display().to_string())
            .with("change", change.what().as_str())
            .with("sensitive", change.sensitive);
        if let Some(digest) = &step.sha256 {
            event = event.with("sha256", digest.clone()).with("size", change.size());
        }
        if let Some(conflict) = change.conflict {
            event = event.with("over", conflict.to_string());
        }
        self.0.record_blocking(event, Durability::Written).map(drop).map_err(|error| {
            format!("the journal cannot be written, so nothing more is done: {error}")
        })
    }

    /// How it ended.
    pub(super) fn end(
        self,
        kind: &str,
        record: &Record,
        result: &Result<u64, WorkspaceError>,
    ) -> Result<(), Failure> {
        let mut event = Event::observed(kind, Layer::Files, record.workspace.display().to_string());
        match result {
            Ok(changes) => event = event.with("changes", *changes),
            Err(error) => event.reason = format!("not completed: {error}"),
        }
        self.0.close_blocking(event, Durability::Durable).map(drop).map_err(unwritable)
    }
}

fn by_operator(kind: &str, subject: String) -> Event {
    let mut event = Event::observed(kind, Layer::Files, subject);
    event.decision = Verdict::Allow;
    event.reason = "by the operator".to_owned();
    event
}

fn unwritable(error: JournalError) -> Failure {
    Failure::new(Kind::Enforcement, format!("the journal: {error}"))
        .remedy("see that the state folder (PALISADE_STATE) can be written and has room")
}
