//! `SO_PEERCRED` and `SO_PEERPIDFD`.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::clone::last_errno;

/// Who is at the other end of a unix socket, as of its connect or listen. See `unix(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The process; 0 if it is in no pid namespace that we can see.
    pub pid: i32,
    /// The user, as our user namespace has it.
    pub uid: u32,
}

/// Ask the kernel.
///
/// # Errors
/// ENOTSOCK, EBADF, or ENOPROTOOPT for what is no unix socket.
pub fn peer_of(socket: BorrowedFd<'_>) -> Result<Peer, Errno> {
    let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `found` is writable for `size` bytes, both live through the call, and any bytes are a
    // valid ucred.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut size,
        )
    };
    if result == 0 { Ok(Peer { pid: found.pid, uid: found.uid }) } else { Err(last_errno()) }
}

/// A handle (`pidfd_open(2)`) of the process at the other end, which stands for no other one.
///
/// # Errors
/// ENOPROTOOPT before Linux 6.5, and for what is no unix socket; ESRCH or EINVAL where the process is gone and the kernel has
/// no handle of it any more; ENODATA where there is none.
pub(crate) fn handle_of_peer(socket: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let mut found: libc::c_int = -1;
    let mut size = libc::socklen_t::try_from(size_of::<libc::c_int>()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `found` is writable for `size` bytes, both live through the call, and any bytes are a
    // valid int.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut found).cast(),
            &raw mut size,
        )
    };
    if result != 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows of it. It is closed on exec from birth.
    Ok(unsafe { OwnedFd::from_raw_fd(found) })
}

#[cfg(test)]
mod tests {
    use std::os::{fd::AsFd, unix::net::UnixStream};

    use super::*;

    #[test]
    fn we_are_at_both_ends_of_a_pair() {
        let (one, _other) = UnixStream::pair().unwrap();
        let us = Peer {
            pid: i32::try_from(std::process::id()).unwrap(),
            uid: rustix::process::geteuid().as_raw(),
        };
        assert_eq!(peer_of(one.as_fd()), Ok(us));
        assert!(peer_of(std::fs::File::open("/dev/null").unwrap().as_fd()).is_err());
    }
}
