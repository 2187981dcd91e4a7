//! Folders in which names that appear are told of, by `inotify(7)`.

use std::{
    collections::HashMap,
    ffi::OsStr,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};

/// Watched folders, each by the path that it was last seen at.
#[derive(Debug)]
pub(super) struct Watches {
    notices: OwnedFd,
    folders: HashMap<i32, PathBuf>,
}

/// What the kernel tells.
#[derive(Debug)]
pub(super) enum Seen {
    /// This name is new in a folder, or is of something else now.
    Name {
        /// Its path.
        path: PathBuf,
        /// Whether it is a folder.
        folder: bool,
    },
    /// More happened than the kernel keeps. Whatever is watched may have changed.
    Lost,
}

impl Watches {
    /// None yet.
    ///
    /// # Errors
    /// `EMFILE`: this user has `fs.inotify.max_user_instances` of them already.
    pub(super) fn new() -> Result<Self, Errno> {
        let notices = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self { notices, folders: HashMap::new() })
    }

    /// Watch a folder, which was opened at `path`. One that is watched is known by this path from now on.
    /// Returns its number.
    ///
    /// # Errors
    /// `ENOSPC`: this user has `fs.inotify.max_user_watches` of them already.
    pub(super) fn add(&mut self, path: &Path, opened: &OwnedFd) -> Result<i32, Errno> {
        // By the descriptor: the name may mean another one by now.
        let by = format!("/proc/self/fd/{}", opened.as_raw_fd());
        let what = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let number = inotify::add_watch(&self.notices, by, what)?;
        self.folders.insert(number, path.to_owned());
        Ok(number)
    }

    /// How many folders are watched.
    pub(super) fn len(&self) -> usize {
        self.folders.len()
    }

    /// Watch it no longer, unless it is known by another path by now.
    pub(super) fn remove(&mut self, number: i32, path: &Path) {
        if self.folders.get(&number).is_some_and(|known| known != path) {
            return;
        }
        // A folder that is gone has none any more.
        inotify::remove_watch(&self.notices, number).unwrap_or_default();
        self.folders.remove(&number);
    }

    /// What was told since the last look, in its order.
    pub(super) fn taken(&mut self) -> Vec<Seen> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = Reader::new(self.notices.as_fd(), &mut buffer);
        let mut all = Vec::new();
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => {
                    all.push(Seen::Lost);
                }
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {
                    self.folders.remove(&event.wd());
                }
                Ok(event) => {
                    let Some(folder) = self.folders.get(&event.wd()) else { continue };
                    let Some(name) = event.file_name() else { continue };
                    let path = folder.join(OsStr::from_bytes(name.to_bytes()));
                    let folder = event.events().contains(ReadFlags::ISDIR);
                    all.push(Seen::Name { path, folder });
                }
                Err(Errno::INTR) => {}
                // There is nothing more.
                Err(_) => return all,
            }
            if reader.is_buffer_empty() && all.len() >= AT_ONCE {
                return all;
            }
        }
    }
}

/// So many are taken before they are looked at.
const AT_ONCE: usize = 256;

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.notices.as_fd()
    }
}
