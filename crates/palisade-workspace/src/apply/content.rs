//! What is in a file, and what is on it.

use data_encoding::HEXLOWER;
use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::{fd::AsFd, unix::ffi::OsStrExt},
};

use rustix::{fs::fstat, io::Errno};
use sha2::{Digest, Sha256};

use super::errno;
use crate::{
    beneath::Root,
    change::Change,
    error::{WorkspaceError, io},
    seen::Seen,
};

const CHUNK: usize = 1 << 17;

/// Copy the file's data, and leave out what was never written. The digest is of a file without
/// such holes.
pub(super) fn copy(
    upper: &Root,
    change: &Change,
    new: &Seen,
    to: &mut File,
) -> Result<Option<String>, WorkspaceError> {
    let path = &change.path;
    let (mut from, now) = upper.file(path).map_err(io("open", path))?;
    if !now.same_as(new) {
        return Err(WorkspaceError::Unsteady(path.clone()));
    }
    let mut digest = Sha256::new();
    let (mut at, mut whole) = (0_u64, true);
    let mut buffer = vec![0; CHUNK];
    while let Some((start, end)) = next_data(&from, at).map_err(io("read", path))? {
        whole &= start == at;
        from.seek(SeekFrom::Start(start)).map_err(|error| io("read", path)(errno(&error)))?;
        to.seek(SeekFrom::Start(start)).map_err(|error| io("write", path)(errno(&error)))?;
        let mut data = (&from).take(end.saturating_sub(start));
        loop {
            let read = data.read(&mut buffer).map_err(|error| io("read", path)(errno(&error)))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            to.write_all(bytes).map_err(|error| io("write", path)(errno(&error)))?;
            if whole {
                digest.update(bytes);
            }
        }
        at = end;
    }
    whole &= at == new.size;
    to.set_len(new.size).map_err(|error| io("write", path)(errno(&error)))?;
    let after = Seen::of(&fstat(&from).map_err(io("look at", path))?);
    if !after.same_as(new) {
        return Err(WorkspaceError::Unsteady(path.clone()));
    }
    Ok(whole.then(|| HEXLOWER.encode(&digest.finalize())))
}

/// The next piece of a file that was written, at or after `at`.
fn next_data(file: &File, at: u64) -> Result<Option<(u64, u64)>, Errno> {
    use rustix::fs::SeekFrom::{Data, Hole};
    let start = match rustix::fs::seek(file, Data(at)) {
        Err(Errno::NXIO) => return Ok(None),
        other => other?,
    };
    let end = rustix::fs::seek(file, Hole(start))?;
    Ok((end > start).then_some((start, end)))
}

/// Keep access lists, labels and the user's own attributes. Not capabilities: those were the old
/// content's.
pub(super) fn copy_attributes(from: &File, to: impl AsFd) -> Result<(), Errno> {
    let mut names = vec![0; 1 << 16];
    let length = match rustix::fs::flistxattr(from, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => return Ok(()),
        other => other?,
    };
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0) {
        let kept = name.starts_with(b"user.")
            || name == b"system.posix_acl_access"
            || name == b"security.selinux";
        if !kept {
            continue;
        }
        let name = OsStr::from_bytes(name);
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        let value = value.get(..length).unwrap_or_default();
        match rustix::fs::fsetxattr(&to, name, value, rustix::fs::XattrFlags::empty()) {
            Err(Errno::OPNOTSUPP) => {}
            // A label that only the system gives.
            Err(Errno::PERM | Errno::ACCESS) if name == OsStr::new("security.selinux") => {}
            other => other?,
        }
    }
    Ok(())
}
