use std::{path::PathBuf, sync::Arc};

use palisade_core::SessionId;
use rustix::io::Errno;

/// Why the journal could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A system call failed.
    #[error("{step} {}: {errno}", path.display())]
    Io {
        /// What was being done, such as `write`.
        step: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The kernel's answer.
        errno: Errno,
    },
    /// A file or folder that others could have prepared or can change.
    #[error("{} cannot be trusted: {why}", path.display())]
    Untrusted {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another user owns the state folder, and could put another journal and its keys in the place of ours.
    #[error(
        "{} belongs to another user (uid {owner}), who could put another record in its place: name a folder of your own in PALISADE_STATE, or run Palisade as that user",
        path.display()
    )]
    NotYours {
        /// The folder.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// Another process writes this session's journal.
    #[error("the journal of session {0} is being written by another process")]
    Busy(SessionId),
    /// The ledger stayed locked by another process.
    #[error("{} stayed locked by another process", path.display())]
    LedgerLocked {
        /// The ledger.
        path: PathBuf,
    },
    /// What is there is not what was written, and not only its tail is torn.
    #[error("{} is damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad line begins.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The file changed under its writer: it was cut, grown or unlinked by somebody else.
    #[error("{} was changed by somebody else while it was being written", path.display())]
    Interfered {
        /// The file.
        path: PathBuf,
    },
    /// The key that signs this journal is not in `journal.key`.
    #[error(
        "the key that signs {} is gone: move the folder `journal` and `journal.key` aside together, and a new journal begins",
        path.display()
    )]
    KeyLost {
        /// The ledger.
        path: PathBuf,
    },
    /// The system gave no random numbers for a key.
    #[error("no key could be made: the system gives no random numbers")]
    NoRandom,
    /// An earlier write failed, and so nothing more is taken.
    #[error("the journal takes no more records since an earlier failure ({0})")]
    Poisoned(Arc<JournalError>),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The writer thread could not start, or is gone.
    #[error("the journal's writer is not running")]
    NoWriter,
}

impl JournalError {
    /// True when the cause is a full disk, an exceeded quota or a size limit.
    pub fn is_full(&self) -> bool {
        match self {
            JournalError::Io { errno, .. } => {
                matches!(*errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
            }
            JournalError::Poisoned(cause) => cause.is_full(),
            _ => false,
        }
    }
}
