//! `clone3(2)`, `_exit(2)` and closing of descriptors.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::{io::Errno, process::Pid};

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Forked {
    /// The caller; `pidfd` names the child whatever happens to its number.
    Parent {
        /// The child's process id, as the caller's pid namespace counts.
        pid: Pid,
        /// A descriptor of the child.
        pidfd: OwnedFd,
    },
    /// The new process.
    Child,
}

/// `CLONE_INTO_CGROUP` of `linux/sched.h`.
const INTO_CGROUP: u64 = 0x2_0000_0000;

/// Fork, with the child in new namespaces (`CLONE_NEW*` flags; 0 for a plain fork).
///
/// As [`fork_into_group`], into the caller's own group.
///
/// # Errors
/// What `clone3(2)` says; EPERM where user namespaces are closed.
pub fn fork_into(namespaces: u64) -> Result<Forked, Errno> {
    fork_into_group(namespaces, None)
}

/// Fork, with the child in new namespaces and, from its first moment, in this control group of
/// version 2.
///
/// The caller must have no other threads: the child goes on with whatever locks they held. The
/// supervisor forks before it starts any.
///
/// # Errors
/// What `clone3(2)` says; EPERM where user namespaces are closed, EBUSY for a group that may
/// have no processes.
pub fn fork_into_group(namespaces: u64, group: Option<BorrowedFd<'_>>) -> Result<Forked, Errno> {
    let mut pidfd: i32 = -1;
    let pidfd_at: *mut i32 = &raw mut pidfd;
    // SAFETY: clone_args is plain data for which all zeroes is a valid value.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = namespaces | libc::CLONE_PIDFD as u64;
    args.pidfd = pidfd_at as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(group) = group {
        args.flags |= INTO_CGROUP;
        args.cgroup = u64::try_from(group.as_raw_fd()).map_err(|_| Errno::BADF)?;
    }
    // SAFETY: without CLONE_VM the child gets a copy of this memory and the same stack, as after
    // fork(2); `args` lives through the call and its size is given; `pidfd_at` points to a live i32.
    let result =
        unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) };
    match result {
        0 => Ok(Forked::Child),
        pid if pid > 0 => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
            // SAFETY: the kernel stored a new descriptor here that nobody else knows.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent { pid, pidfd })
        }
        _ => Err(last_errno()),
    }
}

/// End this process at once: no destructors, no buffers flushed, no `atexit`.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Close every descriptor from `first` on, or (`on_exec`) have exec close them.
///
/// # Errors
/// ENOSYS before Linux 5.9.
pub fn close_from(first: u32, on_exec: bool) -> Result<(), Errno> {
    let flags = if on_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: the callers are children about to exec, or to loop on descriptors below `first`;
    // no owned descriptor from `first` on is used after this.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// The errno of the last failed call of this thread.
pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
