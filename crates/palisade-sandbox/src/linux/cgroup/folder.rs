//! One folder of a hierarchy: a group.

use data_encoding::HEXLOWER;
use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{
        AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdir, open, openat, stat,
        unlinkat,
    },
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use super::controller::{Controller, Else, Setting, Version};
use crate::{
    plan::Limits,
    step::{Step, StepError},
};

/// What every folder of ours begins with.
const PREFIX: &str = "palisade-";
/// How often a name is tried that a sweep took from under us.
const ATTEMPTS: usize = 4;
/// How long the last process may take to leave a group.
const LEAVING: Duration = Duration::from_secs(1);
/// How soon it is looked again: mostly it has left in less than a millisecond, and somebody waits for that.
const SOON: Duration = Duration::from_micros(60);
const LATE: Duration = Duration::from_millis(2);

/// A group, with the controllers that it limits by.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked for as long as somebody needs the group, if it is ours to remove.
    descriptor: OwnedFd,
    pub(super) version: Version,
    pub(super) controllers: Vec<Controller>,
    /// Whether it is still ours to remove.
    ours: AtomicBool,
}

impl Folder {
    /// Make a group below another, under a name that nobody has.
    pub(super) fn make(parent: &Path, version: Version) -> Result<Self, StepError> {
        let mut last = Errno::AGAIN;
        for _ in 0..ATTEMPTS {
            let path = parent.join(name()?);
            mkdir(&path, Mode::from_raw_mode(0o755)).step(format!("make {}", path.display()))?;
            match open_locked(&path) {
                Ok(descriptor) => {
                    let controllers = Vec::new();
                    return Ok(Self { path, descriptor, version, controllers, ours: true.into() });
                }
                // A sweep came between the two calls and has it.
                Err(errno @ (Errno::WOULDBLOCK | Errno::NOENT)) => last = errno,
                Err(errno) => {
                    unlinkat(CWD, &path, AtFlags::REMOVEDIR).unwrap_or_default();
                    return Err(errno).step(format!("lock {}", path.display()));
                }
            }
        }
        Err(last).step(format!("lock a new group in {}", parent.display()))
    }

    /// A group that somebody else made and removes.
    pub(super) fn of_another(path: PathBuf) -> Result<Self, StepError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor =
            open(&path, flags, Mode::empty()).step(format!("open {}", path.display()))?;
        let controllers = Vec::new();
        Ok(Self { path, descriptor, version: Version::Two, controllers, ours: false.into() })
    }

    /// Limit what one controller counts.
    pub(super) fn limit(
        &mut self,
        controller: Controller,
        limits: &Limits,
    ) -> Result<(), StepError> {
        for setting in controller.settings(self.version, limits) {
            self.set(&setting)?;
        }
        self.controllers.push(controller);
        Ok(())
    }

    fn set(&self, setting: &Setting) -> Result<(), StepError> {
        let step = || format!("write {} of {}", setting.file, self.path.display());
        match (self.write(setting.file, &setting.value), setting.else_) {
            (Ok(()), _) | (Err(_), Else::Pass) => Ok(()),
            (Err(Errno::INVAL), Else::AboveIsStricter) => Ok(()),
            (Err(Errno::NOENT | Errno::OPNOTSUPP), Else::FailWithSwap) if !has_swap() => Ok(()),
            (Err(errno), _) => Err(errno).step(step()),
        }
    }

    /// Write a file of the group, in one call.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), Errno> {
        rustix::io::write(self.open_to_write(file)?, text.as_bytes()).map(drop)
    }

    /// Open a file of the group for writing.
    pub(super) fn open_to_write(&self, file: &str) -> Result<OwnedFd, Errno> {
        openat(&self.descriptor, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Open a file of the group for reading.
    pub(super) fn open_to_read(&self, file: &str) -> Result<OwnedFd, Errno> {
        openat(&self.descriptor, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// The text of a file of the group; empty if it has no such file.
    pub(super) fn read(&self, file: &str) -> String {
        let Ok(descriptor) = self.open_to_read(file) else { return String::new() };
        std::io::read_to_string(fs::File::from(descriptor)).unwrap_or_default()
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Folder {
    /// Remove the group, if it is ours: once its last process has ended.
    pub(super) fn remove(&self) {
        if !self.ours.swap(false, Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        while unlinkat(CWD, &self.path, AtFlags::REMOVEDIR) == Err(Errno::BUSY)
            && start.elapsed() < LEAVING
        {
            thread::sleep((start.elapsed() / 4).clamp(SOON, LATE));
        }
        if let Some(parent) = self.path.parent() {
            sweep(parent);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Remove groups whose supervisor is gone: the kernel took its lock with it. A group that still
/// has a process cannot be removed, so nothing that lives is ever hit.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // Locked while it is removed, so that its maker does not take it for whole.
        if let Ok(_locked) = open_locked(&entry.path()) {
            unlinkat(CWD, entry.path(), AtFlags::REMOVEDIR).unwrap_or_default();
        }
    }
}

fn open_locked(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let descriptor = open(path, flags, Mode::empty())?;
    flock(&descriptor, FlockOperation::NonBlockingLockExclusive)?;
    // Whoever had the lock a moment ago may have removed it.
    let (locked, there) = (fstat(&descriptor)?, stat(path)?);
    if locked.st_ino != there.st_ino {
        return Err(Errno::NOENT);
    }
    Ok(descriptor)
}

fn name() -> Result<String, StepError> {
    let mut bits = [0_u8; 8];
    getrandom(&mut bits, GetRandomFlags::empty()).step("name a control group")?;
    Ok(format!("{PREFIX}{}", HEXLOWER.encode(&bits)))
}

fn has_swap() -> bool {
    rustix::system::sysinfo().totalswap > 0
}
