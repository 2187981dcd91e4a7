use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
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

use super::{fixed::Fixed, way};
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
    fixed: Fixed,
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
        Ok(Self { root, fixed: Fixed::default() })
    }

    /// A tree that begins at this folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn at(folder: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, folder, flags, Mode::empty())?;
        Ok(Self { root, fixed: Fixed::default() })
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
        Executable::found(file)
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

    /// What is at an absolute path inside, never through a link, to be named and not read.
    ///
    /// # Errors
    /// As of `openat2(2)`.
    pub fn object(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        openat2(self.root.as_fd(), path, flags, Mode::empty(), resolve)
    }

    /// A folder at an absolute path inside, never through a link, to be listed.
    ///
    /// # Errors
    /// As of `openat2(2)`.
    pub fn folder(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        openat2(self.root.as_fd(), path, flags, Mode::empty(), resolve)
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

    /// The file that a thread means by a path that it will open itself. `None`: there surely is none.
    ///
    /// # Errors
    /// It cannot be told from outside: the way goes by `/proc`, or from a folder that has no path. What is to be refused by its
    /// file must not be let go then.
    pub fn surely(&self, thread: u32, path: &[u8]) -> Result<Option<Executable>, Errno> {
        if path.is_empty() {
            return Ok(None);
        }
        if let Some(descriptor) = by_descriptor(path) {
            return opened(thread, &descriptor).map(Some);
        }
        let whole = match in_descriptor(path) {
            Some((folder, rest)) => self.from(thread, Some(folder), rest)?,
            None if path.starts_with(b"/") => path.to_vec(),
            None => self.from(thread, None, path)?,
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        // Where no link is on the way, what is not there is not there for anybody.
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        let way = OsStr::from_bytes(&whole);
        match openat2(self.root.as_fd(), way, flags, Mode::empty(), resolve) {
            Ok(file) => Executable::found(file).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(_) => self.file(&whole).map(Some),
        }
    }

    /// What a thread that is stopped means by a path, also where the way goes by `/proc`. What it means at another time may be
    /// another file.
    ///
    /// # Errors
    /// There is none, or it cannot be told.
    pub fn meant(&self, thread: u32, path: &[u8]) -> Result<Executable, Errno> {
        match self.surely(thread, path) {
            Ok(found) => found.ok_or(Errno::NOENT),
            Err(_) => Executable::found(way::go(&self.root, thread, path)?),
        }
    }

    /// A path from a folder of a thread's, if the path that the kernel has of the folder leads there.
    fn from(&self, thread: u32, folder: Option<i32>, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut whole = start(thread, folder)?;
        let theirs = opened(thread, &link_of(folder))?;
        if !self.file(&whole)?.identity().is_same_file(&theirs.identity()) {
            return Err(Errno::XDEV);
        }
        whole.push(b'/');
        whole.extend_from_slice(path);
        Ok(whole)
    }

    /// What a path has led to was not what was executed by it: look anew the next time.
    pub fn forget(&self, path: &[u8]) {
        self.fixed.forget(path);
    }

    /// The file that a thread means by a path: in its folder, or in the one of this descriptor. `None`: that cannot be
    /// told from outside, or there is none.
    pub(super) fn file_of(
        &self,
        thread: u32,
        folder: Option<i32>,
        path: &[u8],
    ) -> Result<Option<Executable>, Errno> {
        if let Some(descriptor) = by_descriptor(path) {
            return Ok(opened(thread, &descriptor).ok());
        }
        if path.starts_with(b"/") {
            if path.starts_with(b"/proc/") || path.starts_with(b"/dev/fd/") {
                return Ok(None);
            }
            if let Some(file) = self.fixed.get(path) {
                return Ok(Some(file));
            }
            return match self.file(path) {
                Err(errno @ (Errno::NOENT | Errno::NOTDIR)) if self.is_missing(path) => Err(errno),
                Err(_) => Ok(None),
                Ok(file) => {
                    self.fixed.keep(self.root.as_fd(), path, &file);
                    Ok(Some(file))
                }
            };
        }
        let Ok(mut whole) = start(thread, folder) else { return Ok(None) };
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

/// `/dev/fd/7/rest`: as the kernel calls what was executed in a folder that the process has open.
fn in_descriptor(path: &[u8]) -> Option<(i32, &[u8])> {
    let path = path.strip_prefix(b"/dev/fd/")?;
    let end = path.iter().position(|byte| *byte == b'/')?;
    let (number, rest) = path.split_at_checked(end)?;
    let plain = number.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(number).ok().filter(|_| plain)?.parse().ok()?;
    Some((number, rest.get(1..)?))
}

/// Where a path of a thread begins that is not absolute: its folder, or the one of this descriptor.
pub(super) fn start(thread: u32, folder: Option<i32>) -> Result<Vec<u8>, Errno> {
    let link = link_of(folder);
    Ok(readlinkat(CWD, format!("/proc/{thread}/{link}"), Vec::new())?.into_bytes())
}

fn link_of(folder: Option<i32>) -> String {
    match folder {
        Some(descriptor) if descriptor != libc::AT_FDCWD => format!("fd/{descriptor}"),
        _ => "cwd".to_owned(),
    }
}

/// What a thread has open under this name in its folder of `/proc`, such as `cwd` or `fd/0`.
///
/// # Errors
/// It has nothing there, or is gone.
pub fn opened_by(thread: u32, link: &str) -> Result<Executable, Errno> {
    opened(thread, link)
}

/// What a thread has open.
pub(super) fn opened(thread: u32, link: &str) -> Result<Executable, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    Executable::found(openat(CWD, format!("/proc/{thread}/{link}"), flags, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::{fd::AsRawFd, unix::fs::symlink},
    };

    use super::*;

    #[test]
    fn a_file_is_told_for_sure_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir(at("proc")).unwrap();
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("bin/tool"), "tool").unwrap();
        symlink("/bin/tool", at("link")).unwrap();
        symlink("/nowhere", at("dangling")).unwrap();
        symlink("/proc/self/root", at("way")).unwrap();
        let view = View::at(folder.path()).unwrap();
        let thread = std::process::id();
        let surely = |path: &str| view.surely(thread, path.as_bytes());
        let found = |path: &str| surely(path).map(|file| file.is_some());
        for path in ["/bin/tool", "/link", "/bin/../bin//tool"] {
            assert_eq!(found(path), Ok(true), "{path}");
        }
        for path in ["", "/bin/no", "/bin/tool/x", "/no/tool"] {
            assert_eq!(found(path), Ok(false), "{path}");
        }
        for path in ["/way/bin/tool", "/dangling", "/dev/fd/9999/y"] {
            assert!(found(path).is_err(), "{path}");
        }
        // The folder of this process lies elsewhere in that tree.
        assert!(found("tool").is_err());
        let open = fs::File::open(at("bin/tool")).unwrap();
        assert_eq!(found(&format!("/proc/self/fd/{}", open.as_raw_fd())), Ok(true));
        let here = View::at(Path::new("/")).unwrap();
        assert!(here.surely(thread, b"Cargo.toml").unwrap().is_some());
        assert!(here.surely(thread, b"no").unwrap().is_none());
        let bin = fs::File::open(at("bin")).unwrap();
        let path = format!("/dev/fd/{}/tool", bin.as_raw_fd());
        assert!(here.surely(thread, path.as_bytes()).unwrap().is_some());
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(here.surely(thread, path.as_bytes()).is_err());
    }
}
