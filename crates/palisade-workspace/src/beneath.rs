//! Reaching files of a hostile tree: from its root's descriptor, beneath it, through no link.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags, openat2, statat},
    io::Errno,
};

use crate::seen::{Kind, Seen};

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// A folder that is held open, and all below it on the same file system.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

impl Root {
    /// Hold a folder by a path of the operator's: no link on it either.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(CWD, path, FOLDER, Mode::empty(), resolve).map(Self)
    }

    pub(crate) fn of(folder: OwnedFd) -> Self {
        Self(folder)
    }

    pub(crate) fn try_clone(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.0, 3).map(Self)
    }

    /// A folder below, open for reading. An empty path is the root itself.
    pub(crate) fn folder(&self, path: &Path) -> Result<OwnedFd, Errno> {
        openat2(&self.0, or_dot(path), FOLDER, Mode::empty(), BENEATH)
    }

    /// The folder that holds `path`, and the name in it.
    pub(crate) fn parent<'path>(
        &self,
        path: &'path Path,
    ) -> Result<(OwnedFd, &'path OsStr), Errno> {
        let name = path.file_name().ok_or(Errno::INVAL)?;
        Ok((self.folder(path.parent().unwrap_or(Path::new("")))?, name))
    }

    /// What is at `path`; `None` if nothing is, or what is above it is no folder.
    pub(crate) fn look(&self, path: &Path) -> Result<Option<Seen>, Errno> {
        match self.parent(path) {
            Ok((folder, name)) => look(&folder, name),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Open a regular file to read it; anything else is an error, and is not waited for.
    pub(crate) fn file(&self, path: &Path) -> Result<(File, Seen), Errno> {
        let (folder, name) = self.parent(path)?;
        file(&folder, name)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What `name` in `folder` is.
pub(crate) fn look(folder: impl AsFd, name: &OsStr) -> Result<Option<Seen>, Errno> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Seen::of(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Open the regular file `name` in `folder`.
pub(crate) fn file(folder: impl AsFd, name: &OsStr) -> Result<(File, Seen), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = openat2(folder, name, flags | OFlags::CLOEXEC, Mode::empty(), BENEATH)?;
    let seen = Seen::of(&rustix::fs::fstat(&opened)?);
    if seen.kind != Kind::File {
        return Err(Errno::INVAL);
    }
    Ok((File::from(opened), seen))
}

/// What a link says.
pub(crate) fn link(folder: impl AsFd, name: &OsStr) -> Result<PathBuf, Errno> {
    let text = rustix::fs::readlinkat(folder, name, Vec::new())?;
    Ok(PathBuf::from(OsString::from_vec(text.into_bytes())))
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: impl AsFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a path is one that leads to something below a root.
pub(crate) fn is_beneath(path: &Path) -> bool {
    !path.as_os_str().is_empty()
        && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// The longest path that a system call takes, with its NUL: `PATH_MAX`.
const PATH_MAX: usize = 4096;

/// Whether a path is too long for any system call.
pub(crate) fn too_long(path: &Path) -> bool {
    path.as_os_str().len() >= PATH_MAX
}

fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}
