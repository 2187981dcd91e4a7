use rustix::io::Errno;

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
    /// What the call may as well fail with: ENOENT, ENAMETOOLONG, EFAULT; ESRCH where the thread is gone;
    /// EPERM where it may not be looked at.
    pub fn read(call: &Executes, view: &View) -> Result<Self, Errno> {
        let mut memory = Memory::of(call.thread);
        memory.expect([call.path, call.arguments]);
        let path = memory.path(call.path)?;
        let arguments = memory.arguments(call.arguments)?;
        let empty = call.flags & libc::AT_EMPTY_PATH.cast_unsigned() != 0;
        let file = match (path.is_empty(), call.folder) {
            (true, Some(descriptor)) if empty => {
                view::opened(call.thread, &format!("fd/{descriptor}")).ok()
            }
            (true, _) => return Err(Errno::NOENT),
            (false, folder) => view.file_of(call.thread, folder, &path)?,
        };
        Ok(Self { path, arguments, file })
    }
}

/// The variables that a thread gives to what it asks to become. It can still change them.
///
/// # Errors
/// See [`Attempt::read`].
pub fn environment(call: &Executes) -> Result<Arguments, Errno> {
    Memory::of(call.thread).arguments(call.environment)
}
