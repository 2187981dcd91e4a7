//! What an apply writes down for the case that it is broken off.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::File,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, openat};

use super::{errno, unlink};
use crate::{
    beneath::{self, Root},
    error::{WorkspaceError, io},
    kept::remove_file,
    overlay::{Overlay, path_of},
};

/// The one temporary file that may be left.
pub(super) const PENDING: &str = "pending";
/// The folders that may be left with more rights than they should have.
pub(super) const UNCLOSED: &str = "unclosed";
/// How the names of temporary files begin.
pub(super) const TEMPORARY: &str = ".palisade-";

impl Overlay {
    /// Remove the temporary file of an apply that was broken off.
    pub(crate) fn sweep_pending(&self, host: &Root) -> Result<(), WorkspaceError> {
        let Some(bytes) = self.read(PENDING)? else { return Ok(()) };
        let mut parts = bytes.split(|byte| *byte == 0);
        if let (Some(parent), Some(name), Some(_)) = (parts.next(), parts.next(), parts.next()) {
            let (parent, name) = (path_of(parent), path_of(name));
            let ours = name.as_os_str().as_bytes().starts_with(TEMPORARY.as_bytes())
                && beneath::is_beneath(name)
                && name.components().count() == 1;
            if ours && let Ok(folder) = host.folder(parent) {
                unlink(&folder, name.as_os_str()).map_err(io("remove", &parent.join(name)))?;
            }
        }
        self.forget(PENDING)
    }

    pub(super) fn forget(&self, note: &str) -> Result<(), WorkspaceError> {
        remove_file(&self.folder, note).map_err(io("remove", &self.path.join(note)))
    }

    /// Folders that a broken-off apply may have left with more rights than they should have.
    pub(crate) fn unclosed(&self) -> Result<HashSet<PathBuf>, WorkspaceError> {
        let bytes = self.read(UNCLOSED)?.unwrap_or_default();
        // What is behind the last NUL was not written whole, and no folder was made for it.
        let whole = bytes.rsplitn(2, |byte| *byte == 0).nth(1).unwrap_or_default();
        Ok(whole.split(|byte| *byte == 0).map(|path| path_of(path).to_owned()).collect())
    }

    pub(super) fn note_unclosed(&self, path: &Path) -> Result<(), WorkspaceError> {
        let mut text = path.as_os_str().as_bytes().to_vec();
        text.push(0);
        self.note(UNCLOSED, OFlags::APPEND, &text)
    }

    /// Note which temporary name will be used.
    pub(super) fn note_pending(&self, parent: &Path, name: &OsStr) -> Result<(), WorkspaceError> {
        let mut text = parent.as_os_str().as_bytes().to_vec();
        text.push(0);
        text.extend_from_slice(name.as_bytes());
        text.push(0);
        // What is behind it, of a longer one, does not count.
        self.note(PENDING, OFlags::empty(), &text)
    }

    fn note(&self, note: &str, how: OFlags, text: &[u8]) -> Result<(), WorkspaceError> {
        let shown = self.path.join(note);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | how;
        let file = openat(&self.folder, note, flags, Mode::RUSR | Mode::WUSR)
            .map_err(io("open", &shown))?;
        File::from(file).write_all(text).map_err(|error| io("write", &shown)(errno(&error)))
    }
}
