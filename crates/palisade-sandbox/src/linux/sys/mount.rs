//! `mount_setattr(2)`.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::clone::last_errno;

/// What to change on a mount, and on all below it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'fd> {
    /// `MOUNT_ATTR_*` flags to set.
    pub set: u64,
    /// The user namespace whose mapping the mount gets (needs `MOUNT_ATTR_IDMAP` in `set`).
    pub user_namespace: Option<BorrowedFd<'fd>>,
    /// Make it private: no mount event goes in or out.
    pub private: bool,
    /// Change the mounts below too.
    pub recursive: bool,
}

/// Change the mount whose root `tree` is.
///
/// # Errors
/// What `mount_setattr(2)` says; ENOSYS before Linux 5.12.
pub fn set_attributes(tree: impl AsFd, attributes: Attributes<'_>) -> Result<(), Errno> {
    let attr = libc::mount_attr {
        attr_set: attributes.set,
        attr_clr: 0,
        propagation: if attributes.private { libc::MS_PRIVATE } else { 0 },
        userns_fd: attributes
            .user_namespace
            .and_then(|fd| u64::try_from(fd.as_raw_fd()).ok())
            .unwrap_or(0),
    };
    let mut flags = libc::AT_EMPTY_PATH;
    if attributes.recursive {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: `tree` is open; the path is an empty NUL-terminated string; `attr` lives through
    // the call and its size is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
