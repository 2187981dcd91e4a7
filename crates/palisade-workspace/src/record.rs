use std::{
    fs::File,
    io::{Read, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use palisade_core::{PolicyDigest, SessionId};
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use serde::{Deserialize, Serialize};

use crate::error::{WorkspaceError, io};

pub(crate) const NAME: &str = "record.json";
const NEW: &str = "record.new";
/// A record is a few hundred bytes and a path.
const LONGEST: u64 = 1 << 16;

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
}

/// What an overlay is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub(crate) v: u32,
    /// The session.
    pub session: SessionId,
    /// The name that the operator gave it.
    pub name: Option<String>,
    /// The policy that the session had.
    pub policy: PolicyDigest,
    /// The folder on the host.
    pub workspace: PathBuf,
    pub(crate) inode: u64,
    /// Who owns the workspace.
    pub owner: Ids,
    /// When the session started.
    pub started: String,
    /// When it ended, if its supervisor saw that.
    pub ended: Option<String>,
}

impl Record {
    /// Write it whole or not at all.
    pub(crate) fn write(&self, folder: impl AsFd, path: &Path) -> Result<(), WorkspaceError> {
        let shown = path.join(NAME);
        let folder = folder.as_fd();
        match unlinkat(folder, NEW, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(io("remove", &path.join(NEW))(errno)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file =
            openat(folder, NEW, flags, Mode::from_raw_mode(0o600)).map_err(io("make", &shown))?;
        let text = serde_json::to_vec(self).map_err(|error| WorkspaceError::Damaged {
            path: shown.clone(),
            what: error.to_string(),
        })?;
        let errno = |error: std::io::Error| {
            io("write", &shown)(
                rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
            )
        };
        File::from(file).write_all(&text).map_err(errno)?;
        renameat(folder, NEW, folder, NAME).map_err(io("write", &shown))
    }

    pub(crate) fn read(folder: impl AsFd, path: &Path) -> Result<Self, WorkspaceError> {
        let shown = path.join(NAME);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(folder, NAME, flags, Mode::empty()).map_err(io("open", &shown))?;
        let damaged = |what: String| WorkspaceError::Damaged { path: shown.clone(), what };
        let mut text = Vec::new();
        File::from(file)
            .take(LONGEST)
            .read_to_end(&mut text)
            .map_err(|error| damaged(error.to_string()))?;
        let record: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if record.v != 1 {
            return Err(damaged(format!("version {} is not known here", record.v)));
        }
        Ok(record)
    }
}
