use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, Metadata},
    io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use palisade_sandbox::{Content, Generated, GeneratedFolder, HostObject, Mount, Overlay, There};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::{
    held::Held,
    links::{Link, Names},
    who::Who,
};
use crate::refusal::{Refusal, Refuse};

/// What is covered is kept open, up to this number: more could use up this process's descriptors.
const MOST_COVERED: usize = 128;

/// The mount tree in the making: what each path inside holds.
#[derive(Debug)]
pub(crate) struct Tree {
    at: BTreeMap<PathBuf, Content>,
    held: Vec<OwnedFd>,
    /// Of what is covered.
    covered: BTreeMap<PathBuf, OwnedFd>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { at: BTreeMap::new(), held: Vec::new(), covered: BTreeMap::new() }
    }

    /// Show this object of the host. `path` has no links. `mapped`: for a sandbox with a host user
    /// of its own, the agent owns inside what the object's owner owns.
    pub(crate) fn grant(
        &mut self,
        path: &Path,
        writable: bool,
        mapped: bool,
        who: &Who,
    ) -> Result<(), Refusal> {
        let found = if writable { self.hold(path)? } else { look(path)? };
        if !found.is_dir() && !found.is_file() {
            return Err(Refusal::new(
                format!("{} is neither a file nor a folder, and cannot be granted", path.display()),
                "name only files and folders in `filesystem`",
            ));
        }
        let owner = (mapped && who.maps_owners).then(|| (found.uid(), found.gid()));
        let object = object(path, &found, writable, owner);
        if let Some(Content::Host(above)) = self.host_above(path).map(|(_, content)| content) {
            let same = above.path == object.path;
            if above.writable == writable && above.owned_by == owner && !same {
                return Ok(());
            }
            if same && above.writable {
                return Ok(());
            }
        }
        self.at.insert(path.to_owned(), Content::Host(object));
        Ok(())
    }

    /// Show this folder of the host, and keep in `layers` what the agent changes.
    pub(crate) fn overlay(&mut self, path: &Path, layers: &Path, who: &Who) -> Result<(), Refusal> {
        let (below, above) = (self.hold(path)?, look(layers)?);
        let owner = who.maps_owners.then(|| (below.uid(), below.gid()));
        let overlay = Overlay {
            lower: object(path, &below, false, owner),
            layers: object(layers, &above, true, None),
        };
        self.at.insert(path.to_owned(), Content::Overlay(overlay));
        Ok(())
    }

    /// Look at it through a descriptor that is kept: no other file can be it later.
    pub(crate) fn hold(&mut self, path: &Path) -> Result<Metadata, Refusal> {
        let (opened, found) = open(path).refuse(see(path), SEE)?;
        self.held.push(opened);
        Ok(found)
    }

    /// Put a mount of its own over a part of what is shown already: its name stays, and if that is meant it
    /// is read-only.
    pub(crate) fn pin(&mut self, path: &Path, read_only: bool) -> Result<(), Refusal> {
        let taken = match self.at.get(path) {
            None => self.host_above(path).is_none(),
            Some(Content::Pin { read_only: already, .. }) => *already || !read_only,
            Some(_) => true,
        };
        if taken {
            return Ok(());
        }
        let found = look(path)?;
        self.at.insert(path.to_owned(), Content::Pin { there: there(&found), read_only });
        Ok(())
    }

    /// Fix the folders above this real path: none that the agent could rename or remove can be, so
    /// what leads there leads there still in the next session.
    pub(crate) fn fix_above(&mut self, path: &Path) -> Result<(), Refusal> {
        path.ancestors().skip(1).try_for_each(|folder| self.fix(folder))
    }

    /// Fix every folder and link that is passed on the way to a path, as far as it exists, and its end.
    pub(crate) fn fix_way(&mut self, path: &Path, names: &Names) -> Result<(), Refusal> {
        names.steps(path).iter().try_for_each(|step| self.fix(step))
    }

    /// Fix the folders above everything that is in the tree until now.
    pub(crate) fn fix_above_all(&mut self) -> Result<(), Refusal> {
        let all: Vec<PathBuf> = self.at.keys().cloned().collect();
        all.iter().try_for_each(|path| self.fix_above(path))
    }

    fn fix(&mut self, path: &Path) -> Result<(), Refusal> {
        let agents = || path.parent().is_some_and(|folder| self.may_change(folder, true));
        if self.at.contains_key(path) || !agents() {
            return Ok(());
        }
        self.pin(path, false)
    }

    /// Show nothing at this path and below, where something would be shown. `found` is what is there.
    pub(crate) fn cover(&mut self, path: &Path, found: &Metadata) {
        let there = there(found);
        let opened = open(path).ok().filter(|(_, now)| self::there(now) == there);
        self.cover_open(path, there, opened.map(|(opened, _)| opened));
    }

    /// The same for what is open.
    pub(crate) fn cover_object(&mut self, path: &Path, object: &File) -> io::Result<()> {
        let there = there(&object.metadata()?);
        self.cover_open(path, there, object.try_clone().ok().map(OwnedFd::from));
        Ok(())
    }

    fn cover_open(&mut self, path: &Path, there: There, opened: Option<OwnedFd>) {
        self.at.retain(|at, _| !at.starts_with(path));
        if self.host_above(path).is_none() {
            return;
        }
        // If it goes away before it is covered, it can be told from what was renamed.
        if let Some(opened) = opened.filter(|_| self.covered.len() < MOST_COVERED) {
            self.covered.insert(path.to_owned(), opened);
        }
        self.at.insert(path.to_owned(), Content::Cover(there));
    }

    /// A private folder, unless the policy put something there.
    pub(crate) fn scratch(&mut self, path: &Path, mode: u32) {
        if self.host_above(path).is_none() {
            self.at.entry(path.to_owned()).or_insert(Content::Scratch { mode });
        }
    }

    /// A folder for generated files, that can be listed.
    pub(crate) fn folder(&mut self, path: &Path) {
        if self.host_above(path).is_none() {
            self.at.entry(path.to_owned()).or_insert(Content::EmptyFolder);
        }
    }

    /// A unix socket to listen at, unless something of the host's is shown there.
    pub(crate) fn socket(&mut self, path: &Path) {
        if self.host_above(path).is_none() {
            self.at.insert(path.to_owned(), Content::Socket);
        }
    }

    /// A generated file. Over a file of the host where its folder is shown.
    pub(crate) fn generate(&mut self, path: impl Into<PathBuf>, text: Vec<u8>) {
        let path = path.into();
        let shown = self.host_above(&path).is_some_and(|(at, _)| at != path);
        // Nothing can be mounted over what is not there, or over a link.
        if shown && !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            return;
        }
        self.at.insert(path, Content::Text(text));
    }

    /// A folder of generated files, over whatever shows there. Where that is the host's, it exists.
    pub(crate) fn generate_folder(
        &mut self,
        path: &Path,
        entries: Vec<Generated>,
    ) -> Result<(), Refusal> {
        self.at.retain(|at, _| !at.starts_with(path));
        let over = match self.host_above(path) {
            Some(_) => Some(there(&look(path)?)),
            None => None,
        };
        self.at.insert(path.to_owned(), Content::Folder(GeneratedFolder { entries, over }));
        Ok(())
    }

    /// A link, unless it is shown already or something else is there.
    pub(crate) fn link(&mut self, link: &Link) {
        if self.host_above(&link.at).is_none() && !self.at.contains_key(&link.at) {
            self.at.insert(link.at.clone(), Content::Link(link.to.clone()));
        }
    }

    /// The mount of the host that `path` lies in or is, if that is what shows there. Never a pin, which shows
    /// what is around it.
    pub(crate) fn host_above(&self, path: &Path) -> Option<(&Path, &Content)> {
        let (at, content) = path
            .ancestors()
            .filter_map(|above| self.at.get_key_value(above))
            .find(|(_, content)| !matches!(content, Content::Pin { .. }))
            .map(|(at, content)| (at.as_path(), content))?;
        matches!(content, Content::Host(_) | Content::Overlay(_)).then_some((at, content))
    }

    /// Whether what is at this path is the sandbox's own, and the agent may write there.
    pub(crate) fn is_scratch(&self, path: &Path) -> bool {
        let mut contents = path.ancestors().filter_map(|above| self.at.get(above));
        let shown = contents.find(|content| !matches!(content, Content::Pin { .. }));
        matches!(shown, Some(Content::Scratch { .. }))
    }

    /// Whether a real path of the host can be seen inside.
    pub(crate) fn shows(&self, path: &Path) -> bool {
        self.host_above(path).is_some()
    }

    /// Whether the agent could change what is at this real path.
    pub(crate) fn is_writable(&self, path: &Path) -> bool {
        self.may_change(path, false)
    }

    /// Whether the agent could change or make something at this real path, be it in an overlay.
    pub(crate) fn may_be_changed(&self, path: &Path) -> bool {
        self.may_change(path, true)
    }

    /// Whether the agent may write there, in what is the host's or also in an overlay.
    fn may_change(&self, path: &Path, in_overlay: bool) -> bool {
        let contents = path.ancestors().filter_map(|above| self.at.get(above));
        let said = contents.filter_map(|content| match content {
            Content::Pin { read_only: false, .. } => None,
            Content::Host(object) => Some(object.writable),
            Content::Overlay(_) => Some(in_overlay),
            _ => Some(false),
        });
        said.take(1).any(|writable| writable)
    }

    /// What is there, by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &Content)> {
        self.at.iter().map(|(at, content)| (at.as_path(), content))
    }

    /// All objects of the host, by their path inside.
    pub(crate) fn hosts(&self) -> Vec<(PathBuf, HostObject)> {
        self.at
            .iter()
            .filter_map(|(at, content)| match content {
                Content::Host(object) | Content::Overlay(Overlay { lower: object, .. }) => {
                    Some((at.clone(), object.clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// Folders that are shown by an overlay.
    pub(crate) fn overlays(&self) -> Vec<PathBuf> {
        let overlays = self.at.iter().filter(|(_, content)| matches!(content, Content::Overlay(_)));
        overlays.map(|(at, _)| at.clone()).collect()
    }

    /// Single files that are read-only in what is writable.
    pub(crate) fn held_files(&self) -> BTreeSet<PathBuf> {
        let held = self.at.iter().filter(|(_, content)| {
            matches!(content, Content::Pin { there, read_only: true } if !there.folder)
        });
        held.map(|(at, _)| at.clone()).collect()
    }

    /// The mounts, and what is held for them.
    pub(crate) fn into_mounts(mut self) -> (Vec<Mount>, Held) {
        let mut held = Held { _objects: self.held, ..Held::default() };
        let mounts = self.at.into_iter().enumerate().map(|(number, (at, content))| {
            if matches!(content, Content::Cover(_))
                && let Some(object) = self.covered.remove(&at)
            {
                held.covered.insert(number, (at.clone(), object));
            }
            Mount { at, content }
        });
        (mounts.collect(), held)
    }
}

/// By its own name, without links on the way.
pub(super) fn open(path: &Path) -> io::Result<(OwnedFd, Metadata)> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let opened = File::from(openat2(CWD, path, flags, Mode::empty(), resolve)?);
    let found = opened.metadata()?;
    Ok((opened.into(), found))
}

fn there(found: &Metadata) -> There {
    There { device: found.dev(), inode: found.ino(), folder: found.is_dir() }
}

const SEE: &str = "see that it exists and may be read";

fn see(path: &Path) -> String {
    format!("look at {}", path.display())
}

fn look(path: &Path) -> Result<Metadata, Refusal> {
    path.symlink_metadata().refuse(see(path), SEE)
}

fn object(path: &Path, found: &Metadata, writable: bool, owner: Option<(u32, u32)>) -> HostObject {
    HostObject {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
        folder: found.is_dir(),
        writable,
        owned_by: owner,
    }
}
