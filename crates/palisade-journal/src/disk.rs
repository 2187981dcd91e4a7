//! Every change of a file that holds evidence, and every sync. Tests fail and stop each of them in turn.

use std::{os::fd::AsFd, path::Path};

use rustix::{
    fs,
    io::{self as sys, Errno},
};

use crate::{JournalError, store::io};

/// Write all of `bytes` behind what is there; what a short write leaves behind is the caller's to cut.
pub(crate) fn append(fd: impl AsFd, path: &Path, mut bytes: &[u8]) -> Result<(), JournalError> {
    while !bytes.is_empty() {
        #[cfg(test)]
        let bytes_now = faults::write(path, &fd, bytes, None).map_err(io("write", path))?;
        #[cfg(not(test))]
        let bytes_now = bytes;
        match sys::write(&fd, bytes_now) {
            Ok(0) => return Err(io("write", path)(Errno::IO)),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(io("write", path)(errno)),
        }
    }
    Ok(())
}

/// Write all of `bytes` at a place.
pub(crate) fn write_at(
    fd: impl AsFd,
    path: &Path,
    mut bytes: &[u8],
    mut at: u64,
) -> Result<(), JournalError> {
    while !bytes.is_empty() {
        #[cfg(test)]
        let bytes_now = faults::write(path, &fd, bytes, Some(at)).map_err(io("write", path))?;
        #[cfg(not(test))]
        let bytes_now = bytes;
        match sys::pwrite(&fd, bytes_now, at) {
            Ok(0) => return Err(io("write", path)(Errno::IO)),
            Ok(n) => {
                bytes = bytes.get(n..).unwrap_or_default();
                at = at.saturating_add(u64::try_from(n).unwrap_or(0));
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(io("write", path)(errno)),
        }
    }
    Ok(())
}

/// Cut a file to a length.
pub(crate) fn cut(fd: impl AsFd, path: &Path, length: u64) -> Result<(), JournalError> {
    #[cfg(test)]
    faults::step(path).map_err(io("cut", path))?;
    fs::ftruncate(fd, length).map_err(io("cut", path))
}

/// Give a file in a folder another name.
pub(crate) fn rename(
    folder: impl AsFd,
    path: &Path,
    from: &str,
    to: &str,
) -> Result<(), JournalError> {
    #[cfg(test)]
    faults::step(path).map_err(io("rename", path))?;
    fs::renameat(&folder, from, &folder, to).map_err(io("rename", path))
}

/// Put a file's content on the disk.
pub(crate) fn sync_data(fd: impl AsFd, path: &Path) -> Result<(), JournalError> {
    #[cfg(test)]
    faults::step(path).map_err(io("sync", path))?;
    fs::fdatasync(fd).map_err(io("sync", path))?;
    #[cfg(test)]
    faults::synced(path);
    Ok(())
}

/// Put a folder's entries on the disk.
pub(crate) fn sync_folder(fd: impl AsFd, path: &Path) -> Result<(), JournalError> {
    #[cfg(test)]
    faults::step(path).map_err(io("sync", path))?;
    fs::fsync(fd).map_err(io("sync", path))
}

#[cfg(test)]
#[path = "disk/faults.rs"]
pub(crate) mod faults;
#[cfg(test)]
#[path = "disk/tests.rs"]
mod tests;
