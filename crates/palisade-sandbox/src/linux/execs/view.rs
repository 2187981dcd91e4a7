use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{
        CWD, Dir, FileType, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstat, fstatvfs, openat,
        openat2, readlinkat,
    },
    io::Errno,
    process::Pid,
};

use super::attempt::folder_of;
use crate::{
    linux::callers::Executable,
    step::{Step, StepError},
};

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: Vec<u8>,
    /// The inode that it is of.
    pub inode: u64,
    /// Whether that is a symbolic link.
    pub is_link: bool,
}

/// The tree of files inside, as those inside see it.
#[derive(Debug)]
pub struct View {
    root: OwnedFd,
}

impl View {
    /// Its root.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Of the sandbox with this init, before its agent runs.
    pub(crate) fn of(init: Pid) -> Result<Self, StepError> {
        let path = format!("/proc/{}/root", init.as_raw_nonzero());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, path, flags, Mode::empty()).step("open the sandbox's root")?;
        Ok(Self { root })
    }

    /// A tree that begins at this folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn at(folder: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: openat(CWD, folder, flags, Mode::empty())? })
    }

    /// The file that an absolute path leads to inside, by its path without links.
    ///
    /// # Errors
    /// As of `openat2(2)`. A way by `/proc` leads nowhere: there it depends on who goes it.
    pub fn file(&self, path: &[u8]) -> Result<Executable, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file =
            openat2(self.root.as_fd(), OsStr::from_bytes(path), flags, Mode::empty(), resolve)?;
        let real = readlinkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
        Executable::opened(real.to_string_lossy().into_owned(), file)
    }

    /// The regular file at an absolute path inside, never through a link, to be named and not read.
    ///
    /// # Errors
    /// As of `openat2(2)`; `EINVAL` if it is no regular file.
    pub fn named(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        let file = openat2(self.root.as_fd(), path, flags, Mode::empty(), resolve)?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }

    /// Whether there is nothing of this absolute path, not even a link that leads nowhere from outside.
    fn is_missing(&self, path: &[u8]) -> bool {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let found =
            openat2(self.root.as_fd(), OsStr::from_bytes(path), flags, Mode::empty(), resolve);
        matches!(found, Err(Errno::NOENT | Errno::NOTDIR))
    }

    /// What is in a folder that cannot be changed inside, at most so much. In another one there is nothing.
    ///
    /// # Errors
    /// As of `openat2(2)`, and of reading it.
    pub fn names(&self, folder: &Path, most: usize) -> Result<Vec<Named>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let folder = openat2(self.root.as_fd(), folder, flags, Mode::empty(), resolve)?;
        if !fstatvfs(&folder)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder)?.take(most) {
            let entry = entry?;
            names.push(Named {
                name: entry.file_name().to_bytes().to_vec(),
                inode: entry.ino(),
                is_link: entry.file_type() == FileType::Symlink,
            });
        }
        Ok(names)
    }

    /// The files that a thread means by these paths, as far as that can be told. Each has the place of its path.
    pub fn files_of(&self, thread: u32, paths: &[Vec<u8>]) -> Vec<(usize, Executable)> {
        let Ok(process) = folder_of(thread) else { return Vec::new() };
        let paths = paths.iter().enumerate().filter(|(_, path)| !path.is_empty());
        let files = paths.filter_map(|(at, path)| {
            Some((at, self.file_of(process.as_fd(), None, path).ok().flatten()?))
        });
        files.collect()
    }

    /// The file that a process means by a path: in its folder, or in the one of this descriptor. `None`: that cannot be
    /// told from outside, or there is none.
    pub(super) fn file_of(
        &self,
        process: BorrowedFd<'_>,
        folder: Option<i32>,
        path: &[u8],
    ) -> Result<Option<Executable>, Errno> {
        if let Some(descriptor) = by_descriptor(path) {
            return Ok(opened(process, &descriptor).ok());
        }
        if path.starts_with(b"/") {
            return if path.starts_with(b"/proc/") || path.starts_with(b"/dev/fd/") {
                Ok(None)
            } else {
                match self.file(path) {
                    Err(errno @ (Errno::NOENT | Errno::NOTDIR)) if self.is_missing(path) => {
                        Err(errno)
                    }
                    found => Ok(found.ok()),
                }
            };
        }
        let Ok(mut whole) = start(process, folder) else { return Ok(None) };
        whole.push(b'/');
        whole.extend_from_slice(path);
        Ok(self.file(&whole).ok())
    }
}

/// `/dev/fd/7`, `/proc/self/fd/7`: a file that the process has open.
fn by_descriptor(path: &[u8]) -> Option<String> {
    let number = path.strip_prefix(b"/dev/fd/").or_else(|| path.strip_prefix(b"/proc/self/fd/"))?;
    let plain = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    plain.then(|| format!("fd/{}", String::from_utf8_lossy(number)))
}

/// Where a path of a process begins that is not absolute: its folder, or the one of this descriptor.
pub(super) fn start(process: BorrowedFd<'_>, folder: Option<i32>) -> Result<Vec<u8>, Errno> {
    let link = match folder {
        Some(descriptor) if descriptor != libc::AT_FDCWD => format!("fd/{descriptor}"),
        _ => "cwd".to_owned(),
    };
    Ok(readlinkat(process, link, Vec::new())?.into_bytes())
}

/// What a process has open, or runs.
pub(super) fn opened(process: BorrowedFd<'_>, link: &str) -> Result<Executable, Errno> {
    let path = readlinkat(process, link, Vec::new())?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let file = openat(process, link, flags, Mode::empty())?;
    Executable::opened(path.to_string_lossy().into_owned(), file)
}
