use std::os::fd::OwnedFd;

use rustix::{
    io,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// A pseudo-terminal.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pty {
    /// The side that the relay holds.
    pub controller: OwnedFd,
    /// The side that the command gets.
    pub user: OwnedFd,
}

impl Pty {
    /// A new pair of that size. The user side is asked of the controller itself and not opened
    /// by its path, which another mount could have replaced.
    pub fn open(size: Winsize) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags)?;
        grantpt(&controller)?;
        unlockpt(&controller)?;
        let user = ioctl_tiocgptpeer(&controller, flags)?;
        tcsetwinsize(&controller, size)?;
        Ok(Self { controller, user })
    }
}
