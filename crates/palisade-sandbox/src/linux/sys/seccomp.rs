//! `seccomp(2)`.

use std::marker::PhantomData;

use rustix::io::Errno;

use super::clone::last_errno;
use crate::linux::seccomp::Instruction;

/// `struct sock_fprog`.
#[repr(C)]
pub(super) struct Program<'a> {
    length: u16,
    instructions: *const Instruction,
    borrowed: PhantomData<&'a [Instruction]>,
}

impl<'a> Program<'a> {
    pub(super) fn of(instructions: &'a [Instruction]) -> Result<Self, Errno> {
        let length = u16::try_from(instructions.len()).map_err(|_| Errno::INVAL)?;
        Ok(Self { length, instructions: instructions.as_ptr(), borrowed: PhantomData })
    }
}

/// Put a filter on the calling thread. Allocates nothing.
///
/// # Errors
/// What `seccomp(2)` says: EINVAL for a program that is not valid, EACCES without `no_new_privs`.
pub fn set_filter(instructions: &[Instruction]) -> Result<(), Errno> {
    let program = Program::of(instructions)?;
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
