//! Trying things in a child that is thrown away: fork, do, report, exit.

use std::{
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::{Pid, WaitOptions, waitpid},
};

use super::clone::{exit_now, last_errno};
use crate::step::{Step, StepError};

/// Seconds after which a trial that hangs is killed. The first that needs a module of the kernel's waits until
/// it is loaded.
const MOST_SECONDS: u32 = 30;

/// Do `work` in a child process and return what it returned.
///
/// Unlike [`super::clone::fork_into`] this uses the C library's fork, which leaves its allocator
/// usable in the child even if the caller has other threads. `work` may change the process as it
/// likes; it must not rely on other threads or on locks that those may hold.
///
/// # Errors
/// What `work` returned, or that the child could not be made or ended without a word.
pub fn in_child(work: impl FnOnce() -> Result<(), StepError>) -> Result<(), StepError> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe for a trial")?;
    // SAFETY: the child runs only `work`, whose contract above is that it needs no other thread,
    // and ends with _exit, so no destructor or atexit handler of the parent's runs twice.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            drop(reader);
            // SAFETY: alarm has no preconditions; its default action ends this child.
            unsafe { libc::alarm(MOST_SECONDS) };
            report(writer, work());
            exit_now(0)
        }
        pid if pid > 0 => {
            drop(writer);
            let heard = hear(reader);
            if let Some(pid) = Pid::from_raw(pid) {
                match rustix::io::retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty())) {
                    Ok(Some((_, status))) if status.terminating_signal() == Some(libc::SIGALRM) => {
                        return Err(Errno::TIMEDOUT).step("wait for a trial that hangs");
                    }
                    // Where SIGCHLD is ignored there is nothing to wait for.
                    Ok(_) | Err(Errno::CHILD) => {}
                    Err(errno) => return Err(errno).step("wait for a trial"),
                }
            }
            heard
        }
        _ => Err(last_errno()).step("fork a trial"),
    }
}

/// Leave the namespaces named by `CLONE_NEW*` flags for new ones. See `unshare(2)`.
///
/// # Errors
/// EPERM where user namespaces are closed, EINVAL in a process with threads.
pub fn unshare(flags: i32) -> Result<(), Errno> {
    // SAFETY: the callers are children with one thread, or pass no flag; only namespace flags are passed, so
    // no memory or descriptor table stops being shared.
    let result = unsafe { libc::unshare(flags) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// The errno as four bytes, 0 for none, then the step.
fn report(writer: OwnedFd, result: Result<(), StepError>) {
    let mut bytes = Vec::with_capacity(256);
    match result {
        Ok(()) => bytes.extend_from_slice(&0_i32.to_le_bytes()),
        Err(error) => {
            bytes.extend_from_slice(&error.errno.raw_os_error().to_le_bytes());
            bytes.extend_from_slice(error.step.as_bytes());
        }
    }
    // Nobody is left to tell if this fails: the parent hears an early end.
    std::fs::File::from(writer).write_all(&bytes).unwrap_or_default();
}

fn hear(reader: OwnedFd) -> Result<(), StepError> {
    let mut bytes = Vec::new();
    std::fs::File::from(reader)
        .read_to_end(&mut bytes)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .step("hear from a trial")?;
    let Some((code, step)) = bytes.split_first_chunk::<4>() else {
        return Err(Errno::CHILD).step("a trial ended without a word");
    };
    match i32::from_le_bytes(*code) {
        0 => Ok(()),
        code => Err(StepError {
            step: String::from_utf8_lossy(step).into_owned().into(),
            errno: Errno::from_raw_os_error(code),
        }),
    }
}

/// Ask for an empty range of descriptors to be closed: does nothing where the call exists.
///
/// # Errors
/// ENOSYS before Linux 5.9.
pub fn close_range_exists() -> Result<(), Errno> {
    // SAFETY: the range is the single number 2^32-1, which no descriptor has.
    let result = unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, 0_u32) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// A pidfd of the calling process is given out and takes signal 0.
///
/// # Errors
/// ENOSYS before Linux 5.3.
pub fn pidfd_works() -> Result<(), Errno> {
    let pidfd = rustix::process::pidfd_open(
        rustix::process::getpid(),
        rustix::process::PidfdFlags::empty(),
    )?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&pidfd.as_fd());
    // SAFETY: `number` is open for the call; signal 0 and a NULL info are allowed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            number,
            0,
            std::ptr::null::<libc::siginfo_t>(),
            0_u32,
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
