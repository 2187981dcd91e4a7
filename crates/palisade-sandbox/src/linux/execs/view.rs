use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat, openat2},
    io::Errno,
    process::Pid,
};

use crate::{
    linux::callers::Executable,
    step::{Step, StepError},
};

/// The tree of files inside, as those inside see it.
#[derive(Debug)]
pub struct View {
    root: OwnedFd,
}

impl View {
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

    /// The file that an absolute path leads to inside. `Executable::path` is the path as it was given.
    ///
    /// # Errors
    /// As of `openat2(2)`. A way by `/proc` leads nowhere: there it depends on who goes it.
    pub fn file(&self, path: &[u8]) -> Result<Executable, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = openat2(self.root.as_fd(), OsStr::from_bytes(path), flags, Mode::empty(), resolve)?;
        Executable::opened(String::from_utf8_lossy(path).into_owned(), file)
    }

    /// The names in a folder, at most so many.
    ///
    /// # Errors
    /// As of `openat2(2)`, and of reading it.
    pub fn names(&self, folder: &Path, most: usize) -> Result<Vec<Vec<u8>>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let folder = openat2(self.root.as_fd(), folder, flags, Mode::empty(), resolve)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder)?.take(most) {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        Ok(names)
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
                self.file(path).map(Some)
            };
        }
        let link = match folder {
            Some(descriptor) if descriptor != libc::AT_FDCWD => format!("fd/{descriptor}"),
            _ => "cwd".to_owned(),
        };
        let Ok(start) = rustix::fs::readlinkat(process, link, Vec::new()) else { return Ok(None) };
        let mut whole = start.into_bytes();
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

/// What a process has open, or runs.
pub(super) fn opened(process: BorrowedFd<'_>, link: &str) -> Result<Executable, Errno> {
    let path = rustix::fs::readlinkat(process, link, Vec::new())?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let file = openat(process, link, flags, Mode::empty())?;
    Executable::opened(path.to_string_lossy().into_owned(), file)
}
