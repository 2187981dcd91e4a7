//! The two Landlock calls that the `landlock` crate wraps in more than a child between fork and
//! exec may do: the version question, and putting the domain on without allocation.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::clone::last_errno;

const CREATE_RULESET_VERSION: u32 = 1;
/// `LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF`.
const LOG_SAME_EXEC_OFF: u32 = 1 << 0;
/// `LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON`.
const LOG_NEW_EXEC_ON: u32 = 1 << 1;
/// `LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF`.
const LOG_SUBDOMAINS_OFF: u32 = 1 << 2;

/// The kernel's Landlock version.
///
/// # Errors
/// ENOSYS without Landlock, EOPNOTSUPP where it is switched off at boot.
pub fn abi() -> Result<u32, Errno> {
    // SAFETY: with this flag the kernel reads no attribute; NULL and size 0 are what it asks for.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(result).map_err(|_| last_errno())
}

/// What the kernel's audit is told of what is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// What the kernel tells without being asked: all before the next exec, nothing after it.
    Unasked,
    /// Nothing (ABI 7).
    Nothing,
    /// What programs are refused after the next exec, but not what a domain within this one refuses (ABI 7).
    AfterExec,
}

/// Confine the calling thread and all it starts to a ruleset, for good.
///
/// # Errors
/// EPERM without `no_new_privs`, E2BIG at the 17th domain, EINVAL for a wish about `log` before ABI 7.
pub fn restrict_self(ruleset: BorrowedFd<'_>, log: Log) -> Result<(), Errno> {
    let flags = match log {
        Log::Unasked => 0,
        Log::Nothing => LOG_SAME_EXEC_OFF,
        Log::AfterExec => LOG_SAME_EXEC_OFF | LOG_NEW_EXEC_ON | LOG_SUBDOMAINS_OFF,
    };
    // SAFETY: `ruleset` is open for the call; no memory is passed.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), flags) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
