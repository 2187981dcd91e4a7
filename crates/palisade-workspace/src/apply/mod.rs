//! Taking changes over to the host's folder.
//!
//! First what goes, from the inside out; then what comes, from the outside in; last the modes of
//! folders. Each file is written beside its place under a name of ours and renamed into it, so it is the old
//! one or the new one at any moment. A broken-off apply is completed by the next: what the
//! host has already is no change any more.

mod content;
mod notes;

use data_encoding::HEXLOWER;
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, chownat, fchmod, fchown, fstat, mkdirat,
        openat, renameat, renameat_with, symlinkat, unlinkat,
    },
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use self::{
    content::{copy, copy_attributes},
    notes::{PENDING, TEMPORARY, UNCLOSED},
};
use crate::{
    beneath::{self, Root},
    change::Change,
    error::{WorkspaceError, io},
    overlay::Overlay,
    record::Ids,
    seen::{Kind, Seen},
};

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
                let digest = copy(&self.overlay.upper, change, new, &mut file)?;
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
    Ok(format!("{TEMPORARY}{}", HEXLOWER.encode(&bytes)).into())
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
