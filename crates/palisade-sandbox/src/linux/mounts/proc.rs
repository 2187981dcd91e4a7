use std::{os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, openat, statat},
    io::Errno,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

use super::{
    masks::Masks,
    tree::{Kind, attach, target},
};
use crate::{
    linux::sys::mount::{Attributes, set_attributes},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;

/// What `/proc` tells of the host beyond what programs need, or does to it. Writing is refused
/// everywhere in `/proc` by the read-only mount; these cannot be read either.
const MASKED: [&str; 18] = [
    "acpi",
    "asound",
    "bus",
    "config.gz",
    "driver",
    "fs",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
];

/// Mount the `/proc` of the new pid namespace, read-only.
pub(super) fn mount(root: &OwnedFd, masks: &mut Masks) -> Result<(), StepError> {
    let at = Path::new("/proc");
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).step("open /proc")?;
    fsconfig_create(&context).step("make /proc")?;
    let tree = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
    .step("mount /proc")?;
    no_nested_user_namespaces(&tree)?;
    set_attributes(&tree, Attributes { set: ATTR_RDONLY, ..Default::default() })
        .step("make /proc read-only")?;
    attach(&tree, &target(root, at, Kind::Folder, true)?, at)?;
    for name in MASKED {
        let path = at.join(name);
        let found = match statat(&tree, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            other => other.step(format!("look at {}", path.display()))?,
        };
        let (kind, mask) = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => (Kind::Folder, masks.empty_folder()?),
            FileType::Symlink => continue,
            _ => (Kind::File, masks.empty_file()?),
        };
        attach(&mask, &target(root, &path, kind, false)?, &path)?;
    }
    Ok(())
}

/// A second lock beside the system call filter: the count of user namespaces that may be made
/// inside is zero (`namespaces(7)`, `/proc/sys/user`).
fn no_nested_user_namespaces(proc: &OwnedFd) -> Result<(), StepError> {
    let file = match openat(
        proc,
        "sys/user/max_user_namespaces",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.step("open max_user_namespaces")?,
    };
    rustix::io::write(&file, b"0").step("forbid nested user namespaces").map(drop)
}
