//! A folder of generated files, in a file system of its own that is read-only once it is filled.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, mkdirat, openat2, symlinkat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
        fsopen,
    },
};

use super::skeleton::write_file;
use crate::{
    linux::sys::mount::{Attributes, set_attributes},
    plan::{Generated, GeneratedKind},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;
const PAGE: u64 = 4096;

/// Make it. It is mounted nowhere yet.
pub(super) fn make(entries: &[Generated]) -> Result<OwnedFd, StepError> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).step("open a tmpfs")?;
    let (bytes, inodes) = room(entries);
    for (key, value) in [
        ("mode", "0755".to_owned()),
        ("size", bytes.to_string()),
        ("nr_inodes", inodes.to_string()),
        ("source", "palisade".to_owned()),
    ] {
        fsconfig_set_string(context.as_fd(), key, value.as_str())
            .step_with(|| format!("configure a generated folder ({key})"))?;
    }
    fsconfig_create(context.as_fd()).step("make a generated folder")?;
    let tree = fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
    .step("mount a generated folder")?;
    for entry in entries {
        put(&tree, entry).step_with(|| format!("generate {}", entry.path.display()))?;
    }
    set_attributes(&tree, Attributes { set: ATTR_RDONLY, private: true, ..Default::default() })
        .step("make a generated folder read-only")?;
    Ok(tree)
}

/// Bytes and inodes that the entries take, generously: a tmpfs counts its pages and folders.
fn room(entries: &[Generated]) -> (u64, u64) {
    let (mut bytes, mut inodes) = (16 * PAGE, 16_u64);
    for Generated { path, what } in entries {
        let parts = u64::try_from(path.components().count()).unwrap_or(u64::MAX);
        inodes = inodes.saturating_add(parts);
        let length = match what {
            GeneratedKind::File { bytes, .. } => bytes.len(),
            GeneratedKind::Link(to) => to.as_os_str().len(),
        };
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(length.div_ceil(PAGE).saturating_mul(PAGE));
    }
    (bytes.saturating_add(inodes.saturating_mul(PAGE)), inodes)
}

fn put(tree: &OwnedFd, Generated { path, what }: &Generated) -> Result<(), Errno> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let folder = folder(tree, path.parent().unwrap_or(Path::new("")))?;
    match what {
        GeneratedKind::File { bytes, executable } => {
            let mode = if *executable { 0o555 } else { 0o444 };
            write_file(folder.as_fd(), name, bytes, mode).map(drop)
        }
        GeneratedKind::Link(to) => symlinkat(to, &folder, name),
    }
}

/// A folder in it, made with those above it as needed.
fn folder(tree: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    let open = |at: &OwnedFd, name: &std::ffi::OsStr| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(at, name, flags, Mode::empty(), resolve)
    };
    let mut at = open(tree, ".".as_ref())?;
    for part in path.components() {
        let Component::Normal(name) = part else { return Err(Errno::INVAL) };
        match mkdirat(&at, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        at = open(&at, name)?;
    }
    Ok(at)
}
