use std::{
    collections::HashMap,
    ffi::OsStr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, symlinkat},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
        fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
    },
};

use crate::step::{Step, StepError};

const INSIDE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The new root in the making: one small tmpfs, and the folders that were made in it.
#[derive(Debug)]
pub(super) struct Skeleton {
    root: OwnedFd,
    /// Each folder made until now, as seen through what is mounted on it.
    folders: HashMap<PathBuf, OwnedFd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

impl Skeleton {
    /// Stacked on `/`: paths that start at this process's root still lead to the host's tree, from
    /// which the sources are taken.
    pub(super) fn attach(scratch_bytes: u64) -> Result<Self, StepError> {
        let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).step("open a tmpfs")?;
        for (key, value) in [
            ("mode", "0755".to_owned()),
            ("size", scratch_bytes.to_string()),
            ("nr_inodes", (scratch_bytes / 4096).clamp(4096, 1 << 20).to_string()),
            ("source", "palisade".to_owned()),
        ] {
            fsconfig_set_string(context.as_fd(), key, value.as_str())
                .step_with(|| format!("configure the root tmpfs ({key})"))?;
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
        Ok(Self { root, folders: HashMap::new() })
    }

    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// A folder, made with those above it as needed.
    pub(super) fn folder(&mut self, at: &Path) -> Result<BorrowedFd<'_>, StepError> {
        // Two look-ups, for a borrow that is returned early would last for the whole body.
        if !self.folders.contains_key(at)
            && let Some(name) = at.file_name()
        {
            let parent = self.above(at)?;
            match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => {
                    return Err(errno).step_with(|| format!("make the folder {}", at.display()));
                }
            }
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let opened = openat2(parent, name, flags, Mode::empty(), INSIDE)
                .step_with(|| format!("open the folder {}", at.display()))?;
            self.folders.insert(at.to_owned(), opened);
        }
        Ok(self.folders.get(at).unwrap_or(&self.root).as_fd())
    }

    /// A new file with this text. It is open for writing, and may be mounted over.
    pub(super) fn file(&mut self, at: &Path, text: &[u8]) -> Result<OwnedFd, StepError> {
        let name = name_of(at)?;
        write_file(self.above(at)?, name, text, 0o444)
            .step_with(|| format!("make the file {}", at.display()))
    }

    pub(super) fn link(&mut self, at: &Path, to: &Path) -> Result<(), StepError> {
        let name = name_of(at)?;
        symlinkat(to, self.above(at)?, name).step_with(|| format!("make the link {}", at.display()))
    }

    /// Make a folder a mount of its own, which stays writable when the root becomes read-only.
    pub(super) fn set_apart(&mut self, at: &Path, mode: u32) -> Result<BorrowedFd<'_>, StepError> {
        let folder = self.folder(at)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH;
        let tree = open_tree(folder, "", flags)
            .step_with(|| format!("take the tree of {}", at.display()))?;
        mount(&tree, folder, at)?;
        let mode = Mode::from_raw_mode(mode);
        rustix::fs::chmodat(&self.root, relative(at), mode, rustix::fs::AtFlags::empty())
            .step_with(|| format!("set the mode of {}", at.display()))?;
        // What is made below from now on has to be made in this mount.
        self.folders.insert(at.to_owned(), tree);
        self.folder(at)
    }

    /// What is there already in something of the host's, never through a link.
    pub(super) fn existing(&self, at: &Path, kind: Kind) -> Result<OwnedFd, StepError> {
        // It was there when the plan was made.
        let gone =
            || Err(Errno::STALE).step_with(|| format!("open the mount point {}", at.display()));
        self.find(at, kind)?.map_or_else(gone, Ok)
    }

    /// The same. `None`: there is nothing.
    pub(super) fn find(&self, at: &Path, kind: Kind) -> Result<Option<OwnedFd>, StepError> {
        let mut flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if kind == Kind::Folder {
            flags |= OFlags::DIRECTORY;
        }
        match openat2(&self.root, relative(at), flags, Mode::empty(), INSIDE) {
            Err(Errno::NOENT) => Ok(None),
            opened => {
                opened.map(Some).step_with(|| format!("open the mount point {}", at.display()))
            }
        }
    }

    fn above(&mut self, at: &Path) -> Result<BorrowedFd<'_>, StepError> {
        self.folder(at.parent().unwrap_or(Path::new("/")))
    }
}

/// Mount a detached tree. `at` is its name for an error.
pub(super) fn mount(tree: &OwnedFd, target: impl AsFd, at: &Path) -> Result<(), StepError> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, "", target, "", flags).step_with(|| format!("mount {}", at.display()))
}

pub(super) fn write_file(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    text: &[u8],
    mode: u32,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::from_raw_mode(mode))?;
    let mut rest = text;
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(file)
}

fn name_of(at: &Path) -> Result<&OsStr, StepError> {
    at.file_name()
        .ok_or(Errno::INVAL)
        .step_with(|| format!("place {}: it has no name", at.display()))
}

fn relative(at: &Path) -> PathBuf {
    let relative: PathBuf =
        at.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if relative.as_os_str().is_empty() { ".".into() } else { relative }
}
