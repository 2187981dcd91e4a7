use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::quote::quoted;

/// Why something could not be done with an overlay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The system refused.
    #[error("{step} {}: {errno}", quoted(path))]
    Io {
        /// What was tried, such as `open`.
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A folder or file of Palisade's is not the operator's own.
    #[error("{}: {why}", quoted(path))]
    Untrusted {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of Palisade's cannot be read.
    #[error("{} is damaged: {what}", quoted(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        what: String,
    },
    /// Nothing goes by this name.
    #[error("there is no overlay `{0}`")]
    Unknown(String),
    /// More than one overlay goes by this name.
    #[error("`{name}` is {}", sessions.join(" and "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The sessions.
        sessions: Vec<String>,
    },
    /// The sandbox lives, or another command works on the overlay.
    #[error("{0} is in use: its sandbox runs, or another command works on it")]
    InUse(String),
    /// The folder that was the workspace is another one now.
    #[error("{} is not the folder that the sandbox was started on", quoted(.0))]
    Moved(PathBuf),
    /// More changes than are looked at together.
    #[error("there are more than {0} changes")]
    TooMany(usize),
    /// A file of the overlay or of the host is another one than a moment ago.
    #[error("{} changed while it was looked at", quoted(.0))]
    Unsteady(PathBuf),
    /// Whoever watches said no before an effect.
    #[error("{0}")]
    Stopped(String),
}

impl WorkspaceError {
    /// What to do next, if there is something.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Io { errno: Errno::NOSPC | Errno::DQUOT, .. } => {
                Some("make room, then do the same again: what is done stays, the rest follows")
            }
            Self::Unknown(_) => Some("palisade workspace list"),
            Self::Ambiguous { .. } => Some("name the session"),
            Self::InUse(_) => Some("end the sandbox first"),
            Self::Moved(_) => Some(
                "put the folder back, or take the files by hand: `layers/upper` of the session in the folder `workspaces` of the state folder",
            ),
            Self::TooMany(_) => {
                Some("palisade workspace discard, or look at the files in the state folder")
            }
            Self::Unsteady(_) => Some("do the same again"),
            Self::Io { .. } | Self::Untrusted { .. } | Self::Damaged { .. } | Self::Stopped(_) => {
                None
            }
        }
    }
}

/// Names the step and the path of a result that only has an errno.
pub(crate) fn io(step: &'static str, path: &Path) -> impl FnOnce(Errno) -> WorkspaceError {
    move |errno| WorkspaceError::Io { step, path: path.into(), errno }
}
