use std::{
    ffi::OsStr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2, symlinkat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
        fsconfig_create, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree, unmount,
    },
    process::{fchdir, pivot_root},
};

use super::{
    DetachedTrees, device,
    host::{Detached, detach},
    masks::Masks,
    overlay, proc,
};
use crate::{
    linux::sys::mount::{Attributes, set_attributes},
    plan::{Content, Mount, Plan},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;

/// Build the whole tree in this process's own mount namespace and make it the root.
/// Nothing of the host's tree is left afterwards.
pub(crate) fn build(
    mounts: &[Mount],
    scratch_bytes: u64,
    mut trees: DetachedTrees,
) -> Result<(), StepError> {
    let old_root = openat2(
        CWD,
        "/",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::empty(),
    )
    .step("open the old root")?;
    // A mount event of the host must not reach in, nor one of ours out.
    set_attributes(&old_root, Attributes { private: true, recursive: true, ..Default::default() })
        .step("make the mounts private")?;
    let root = attach_root(scratch_bytes)?;

    let mut order: Vec<usize> = (0..mounts.len()).collect();
    order.sort_by_key(|index| mounts.get(*index).map(|mount| mount.at.components().count()));
    let mut masks = Masks::new(&root)?;
    for index in order {
        let Some(mount) = mounts.get(index) else { continue };
        let detached = trees.get_mut(index).and_then(Option::take);
        place(&root, mounts, mount, detached, &mut masks)?;
    }
    device::populate(&root)?;
    proc::mount(&root, &mut masks)?;
    masks.remove(&root)?;

    fchdir(&root).step("enter the new root")?;
    pivot_root(".", ".").step("pivot_root")?;
    unmount(".", UnmountFlags::DETACH).step("leave the old root")?;
    rustix::process::chdir("/").step("enter the new root")?;
    set_attributes(&root, Attributes { set: ATTR_RDONLY, ..Default::default() })
        .step("make the root read-only")
}

/// One small tmpfs, stacked on `/`: paths that start at this process's root still lead to the
/// host's tree, from which the sources are taken.
fn attach_root(scratch_bytes: u64) -> Result<OwnedFd, StepError> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).step("open a tmpfs")?;
    for (key, value) in [
        ("mode", "0755".to_owned()),
        ("size", scratch_bytes.to_string()),
        ("nr_inodes", (scratch_bytes / 4096).clamp(4096, 1 << 20).to_string()),
        ("source", "palisade".to_owned()),
    ] {
        fsconfig_set_string(context.as_fd(), key, value.as_str())
            .step(format!("configure the root tmpfs ({key})"))?;
    }
    fsconfig_create(context.as_fd()).step("make the root tmpfs")?;
    let root = fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
    .step("mount the root tmpfs")?;
    move_mount(&root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .step("attach the root tmpfs")?;
    Ok(root)
}

fn place(
    root: &OwnedFd,
    mounts: &[Mount],
    mount: &Mount,
    detached: Option<Detached>,
    masks: &mut Masks,
) -> Result<(), StepError> {
    let shown = mount.at.display();
    let on_skeleton = !lies_in_host_object(mounts, mount);
    match &mount.content {
        Content::Host(object) => {
            let tree = match detached {
                Some(Detached::Object(tree)) => tree,
                _ => detach(object, None)?,
            };
            let kind = if object.folder { Kind::Folder } else { Kind::File };
            let target = target(root, &mount.at, kind, on_skeleton)?;
            attach(&tree, &target, &mount.at)
        }
        Content::Overlay(described) => {
            let (lower, layers) = match detached {
                Some(Detached::Layers { lower, layers }) => (lower, layers),
                _ => (detach(&described.lower, None)?, detach(&described.layers, None)?),
            };
            let tree = overlay::join(root, &lower, &layers)?;
            attach(&tree, &target(root, &mount.at, Kind::Folder, on_skeleton)?, &mount.at)
        }
        Content::Scratch { mode } => {
            let folder = target(root, &mount.at, Kind::Folder, on_skeleton)?;
            if on_skeleton {
                // A mount of its own, so that making the root read-only leaves it writable.
                let tree = open_tree(
                    &folder,
                    "",
                    OpenTreeFlags::OPEN_TREE_CLONE
                        | OpenTreeFlags::OPEN_TREE_CLOEXEC
                        | OpenTreeFlags::AT_EMPTY_PATH,
                )
                .step(format!("take the tree of {shown}"))?;
                attach(&tree, &folder, &mount.at)?;
                let path = relative(&mount.at);
                rustix::fs::chmodat(
                    root,
                    &path,
                    Mode::from_raw_mode(*mode),
                    rustix::fs::AtFlags::empty(),
                )
                .step(format!("set the mode of {shown}"))
            } else {
                let tree = masks.fresh_folder(*mode)?;
                attach(&tree, &folder, &mount.at)
            }
        }
        Content::Text(text) if on_skeleton => {
            let parent = parent_folder(root, &mount.at)?;
            write_file(parent.as_fd(), name_of(&mount.at)?, text, 0o444)
                .step(format!("write {shown}"))
        }
        Content::Text(text) => {
            let tree = masks.fresh_file(text, 0o444)?;
            let target = target(root, &mount.at, Kind::File, false)?;
            attach(&tree, &target, &mount.at)
        }
        Content::Link(to) => {
            let parent = parent_folder(root, &mount.at)?;
            symlinkat(to, &parent, name_of(&mount.at)?).step(format!("make the link {shown}"))
        }
        Content::EmptyFolder if on_skeleton => {
            target(root, &mount.at, Kind::Folder, true).map(drop)
        }
        Content::EmptyFolder => {
            let target = target(root, &mount.at, Kind::Folder, false)?;
            attach(&masks.empty_folder()?, &target, &mount.at)
        }
        Content::EmptyFile => {
            let target = target(root, &mount.at, Kind::File, on_skeleton)?;
            attach(&masks.empty_file()?, &target, &mount.at)
        }
    }
}

/// True if something of the host's is the nearest thing above: nothing may be created there.
fn lies_in_host_object(mounts: &[Mount], mount: &Mount) -> bool {
    mount
        .at
        .parent()
        .and_then(|parent| Plan::mount_above(mounts, parent))
        .and_then(|index| mounts.get(index))
        .is_some_and(|above| matches!(above.content, Content::Host(_) | Content::Overlay(_)))
}

pub(super) fn attach(tree: &OwnedFd, target: &OwnedFd, at: &Path) -> Result<(), StepError> {
    move_mount(
        tree,
        "",
        target,
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
    .step(format!("mount {}", at.display()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// Open what a mount goes on, never through a link. Made if it may be.
pub(super) fn target(
    root: &OwnedFd,
    at: &Path,
    kind: Kind,
    create: bool,
) -> Result<OwnedFd, StepError> {
    let shown = at.display();
    let mut flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if kind == Kind::Folder {
        flags |= OFlags::DIRECTORY;
    }
    let open = || {
        openat2(
            root,
            relative(at),
            flags,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
        )
    };
    match open() {
        Err(Errno::NOENT) if create => {}
        other => return other.step(format!("open the mount point {shown}")),
    }
    let parent = parent_folder(root, at)?;
    match kind {
        Kind::Folder => {
            mkdirat(&parent, name_of(at)?, Mode::from_raw_mode(0o755))
                .step(format!("make the folder {shown}"))?;
        }
        Kind::File => {
            write_file(parent.as_fd(), name_of(at)?, b"", 0o444)
                .step(format!("make the file {shown}"))?;
        }
    }
    open().step(format!("open the mount point {shown}"))
}

/// The folder above `at`, made on the skeleton as needed.
fn parent_folder(root: &OwnedFd, at: &Path) -> Result<OwnedFd, StepError> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    flags |= OFlags::DIRECTORY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let parent = at.parent().unwrap_or(Path::new("/"));
    let whole = openat2(root, relative(parent), flags, Mode::empty(), resolve);
    match whole {
        Err(Errno::NOENT) => {}
        other => return other.step(format!("open the folder {}", parent.display())),
    }
    let mut folder = openat2(root, ".", flags, Mode::empty(), resolve).step("open the root")?;
    for component in parent.components() {
        let Component::Normal(name) = component else { continue };
        folder = match openat2(&folder, name, flags, Mode::empty(), resolve) {
            Err(Errno::NOENT) => {
                mkdirat(&folder, name, Mode::from_raw_mode(0o755))
                    .step(format!("make the folder {}", parent.display()))?;
                openat2(&folder, name, flags, Mode::empty(), resolve)
            }
            other => other,
        }
        .step(format!("open the folder {}", parent.display()))?;
    }
    Ok(folder)
}

pub(super) fn write_file(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    text: &[u8],
    mode: u32,
) -> Result<(), Errno> {
    let file = rustix::fs::openat(
        folder,
        name,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::from_raw_mode(mode),
    )?;
    let mut rest = text;
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn name_of(at: &Path) -> Result<&OsStr, StepError> {
    at.file_name().ok_or_else(|| StepError {
        step: format!("place {}: it has no name", at.display()).into(),
        errno: Errno::INVAL,
    })
}

fn relative(at: &Path) -> PathBuf {
    let relative: PathBuf =
        at.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if relative.as_os_str().is_empty() { ".".into() } else { relative }
}
