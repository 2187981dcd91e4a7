//! `ptrace(2)`, for the moment in which a thread becomes another program.
//!
//! All of it belongs to the thread that calls it: what one thread traces, no other can go on with or wait for.

use std::ptr::null_mut;

use rustix::{io::Errno, process::Pid};

use super::clone::last_errno;

/// What has become of a thread that is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has become another program, of which nothing has run.
    Exec,
    /// It was stopped otherwise; to go on as it would have, it needs this signal (or 0).
    Stopped(i32),
    /// It is no more.
    Ended,
}

/// `NT_PRSTATUS`: the registers that every machine has.
const PRSTATUS: usize = 1;

/// Trace a thread without stopping it. It is stopped when it becomes another program, and killed if its tracer goes.
///
/// # Errors
/// ESRCH: there is none. EPERM: it may not be traced, or is traced.
pub fn seize(thread: Pid) -> Result<(), Errno> {
    let options = libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL;
    request(libc::PTRACE_SEIZE, thread, options.cast_unsigned().into())
}

/// Have a traced thread stop before it runs anything of its own again.
///
/// # Errors
/// ESRCH: there is none.
pub fn interrupt(thread: Pid) -> Result<(), Errno> {
    request(libc::PTRACE_INTERRUPT, thread, 0)
}

/// Let a stopped thread go, with this signal (or 0).
///
/// # Errors
/// ESRCH: there is none that is stopped.
pub fn detach(thread: Pid, signal: i32) -> Result<(), Errno> {
    request(libc::PTRACE_DETACH, thread, signal.cast_unsigned().into())
}

/// The next change of one that this thread traces, if there is one.
///
/// # Errors
/// ECHILD: this thread traces none.
pub fn next_change() -> Result<Option<(Pid, Change)>, Errno> {
    let mut status = 0;
    let flags = libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: `status` is a live i32.
    let result = unsafe { libc::waitpid(-1, &raw mut status, flags) };
    if result < 0 {
        return Err(last_errno());
    }
    let Some(pid) = Pid::from_raw(result) else { return Ok(None) };
    if !libc::WIFSTOPPED(status) {
        return Ok(Some((pid, Change::Ended)));
    }
    let change = match status >> 16 {
        libc::PTRACE_EVENT_EXEC => Change::Exec,
        0 => Change::Stopped(libc::WSTOPSIG(status)),
        _ => Change::Stopped(0),
    };
    Ok(Some((pid, change)))
}

/// The number that the thread had which has become another program and is stopped there.
///
/// # Errors
/// ESRCH: it was killed meanwhile.
pub fn former(pid: Pid) -> Result<i32, Errno> {
    let mut number: libc::c_ulong = 0;
    // SAFETY: the kernel writes one c_ulong to where there is room for it.
    let result = unsafe {
        libc::ptrace(
            libc::PTRACE_GETEVENTMSG,
            pid.as_raw_nonzero().get(),
            null_mut::<libc::c_void>(),
            &raw mut number,
        )
    };
    if result == 0 { i32::try_from(number).map_err(|_| Errno::RANGE) } else { Err(last_errno()) }
}

/// Where the stack of a stopped thread ends, of which the kernel has just made the program: there it has put arguments and variables.
/// `None`: it is no 64-bit program of this machine.
///
/// # Errors
/// ESRCH: there is none that is stopped.
pub fn stack(thread: Pid) -> Result<Option<u64>, Errno> {
    // `struct user_regs_struct` and `struct user_pt_regs`, in words, and which of them it is.
    #[cfg(target_arch = "x86_64")]
    const REGISTERS: (usize, usize) = (27, 19);
    #[cfg(target_arch = "aarch64")]
    const REGISTERS: (usize, usize) = (34, 31);
    let (count, which) = REGISTERS;
    let mut registers = [0_u64; 40];
    let mut piece =
        libc::iovec { iov_base: registers.as_mut_ptr().cast(), iov_len: size_of_val(&registers) };
    // SAFETY: the kernel writes to `registers`, which has the length that `piece` says, and that length to `piece`; both live through
    // the call.
    let result = unsafe {
        libc::ptrace(
            libc::PTRACE_GETREGSET,
            thread.as_raw_nonzero().get(),
            std::ptr::without_provenance_mut::<libc::c_void>(PRSTATUS),
            &raw mut piece,
        )
    };
    if result != 0 {
        return Err(last_errno());
    }
    Ok(registers.get(which).copied().filter(|_| piece.iov_len == count * size_of::<u64>()))
}

fn request(request: libc::c_uint, thread: Pid, data: u64) -> Result<(), Errno> {
    // SAFETY: none of these requests has the kernel write to this process; `data` is a number to it.
    let result = unsafe {
        libc::ptrace(request, thread.as_raw_nonzero().get(), null_mut::<libc::c_void>(), data)
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
