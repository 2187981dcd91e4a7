use std::{os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2},
    io::Errno,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

use super::{
    masks::Masks,
    skeleton::{Kind, Skeleton, mount},
};
use crate::{
    linux::{
        landlock::{Access, Rules},
        sys::mount::{Attributes, set_attributes},
    },
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
pub(super) fn populate(
    skeleton: &mut Skeleton,
    masks: &mut Masks,
    rules: &mut Rules,
) -> Result<(), StepError> {
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
    for name in ["inotify_instances", "inotify_watches"] {
        share(&tree, name)?;
    }
    set_attributes(&tree, Attributes { set: ATTR_RDONLY, ..Default::default() })
        .step("make /proc read-only")?;
    mount(&tree, skeleton.folder(at)?, at)?;
    rules.allow(&tree, true, Access::ReadOnly, at)?;
    for name in MASKED {
        let path = at.join(name);
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let target = match openat2(&tree, name, flags, Mode::empty(), ResolveFlags::BENEATH) {
            Err(Errno::NOENT) => continue,
            other => other.step_with(|| format!("open the mount point {}", path.display()))?,
        };
        let found = fstat(&target).step_with(|| format!("look at {}", path.display()))?;
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => Kind::Folder,
            FileType::Symlink => continue,
            _ => Kind::File,
        };
        masks.cover(kind, target, &path)?;
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

/// What one sandbox may have of what the host counts for each user: all that is made inside counts
/// for whoever started it as well, whose own programs would find nothing left.
const SHARE: u64 = 4;

/// A part of `fs.inotify.max_user_…` as the most for this user namespace.
fn share(proc: &OwnedFd, name: &str) -> Result<(), StepError> {
    let open = |path: &str, flags: OFlags| match openat(
        proc,
        path,
        flags | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        // A kernel without inotify.
        Err(Errno::NOENT) => Ok(None),
        other => other.map(Some).step_with(|| format!("open {path}")),
    };
    let whole =
        open(&format!("sys/fs/inotify/max_{}", name.replace("inotify", "user")), OFlags::RDONLY)?;
    let part = open(&format!("sys/user/max_{name}"), OFlags::WRONLY)?;
    let (Some(whole), Some(part)) = (whole, part) else { return Ok(()) };
    let mut text = [0_u8; 32];
    let length = rustix::io::read(&whole, &mut text).step("read the host's limit of inotify")?;
    let whole: Option<u64> = text
        .get(..length)
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.trim().parse().ok());
    let most = whole.ok_or(Errno::INVAL).step("read the host's limit of inotify")? / SHARE;
    rustix::io::write(&part, most.to_string().as_bytes()).step("limit inotify").map(drop)
}
