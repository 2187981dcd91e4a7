use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstatvfs, openat2},
    io::Errno,
};

use super::{View, memory::Memory, view};
use crate::linux::seccomp::{NamedPath, Want};

/// What a path is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// There is nothing.
    Missing,
    /// It is there, on a mount that is read-only.
    ReadOnly,
    /// It is there, on a mount that may be written.
    Writable,
}

/// A path that a thread has named, and what for. It is told by what the thread had in its memory at that moment: good
/// to learn from, and not to decide by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// From the root of the sandbox, without `.` and `..`, which are taken away as text.
    pub path: PathBuf,
    /// Whether it was to be made, changed or removed.
    pub write: bool,
}

impl Wanted {
    /// Read it while the thread waits.
    ///
    /// # Errors
    /// It cannot be read, or is no path.
    pub fn read(thread: u32, named: &NamedPath) -> Result<Self, Errno> {
        let mut memory = Memory::of(thread);
        let bytes = memory.path(named.path)?;
        if bytes.is_empty() {
            return Err(Errno::NOENT);
        }
        let flags = match named.want {
            Want::Read => 0,
            Want::Write => libc::O_WRONLY.cast_unsigned(),
            Want::Flags(flags) => flags,
            Want::FlagsAt(how) => {
                u32::try_from(memory.word(how)? & 0xffff_ffff).unwrap_or_default()
            }
        };
        let mut path = PathBuf::new();
        if !bytes.starts_with(b"/") {
            let start = view::start(thread, named.folder)?;
            if !start.starts_with(b"/") {
                return Err(Errno::NOTDIR);
            }
            path.push(OsString::from_vec(start));
        }
        path.push(OsString::from_vec(bytes));
        Ok(Self { path: plain(&path), write: writes(flags) })
    }
}

/// Whether an open with these flags can change something.
fn writes(flags: u32) -> bool {
    let flags = flags.cast_signed();
    if flags & libc::O_PATH != 0 {
        return false;
    }
    flags & libc::O_ACCMODE != libc::O_RDONLY || flags & (libc::O_CREAT | libc::O_TRUNC) != 0
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => found.push(name),
            Component::ParentDir => {
                found.pop();
            }
            _ => {}
        }
    }
    found
}

impl View {
    /// What is at this absolute path inside.
    pub fn shown(&self, path: &Path) -> Shown {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let Ok(file) = openat2(self.root(), path, flags, Mode::empty(), resolve) else {
            return Shown::Missing;
        };
        match fstatvfs(&file) {
            Ok(found) if !found.f_flag.contains(StatVfsMountFlags::RDONLY) => Shown::Writable,
            _ => Shown::ReadOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_as_the_kernel_would() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        let address = |text: &[u8]| text.as_ptr().addr() as u64;
        let text = b"/a/./b/../c\0";
        let named = NamedPath { folder: None, path: address(text), want: Want::Read };
        let wanted = Wanted::read(thread, &named).unwrap();
        assert_eq!(wanted, Wanted { path: "/a/c".into(), write: false });
        let text = b"made\0";
        let how = [u64::from(libc::O_CREAT.cast_unsigned()), 0, 0];
        let want = Want::FlagsAt(how.as_ptr().addr() as u64);
        let named = NamedPath { folder: Some(libc::AT_FDCWD), path: address(text), want };
        let wanted = Wanted::read(thread, &named).unwrap();
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(wanted, Wanted { path: here.join("made"), write: true });
        let named = NamedPath { folder: None, path: 16, want: Want::Read };
        assert!(Wanted::read(thread, &named).is_err());
    }

    #[test]
    fn an_open_writes_by_its_flags() {
        let writing = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC | libc::O_RDWR];
        assert!(writing.iter().all(|flags| writes(flags.cast_unsigned())));
        let reading = [0, libc::O_DIRECTORY, libc::O_PATH | libc::O_RDWR];
        assert!(reading.iter().all(|flags| !writes(flags.cast_unsigned())));
    }
}
