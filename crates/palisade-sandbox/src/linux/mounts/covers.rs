//! Masks over what appears when the tree stands.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{FileType, fstat},
    io::Errno,
    mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree},
};

/// One mount of each mask that stays as long as the sandbox, to take others from. The masks have names where nobody
/// finds them: what has none the kernel mounts nowhere.
#[derive(Debug)]
pub(crate) struct Covers {
    pub(super) folder: OwnedFd,
    pub(super) file: OwnedFd,
}

impl Covers {
    /// Mount a mask over this very object, which was opened in this mount namespace. Needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// `EEXIST`: it is a mask. `ELOOP`: it is a link. Else as of `open_tree(2)` and `move_mount(2)`.
    pub(crate) fn cover(&self, target: &OwnedFd) -> Result<(), Errno> {
        let found = fstat(target)?;
        let mask = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => &self.folder,
            FileType::Symlink => return Err(Errno::LOOP),
            _ => &self.file,
        };
        let own = fstat(mask)?;
        if (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino) {
            return Err(Errno::EXIST);
        }
        // Its flags are copied with it: it is read-only.
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        let copy = open_tree(mask, "", flags)?;
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(&copy, "", target, "", flags)
    }
}
