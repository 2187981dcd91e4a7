use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
};

use super::{Arguments, View, memory::Memory, view};
use crate::linux::{callers::Executable, seccomp::Executes};

/// What a thread asks to become. It can still change that.
#[derive(Debug)]
pub struct Attempt {
    /// The path that it gives; empty where it gives a descriptor alone.
    pub path: Vec<u8>,
    /// The arguments that it gives.
    pub arguments: Arguments,
    /// The file that the path leads to now, as far as that can be told.
    pub file: Option<Executable>,
}

impl Attempt {
    /// Read it while it waits.
    ///
    /// # Errors
    /// What the call may as well fail with: ENOENT, ENAMETOOLONG, EFAULT (as EIO); ESRCH where the thread is gone;
    /// EACCES and EPERM where it may not be looked at.
    pub fn read(call: &Executes, view: &View) -> Result<Self, Errno> {
        let process = folder_of(call.thread)?;
        let mut memory = Memory::of(&process)?;
        let path = memory.path(call.path)?;
        let arguments = memory.arguments(call.arguments)?;
        let empty = call.flags & libc::AT_EMPTY_PATH.cast_unsigned() != 0;
        let file = match (path.is_empty(), call.folder) {
            (true, Some(descriptor)) if empty => {
                view::opened(process.as_fd(), &format!("fd/{descriptor}")).ok()
            }
            (true, _) => return Err(Errno::NOENT),
            (false, folder) => view.file_of(process.as_fd(), folder, &path)?,
        };
        Ok(Self { path, arguments, file })
    }
}

/// The variables that a thread gives to what it asks to become. It can still change them.
///
/// # Errors
/// See [`Attempt::read`].
pub fn environment(call: &Executes) -> Result<Arguments, Errno> {
    Memory::of(folder_of(call.thread)?)?.arguments(call.environment)
}

/// A thread's folder of `/proc`.
pub(super) fn folder_of(thread: u32) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, format!("/proc/{thread}"), flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT => Errno::SRCH,
        other => other,
    })
}
