use std::path::PathBuf;

use palisade_journal::JournalError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The index cannot be used. It can be removed at any time: the journal has everything.
    #[error("the index {}: {why}", path.display())]
    Index {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A session has more than is held in memory for such a question.
    #[error("session {session} has more than {most} {what}")]
    TooMuch {
        /// The session.
        session: String,
        /// The bound.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// There is no such session.
    #[error("there is no session `{0}` in this journal")]
    NoSession(String),
    /// More than one session is meant.
    #[error("`{wanted}` means {count} sessions")]
    Ambiguous {
        /// The name or the beginning of an id.
        wanted: String,
        /// How many.
        count: usize,
    },
    /// The session has no event of this number.
    #[error("session {session} has no event {seq}")]
    NoEvent {
        /// The session.
        session: String,
        /// The number.
        seq: u64,
    },
}
