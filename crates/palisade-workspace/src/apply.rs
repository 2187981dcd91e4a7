//! Taking changes over to the host's folder.
//!
//! First what goes, from the inside out; then what comes, from the outside in; last the modes of
//! folders. Each file is written beside its place under a name of ours and renamed into it, so it is the old
//! one or the new one at any moment. A broken-off apply is completed by the next: what the
//! host has already is no change any more.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, chownat, fchmod, fchown, fstat, mkdirat,
        openat, renameat, renameat_with, symlinkat, unlinkat,
    },
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};
use sha2::{Digest, Sha256};

use crate::{
    beneath::{self, Root},
    change::Change,
    error::{WorkspaceError, io},
    kept::remove_file,
    overlay::{Overlay, path_of},
    record::Ids,
    seen::{Kind, Seen},
};

const PENDING: &str = "pending";
const UNCLOSED: &str = "unclosed";
/// How the names of temporary files begin.
const TEMPORARY: &str = ".palisade-";
const CHUNK: usize = 1 << 17;

/// What is about to be done to the host.
#[derive(Debug)]
pub struct Step<'a> {
    /// The change.
    pub change: &'a Change,
    /// SHA-256 of the file that is put there, in hexadecimal.
    pub sha256: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Changes that the host has now.
    pub changes: u64,
    /// Bytes written for them.
    pub bytes: u64,
}

impl Overlay {
    /// Apply these changes, which [`Overlay::changes`] found. `before` is told of each before it takes
    /// effect, and can stop everything.
    ///
    /// # Errors
    /// The first that failed. What was done before it stays done; the same call again does the rest.
    pub fn apply(
        &self,
        changes: &[&Change],
        before: &mut dyn FnMut(&Step<'_>) -> Result<(), String>,
    ) -> Result<Applied, WorkspaceError> {
        let host = self.host()?;
        self.sweep_pending(&host)?;
        let mut work = Work { overlay: self, host: &host, before, done: Applied::default() };
        for change in changes.iter().rev().filter(|change| change.new.is_none()) {
            work.delete(change)?;
        }
        for change in changes.iter().filter(|change| change.new.is_some()) {
            work.put(change)?;
        }
        for change in changes.iter().rev() {
            work.finish_folder(change)?;
        }
        let done = work.done;
        self.forget(PENDING)?;
        self.forget(UNCLOSED)?;
        rustix::fs::syncfs(&host).map_err(io("sync", &self.record().workspace))?;
        Ok(done)
    }

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

    fn forget(&self, note: &str) -> Result<(), WorkspaceError> {
        remove_file(&self.folder, note).map_err(io("remove", &self.path.join(note)))
    }

    /// Folders that a broken-off apply may have left with more rights than they should have.
    pub(crate) fn unclosed(&self) -> Result<HashSet<PathBuf>, WorkspaceError> {
        let bytes = self.read(UNCLOSED)?.unwrap_or_default();
        // What is behind the last NUL was not written whole, and no folder was made for it.
        let whole = bytes.rsplitn(2, |byte| *byte == 0).nth(1).unwrap_or_default();
        Ok(whole.split(|byte| *byte == 0).map(|path| path_of(path).to_owned()).collect())
    }

    fn note_unclosed(&self, path: &Path) -> Result<(), WorkspaceError> {
        let mut text = path.as_os_str().as_bytes().to_vec();
        text.push(0);
        self.note(UNCLOSED, OFlags::APPEND, &text)
    }

    /// Note which temporary name will be used.
    fn note_pending(&self, parent: &Path, name: &OsStr) -> Result<(), WorkspaceError> {
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

struct Work<'a> {
    overlay: &'a Overlay,
    host: &'a Root,
    before: &'a mut dyn FnMut(&Step<'_>) -> Result<(), String>,
    done: Applied,
}

impl Work<'_> {
    fn delete(&mut self, change: &Change) -> Result<(), WorkspaceError> {
        let (folder, name) = self.place(change)?;
        self.tell(change, None)?;
        unlink(&folder, name).map_err(|errno| busy(change, "delete", errno))?;
        self.did(0);
        Ok(())
    }

    fn put(&mut self, change: &Change) -> Result<(), WorkspaceError> {
        let Some(new) = change.new else { return Ok(()) };
        let was_folder = change.old.is_some_and(|old| old.kind == Kind::Folder);
        if new.kind == Kind::Folder && was_folder {
            // Its mode comes last.
            return Ok(());
        }
        let (folder, _) = self.place(change)?;
        let temporary = temporary_name()?;
        let parent = change.path.parent().unwrap_or(Path::new(""));
        self.overlay.note_pending(parent, &temporary)?;
        if new.kind == Kind::Folder && is_closed(&new) {
            self.overlay.note_unclosed(&change.path)?;
        }
        let made = self.make(change, &new, &folder, &temporary);
        let moved = made.and_then(|(digest, bytes)| {
            self.tell(change, digest)?;
            // Looked at again: the copy may have taken long.
            let (target, name) = self.place(change)?;
            move_into_place(change, &folder, &temporary, &target, name)?;
            Ok(bytes)
        });
        match moved {
            Ok(bytes) => {
                self.did(bytes);
                Ok(())
            }
            Err(error) => {
                // The first error counts; what may be left behind is noted.
                unlink(&folder, &temporary).unwrap_or_default();
                Err(error)
            }
        }
    }

    /// Make what is wanted under a temporary name.
    fn make(
        &self,
        change: &Change,
        new: &Seen,
        folder: &OwnedFd,
        temporary: &OsStr,
    ) -> Result<(Option<String>, u64), WorkspaceError> {
        let failed = |step| io(step, &change.path);
        match new.kind {
            Kind::File => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                let file =
                    openat(folder, temporary, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR)
                        .map_err(failed("make"))?;
                let mut file = File::from(file);
                let digest = self.copy(change, new, &mut file)?;
                self.dress(change, folder, &file, new)?;
                Ok((digest, new.size))
            }
            Kind::Folder => {
                mkdirat(folder, temporary, Mode::RWXU).map_err(failed("make"))?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                let made = openat(folder, temporary, flags | OFlags::CLOEXEC, Mode::empty())
                    .map_err(failed("open"))?;
                self.dress(change, folder, &made, new)?;
                Ok((None, 0))
            }
            Kind::Link => {
                let (above, name) =
                    self.overlay.upper.parent(&change.path).map_err(failed("open"))?;
                let to = beneath::link(&above, name).map_err(failed("read the link"))?;
                self.unchanged(change, new)?;
                symlinkat(&to, folder, temporary).map_err(failed("make"))?;
                if let Some(owner) = self.owner(change, folder)? {
                    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
                    chownat(folder, temporary, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                        .map_err(failed("set the owner of"))?;
                }
                Ok((None, 0))
            }
            _ => Err(WorkspaceError::Unsteady(change.path.clone())),
        }
    }

    /// Copy the file's data, and leave out what was never written. The digest is of a file without
    /// such holes.
    fn copy(
        &self,
        change: &Change,
        new: &Seen,
        to: &mut File,
    ) -> Result<Option<String>, WorkspaceError> {
        let path = &change.path;
        let (mut from, now) = self.overlay.upper.file(path).map_err(io("open", path))?;
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
                let read =
                    data.read(&mut buffer).map_err(|error| io("read", path)(errno(&error)))?;
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
        Ok(whole.then(|| digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Owner, attributes and mode: those of the host's file that is replaced, else the workspace's owner
    /// and nothing besides.
    fn dress(
        &self,
        change: &Change,
        folder: &OwnedFd,
        made: impl AsFd,
        new: &Seen,
    ) -> Result<(), WorkspaceError> {
        let path = &change.path;
        if let Some(owner) = self.owner(change, folder)? {
            fchown(&made, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))
                .map_err(io("set the owner of", path))?;
        }
        let replaced = change.old.filter(|old| old.kind == Kind::File && new.kind == Kind::File);
        if replaced.is_some()
            && let Ok((old, _)) = self.host.file(path)
        {
            copy_attributes(&old, &made).map_err(io("keep the attributes of", path))?;
        }
        // A folder that is still to be filled.
        let writable = if new.kind == Kind::Folder { 0o700 } else { 0 };
        fchmod(&made, Mode::from_raw_mode(new.permissions() | writable))
            .map_err(io("set the mode of", path))
    }

    /// Whose it has to be, if that is not as it is by itself.
    fn owner(&self, change: &Change, folder: &OwnedFd) -> Result<Option<Ids>, WorkspaceError> {
        let replaced = change.old.filter(|old| {
            old.kind == Kind::File && change.new.is_some_and(|new| new.kind == Kind::File)
        });
        if let Some(old) = replaced {
            return Ok(Some(Ids { uid: old.uid, gid: old.gid }));
        }
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let above = Seen::of(&fstat(folder).map_err(io("look at", &change.path))?);
        let owner = self.overlay.record().owner;
        let inherits = above.mode & 0o2000 != 0;
        Ok(Some(Ids { uid: owner.uid, gid: if inherits { above.gid } else { owner.gid } }))
    }

    /// The mode of a folder, once all is in it.
    fn finish_folder(&mut self, change: &Change) -> Result<(), WorkspaceError> {
        let Some(new) = change.new.filter(|new| new.kind == Kind::Folder) else { return Ok(()) };
        let was = change.old.is_some_and(|old| old.kind == Kind::Folder);
        if !was && !is_closed(&new) {
            return Ok(());
        }
        if was {
            self.place(change)?;
            self.tell(change, None)?;
        }
        let folder = self.host.folder(&change.path).map_err(io("open", &change.path))?;
        let kept = Seen::of(&fstat(&folder).map_err(io("look at", &change.path))?).mode & 0o7000;
        fchmod(&folder, Mode::from_raw_mode(kept | new.permissions()))
            .map_err(io("set the mode of", &change.path))?;
        if was {
            self.did(0);
        }
        Ok(())
    }

    /// The host's folder and the name in it, if what is there still is what the change was found
    /// against.
    fn place<'change>(
        &self,
        change: &'change Change,
    ) -> Result<(OwnedFd, &'change OsStr), WorkspaceError> {
        let unsteady = || WorkspaceError::Unsteady(change.path.clone());
        let (folder, name) = match self.host.parent(&change.path) {
            Ok(place) => place,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Err(unsteady()),
            Err(errno) => return Err(io("open the folder of", &change.path)(errno)),
        };
        let now = beneath::look(&folder, name).map_err(io("look at", &change.path))?;
        let same = match (&change.old, &now) {
            (None, None) => true,
            (Some(old), Some(now)) => old.same_as(now),
            _ => false,
        };
        if same { Ok((folder, name)) } else { Err(unsteady()) }
    }

    /// Whether the overlay still has what the change was found with.
    fn unchanged(&self, change: &Change, new: &Seen) -> Result<(), WorkspaceError> {
        let now = self.overlay.upper.look(&change.path).map_err(io("look at", &change.path))?;
        match now {
            Some(now) if now.same_as(new) => Ok(()),
            _ => Err(WorkspaceError::Unsteady(change.path.clone())),
        }
    }

    fn tell(&mut self, change: &Change, sha256: Option<String>) -> Result<(), WorkspaceError> {
        (self.before)(&Step { change, sha256 }).map_err(WorkspaceError::Stopped)
    }

    fn did(&mut self, bytes: u64) {
        self.done.changes = self.done.changes.saturating_add(1);
        self.done.bytes = self.done.bytes.saturating_add(bytes);
    }
}

fn move_into_place(
    change: &Change,
    from: &OwnedFd,
    temporary: &OsStr,
    folder: &OwnedFd,
    name: &OsStr,
) -> Result<(), WorkspaceError> {
    let with = |flags| renameat_with(from, temporary, folder, name, flags);
    // Not every file system can do more than rename; all was looked at a moment ago.
    let cannot = |errno| matches!(errno, Errno::INVAL | Errno::NOSYS);
    let moved = match change.old {
        None => match with(RenameFlags::NOREPLACE) {
            Err(errno) if cannot(errno) => renameat(from, temporary, folder, name),
            other => other,
        },
        // No rename goes from a file over a folder, or back: the two change places.
        Some(_) if change.makes_folder() || change.removes_folder() => {
            match with(RenameFlags::EXCHANGE) {
                Err(errno) if cannot(errno) => {
                    unlink(folder, name).and_then(|()| renameat(from, temporary, folder, name))
                }
                Err(errno) => Err(errno),
                Ok(()) => unlink(from, temporary).inspect_err(|_| {
                    // Something came into the folder: it stays, and so does what was written.
                    with(RenameFlags::EXCHANGE).unwrap_or_default();
                }),
            }
        }
        Some(_) => renameat(from, temporary, folder, name),
    };
    moved.map_err(|errno| busy(change, "put in place", errno))
}

/// Whether nothing can be put into a folder of this mode, so that it gets it last.
fn is_closed(folder: &Seen) -> bool {
    folder.permissions() & 0o700 != 0o700
}

/// Somebody was quicker, or it cannot be done.
fn busy(change: &Change, step: &'static str, errno: Errno) -> WorkspaceError {
    match errno {
        Errno::EXIST | Errno::NOTEMPTY => WorkspaceError::Unsteady(change.path.clone()),
        errno => io(step, &change.path)(errno),
    }
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
fn copy_attributes(from: &File, to: impl AsFd) -> Result<(), Errno> {
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

/// Remove a file, a link or an empty folder.
fn unlink(folder: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => unlinkat(folder, name, AtFlags::REMOVEDIR),
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn temporary_name() -> Result<OsString, WorkspaceError> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())
        .map_err(io("get random numbers for", Path::new(TEMPORARY)))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{TEMPORARY}{digits}").into())
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
