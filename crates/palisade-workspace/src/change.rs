use std::path::PathBuf;

use crate::seen::{Kind, Seen};

/// One path at which the overlay differs from the host's folder as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path below the workspace.
    pub path: PathBuf,
    /// The host may run it, or believe what it says, without being told to.
    pub sensitive: bool,
    /// Why it can never be applied.
    pub unfit: Option<Unfit>,
    /// What happened to the host's file since the sandbox was started.
    pub conflict: Option<Conflict>,
    /// What the host has there now.
    pub(crate) old: Option<Seen>,
    /// What the overlay has; `None`: it was deleted.
    pub(crate) new: Option<Seen>,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Something is there that was not.
    Added,
    /// A file's content or mode, or a link's target.
    Changed,
    /// A folder's mode.
    Mode,
    /// It became something else: a file a link, a folder a file.
    Replaced,
    /// It is gone.
    Deleted,
}

/// Why something can never be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// A pipe, a socket or a device.
    #[error("it is {0}")]
    Special(String),
    /// It would run with the rights of who owns it.
    #[error("it has a set-id bit")]
    SetId,
    /// A link to a place that is not below the workspace, or that cannot be told.
    #[error("it is a link to {0}, which leaves the workspace or may")]
    Leaves(String),
    /// The operator cannot read it.
    #[error("it cannot be read (its mode is {0:04o})")]
    Unreadable(u32),
    /// No system call takes such a path.
    #[error("its path is too long")]
    TooLong,
    /// The host's file belongs to another user or group, and the operator cannot give it away again.
    #[error("the host's file belongs to user {0} and group {1}, which could not be kept")]
    Owner(u32, u32),
    /// On the host its name already is another file's, which differs only in case or in invisible
    /// characters.
    #[error("the host takes its name for another file's")]
    Twin,
}

/// What happened to the host's file since the sandbox was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// It was made.
    #[error("it was made on the host since the sandbox was started")]
    Made,
    /// It was changed or exchanged.
    #[error("it was changed on the host since the sandbox was started")]
    Changed,
    /// It was deleted.
    #[error("it was deleted on the host since the sandbox was started")]
    Deleted,
    /// Nobody knows: the sandbox ended before the host's state was recorded.
    #[error("what it was on the host when the sandbox was started was not recorded")]
    Unknown,
}

impl Change {
    /// What it does.
    pub fn what(&self) -> What {
        match (&self.old, &self.new) {
            (None, _) => What::Added,
            (Some(_), None) => What::Deleted,
            (Some(old), Some(new)) if old.kind != new.kind => What::Replaced,
            (Some(old), Some(new)) if old.kind == Kind::Folder && new.kind == Kind::Folder => {
                What::Mode
            }
            (Some(_), Some(_)) => What::Changed,
        }
    }

    /// Whether it is about a folder itself, not about what is in it.
    pub fn is_folder(&self) -> bool {
        self.new.or(self.old).is_some_and(|seen| seen.kind == Kind::Folder)
    }

    /// Bytes of what the overlay has.
    pub fn size(&self) -> u64 {
        self.new.filter(|seen| seen.kind == Kind::File).map_or(0, |seen| seen.size)
    }

    /// Whether the host has a folder here that will be gone.
    pub(crate) fn removes_folder(&self) -> bool {
        let was = self.old.is_some_and(|old| old.kind == Kind::Folder);
        was && self.new.is_none_or(|new| new.kind != Kind::Folder)
    }

    /// Whether the host will have a folder here that it does not have now.
    pub(crate) fn makes_folder(&self) -> bool {
        let was = self.old.is_some_and(|old| old.kind == Kind::Folder);
        !was && self.new.is_some_and(|new| new.kind == Kind::Folder)
    }
}

impl What {
    /// The word in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Added => "added",
            What::Changed => "changed",
            What::Mode => "mode",
            What::Replaced => "replaced",
            What::Deleted => "deleted",
        }
    }
}
