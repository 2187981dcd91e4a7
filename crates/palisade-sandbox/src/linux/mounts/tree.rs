use std::{collections::HashMap, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
    mount::{UnmountFlags, unmount},
    process::{fchdir, pivot_root},
};

use super::{
    DetachedTrees, device,
    host::{Detached, detach},
    masks::Masks,
    overlay, proc,
    skeleton::{Kind, Skeleton, mount},
};
use crate::{
    linux::{
        landlock::{self, Rules},
        landlock_plan,
        sys::mount::{Attributes, set_attributes},
    },
    plan::{Content, Mount},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;

/// The mount tree in the making, in this process's own mount namespace. What is mounted is granted
/// to Landlock as well.
#[derive(Debug)]
pub(crate) struct Tree {
    skeleton: Skeleton,
    masks: Masks,
    rules: Rules,
}

/// What each path of a plan holds.
type Contents<'plan> = HashMap<&'plan Path, &'plan Content>;

impl Tree {
    /// What is the same in every sandbox: an empty root, `/dev` and `/proc`.
    pub(crate) fn begin(scratch_bytes: u64, without_landlock: bool) -> Result<Self, StepError> {
        let old_root = openat2(
            CWD,
            "/",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::empty(),
        )
        .step("open the old root")?;
        // A mount event of the host must not reach in, nor one of ours out.
        let private = Attributes { private: true, recursive: true, ..Default::default() };
        set_attributes(&old_root, private).step("make the mounts private")?;
        let mut rules = match without_landlock {
            true => Rules::as_far_as_it_goes(),
            false => Rules::new()?,
        };
        let mut skeleton = Skeleton::attach(scratch_bytes)?;
        let mut masks = Masks::new(skeleton.root())?;
        device::populate(&mut skeleton, &mut rules)?;
        proc::populate(&mut skeleton, &mut masks, &mut rules)?;
        Ok(Self { skeleton, masks, rules })
    }

    /// Put in what the plan names, and make it the root. Nothing of the host's tree is left
    /// afterwards. Returns the Landlock rules, which say the same.
    pub(crate) fn finish(
        mut self,
        mounts: &[Mount],
        mut trees: DetachedTrees,
    ) -> Result<landlock::Prepared, StepError> {
        let contents = mounts.iter().map(|it| (it.at.as_path(), &it.content)).collect();
        let mut order: Vec<usize> = (0..mounts.len()).collect();
        order.sort_by_cached_key(|index| mounts.get(*index).map(|it| it.at.components().count()));
        for index in order {
            let Some(it) = mounts.get(index) else { continue };
            let detached = trees.get_mut(index).and_then(Option::take);
            self.place(it, &contents, detached)?;
        }
        let root = self.skeleton.root();
        self.masks.remove(root)?;
        fchdir(root).step("enter the new root")?;
        pivot_root(".", ".").step("pivot_root")?;
        unmount(".", UnmountFlags::DETACH).step("leave the old root")?;
        rustix::process::chdir("/").step("enter the new root")?;
        set_attributes(root, Attributes { set: ATTR_RDONLY, ..Default::default() })
            .step("make the root read-only")?;
        self.rules.finish()
    }

    fn place(
        &mut self,
        it: &Mount,
        contents: &Contents<'_>,
        detached: Option<Detached>,
    ) -> Result<(), StepError> {
        let at = it.at.as_path();
        let on_skeleton = is_on_skeleton(contents, at);
        match &it.content {
            Content::Host(object) => {
                let tree = match detached {
                    Some(Detached::Object(tree)) => tree,
                    _ => detach(object, None)?,
                };
                let kind = if object.folder { Kind::Folder } else { Kind::File };
                self.show(&tree, kind, on_skeleton, it)
            }
            Content::Overlay(described) => {
                let (lower, layers) = match detached {
                    Some(Detached::Layers { lower, layers }) => (lower, layers),
                    _ => (detach(&described.lower, None)?, detach(&described.layers, None)?),
                };
                let tree = overlay::join(self.skeleton.root(), &lower, &layers)?;
                self.show(&tree, Kind::Folder, on_skeleton, it)
            }
            Content::Scratch { mode } if on_skeleton => {
                let folder = self.skeleton.set_apart(at, *mode)?;
                grant(&mut self.rules, folder, Kind::Folder, it)
            }
            Content::Scratch { mode } => {
                let tree = self.masks.fresh_folder(*mode)?;
                self.show(&tree, Kind::Folder, on_skeleton, it)
            }
            Content::Text(text) if on_skeleton => {
                let file = self.skeleton.file(at, text)?;
                grant(&mut self.rules, file, Kind::File, it)
            }
            Content::Text(text) => {
                let tree = self.masks.fresh_file(text, 0o444)?;
                self.show(&tree, Kind::File, on_skeleton, it)
            }
            Content::Link(to) => self.skeleton.link(at, to),
            Content::EmptyFolder if on_skeleton => {
                let folder = self.skeleton.folder(at)?;
                grant(&mut self.rules, folder, Kind::Folder, it)
            }
            Content::EmptyFolder => self.cover(Kind::Folder, on_skeleton, it),
            Content::EmptyFile => self.cover(Kind::File, on_skeleton, it),
        }
    }

    /// Mount a tree at its place.
    fn show(
        &mut self,
        tree: &OwnedFd,
        kind: Kind,
        on_skeleton: bool,
        it: &Mount,
    ) -> Result<(), StepError> {
        let at = it.at.as_path();
        match kind {
            _ if !on_skeleton => mount(tree, self.skeleton.existing(at, kind)?, at)?,
            Kind::Folder => mount(tree, self.skeleton.folder(at)?, at)?,
            Kind::File => mount(tree, self.skeleton.file(at, b"")?, at)?,
        }
        grant(&mut self.rules, tree, kind, it)
    }

    /// Mount a mask over something of the host's.
    fn cover(&mut self, kind: Kind, on_skeleton: bool, it: &Mount) -> Result<(), StepError> {
        let at = it.at.as_path();
        let target = if kind == Kind::File && on_skeleton {
            self.skeleton.file(at, b"")?
        } else {
            self.skeleton.existing(at, kind)?
        };
        let mask = self.masks.cover(kind, target, at)?;
        grant(&mut self.rules, mask, kind, it)
    }
}

/// False if something of the host's is the nearest thing above: nothing may be created there.
fn is_on_skeleton(contents: &Contents<'_>, at: &Path) -> bool {
    let above = at.ancestors().skip(1).find_map(|above| contents.get(above));
    !matches!(above, Some(Content::Host(_) | Content::Overlay(_)))
}

fn grant(
    rules: &mut Rules,
    object: impl std::os::fd::AsFd,
    kind: Kind,
    it: &Mount,
) -> Result<(), StepError> {
    match landlock_plan::access(&it.content) {
        Some(access) => rules.allow(object, kind == Kind::Folder, access, &it.at),
        None => Ok(()),
    }
}
