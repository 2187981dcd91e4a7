use std::{
    ffi::OsStr,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, fstat, mkdirat, openat2, renameat},
    io::Errno,
    mount::{OpenTreeFlags, open_tree},
};

use super::{
    covers::Covers,
    skeleton::{Kind, mount, write_file},
};
use crate::{
    linux::sys::mount::{Attributes, set_attributes},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;

/// Where empty and generated files and folders are kept until they are mounted over others.
#[derive(Debug)]
pub(super) struct Masks {
    folder: OwnedFd,
    made: u32,
    /// The names of masks, of which more are taken later.
    kept: Vec<String>,
    /// The first mount of each, once there is one.
    empty_folder: Option<OwnedFd>,
    empty_file: Option<OwnedFd>,
}

const MASKS: &str = ".masks";

impl Masks {
    pub(super) fn new(root: &OwnedFd) -> Result<Self, StepError> {
        mkdirat(root, MASKS, Mode::from_raw_mode(0o700)).step("make the folder of masks")?;
        let folder = openat2(
            root,
            MASKS,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        )
        .step("open the folder of masks")?;
        Ok(Self { folder, made: 0, kept: Vec::new(), empty_folder: None, empty_file: None })
    }

    /// The names are not needed once all is mounted: what is mounted keeps the objects. Those of masks go to `hidden`, a
    /// folder that something is mounted over: the kernel mounts nothing that has no name.
    pub(super) fn remove(&self, root: &OwnedFd, hidden: impl AsFd) -> Result<(), StepError> {
        for number in 0..self.made {
            let name = number.to_string();
            if self.kept.contains(&name) {
                renameat(&self.folder, &name, &hidden, &name).step("keep a mask's name")?;
                continue;
            }
            let folder = rustix::fs::unlinkat(&self.folder, &name, rustix::fs::AtFlags::REMOVEDIR);
            if folder.is_err() {
                rustix::fs::unlinkat(&self.folder, &name, rustix::fs::AtFlags::empty())
                    .step("remove a mask's name")?;
            }
        }
        rustix::fs::unlinkat(root, MASKS, rustix::fs::AtFlags::REMOVEDIR)
            .step("remove the folder of masks")
    }

    /// What masks are taken from later. `None`: this `/proc` has nothing that was to be masked.
    pub(super) fn into_covers(self) -> Option<Covers> {
        // The first ones lie over parts of `/proc`, which nobody inside can take away.
        let (folder, file) = self.empty_folder.zip(self.empty_file)?;
        Some(Covers { folder, file })
    }

    fn next_name(&mut self) -> String {
        let name = self.made.to_string();
        self.made = self.made.saturating_add(1);
        name
    }

    fn clone_tree(&self, name: &str, read_only: bool) -> Result<OwnedFd, StepError> {
        let tree = open_tree(
            &self.folder,
            name,
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
        )
        .step("take the tree of a mask")?;
        if read_only {
            set_attributes(&tree, Attributes { set: ATTR_RDONLY, ..Default::default() })
                .step("make a mask read-only")?;
        }
        Ok(tree)
    }

    pub(super) fn fresh_folder(&mut self, mode: u32) -> Result<OwnedFd, StepError> {
        let name = self.next_name();
        mkdirat(&self.folder, &name, Mode::from_raw_mode(mode)).step("make a folder")?;
        self.clone_tree(&name, false)
    }

    pub(super) fn fresh_file(&mut self, text: &[u8], mode: u32) -> Result<OwnedFd, StepError> {
        let name = self.next_name();
        write_file(self.folder.as_fd(), OsStr::new(&name), text, mode).step("write a file")?;
        self.clone_tree(&name, true)
    }

    /// Mount over `target` an empty folder that can be listed, or an empty file that cannot be
    /// opened, read-only. Returns a mount of the same.
    pub(super) fn cover(
        &mut self,
        kind: Kind,
        target: impl AsFd,
        at: &Path,
    ) -> Result<&OwnedFd, StepError> {
        if let Some(first) = self.first(kind) {
            // Its flags are copied with it.
            let flags = OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_EMPTY_PATH;
            let copy = open_tree(first, "", flags).step("take the tree of a mask")?;
            mount(&copy, target, at)?;
        } else {
            let first = self.make(kind)?;
            mount(&first, target, at)?;
            match kind {
                Kind::Folder => self.empty_folder = Some(first),
                Kind::File => self.empty_file = Some(first),
            }
        }
        self.first(kind).ok_or(Errno::NOENT).step("find a mask")
    }

    /// Whether this is one of them, mounted over something.
    pub(super) fn have(&self, target: &OwnedFd) -> Result<bool, Errno> {
        let found = fstat(target)?;
        for mask in self.empty_folder.iter().chain(&self.empty_file) {
            let own = fstat(mask)?;
            if (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn first(&self, kind: Kind) -> Option<&OwnedFd> {
        match kind {
            Kind::Folder => self.empty_folder.as_ref(),
            Kind::File => self.empty_file.as_ref(),
        }
    }

    fn make(&mut self, kind: Kind) -> Result<OwnedFd, StepError> {
        let name = self.next_name();
        let made = match kind {
            Kind::Folder => mkdirat(&self.folder, &name, Mode::from_raw_mode(0o555)),
            Kind::File => write_file(self.folder.as_fd(), OsStr::new(&name), b"", 0).map(drop),
        };
        made.step("make a mask")?;
        self.kept.push(name.clone());
        self.clone_tree(&name, true)
    }
}
