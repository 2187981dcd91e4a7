//! Seccomp's user notification: a call that the filter stops waits for an answer from outside. See
//! `seccomp_unotify(2)`.
//!
//! Of what a listener can do, only this is here: hear of a call, and answer with an errno or let it go on. What it
//! then does is not held by that (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`): who lets it looks elsewhere. Nothing puts a
//! descriptor into a process.

use std::{
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use rustix::io::Errno;

use super::{clone::last_errno, seccomp::Program};
use crate::linux::seccomp::Instruction;

// The kernel finds the request by this number, which has the size of its structure in it: with
// another layout it would be another request, and fail.
/// `SECCOMP_IOCTL_NOTIF_RECV`.
const RECEIVE: u32 = 0xc050_2100;
/// `SECCOMP_IOCTL_NOTIF_SEND`.
const SEND: u32 = 0xc018_2101;
/// `SECCOMP_IOCTL_NOTIF_SET_FLAGS`.
const SET_FLAGS: u32 = 0x4008_2104;
/// `SECCOMP_IOCTL_NOTIF_ID_VALID`.
const IS_VALID: u32 = 0x4008_2102;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`.
const CONTINUE: u32 = 1;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`.
const SYNC_WAKE_UP: libc::c_ulong = 1;

const _: () = assert!(size_of::<libc::seccomp_notif>() == 0x50);
const _: () = assert!(size_of::<libc::seccomp_notif_resp>() == 0x18);

/// A call that waits.
#[derive(Debug, Clone, Copy)]
pub struct Notification {
    /// By which it is answered.
    pub id: u64,
    /// The thread, as the listener's pid namespace counts.
    pub thread: u32,
    /// What the registers of the thread held.
    pub call: Registers,
}

/// A system call as a filter sees it (`struct seccomp_data`). Nothing of it can be changed while the
/// call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// Its number.
    pub number: u32,
    /// The entry that was used, as `AUDIT_ARCH_*`.
    pub architecture: u32,
    /// Its arguments. What those that are addresses point to is the thread's to change.
    pub arguments: [u64; 6],
}

/// Put a filter on the calling thread, and return the listener for the calls that it says
/// `SECCOMP_RET_USER_NOTIF` to. Closed by exec. Allocates nothing.
///
/// A call that has been heard of waits out every signal but a deadly one (Linux 5.19), so that each is
/// heard of once.
///
/// # Errors
/// What `seccomp(2)` says: EBUSY where a filter that is on already has a listener, EINVAL where the
/// kernel knows none.
pub fn set_filter_with_listener(instructions: &[Instruction]) -> Result<OwnedFd, Errno> {
    let program = Program::of(instructions)?;
    let flags =
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // SAFETY: `program` has the layout of sock_fprog and lives through the call, and so do the
    // instructions that it borrows.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    match i32::try_from(result) {
        // SAFETY: the kernel returned a new descriptor that nobody else knows.
        Ok(number) if number >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        _ => Err(last_errno()),
    }
}

/// Hear of the next call. Waits for one if there is none: see first that the listener is readable.
///
/// # Errors
/// ENOENT if it was given up meanwhile, as when its thread was killed.
pub fn receive(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    // The kernel wants it empty.
    let mut heard = MaybeUninit::<libc::seccomp_notif>::zeroed();
    // SAFETY: the kernel writes one seccomp_notif to where there is room for it.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE as _, heard.as_mut_ptr()) };
    if result != 0 {
        return Err(last_errno());
    }
    // SAFETY: all of it was zeroed, and the kernel has filled it in.
    let heard = unsafe { heard.assume_init() };
    let call = Registers {
        number: heard.data.nr.cast_unsigned(),
        architecture: heard.data.arch,
        arguments: heard.data.args,
    };
    Ok(Notification { id: heard.id, thread: heard.pid, call })
}

/// Have the call fail with this errno.
///
/// # Errors
/// ENOENT if nobody waits for it any more.
pub fn refuse(listener: BorrowedFd<'_>, id: u64, errno: Errno) -> Result<(), Errno> {
    let error = -errno.raw_os_error();
    answer(listener, libc::seccomp_notif_resp { id, val: 0, error, flags: 0 })
}

/// Let the call go on, with whatever its arguments point to by then.
///
/// # Errors
/// ENOENT if nobody waits for it any more.
pub fn proceed(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    answer(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags: CONTINUE })
}

fn answer(listener: BorrowedFd<'_>, answer: libc::seccomp_notif_resp) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| {
        // SAFETY: the kernel reads one seccomp_notif_resp that lives through the call.
        let result = unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, &raw const answer) };
        if result == 0 { Ok(()) } else { Err(last_errno()) }
    })
}

/// Whether the call still waits. What `/proc` told of its thread before is then of that thread.
pub fn waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads one number that lives through the call.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), IS_VALID as _, &raw const id) };
    result == 0
}

/// Tell the scheduler that a call and its answer follow each other, so that they need not meet
/// between two processors (Linux 6.6; without it they only take longer).
pub fn take_turns(listener: BorrowedFd<'_>) {
    // SAFETY: the argument is a number; the kernel keeps it with the listener.
    unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS as _, SYNC_WAKE_UP) };
}
