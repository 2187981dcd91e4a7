//! Masks over what appears when the tree stands.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{FileType, StatVfsMountFlags, fstat, fstatvfs},
    io::Errno,
    mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree},
};

use crate::linux::sys::mount::{Attributes, set_attributes};

const ATTR_RDONLY: u64 = 0x1;

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
        put(&open_tree(mask, "", flags)?, target)
    }

    /// Mount this very file on itself, read-only. Needs `CAP_SYS_ADMIN`.
    ///
    /// # Errors
    /// `EEXIST`: it cannot be written already. `ELOOP`: it is no regular file. Else as of [`Covers::cover`].
    pub(crate) fn hold(target: &OwnedFd) -> Result<(), Errno> {
        if FileType::from_raw_mode(fstat(target)?.st_mode) != FileType::RegularFile {
            return Err(Errno::LOOP);
        }
        if fstatvfs(target)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(Errno::EXIST);
        }
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        let copy = open_tree(target, "", flags)?;
        set_attributes(&copy, Attributes { set: ATTR_RDONLY, ..Default::default() })?;
        put(&copy, target)
    }
}

fn put(tree: &OwnedFd, target: &OwnedFd) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", target, "", flags)
}
