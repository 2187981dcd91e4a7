use std::{
    ffi::OsStr,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, mkdirat, openat2},
    io::Errno,
    mount::{OpenTreeFlags, open_tree},
};

use super::tree::write_file;
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
        Ok(Self { folder, made: 0, empty_folder: None, empty_file: None })
    }

    /// The names are not needed once all is mounted: what is mounted keeps the objects.
    pub(super) fn remove(&self, root: &OwnedFd) -> Result<(), StepError> {
        for number in 0..self.made {
            let name = number.to_string();
            let folder = rustix::fs::unlinkat(&self.folder, &name, rustix::fs::AtFlags::REMOVEDIR);
            if folder.is_err() {
                rustix::fs::unlinkat(&self.folder, &name, rustix::fs::AtFlags::empty())
                    .step("remove a mask's name")?;
            }
        }
        rustix::fs::unlinkat(root, MASKS, rustix::fs::AtFlags::REMOVEDIR)
            .step("remove the folder of masks")
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

    /// A detached read-only mount of an empty folder that can be listed.
    pub(super) fn empty_folder(&mut self) -> Result<OwnedFd, StepError> {
        self.copy(true)
    }

    /// A detached read-only mount of an empty file that cannot be opened.
    pub(super) fn empty_file(&mut self) -> Result<OwnedFd, StepError> {
        self.copy(false)
    }

    fn copy(&mut self, folder: bool) -> Result<OwnedFd, StepError> {
        let known = if folder { &self.empty_folder } else { &self.empty_file };
        if known.is_none() {
            let name = self.next_name();
            if folder {
                mkdirat(&self.folder, &name, Mode::from_raw_mode(0o555)).step("make a mask")?;
            } else {
                write_file(self.folder.as_fd(), OsStr::new(&name), b"", 0).step("make a mask")?;
            }
            let opened = openat2(
                &self.folder,
                &name,
                OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
                Mode::empty(),
                ResolveFlags::BENEATH,
            )
            .step("open a mask")?;
            if folder {
                self.empty_folder = Some(opened);
            } else {
                self.empty_file = Some(opened);
            }
        }
        let known = if folder { &self.empty_folder } else { &self.empty_file };
        let known = known.as_ref().ok_or(Errno::NOENT).step("open a mask")?;
        let tree = open_tree(
            known,
            "",
            OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_EMPTY_PATH,
        )
        .step("take the tree of a mask")?;
        set_attributes(&tree, Attributes { set: ATTR_RDONLY, ..Default::default() })
            .step("make a mask read-only")?;
        Ok(tree)
    }
}
