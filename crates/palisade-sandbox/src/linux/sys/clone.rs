//! `clone3(2)`, `clone(2)`, `_exit(2)` and closing of descriptors.

use std::{
    convert::Infallible,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    panic::AssertUnwindSafe,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process, pidfd_send_signal, waitpid},
};

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

/// What the kernel says to a `clone3` without arguments: EINVAL where it has the call, and no filter refuses it.
pub(in crate::linux) fn clone3_of_nothing() -> Errno {
    // SAFETY: a size of 0 is refused before anything is read.
    let result =
        unsafe { libc::syscall(libc::SYS_clone3, std::ptr::null::<libc::c_void>(), 0_usize) };
    if result == -1 { last_errno() } else { Errno::INVAL }
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

/// Fork as the C library does, which leaves its allocator usable in the child whatever threads the caller
/// has. What other threads hold besides, such as locks, stays held in the child.
///
/// # Errors
/// What `fork(2)` or `pidfd_open(2)` says.
pub fn fork_to_work() -> Result<Forked, Errno> {
    // SAFETY: the callers end the child with `exit_now`, so no destructor or atexit handler of the
    // parent's runs twice.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Forked::Child),
        pid if pid > 0 => {
            let pid = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
            // Nobody has waited for it yet, so the number is still its own.
            let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
            Ok(Forked::Parent { pid, pidfd })
        }
        _ => Err(last_errno()),
    }
}

/// Do `work` in a child that shares this process's memory, and return once that has replaced itself by
/// a program, or ended, as `vfork(2)` does. It saves copying the memory, which exec throws away.
///
/// `work` must end in `exec` or [`exit_now`]. What it changes in memory stays changed; its
/// descriptors, its signal mask, its credentials and its confinement are its own.
///
/// # Errors
/// What `mmap(2)` or `clone(2)` says.
pub fn fork_until_exec<Work: FnOnce() -> Infallible>(work: Work) -> Result<Pid, Errno> {
    extern "C" fn enter<Work: FnOnce() -> Infallible>(work: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the pointer is to the caller's `Option<Work>`, which it neither moves nor looks at
        // before this process is gone or has another memory.
        let work = unsafe { &mut *work.cast::<Option<Work>>() };
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| work.take().map(|work| work())));
        match done {
            Ok(Some(never)) => match never {},
            Ok(None) | Err(_) => exit_now(125),
        }
    }
    let mut work = Some(work);
    let stack = Stack::new(256 * 1024)?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let work = (&raw mut work).cast::<libc::c_void>();
    // SAFETY: the child runs `enter` on a stack of its own that nobody else uses, with a pointer to
    // `work`, which lives until this returns: CLONE_VFORK stops the caller until the child no longer
    // has this memory. So although it is shared, only one of both runs in it at a time; the callers
    // have one thread.
    let pid = unsafe { libc::clone(enter::<Work>, stack.top(), flags, work) };
    if pid < 0 { Err(last_errno()) } else { Pid::from_raw(pid).ok_or(Errno::SRCH) }
}

/// A process that only keeps a user namespace alive. It shares this process's memory, so that it
/// costs no copy. Dropping it ends it.
#[derive(Debug)]
pub struct Sleeper {
    pid: Pid,
    pidfd: OwnedFd,
    _stack: Stack,
}

impl Sleeper {
    /// Let one fall asleep in a new user namespace, which has no maps yet.
    ///
    /// # Errors
    /// What `mmap(2)` or `clone(2)` says; EPERM where user namespaces are closed.
    pub fn start() -> Result<Self, Errno> {
        /// Beside its parent in the same memory: it touches nothing but its own stack.
        extern "C" fn sleep(parent: *mut libc::c_void) -> libc::c_int {
            // Ended by its parent; should that die first, by the signal it asks for here. It may be
            // dead by now.
            let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            let parent = Pid::from_raw(parent.addr().try_into().unwrap_or_default());
            while rustix::process::getppid() == parent {
                let nap = rustix::time::Timespec { tv_sec: 10, tv_nsec: 0 };
                let _ = rustix::thread::nanosleep(&nap);
            }
            0
        }
        let stack = Stack::new(16 * 1024)?;
        let parent = rustix::process::getpid().as_raw_nonzero().get();
        let parent = std::ptr::without_provenance_mut(usize::try_from(parent).unwrap_or_default());
        let mut pidfd: i32 = -1;
        let flags = libc::CLONE_VM | libc::CLONE_NEWUSER | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: the child runs `sleep` on a stack of its own, which is unmapped only after it has
        // ended; it makes system calls that set no errno, and touches no other memory. The kernel
        // stores the descriptor into a live i32 before this returns.
        let pid = unsafe { libc::clone(sleep, stack.top(), flags, parent, &raw mut pidfd) };
        if pid < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel stored a new descriptor here that nobody else knows.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Ok(Self { pid: Pid::from_raw(pid).ok_or(Errno::SRCH)?, pidfd, _stack: stack })
    }

    /// Its process id, as the caller's pid namespace counts.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// End it, without waiting for that.
    pub fn end(&self) {
        end_child(&self.pidfd, self.pid);
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.end();
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
    }
}

/// End a child that has not been waited for, without waiting for that: by its descriptor, and where a system refuses
/// that by its number, which is its own for so long.
pub fn end_child(pidfd: impl AsFd, pid: Pid) {
    if !matches!(pidfd_send_signal(pidfd, Signal::KILL), Ok(()) | Err(Errno::SRCH)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Memory for the stack of a process that shares ours.
#[derive(Debug)]
struct Stack {
    address: usize,
    bytes: usize,
}

impl Stack {
    fn new(bytes: usize) -> Result<Self, Errno> {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory at a place of the kernel's choice.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(last_errno());
        }
        Ok(Self { address: memory.expose_provenance(), bytes })
    }

    /// One past its end, from where it grows; aligned to a page.
    fn top(&self) -> *mut libc::c_void {
        std::ptr::with_exposed_provenance_mut(self.address + self.bytes)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and whoever ran on it is gone.
        unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(self.address), self.bytes) };
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

/// Close every descriptor from 3 on but these.
///
/// # Errors
/// ENOSYS before Linux 5.9.
pub fn close_all_but(kept: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let number = |fd: &BorrowedFd<'_>| u32::try_from(fd.as_raw_fd()).map_err(|_| Errno::BADF);
    let mut numbers = kept.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    let mut first = 3;
    for number in numbers.into_iter().chain([u32::MAX]) {
        if number > first {
            let last = number.saturating_sub(u32::from(number != u32::MAX));
            // SAFETY: the callers are children that end with `exit_now`; no owned descriptor but those
            // kept is used after this.
            let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0_u32) };
            if result != 0 {
                return Err(last_errno());
            }
        }
        first = first.max(number.saturating_add(1));
    }
    Ok(())
}

/// The errno of the last failed call of this thread.
pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use rustix::process::{WaitOptions, waitpid};

    use super::*;
    use crate::linux::sys::{
        exec::{StringArray, exec},
        probe::in_child,
    };

    /// In a process with one thread, as the callers are.
    #[test]
    fn the_memory_is_shared_until_the_program_runs() {
        in_child(|| {
            let mut seen = 0;
            let pid = fork_until_exec(|| {
                seen += 1;
                let argv = ["sh", "-c", "exit 7"].map(|word| std::ffi::CString::new(word).unwrap());
                let none = StringArray::new(Vec::new());
                exec(c"/bin/sh", &StringArray::new(argv.into()), &none);
                exit_now(1)
            });
            let (_, status) = waitpid(Some(pid.unwrap()), WaitOptions::empty()).unwrap().unwrap();
            assert_eq!((status.exit_status(), seen), (Some(7), 1));
            let pid = fork_until_exec(|| panic!("in the child"));
            let (_, status) = waitpid(Some(pid.unwrap()), WaitOptions::empty()).unwrap().unwrap();
            assert_eq!(status.exit_status(), Some(125));
            Ok(())
        })
        .unwrap();
    }
}
