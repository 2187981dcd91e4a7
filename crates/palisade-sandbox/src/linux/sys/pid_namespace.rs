//! What a process is called in another pid namespace (`ioctl_ns(2)`, Linux 6.12).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::clone::last_errno;

/// `NS_GET_TGID_IN_PIDNS`: `_IOR(0xb7, 9, int)`.
const NUMBER_IN: u32 = 0x8004_b709;

/// `NS_GET_TGID_FROM_PIDNS`: `_IOR(0xb7, 7, int)`.
const NUMBER_FROM: u32 = 0x8004_b707;

/// The number here of the process that has this one in that namespace.
///
/// # Errors
/// ESRCH: there is none. ENOTTY: an older kernel.
pub fn number_from(namespace: BorrowedFd<'_>, number: u32) -> Result<u32, Errno> {
    ask(namespace, NUMBER_FROM, number)
}

/// The number that the process of this thread, by its number here, has in that namespace.
///
/// # Errors
/// ESRCH: it is gone, or not in there. ENOTTY: an older kernel.
pub fn number_in(namespace: BorrowedFd<'_>, thread: u32) -> Result<u32, Errno> {
    ask(namespace, NUMBER_IN, thread)
}

fn ask(namespace: BorrowedFd<'_>, request: u32, number: u32) -> Result<u32, Errno> {
    // SAFETY: the argument is a number; the kernel writes nothing.
    let result =
        unsafe { libc::ioctl(namespace.as_raw_fd(), request as _, libc::c_ulong::from(number)) };
    u32::try_from(result).map_err(|_| last_errno())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::fd::AsFd};

    use super::*;

    #[test]
    fn a_process_is_found_in_its_own_namespace_by_its_threads() {
        let namespace = File::open("/proc/self/ns/pid").unwrap();
        let number = |thread| number_in(namespace.as_fd(), thread);
        let us = std::process::id();
        match number(us) {
            Err(Errno::NOTTY | Errno::INVAL) => eprintln!("skipped: this kernel does not tell"),
            said => {
                assert_eq!(said, Ok(us));
                let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
                assert_eq!(number(thread), Ok(us));
                assert_eq!(number(u32::MAX / 2), Err(Errno::SRCH));
                assert_eq!(number_from(namespace.as_fd(), us), Ok(us));
                assert_eq!(number_from(namespace.as_fd(), u32::MAX / 2), Err(Errno::SRCH));
            }
        }
    }
}
