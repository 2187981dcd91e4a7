use std::path::Path;

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2, symlinkat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create,
        fsconfig_set_string, fsmount, fsopen, open_tree,
    },
};

use super::skeleton::{Skeleton, mount};
use crate::{
    linux::{
        landlock::{Access, Rules},
        sys::mount::{Attributes, set_attributes},
    },
    step::{Step, StepError},
};

/// The only devices inside: they hold no state of the host. Numbers from the kernel's
/// `Documentation/admin-guide/devices.txt`, so that an exchanged node is not let in.
const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// The paths of the devices.
#[cfg(test)]
pub(crate) fn device_paths() -> impl Iterator<Item = String> {
    NODES.iter().map(|(name, ..)| format!("/dev/{name}"))
}

/// Fill `/dev`.
pub(super) fn populate(skeleton: &mut Skeleton, rules: &mut Rules) -> Result<(), StepError> {
    for (name, major, minor) in NODES {
        let shown = format!("/dev/{name}");
        let node = openat2(
            CWD,
            &shown,
            OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        )
        .step_with(|| format!("open {shown}"))?;
        let found = fstat(&node).step_with(|| format!("look at {shown}"))?;
        let number = (rustix::fs::major(found.st_rdev), rustix::fs::minor(found.st_rdev));
        if FileType::from_raw_mode(found.st_mode) != FileType::CharacterDevice
            || number != (major, minor)
        {
            return Err(StepError {
                step: format!("open {shown}: it is not the device {major}:{minor}").into(),
                errno: Errno::NODEV,
            });
        }
        let tree = open_tree(
            &node,
            "",
            OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_EMPTY_PATH,
        )
        .step_with(|| format!("take the tree of {shown}"))?;
        // A device on a read-only mount can still be written to; its rights, owner and times, which
        // are the host's, cannot be changed.
        let readonly_nosuid_noexec = 0x1 | 0x2 | 0x8;
        set_attributes(
            &tree,
            Attributes { set: readonly_nosuid_noexec, private: true, ..Default::default() },
        )
        .step_with(|| format!("set the mount flags of {shown}"))?;
        let at = Path::new(&shown);
        mount(&tree, skeleton.file(at, b"")?, at)?;
        rules.allow(&tree, false, Access::Device, at)?;
    }
    let folder = skeleton.folder(Path::new("/dev"))?;
    for (to, name) in LINKS {
        symlinkat(to, folder, name).step_with(|| format!("make the link /dev/{name}"))?;
    }
    pts(skeleton, rules)
}

/// The most terminals: all sandboxes and containers of the machine share `kernel.pty.max`, whoever has
/// made the terminals of each.
const MOST_TERMINALS: &str = "256";

/// A devpts of the sandbox's own: its terminals are no one else's.
fn pts(skeleton: &mut Skeleton, rules: &mut Rules) -> Result<(), StepError> {
    let at = Path::new("/dev/pts");
    let context = fsopen("devpts", FsOpenFlags::FSOPEN_CLOEXEC).step("open a devpts")?;
    for (key, value) in [("ptmxmode", "0666"), ("mode", "0620"), ("max", MOST_TERMINALS)] {
        fsconfig_set_string(&context, key, value).step("configure the devpts")?;
    }
    fsconfig_create(&context).step("make the devpts")?;
    let tree = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
    .step("mount the devpts")?;
    mount(&tree, skeleton.folder(at)?, at)?;
    rules.allow(&tree, true, Access::Device, at)
}
