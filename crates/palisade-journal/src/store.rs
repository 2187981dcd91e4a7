//! The folders and files of a journal, always by descriptor and never through a link.

use std::{
    fs::DirBuilder,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use rustix::{
    fs::{self, AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, Stat},
    io::Errno,
    process::geteuid,
};

use crate::{JournalError, disk};

/// The segment that a session begins with. It goes on in the next one when the last is compressed or has gaps.
pub(crate) const FIRST_SEGMENT: &str = "000001.jsonl";
pub(crate) const LEDGER: &str = "ledger.jsonl";

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const APPEND: OFlags = OFlags::RDWR
    .union(OFlags::APPEND)
    .union(OFlags::CREATE)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Where the journal lies under a state folder.
pub fn journal_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("journal")
}

/// A folder of the journal, held open, with its path for messages.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// The state folder, made if missing.
    pub(crate) fn state(state_dir: &Path) -> Result<Self, JournalError> {
        let state = match fs::openat(CWD, state_dir, FOLDER - OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => {
                DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(|e| {
                    let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
                    JournalError::Io { step: "make", path: state_dir.into(), errno }
                })?;
                fs::openat(CWD, state_dir, FOLDER - OFlags::NOFOLLOW, Mode::empty())
                    .map_err(io("open", state_dir))?
            }
            Err(errno) => return Err(io("open", state_dir)(errno)),
        };
        let stat = fs::fstat(&state).map_err(io("look at", state_dir))?;
        // Root may own it, for it can do everything anyway.
        if ![geteuid().as_raw(), 0].contains(&stat.st_uid) {
            return Err(JournalError::NotYours { path: state_dir.into(), owner: stat.st_uid });
        }
        // Who can write it can put another journal and its keys in the place of ours.
        let mode = stat.st_mode & 0o7777;
        if mode & 0o1002 == 0o002 && stat.st_uid == geteuid().as_raw() {
            fs::fchmod(&state, Mode::from_raw_mode(mode & !0o022))
                .map_err(io("make private", state_dir))?;
        }
        Ok(Folder { fd: state, path: state_dir.into() })
    }

    /// The same folder once more.
    pub(crate) fn again(&self) -> Result<Self, JournalError> {
        let fd = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0).map_err(io("open", &self.path))?;
        Ok(Self { fd, path: self.path.clone() })
    }

    /// The journal's folder under the state folder, made if missing, private to us.
    pub(crate) fn journal(&self) -> Result<Self, JournalError> {
        self.subfolder("journal")
    }

    /// A journal's folder, to read.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let fd = fs::openat(CWD, path, FOLDER - OFlags::NOFOLLOW, Mode::empty())
            .map_err(io("open", path))?;
        Ok(Self { fd, path: path.into() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A session's folder, made if missing, private to us.
    pub(crate) fn session(&self, session: &SessionId) -> Result<Self, JournalError> {
        self.subfolder(session.as_str())
    }

    /// A session's folder, to read.
    pub(crate) fn existing(&self, name: &str) -> Result<Self, JournalError> {
        let path = self.path.join(name);
        let fd = fs::openat(&self.fd, name, FOLDER, Mode::empty())
            .map_err(io("open", path.as_path()))?;
        Ok(Self { fd, path })
    }

    fn subfolder(&self, name: &str) -> Result<Self, JournalError> {
        let path = self.path.join(name);
        match fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(io("make", &path)(errno)),
        }
        let fd = fs::openat(&self.fd, name, FOLDER, Mode::empty()).map_err(io("open", &path))?;
        let stat = fs::fstat(&fd).map_err(io("look at", &path))?;
        private(&fd, &stat, &path, 0o700)?;
        Ok(Self { fd, path })
    }

    /// Open a file to append, made if missing, private to us. The size comes with it.
    pub(crate) fn append(&self, name: &str) -> Result<(OwnedFd, u64), JournalError> {
        let path = self.path.join(name);
        let fd = fs::openat(&self.fd, name, APPEND, Mode::from_raw_mode(0o600))
            .map_err(io("open", &path))?;
        let stat = regular(&fd, &path)?;
        private(&fd, &stat, &path, 0o600)?;
        Ok((fd, size(&stat)))
    }

    /// Open a file to read and to write in place, made if missing, private to us. The size comes with it.
    pub(crate) fn keep(&self, name: &str) -> Result<(OwnedFd, u64), JournalError> {
        let path = self.path.join(name);
        let fd = fs::openat(&self.fd, name, APPEND - OFlags::APPEND, Mode::from_raw_mode(0o600))
            .map_err(io("open", &path))?;
        let stat = regular(&fd, &path)?;
        private(&fd, &stat, &path, 0o600)?;
        Ok((fd, size(&stat)))
    }

    /// Make a file anew, private to us; what has its name is removed.
    pub(crate) fn make(&self, name: &str) -> Result<std::fs::File, JournalError> {
        let path = self.path.join(name);
        self.remove(name)?;
        let flags = (APPEND - OFlags::APPEND) | OFlags::EXCL;
        let fd = fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o600))
            .map_err(io("make", &path))?;
        Ok(fd.into())
    }

    /// Let a file take another's name, and its place if it is there.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), JournalError> {
        disk::rename(&self.fd, &self.path, from, to)
    }

    /// Remove a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), JournalError> {
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(io("remove", &self.path.join(name))(errno)),
        }
    }

    /// Open a file to read; `None` when there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<OwnedFd>, JournalError> {
        let path = self.path.join(name);
        match fs::openat(&self.fd, name, READ, Mode::empty()) {
            Ok(fd) => {
                regular(&fd, &path)?;
                Ok(Some(fd))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(io("open", &path)(errno)),
        }
    }

    /// The names of all entries, sorted. Names that are not UTF-8 are escaped, and so match no
    /// session.
    pub(crate) fn names(&self) -> Result<Vec<String>, JournalError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(io("list", &self.path))? {
            let entry = entry.map_err(io("list", &self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The names of a session's segments, in order.
    pub(crate) fn segments(&self) -> Result<Vec<String>, JournalError> {
        let mut names = self.names()?;
        names.retain(|name| number(name).is_some());
        // Of one that was being compressed at a crash the compressed one is whole, and sorts behind.
        let mut one_of_each: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            if one_of_each.last().is_some_and(|last| number(last) == number(&name)) {
                one_of_each.pop();
            }
            one_of_each.push(name);
        }
        Ok(one_of_each)
    }

    /// When an entry's content last changed, in seconds and nanoseconds, and its size.
    pub(crate) fn changed(&self, name: &str) -> Result<((i64, u32), u64), JournalError> {
        let path = self.path.join(name);
        let stat =
            fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io("look at", &path))?;
        Ok(((stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)), size(&stat)))
    }

    /// Which file an entry is, when its content last changed, in seconds and nanoseconds, and its size.
    pub(crate) fn look(&self, name: &str) -> Result<(u64, (i64, u32), u64), JournalError> {
        let path = self.path.join(name);
        let stat =
            fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io("look at", &path))?;
        let modified = (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0));
        Ok((stat.st_ino, modified, size(&stat)))
    }

    /// Put the folder's own entries on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        disk::sync_folder(&self.fd, &self.path)
    }

    /// Put a file's content on the disk.
    pub(crate) fn sync_file(&self, name: &str) -> Result<(), JournalError> {
        match self.read(name)? {
            Some(fd) => disk::sync_data(fd, &self.path.join(name)),
            None => Err(io("sync", &self.path.join(name))(Errno::NOENT)),
        }
    }
}

/// What follows a segment's digits, and what follows that if it is compressed.
pub(crate) const SEGMENT: &str = ".jsonl";
pub(crate) const PACKED: &str = ".zst";

/// The digits of a segment's name.
pub(crate) fn number(name: &str) -> Option<&str> {
    let digits = name.strip_suffix(PACKED).unwrap_or(name).strip_suffix(SEGMENT)?;
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The name of the segment behind this one.
pub(crate) fn following(name: &str) -> Option<String> {
    let next = number(name)?.parse::<u32>().ok()?.checked_add(1).filter(|n| *n <= 999_999)?;
    Some(format!("{next:06}{SEGMENT}"))
}

/// Whether some process holds the writer's lock on this file.
pub(crate) fn is_live(file: impl AsFd) -> bool {
    match fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            // A lock that cannot be given back goes with the descriptor.
            fs::flock(&file, FlockOperation::Unlock).ok();
            false
        }
        Err(_) => true,
    }
}

pub(crate) fn io(step: &'static str, path: &Path) -> impl FnOnce(Errno) -> JournalError {
    move |errno| JournalError::Io { step, path: path.into(), errno }
}

pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

fn regular(fd: &OwnedFd, path: &Path) -> Result<Stat, JournalError> {
    let stat = fs::fstat(fd).map_err(io("look at", path))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        Ok(stat)
    } else {
        Err(JournalError::Untrusted { path: path.into(), why: "it is not a regular file" })
    }
}

/// Ours, and nobody else's to read or write.
fn private(fd: &OwnedFd, stat: &Stat, path: &Path, mode: u32) -> Result<(), JournalError> {
    if stat.st_uid != geteuid().as_raw() {
        return Err(JournalError::Untrusted { path: path.into(), why: "another user owns it" });
    }
    if stat.st_mode & 0o077 != 0 {
        fs::fchmod(fd, Mode::from_raw_mode(mode)).map_err(io("make private", path))?;
    }
    Ok(())
}
