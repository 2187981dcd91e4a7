//! overlayfs: a folder of the host below, the agent's changes above it.
//!
//! It is mounted by init inside the sandbox's user namespace, so it writes with no right that the
//! sandbox's own user lacks. In a user namespace overlayfs keeps its notes in `user.overlay.`
//! attributes and follows neither redirects nor metadata-only copies (`userxattr`); what the
//! agent sets under that name the kernel stores under another one, so it cannot forge a note. See
//! the kernel's `Documentation/filesystems/overlayfs.rst`.

use std::{
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, ResolveFlags, mkdirat, openat2, unlinkat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, UnmountFlags, fsconfig_create,
        fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, unmount,
    },
};

use super::skeleton::mount as attach;
use crate::{
    plan::Overlay,
    step::{Step, StepError},
};

/// Where the layers are mounted until they are joined: before Linux 6.15 a layer has to be mounted
/// somewhere.
const STAGE: &str = ".layers";

/// A detached mount of the two layers as one tree.
pub(super) fn join(
    root: &OwnedFd,
    lower: &OwnedFd,
    layers: &OwnedFd,
) -> Result<OwnedFd, StepError> {
    mkdirat(root, STAGE, Mode::from_raw_mode(0o700)).step("make the folder of layers")?;
    let stage = folder(root, STAGE)?;
    for (name, tree) in [("lower", lower), ("layers", layers)] {
        mkdirat(&stage, name, Mode::from_raw_mode(0o700)).step("make the folder of a layer")?;
        attach(tree, &folder(&stage, name)?, &Path::new("/").join(STAGE).join(name))?;
    }
    let joined = mount(&stage)?;
    // The joined tree has its own mounts of them.
    for name in ["lower", "layers"] {
        let layer = folder(&stage, name)?;
        unmount(by_descriptor(&layer).as_str(), UnmountFlags::DETACH).step("unmount a layer")?;
        drop(layer);
        unlinkat(&stage, name, AtFlags::REMOVEDIR).step("remove the folder of a layer")?;
    }
    unlinkat(root, STAGE, AtFlags::REMOVEDIR).step("remove the folder of layers")?;
    Ok(joined)
}

fn mount(stage: &OwnedFd) -> Result<OwnedFd, StepError> {
    let lower = folder(stage, "lower")?;
    let layers = folder(stage, "layers")?;
    let (upper, work) = (folder(&layers, Overlay::UPPER)?, folder(&layers, Overlay::WORK)?);
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).step("open an overlay")?;
    fsconfig_set_flag(&context, "userxattr").step("configure the overlay (userxattr)")?;
    // Otherwise the end of every sandbox would wait until the file system that holds the changes, whosever
    // writes wait there, is on the disk. So fsync(2) inside does nothing, and a power failure may
    // take the last half minute of changes.
    fsconfig_set_flag(&context, "volatile").step("configure the overlay (volatile)")?;
    // Descriptors instead of paths: nothing is looked up by name twice, and nothing has to be escaped.
    for (key, layer) in [("lowerdir", &lower), ("upperdir", &upper), ("workdir", &work)] {
        fsconfig_set_string(&context, key, by_descriptor(layer).as_str())
            .step_with(|| format!("configure the overlay ({key})"))?;
    }
    // What would need more rights, or leave more than changed files in the upper layer.
    for (key, value) in [("index", "off"), ("metacopy", "off"), ("redirect_dir", "nofollow")] {
        match fsconfig_set_string(&context, key, value) {
            // A kernel built without it.
            Err(Errno::INVAL) => {}
            other => other.step_with(|| format!("configure the overlay ({key})"))?,
        }
    }
    fsconfig_create(&context)
        .step("make the overlay of the workspace (its file system, or that of the state folder, may be unfit for one)")?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
    .step("mount the overlay")
}

fn folder(above: &OwnedFd, name: &str) -> Result<OwnedFd, StepError> {
    openat2(
        above,
        name,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )
    .step_with(|| format!("open the folder {name} of the overlay"))
}

fn by_descriptor(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}
