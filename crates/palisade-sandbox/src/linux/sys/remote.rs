//! Memory of another process: `process_vm_readv(2)`.

use rustix::io::Errno;

use super::clone::last_errno;

/// Pieces that are read with one call.
pub const MOST_PIECES: usize = 16;

/// Read pieces of the memory of a thread's process, each by its address and length, into `into`, one behind the other. Returns how
/// many bytes were read: all pieces up to the first that is not there, whole ones alone as long as none goes over the end of a page.
///
/// # Errors
/// EFAULT: the first piece is not there, or may not be read by the process itself. ESRCH: it is gone. EPERM: it may not be
/// looked at. EINVAL: more than [`MOST_PIECES`].
pub fn read(thread: u32, pieces: &[(u64, usize)], into: &mut [u8]) -> Result<usize, Errno> {
    let none = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
    let mut remote = [none; MOST_PIECES];
    let mut count: libc::c_ulong = 0;
    let mut slots = remote.iter_mut();
    for (address, length) in pieces {
        let slot = slots.next().ok_or(Errno::INVAL)?;
        let address = usize::try_from(*address).map_err(|_| Errno::FAULT)?;
        *slot =
            libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: *length };
        count += 1;
    }
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let thread = libc::pid_t::try_from(thread).map_err(|_| Errno::SRCH)?;
    // SAFETY: `local` is a writable slice that lives through the call, and the kernel writes no more than its length; the
    // addresses of `remote` are of the other process, and only the kernel looks at them.
    let result =
        unsafe { libc::process_vm_readv(thread, &raw const local, 1, remote.as_ptr(), count, 0) };
    usize::try_from(result).map_err(|_| last_errno())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_the_rest_is_not() {
        let (one, other) = (*b"one", *b"other");
        let us = std::process::id();
        let at = |bytes: &[u8]| bytes.as_ptr().addr() as u64;
        let mut into = [0; 64];
        let pieces = [(at(&one), 3), (at(&other), 5)];
        assert_eq!(read(us, &pieces, &mut into), Ok(8));
        assert_eq!(&into[..8], b"oneother");
        assert_eq!(read(us, &[(at(&one), 3), (16, 5)], &mut into), Ok(3));
        assert_eq!(read(us, &[(16, 5)], &mut into), Err(Errno::FAULT));
        assert_eq!(read(us, &[(0, 1); MOST_PIECES + 1], &mut into), Err(Errno::INVAL));
        assert_eq!(read(u32::MAX / 2, &pieces, &mut into), Err(Errno::SRCH));
    }
}
