use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    fs::{FileType, Mode, OFlags, StatVfsMountFlags, fstat, fstatvfs, openat, readlinkat},
    io::Errno,
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

    /// Of a file that is open.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn opened(path: String, file: OwnedFd) -> Result<Self, Errno> {
        let found = fstat(&file)?;
        let mount = fstatvfs(&file)?;
        Ok(Self {
            path,
            identity: Identity {
                device: found.st_dev,
                inode: found.st_ino,
                modified: (found.st_mtime, found.st_mtime_nsec),
                changed: (found.st_ctime, found.st_ctime_nsec),
                size: found.st_size,
            },
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

    /// The file, by a descriptor that cannot be read from (`O_PATH`).
    pub fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl Identity {
    /// Its size in bytes.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// Its inode.
    pub fn inode(&self) -> u64 {
        self.inode
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
