use std::{collections::HashMap, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2, stat},
    io::Errno,
    mount::{OpenTreeFlags, UnmountFlags, open_tree, unmount},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, socket_with},
    process::{fchdir, pivot_root},
};

use super::{
    DetachedTrees,
    covers::Covers,
    device, generated,
    host::{Detached, detach, refuse_other},
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
    plan::{Content, HostObject, Mount, There},
    step::{Step, StepError},
};

const ATTR_RDONLY: u64 = 0x1;
/// Looks at a path whose file is exchanged at that very moment, each time.
const MOST_LOOKS: u32 = 16;
/// Connections that wait until they are taken.
const BACKLOG: i32 = 16;

/// The mount tree in the making, in this process's own mount namespace. What is mounted is granted
/// to Landlock as well.
#[derive(Debug)]
pub(crate) struct Tree {
    skeleton: Skeleton,
    masks: Masks,
    rules: Rules,
    changed: Vec<u32>,
}

/// The tree when it is the root.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The Landlock rules, which say the same.
    pub(crate) rules: landlock::Prepared,
    /// The socket of the plan.
    pub(crate) socket: Option<OwnedFd>,
    /// What covers what appears later.
    pub(crate) covers: Option<Covers>,
    /// The numbers of covers of the plan that were for what is not at its path any more.
    pub(crate) changed: Vec<u32>,
}

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
        Ok(Self { skeleton, masks, rules, changed: Vec::new() })
    }

    /// Put in what the plan names, and make it the root. Nothing of the host's tree is left
    /// afterwards.
    pub(crate) fn finish(
        self,
        mounts: &[Mount],
        mut trees: DetachedTrees,
    ) -> Result<Finished, StepError> {
        let contents = mounts.iter().map(|it| (it.at.as_path(), &it.content)).collect();
        let mut planned = Planned { tree: self, contents };
        let mut order: Vec<usize> = (0..mounts.len()).collect();
        order.sort_by_cached_key(|index| mounts.get(*index).map(|it| it.at.components().count()));
        for index in order {
            let Some(it) = mounts.get(index) else { continue };
            let detached = trees.get_mut(index).and_then(Option::take);
            let number = u32::try_from(index).map_err(|_| Errno::OVERFLOW);
            planned.place(number.step("number the mounts")?, it, detached)?;
        }
        let Self { mut skeleton, masks, mut rules, changed } = planned.tree;
        let socket = mounts.iter().find(|it| it.content == Content::Socket);
        if let Some(folder) = socket.and_then(|it| it.at.parent()) {
            skeleton.folder(folder)?;
        }
        // As it was before anything was mounted over it.
        let hidden = skeleton.folder(Path::new("/proc"))?.try_clone_to_owned();
        let root = skeleton.root();
        masks.remove(root, hidden.map_err(errno).step("keep the folder below /proc")?)?;
        fchdir(root).step("enter the new root")?;
        pivot_root(".", ".").step("pivot_root")?;
        unmount(".", UnmountFlags::DETACH).step("leave the old root")?;
        rustix::process::chdir("/").step("enter the new root")?;
        require_alone(root)?;
        let socket = socket.map(|it| listen(it, &mut rules)).transpose()?;
        set_attributes(root, Attributes { set: ATTR_RDONLY, ..Default::default() })
            .step("make the root read-only")?;
        Ok(Finished { rules: rules.finish()?, socket, covers: masks.into_covers(), changed })
    }
}

/// See that the new root is one, and that nothing is mounted over it: `..` leads from there to
/// what is.
fn require_alone(root: &OwnedFd) -> Result<(), StepError> {
    const STEP: &str = "find the old root gone";
    let (ours, found) = (fstat(root).step(STEP)?, stat("/..").step(STEP)?);
    if (ours.st_dev, ours.st_ino) == (found.st_dev, found.st_ino) {
        Ok(())
    } else {
        Err(Errno::BUSY).step(STEP)
    }
}

/// The tree, and what the plan has at each path.
struct Planned<'plan> {
    tree: Tree,
    contents: HashMap<&'plan Path, &'plan Content>,
}

impl Planned<'_> {
    fn place(
        &mut self,
        number: u32,
        it: &Mount,
        detached: Option<Detached>,
    ) -> Result<(), StepError> {
        let at = it.at.as_path();
        match &it.content {
            Content::Host(object) => {
                let tree = match detached {
                    Some(Detached::Object(tree)) => tree,
                    _ => detach(object, None)?,
                };
                let kind = if object.folder { Kind::Folder } else { Kind::File };
                self.show(&tree, kind, it)
            }
            Content::Overlay(described) => {
                let (lower, layers) = match detached {
                    Some(Detached::Layers { lower, layers }) => (lower, layers),
                    _ => (detach(&described.lower, None)?, detach(&described.layers, None)?),
                };
                let tree = overlay::join(self.tree.skeleton.root(), &lower, &layers)?;
                self.show(&tree, Kind::Folder, it)
            }
            Content::Scratch { mode } if self.is_on_skeleton(at) => {
                let folder = self.tree.skeleton.set_apart(at, *mode)?;
                grant(&mut self.tree.rules, folder, Kind::Folder, it)
            }
            Content::Scratch { mode } => {
                let tree = self.tree.masks.fresh_folder(*mode)?;
                self.show(&tree, Kind::Folder, it)
            }
            Content::Text(text) if self.is_on_skeleton(at) => {
                let file = self.tree.skeleton.file(at, text)?;
                grant(&mut self.tree.rules, file, Kind::File, it)
            }
            Content::Text(text) => {
                let tree = self.tree.masks.fresh_file(text, 0o444)?;
                self.show(&tree, Kind::File, it)
            }
            Content::Folder(folder) => {
                let tree = generated::make(&folder.entries)?;
                self.show(&tree, Kind::Folder, it)
            }
            Content::Link(to) => self.tree.skeleton.link(at, to),
            Content::EmptyFolder if self.is_on_skeleton(at) => {
                let folder = self.tree.skeleton.folder(at)?;
                grant(&mut self.tree.rules, folder, Kind::Folder, it)
            }
            Content::EmptyFolder => {
                let target = self.tree.skeleton.existing(at, Kind::Folder)?;
                self.cover(Kind::Folder, target, it)
            }
            // Bound when the tree is the root: a socket's name is a path.
            Content::Socket => Ok(()),
            Content::Cover(there) => {
                if !self.cover_there(it, *there)? {
                    self.tree.changed.push(number);
                }
                Ok(())
            }
            Content::Pin { there, read_only } => self.pin(at, *there, *read_only),
        }
    }

    /// Mount a tree at its place.
    fn show(&mut self, tree: &OwnedFd, kind: Kind, it: &Mount) -> Result<(), StepError> {
        let at = it.at.as_path();
        match kind {
            _ if !self.is_on_skeleton(at) => {
                let there = match &it.content {
                    Content::Host(HostObject { device, inode, folder, .. }) => {
                        Some(There { device: *device, inode: *inode, folder: *folder })
                    }
                    Content::Folder(folder) => folder.over,
                    _ => None,
                };
                mount(tree, self.existing(at, kind, there)?, at)?;
            }
            Kind::Folder => mount(tree, self.tree.skeleton.folder(at)?, at)?,
            Kind::File => mount(tree, self.tree.skeleton.file(at, b"")?, at)?,
        }
        grant(&mut self.tree.rules, tree, kind, it)
    }

    /// Cover what the plan saw at this path. False: that is not there any more. What has its name now, if anything, is
    /// covered: it is as little to be seen.
    fn cover_there(&mut self, it: &Mount, there: There) -> Result<bool, StepError> {
        let at = it.at.as_path();
        let kind = if there.folder { Kind::Folder } else { Kind::File };
        for _ in 0..MOST_LOOKS {
            let Some(target) = self.tree.skeleton.find(at, kind)? else { return Ok(false) };
            let same = match self.refuse_other(&target, there, at) {
                Ok(()) => true,
                Err(error) if error.errno == Errno::STALE => {
                    if is_folder(&target, at)? != there.folder {
                        return Err(error);
                    }
                    let mask = self.tree.masks.have(&target);
                    if mask.step_with(|| format!("look at {}", at.display()))? {
                        // What was moved here has its cover.
                        return Ok(false);
                    }
                    false
                }
                Err(error) => return Err(error),
            };
            match self.cover(kind, target, it) {
                Ok(()) => return Ok(same),
                // It lost its name since it was opened: the kernel mounts nothing there. Another may have it.
                Err(error) if error.errno == Errno::NOENT => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::STALE).step_with(|| format!("cover {}", at.display()))
    }

    /// Mount a mask over something of the host's.
    fn cover(&mut self, kind: Kind, target: OwnedFd, it: &Mount) -> Result<(), StepError> {
        let mask = self.tree.masks.cover(kind, target, &it.at)?;
        grant(&mut self.tree.rules, mask, kind, it)
    }

    /// Mount something of the host's on itself, which has the flags and owners of what it lies in.
    fn pin(&self, at: &Path, there: There, read_only: bool) -> Result<(), StepError> {
        let kind = if there.folder { Kind::Folder } else { Kind::File };
        let target = self.existing(at, kind, Some(there))?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::AT_RECURSIVE;
        let tree = open_tree(&target, "", flags)
            .step_with(|| format!("take the tree of {}", at.display()))?;
        if read_only {
            let attributes = Attributes { set: ATTR_RDONLY, recursive: true, ..Default::default() };
            set_attributes(&tree, attributes)
                .step_with(|| format!("make {} read-only", at.display()))?;
        }
        mount(&tree, target, at)
    }

    /// What something of the host's shows at this path. What is mounted on the descriptor is mounted on
    /// the very object that the plan saw, under whatever name the host has it by then.
    fn existing(&self, at: &Path, kind: Kind, there: Option<There>) -> Result<OwnedFd, StepError> {
        let target = self.tree.skeleton.existing(at, kind)?;
        if let Some(there) = there {
            self.refuse_other(&target, there, at)?;
        }
        Ok(target)
    }

    /// Refuse what is not what the plan saw.
    fn refuse_other(&self, target: &OwnedFd, there: There, at: &Path) -> Result<(), StepError> {
        let around = self.around(at).find(|content| !matches!(content, Content::Pin { .. }));
        let overlay = match around {
            Some(Content::Overlay(overlay)) => Some(overlay),
            _ => None,
        };
        refuse_other(target, there, overlay, at)
    }

    /// False if something of the host's is the nearest thing above: nothing may be created there.
    fn is_on_skeleton(&self, at: &Path) -> bool {
        let above = self.around(at).next();
        !matches!(above, Some(Content::Host(_) | Content::Overlay(_) | Content::Pin { .. }))
    }

    /// What is planned at the paths above, the nearest first.
    fn around<'it>(&'it self, at: &'it Path) -> impl Iterator<Item = &'it Content> {
        at.ancestors().skip(1).filter_map(|above| self.contents.get(above).copied())
    }
}

/// Listen at a path that everybody inside may connect to. A read-only mount does not keep from that.
fn listen(it: &Mount, rules: &mut Rules) -> Result<OwnedFd, StepError> {
    let shown = it.at.display();
    let address = SocketAddrUnix::new(&it.at).step_with(|| format!("name the socket {shown}"))?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .step("make a socket")?;
    bind(&socket, &address).step_with(|| format!("bind the socket {shown}"))?;
    rustix::fs::chmod(&it.at, Mode::from_raw_mode(0o666))
        .step_with(|| format!("set the mode of {shown}"))?;
    rustix::net::listen(&socket, BACKLOG).step_with(|| format!("listen at {shown}"))?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let object = rustix::fs::open(&it.at, flags, Mode::empty())
        .step_with(|| format!("open the socket {shown}"))?;
    grant(rules, &object, Kind::File, it)?;
    Ok(socket)
}

fn is_folder(object: &OwnedFd, at: &Path) -> Result<bool, StepError> {
    let found = fstat(object).step_with(|| format!("look at {}", at.display()))?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory)
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
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
