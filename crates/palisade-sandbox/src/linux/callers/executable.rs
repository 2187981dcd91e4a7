use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    fs::{
        CWD, FileType, Mode, OFlags, Stat, StatVfsMountFlags, fstat, fstatvfs, openat, readlinkat,
    },
    io::Errno,
    time::{ClockId, clock_gettime},
};

/// A program that a process runs. Two are equal if they are the same file, unchanged, by the same path.
#[derive(Debug, Clone)]
pub struct Executable {
    path: String,
    identity: Identity,
    changeable: bool,
    regular: bool,
    file: Arc<OwnedFd>,
}

/// What tells a file, and a state of it, from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, u64),
    changed: (i64, u64),
    size: i64,
}

impl Executable {
    /// Of the process whose folder of `/proc` this is.
    ///
    /// # Errors
    /// The process is gone, has no executable, or may not be looked at.
    pub(crate) fn of(process: impl AsFd) -> Result<Self, Errno> {
        let path = readlinkat(process.as_fd(), "exe", Vec::new())?;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = openat(process.as_fd(), "exe", flags, Mode::empty())?;
        Self::opened(path.to_string_lossy().into_owned(), file)
    }

    /// Of the process of this number.
    ///
    /// # Errors
    /// As of [`Executable::of`].
    pub(crate) fn of_process(number: u32) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        Self::found(openat(CWD, format!("/proc/{number}/exe"), flags, Mode::empty())?)
    }

    /// Of a file that is open, by the path that the kernel has of it.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn found(file: OwnedFd) -> Result<Self, Errno> {
        let path = readlinkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
        Self::opened(path.to_string_lossy().into_owned(), file)
    }

    /// Of a file that is open.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn opened(path: String, file: OwnedFd) -> Result<Self, Errno> {
        let found = fstat(&file)?;
        let mount = fstatvfs(&file)?;
        Ok(Self {
            path,
            identity: Identity::of(&found),
            regular: FileType::from_raw_mode(found.st_mode) == FileType::RegularFile,
            changeable: !mount.f_flag.contains(StatVfsMountFlags::RDONLY),
            file: Arc::new(file),
        })
    }

    /// Its path in its own mount namespace, with ` (deleted)` behind it if it has none any more.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether it was started by way of a mount that can be written to.
    pub fn changeable(&self) -> bool {
        self.changeable
    }

    /// Whether it is a plain file: of nothing else it is known what reading it does.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// Whether the file is in the state still in which it was seen.
    pub fn is_unchanged(&self) -> bool {
        fstat(&*self.file).is_ok_and(|found| Identity::of(&found) == self.identity)
    }

    /// Whether a change from now on would be seen. File systems tell the time in ticks of the kernel's clock: a
    /// second change within one leaves no trace.
    pub fn is_settled(&self) -> bool {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        let (seconds, nanoseconds) = self.identity.changed;
        let changed = (seconds, i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        !self.changeable || (now.tv_sec, now.tv_nsec) > changed
    }

    /// The file, by a descriptor that cannot be read from (`O_PATH`).
    pub fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl Identity {
    fn of(found: &Stat) -> Self {
        Self {
            device: found.st_dev,
            inode: found.st_ino,
            modified: (found.st_mtime, found.st_mtime_nsec),
            changed: (found.st_ctime, found.st_ctime_nsec),
            size: found.st_size,
        }
    }

    /// Its size in bytes.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// Its inode.
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Its device and inode.
    pub fn place(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether it is the same file, changed meanwhile or not.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

impl PartialEq for Executable {
    fn eq(&self, other: &Self) -> bool {
        (self.identity, &self.path, self.changeable)
            == (other.identity, &other.path, other.changeable)
    }
}

impl Eq for Executable {}
