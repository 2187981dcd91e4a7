//! `seccomp(2)`.

use rustix::io::Errno;

use super::clone::last_errno;
use crate::linux::seccomp::Instruction;

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Put a filter on the calling thread. Allocates nothing.
///
/// # Errors
/// What `seccomp(2)` says: EINVAL for a program that is not valid, EACCES without `no_new_privs`.
pub fn set_filter(instructions: &[Instruction]) -> Result<(), Errno> {
    let length = u16::try_from(instructions.len()).map_err(|_| Errno::INVAL)?;
    let program = Program { length, instructions: instructions.as_ptr() };
    // SAFETY: `program` has the layout of sock_fprog and lives through the call; it points to
    // `length` instructions with the layout of sock_filter, borrowed for as long.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u32, &raw const program)
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Whether the kernel knows a filter's return action.
///
/// # Errors
/// EOPNOTSUPP if not; ENOSYS where there is no `seccomp(2)`.
pub fn has_action(action: u32) -> Result<(), Errno> {
    // SAFETY: the kernel reads one u32 that lives through the call.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0_u32, &raw const action)
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
