use std::{os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2},
    io::Errno,
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
    rand::{GetRandomFlags, getrandom},
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
/// everywhere in `/proc` by the read-only mount; these cannot be read either. What counts the
/// machine's events (interrupts, disks, pressure) tells when somebody types or what others do.
const MASKED: [&str; 32] = [
    "acpi",
    "asound",
    "bootconfig",
    "buddyinfo",
    "bus",
    "cmdline",
    "config.gz",
    "consoles",
    "devices",
    "diskstats",
    "driver",
    "fs",
    "interrupts",
    "iomem",
    "ioports",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "partitions",
    "pressure",
    "sched_debug",
    "schedstat",
    "scsi",
    "softirqs",
    "sysrq-trigger",
    "timer_list",
    "zoneinfo",
];

/// By this number each file of the machine's journal, each service and each container can be told to be of this
/// boot of this machine. Inside there is another, as random.
const BOOT_ID: &str = "sys/kernel/random/boot_id";

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
        let Some(target) = inside(&tree, name)? else { continue };
        let found = fstat(&target).step_with(|| format!("look at {}", path.display()))?;
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => Kind::Folder,
            FileType::Symlink => continue,
            _ => Kind::File,
        };
        masks.cover(kind, target, &path)?;
    }
    let Some(target) = inside(&tree, BOOT_ID)? else { return Ok(()) };
    let other = masks.fresh_file(&random_id()?, 0o444)?;
    let path = at.join(BOOT_ID);
    mount(&other, target, &path)?;
    rules.allow(&other, false, Access::ReadOnly, &path)
}

/// A name in `/proc`, to mount over; `None` where this kernel has none such.
fn inside(tree: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, StepError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match openat2(tree, name, flags, Mode::empty(), ResolveFlags::BENEATH) {
        Err(Errno::NOENT) => Ok(None),
        other => other.map(Some).step_with(|| format!("open the mount point /proc/{name}")),
    }
}

/// A random UUID (RFC 9562, version 4) and a newline, as the kernel writes them.
fn random_id() -> Result<Vec<u8>, StepError> {
    let mut bytes = [0_u8; 16];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty()).step("get a random boot id")?;
    if filled != bytes.len() {
        return Err(Errno::IO).step("get a random boot id");
    }
    let mut number = u128::from_be_bytes(bytes);
    number = (number & !(0xf << 76)) | 4 << 76;
    number = (number & !(0b11 << 62)) | 0b10 << 62;
    let digits = format!("{number:032x}");
    let mut text = Vec::with_capacity(37);
    for (place, digit) in digits.bytes().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push(b'-');
        }
        text.push(digit);
    }
    text.push(b'\n');
    Ok(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_has_the_form_of_the_kernels() {
        let (one, other) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, other);
        for id in [one, other] {
            let text = std::str::from_utf8(&id).unwrap();
            let parts: Vec<&str> = text.trim_end().split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            assert_eq!((id.len(), lengths), (37, vec![8, 4, 4, 4, 12]), "{text}");
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']));
            assert!(parts.concat().bytes().all(|digit| digit.is_ascii_hexdigit()));
        }
    }
}
