use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx},
    io::Errno,
    mount::{OpenTreeFlags, open_tree},
};

use crate::{
    linux::{
        idmap::OwnerMaps,
        sys::mount::{Attributes, set_attributes},
    },
    plan::{Content, HostObject, Mount, Overlay, There},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;
const ATTR_NOSUID: u64 = 0x2;
const ATTR_NODEV: u64 = 0x4;
const ATTR_IDMAP: u64 = 0x0010_0000;

#[cfg(test)]
mod tests;

/// For each mount of the plan, its detached trees if the supervisor already made them.
pub(crate) type DetachedTrees = Vec<Option<Detached>>;

/// What one mount is made of.
#[derive(Debug)]
pub(crate) enum Detached {
    Object(OwnedFd),
    Layers { lower: OwnedFd, layers: OwnedFd },
}

/// Make the trees of all host objects while this process still is the host's root: inside its
/// own user namespace init could not pass the caller's private folders, nor map owners.
pub(crate) fn detach_as_root(
    mounts: &[Mount],
    maps: &mut OwnerMaps<'_>,
) -> Result<DetachedTrees, StepError> {
    mounts
        .iter()
        .map(|mount| match &mount.content {
            Content::Host(object) => {
                detach(object, Some(&mut *maps)).map(|tree| Some(Detached::Object(tree)))
            }
            Content::Overlay(overlay) => Ok(Some(Detached::Layers {
                lower: detach(&overlay.lower, Some(&mut *maps))?,
                layers: detach(&overlay.layers, Some(&mut *maps))?,
            })),
            _ => Ok(None),
        })
        .collect()
}

/// A detached mount of this object, with the attributes that the plan wants.
pub(super) fn detach(
    object: &HostObject,
    maps: Option<&mut OwnerMaps<'_>>,
) -> Result<OwnedFd, StepError> {
    let shown = object.path.display();
    let checked = open_checked(object)?;
    let tree = open_tree(
        &checked,
        "",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::AT_RECURSIVE,
    )
    .step_with(|| format!("take the tree of {shown}"))?;
    let mut set = ATTR_NOSUID | ATTR_NODEV;
    if !object.writable {
        set |= ATTR_RDONLY;
    }
    set_attributes(&tree, Attributes { set, private: true, recursive: true, ..Default::default() })
        .step_with(|| format!("set the mount flags of {shown}"))?;
    if let (Some(maps), Some(owner)) = (maps, object.owned_by)
        && let Some(user_namespace) = maps.namespace_for(owner)?
    {
        set_attributes(
            &tree,
            Attributes {
                set: ATTR_IDMAP,
                user_namespace: Some(user_namespace.as_fd()),
                ..Default::default()
            },
        )
        .step_with(|| format!("map the owner of {shown} (idmapped mount)"))?;
    }
    Ok(tree)
}

/// Open the object by name, without following links, and make sure that it is the one that was
/// checked when the plan was made.
fn open_checked(object: &HostObject) -> Result<OwnedFd, StepError> {
    let shown = object.path.display();
    let opened = openat2(
        CWD,
        &object.path,
        OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )
    .step_with(|| format!("open {shown}"))?;
    let there = There { device: object.device, inode: object.inode, folder: object.folder };
    refuse_other(&opened, there, None, &object.path)?;
    Ok(opened)
}

/// Refuse an open object that is not the one which was there when the plan was made. `at` is its name for
/// an error.
///
/// An overlay shows a device of its own. What is no folder keeps the number that it has below, but for
/// the uppermost bits; a folder does if all is on one file system, and else tells nothing (see `xino` in the
/// kernel's `Documentation/filesystems/overlayfs.rst`).
pub(super) fn refuse_other(
    opened: impl AsFd,
    there: There,
    shown_by: Option<&Overlay>,
    at: &Path,
) -> Result<(), StepError> {
    const OF_BELOW: u64 = (1 << 56) - 1;
    let found = statx(opened, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .step_with(|| format!("look at {}", at.display()))?;
    let device = rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor);
    let folder = FileType::from_raw_mode(found.stx_mode.into()) == FileType::Directory;
    let same = match shown_by {
        None => (device, found.stx_ino) == (there.device, there.inode),
        Some(overlay) if folder && overlay.lower.device != overlay.layers.device => true,
        Some(_) => (found.stx_ino ^ there.inode) & OF_BELOW == 0,
    };
    if same && folder == there.folder {
        return Ok(());
    }
    let shown = at.display();
    Err(StepError {
        step: format!("open {shown}: it was exchanged for another file since it was checked")
            .into(),
        errno: Errno::STALE,
    })
}
