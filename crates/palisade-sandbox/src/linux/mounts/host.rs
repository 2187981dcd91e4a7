use std::os::fd::{AsFd, OwnedFd};

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
    plan::{Content, HostObject, Mount},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;
const ATTR_NOSUID: u64 = 0x2;
const ATTR_NODEV: u64 = 0x4;
const ATTR_IDMAP: u64 = 0x0010_0000;

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
    let found = statx(&opened, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
        .step_with(|| format!("look at {shown}"))?;
    let device = rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor);
    let kind = FileType::from_raw_mode(found.stx_mode.into());
    if (device, found.stx_ino) != (object.device, object.inode)
        || (kind == FileType::Directory) != object.folder
    {
        return Err(StepError {
            step: format!("open {shown}: it was exchanged for another file since it was checked")
                .into(),
            errno: Errno::STALE,
        });
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt, path::Path};

    use super::*;

    /// What a plan says of a path at the moment it is made.
    fn object(path: &Path) -> HostObject {
        let found = path.symlink_metadata().unwrap();
        HostObject {
            path: path.to_owned(),
            device: found.dev(),
            inode: found.ino(),
            folder: found.is_dir(),
            writable: true,
            owned_by: None,
        }
    }

    /// Between the plan and the mount the agent of another session exchanges what was checked.
    #[test]
    fn exchanges_what_was_checked() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let at = |name: &str| base.join(name);
        type Exchange = fn(&Path);
        let exchanges: [(&str, Exchange, &[Errno]); 5] = [
            (
                "another folder",
                |base| {
                    // The old one is kept, or the new one may get its inode.
                    fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                    fs::rename(base.join("secret"), base.join("up/one")).unwrap();
                },
                &[Errno::STALE],
            ),
            (
                "a link",
                |base| {
                    fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                    std::os::unix::fs::symlink("../secret", base.join("up/one")).unwrap();
                },
                &[Errno::LOOP, Errno::STALE],
            ),
            (
                "a file",
                |base| {
                    fs::rename(base.join("up/one"), base.join("kept")).unwrap();
                    fs::write(base.join("up/one"), "").unwrap();
                },
                &[Errno::STALE],
            ),
            (
                "a link above it",
                |base| {
                    fs::create_dir(base.join("secret/one")).unwrap();
                    fs::rename(base.join("up"), base.join("kept")).unwrap();
                    std::os::unix::fs::symlink("secret", base.join("up")).unwrap();
                },
                &[Errno::LOOP],
            ),
            ("nothing", |base| fs::remove_dir(base.join("up/one")).unwrap(), &[Errno::NOENT]),
        ];
        for (what, exchange, errnos) in exchanges {
            fs::create_dir_all(at("up/one")).unwrap();
            fs::create_dir(at("secret")).unwrap();
            let checked = object(&at("up/one"));
            open_checked(&checked).unwrap();
            exchange(&base);
            let error = open_checked(&checked).unwrap_err();
            assert!(errnos.contains(&error.errno), "{what}: {error}");
            for entry in fs::read_dir(&base).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => fs::remove_dir_all(entry.path()).unwrap(),
                    false => fs::remove_file(entry.path()).unwrap(),
                }
            }
        }
    }

    /// What is opened stays what it is, whatever becomes of its name.
    #[test]
    fn exchanges_what_was_opened() {
        let base = tempfile::tempdir().unwrap();
        let one = base.path().canonicalize().unwrap().join("one");
        fs::create_dir(&one).unwrap();
        let checked = object(&one);
        let opened = open_checked(&checked).unwrap();
        fs::rename(&one, base.path().join("kept")).unwrap();
        fs::create_dir(&one).unwrap();
        let found = rustix::fs::fstat(&opened).unwrap();
        assert_eq!((found.st_dev, found.st_ino), (checked.device, checked.inode));
        assert_ne!(one.metadata().unwrap().ino(), checked.inode);
    }
}
