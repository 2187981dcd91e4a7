use std::fmt;

use rustix::fs::{FileType, Stat};

/// What something is, by its name in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// overlayfs' mark for what is deleted: a character device 0:0.
    Whiteout,
    Pipe,
    Socket,
    Device,
}

/// A moment of a file system's clock.
type Moment = (i64, i64);

/// What was seen of a file, enough to see that it is another one or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// Permission bits, and those for set-id and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) inode: u64,
    /// Names that the file has.
    pub(crate) links: u64,
    pub(crate) size: u64,
    /// 512-byte blocks on the disk.
    pub(crate) blocks: u64,
    pub(crate) modified: Moment,
    /// Of content or of attributes, by the kernel: nobody can set it.
    pub(crate) changed: Moment,
}

impl Seen {
    #[allow(clippy::useless_conversion, reason = "the width differs between architectures")]
    pub(crate) fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            FileType::CharacterDevice if stat.st_rdev == 0 => Kind::Whiteout,
            _ => Kind::Device,
        };
        let moment = |seconds: i64, nanoseconds: u64| {
            (seconds, i64::try_from(nanoseconds).unwrap_or_default())
        };
        Self {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            inode: stat.st_ino,
            #[allow(clippy::useless_conversion, reason = "narrower on other architectures")]
            links: u64::from(stat.st_nlink),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            blocks: u64::try_from(stat.st_blocks).unwrap_or_default(),
            modified: moment(stat.st_mtime, stat.st_mtime_nsec),
            changed: moment(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether it is the same file, and nothing was done to it in between. A folder is changed by
    /// whatever is done in it, so of a folder only what it is counts. A file with several names is
    /// changed when one of the others is removed, so there its content's time has to do.
    pub(crate) fn same_as(&self, other: &Seen) -> bool {
        let identity = |seen: &Seen| (seen.kind, seen.inode, seen.mode);
        let content = |seen: &Seen| (seen.size, seen.modified);
        identity(self) == identity(other)
            && (self.kind == Kind::Folder
                || (content(self) == content(other)
                    && (self.links > 1 || self.changed == other.changed)))
    }

    /// What may be given to a file of the host: no set-id, no sticky bit.
    pub(crate) fn permissions(&self) -> u32 {
        self.mode & 0o777
    }

    /// Whether it is a program that would run with its owner's or its group's rights.
    pub(crate) fn is_set_id(&self) -> bool {
        self.kind == Kind::File && self.mode & 0o6000 != 0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::File => "a file",
            Kind::Folder => "a folder",
            Kind::Link => "a link",
            Kind::Whiteout => "a deletion",
            Kind::Pipe => "a pipe",
            Kind::Socket => "a socket",
            Kind::Device => "a device",
        })
    }
}
