//! Signal masks and `signalfd(2)`.

use std::{
    mem::MaybeUninit,
    os::{
        fd::{FromRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::Command,
};

use rustix::io::Errno;

use super::clone::last_errno;

/// Block every signal of this thread, so that they can be read from a descriptor instead.
///
/// # Errors
/// None in practice.
pub fn block_all() -> Result<(), Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is writable.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    change_mask(set)
}

/// Unblock every signal: exec keeps what is blocked.
///
/// # Errors
/// None in practice.
pub fn unblock_all() -> Result<(), Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is writable.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    change_mask(set)
}

/// Have a program start with no signal blocked, whatever its parent blocks: exec keeps the mask, and one that blocks
/// `SIGTERM` is not ended by `timeout(1)` or `kill(1)`.
pub fn start_with_none_blocked(command: &mut Command) {
    let unblock = || unblock_all().map_err(std::io::Error::from);
    // SAFETY: between fork and exec it makes one system call, and neither allocates nor locks.
    unsafe { command.pre_exec(unblock) };
}

/// Give every signal its default action, for this process and all it will fork: exec keeps what is
/// ignored. Whoever started us may have had `SIGCHLD` ignored, and then children leave no status to
/// wait for.
pub fn default_all() {
    for signal in 1..=libc::SIGRTMAX() {
        give_default(signal);
    }
}

/// Give a signal its default action.
pub fn give_default(signal: i32) {
    // SAFETY: SIG_DFL is a valid disposition; signals that cannot be changed give EINVAL.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Ignore `SIGXFSZ`: a write beyond the limit of a file's size (`ulimit -f`) then fails with EFBIG, which can be
/// told, and does not end this process.
pub fn outlive_large_files() {
    // SAFETY: SIG_IGN is a valid disposition for this signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Send a signal to every process of this PID namespace but its init, which is the caller. All get it at one
/// moment: a process that forks meanwhile has it pending, and its child is not made. See `kill(2)`.
///
/// # Errors
/// There is no other process.
pub fn signal_all(signal: i32) -> Result<(), Errno> {
    // SAFETY: no memory is passed.
    match unsafe { libc::kill(-1, signal) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Whether this process ignores a signal, as `nohup(1)` has it ignore `SIGHUP`.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: `action` is writable, and null asks for no change.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    if result != 0 {
        return false;
    }
    // SAFETY: the call that succeeded has filled it.
    let action = unsafe { action.assume_init() };
    action.sa_sigaction == libc::SIG_IGN
}

fn change_mask(set: MaybeUninit<libc::sigset_t>) -> Result<(), Errno> {
    // SAFETY: `set` was initialised by the caller; the old mask is not wanted.
    let result =
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Block `SIGCHLD` of this thread, and of those that it will start, so that it can be read from a descriptor.
///
/// # Errors
/// None in practice.
pub fn block_child() -> Result<(), Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is writable.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: `set` is initialised and SIGCHLD is a signal.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD) };
    // SAFETY: `set` is initialised; the old mask is not wanted.
    let result =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(result)) }
}

/// A descriptor that becomes readable when a child changes state. `SIGCHLD` must be blocked.
///
/// # Errors
/// EMFILE, ENFILE, ENOMEM.
pub fn child_descriptor() -> Result<OwnedFd, Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is writable.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: `set` is initialised and SIGCHLD is a signal.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD) };
    // SAFETY: -1 asks for a new descriptor; `set` is initialised.
    let fd = unsafe { libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(last_errno());
    }
    // SAFETY: a new descriptor that nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
