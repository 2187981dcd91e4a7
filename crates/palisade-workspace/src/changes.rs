//! Where an overlay differs from the host's folder: overlayfs' layer read as a list of changes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::{OsStr, OsString},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{fs::fgetxattr, io::Errno};

use crate::{
    baseline::Baseline,
    beneath::{self, Root, too_long},
    change::{Change, Conflict, Unfit},
    error::{WorkspaceError, io},
    quote::quoted,
    same::same_content,
    seen::{Kind, Seen},
    sensitive,
};

/// Changes that are looked at together. An agent may make more, to fill the operator's memory.
const MOST: usize = 1 << 20;
/// overlayfs' note that a folder hides what the host has in it.
const OPAQUE: &str = "user.overlay.opaque";

/// Both sides of an overlay, and what the host's was.
#[derive(Debug)]
pub(crate) struct Sides<'a> {
    pub(crate) upper: &'a Root,
    pub(crate) host: &'a Root,
    pub(crate) baseline: Option<&'a Baseline>,
    /// Folders that an apply made and could not close any more.
    pub(crate) unclosed: &'a HashSet<PathBuf>,
}

/// A folder to look into.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Whether the host has a folder there now.
    on_host: bool,
    /// Whether the overlay shows nothing of the host's.
    hides: bool,
}

/// All changes, sorted by path.
pub(crate) fn find(sides: &Sides<'_>) -> Result<Vec<Change>, WorkspaceError> {
    let mut search = Search { sides, found: BTreeMap::new() };
    let mut folders = vec![Folder { path: PathBuf::new(), on_host: true, hides: false }];
    while let Some(folder) = folders.pop() {
        search.look_into(folder, &mut folders)?;
    }
    let mut changes: Vec<Change> = search.found.into_values().collect();
    refuse_twins(sides, &mut changes)?;
    Ok(changes)
}

struct Search<'a> {
    sides: &'a Sides<'a>,
    found: BTreeMap<PathBuf, Change>,
}

impl Search<'_> {
    fn look_into(
        &mut self,
        folder: Folder,
        folders: &mut Vec<Folder>,
    ) -> Result<(), WorkspaceError> {
        let Folder { path, on_host, hides } = folder;
        let upper = match self.sides.upper.folder(&path) {
            Ok(upper) => upper,
            Err(Errno::ACCESS) => {
                let seen = self.sides.upper.look(&path).ok().flatten();
                let mode = seen.map_or(0, |seen| seen.mode);
                return self.unfit(path, seen, Unfit::Unreadable(mode));
            }
            Err(errno) => return Err(io("open", &path)(errno)),
        };
        let host = if on_host { self.host_folder(&path)? } else { None };
        // The topmost folder is the workspace itself, which nobody can replace.
        let hides = hides || (path.as_os_str().is_empty().eq(&false) && is_opaque(&upper)?);
        let names = beneath::names(&upper).map_err(io("list", &path))?;
        if let (true, Some(host)) = (hides, &host) {
            for name in beneath::names(host).map_err(io("list", &path))? {
                if names.binary_search(&name).is_err() {
                    self.deleted(path.join(name))?;
                }
            }
        }
        for name in names {
            let path = path.join(&name);
            let Some(new) = beneath::look(&upper, &name).map_err(io("look at", &path))? else {
                continue;
            };
            let old = match &host {
                Some(host) => beneath::look(host, &name).map_err(io("look at", &path))?,
                None => None,
            };
            if new.kind == Kind::Whiteout {
                if old.is_some() {
                    self.deleted(path)?;
                }
                continue;
            }
            if too_long(&path) {
                self.unfit(path, Some(new), Unfit::TooLong)?;
                continue;
            }
            if new.kind == Kind::Folder {
                let on_host = old.is_some_and(|old| old.kind == Kind::Folder);
                folders.push(Folder { path: path.clone(), on_host, hides });
            } else if old.is_some_and(|old| old.kind == Kind::Folder) {
                self.inside_deleted(&path)?;
            }
            self.differs(&upper, &name, path, old, new)?;
        }
        Ok(())
    }

    fn host_folder(&self, path: &Path) -> Result<Option<OwnedFd>, WorkspaceError> {
        match self.sides.host.folder(path) {
            Ok(folder) => Ok(Some(folder)),
            // It was exchanged meanwhile: what is applied is looked at again, then.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(io("open", path)(errno)),
        }
    }

    /// Enter the change at `path`, if there is one.
    fn differs(
        &mut self,
        upper: &OwnedFd,
        name: &OsStr,
        path: PathBuf,
        old: Option<Seen>,
        new: Seen,
    ) -> Result<(), WorkspaceError> {
        let mut unfit = None;
        match (new.kind, old) {
            (Kind::Folder, Some(old)) if old.kind == Kind::Folder => {
                // A copied folder keeps the mode that the host's had then; one that both made is as
                // the host made it.
                let then = self.past(&path).map(|past| past.permissions());
                let as_it_was = then.is_none_or(|then| then == new.permissions());
                if old.permissions() == new.permissions()
                    || (as_it_was && !self.sides.unclosed.contains(&path))
                {
                    return Ok(());
                }
            }
            (Kind::Folder, _) => {}
            (Kind::File, _) if new.is_set_id() => unfit = Some(Unfit::SetId),
            (Kind::File, _) => match beneath::file(upper, name) {
                Ok((mut file, _)) => {
                    if let Some(old) = old.filter(|old| old.kind == Kind::File)
                        && old.permissions() == new.permissions()
                        && old.size == new.size
                        && self.host_has(&path, &mut file)?
                    {
                        return Ok(());
                    }
                }
                Err(Errno::ACCESS) => unfit = Some(Unfit::Unreadable(new.mode)),
                Err(errno) => return Err(io("open", &path)(errno)),
            },
            (Kind::Link, _) => {
                let to = beneath::link(upper, name).map_err(io("read the link", &path))?;
                if old.is_some_and(|old| old.kind == Kind::Link)
                    && self.host_link(&path)?.as_ref() == Some(&to)
                {
                    return Ok(());
                }
                if leaves(&path, &to) {
                    unfit = Some(Unfit::Leaves(quoted(&to)));
                }
            }
            (kind, _) => unfit = Some(Unfit::Special(kind.to_string())),
        }
        let mut change = self.change(path, old, Some(new));
        if change.unfit.is_none() {
            change.unfit = unfit.or_else(|| owner(&change));
        }
        if new.kind == Kind::Link {
            let to = beneath::link(upper, name).map_err(io("read the link", &change.path))?;
            change.sensitive |= sensitive::is_link_to_sensitive(&change.path, &to);
        }
        self.enter(change)
    }

    /// Whether the host's file has the same content.
    fn host_has(&self, path: &Path, file: &mut std::fs::File) -> Result<bool, WorkspaceError> {
        match self.sides.host.file(path) {
            Ok((mut host, _)) => same_content(file, &mut host).map_err(|error| {
                io("read", path)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            }),
            // What cannot be read is not known to be the same.
            Err(_) => Ok(false),
        }
    }

    fn host_link(&self, path: &Path) -> Result<Option<PathBuf>, WorkspaceError> {
        match self.sides.host.parent(path).and_then(|(folder, name)| beneath::link(folder, name)) {
            Ok(to) => Ok(Some(to)),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(errno) => Err(io("read the link", path)(errno)),
        }
    }

    /// What the host has at `path`, and all in it, is deleted.
    fn deleted(&mut self, path: PathBuf) -> Result<(), WorkspaceError> {
        let old = self.sides.host.look(&path).map_err(io("look at", &path))?;
        let Some(old) = old else { return Ok(()) };
        if old.kind == Kind::Folder {
            self.inside_deleted(&path)?;
        }
        let change = self.change(path, Some(old), None);
        self.enter(change)
    }

    fn inside_deleted(&mut self, path: &Path) -> Result<(), WorkspaceError> {
        let mut folders = vec![path.to_owned()];
        while let Some(path) = folders.pop() {
            let Some(folder) = self.host_folder(&path)? else { continue };
            for name in beneath::names(&folder).map_err(io("list", &path))? {
                let path = path.join(&name);
                let old = beneath::look(&folder, &name).map_err(io("look at", &path))?;
                let Some(old) = old else { continue };
                if old.kind == Kind::Folder && !too_long(&path) {
                    folders.push(path.clone());
                }
                let change = self.change(path, Some(old), None);
                self.enter(change)?;
            }
        }
        Ok(())
    }

    fn unfit(
        &mut self,
        path: PathBuf,
        new: Option<Seen>,
        unfit: Unfit,
    ) -> Result<(), WorkspaceError> {
        let old = if too_long(&path) { None } else { self.sides.host.look(&path).ok().flatten() };
        let mut change = self.change(path, old, new);
        change.unfit = Some(unfit);
        self.enter(change)
    }

    fn change(&self, path: PathBuf, old: Option<Seen>, new: Option<Seen>) -> Change {
        let sensitive = sensitive::is_sensitive(&path)
            || sensitive::is_of_bare_repository(&path, &|path| {
                [self.sides.upper, self.sides.host]
                    .iter()
                    .any(|root| root.look(path).is_ok_and(|seen| seen.is_some()))
            });
        let conflict = self.conflict(&path, old.as_ref(), new.as_ref());
        let unfit = too_long(&path).then_some(Unfit::TooLong);
        Change { path, sensitive, unfit, conflict, old, new }
    }

    fn past(&self, path: &Path) -> Option<crate::baseline::Past> {
        self.sides.baseline.and_then(|baseline| baseline.get(path)).copied()
    }

    fn conflict(&self, path: &Path, old: Option<&Seen>, new: Option<&Seen>) -> Option<Conflict> {
        if self.sides.unclosed.contains(path) && old.is_some_and(|old| old.kind == Kind::Folder) {
            return None;
        }
        if self.sides.baseline.is_none() {
            return Some(Conflict::Unknown);
        }
        match (self.past(path), old) {
            (None, None) => None,
            (None, Some(_)) => Some(Conflict::Made),
            // A deleted folder is made again for what the agent put in it.
            (Some(past), None) => (past.kind() != Kind::Folder
                || new.is_none_or(|new| new.kind != Kind::Folder))
            .then_some(Conflict::Deleted),
            (Some(past), Some(old)) => (!past.is_still(old)).then_some(Conflict::Changed),
        }
    }

    fn enter(&mut self, change: Change) -> Result<(), WorkspaceError> {
        if self.found.len() >= MOST {
            return Err(WorkspaceError::TooMany(MOST));
        }
        self.found.insert(change.path.clone(), change);
        Ok(())
    }
}

fn is_opaque(upper: &OwnedFd) -> Result<bool, WorkspaceError> {
    let mut value = [0; 8];
    match fgetxattr(upper, OPAQUE, &mut value[..]) {
        Ok(length) => Ok(value.get(..length) == Some(b"y")),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(errno) => Err(io("read an attribute of", Path::new("the overlay"))(errno)),
    }
}

/// Whether a link leads out of the workspace, or may. Its own folder is a real one, so leading `..` can be
/// counted. Behind a name they cannot: the name may be a link to anywhere. Where a link of the host's own
/// leaves, the operator made it.
fn leaves(path: &Path, to: &Path) -> bool {
    use std::path::Component;
    let mut above = path.components().count().saturating_sub(1);
    let mut went_down = false;
    to.as_os_str().is_empty()
        || to.components().any(|part| match part {
            Component::CurDir => false,
            Component::Normal(_) => {
                went_down = true;
                false
            }
            Component::ParentDir => {
                let out = went_down || above == 0;
                above = above.saturating_sub(1);
                out
            }
            Component::RootDir | Component::Prefix(_) => true,
        })
}

/// An ordinary user cannot give a file to its owner again.
fn owner(change: &Change) -> Option<Unfit> {
    let (old, new) = (change.old?, change.new?);
    let replaces = old.kind == Kind::File && new.kind == Kind::File;
    let me = rustix::process::geteuid();
    if !replaces || me.is_root() {
        return None;
    }
    let group = |gid: u32| {
        gid == rustix::process::getegid().as_raw()
            || rustix::process::getgroups()
                .is_ok_and(|all| all.iter().any(|one| one.as_raw() == gid))
    };
    (old.uid != me.as_raw() || !group(old.gid)).then_some(Unfit::Owner(old.uid, old.gid))
}

/// Where the host's file system folds names (case, invisible characters), a new name may be an
/// old file's. Nothing is applied through a name that its folder does not list.
fn refuse_twins(sides: &Sides<'_>, changes: &mut [Change]) -> Result<(), WorkspaceError> {
    let mut listed: HashMap<PathBuf, Vec<OsString>> = HashMap::new();
    for change in changes.iter_mut().filter(|change| change.old.is_some() && change.unfit.is_none())
    {
        let (Some(parent), Some(name)) = (change.path.parent(), change.path.file_name()) else {
            continue;
        };
        if !listed.contains_key(parent) {
            let names = match sides.host.folder(parent) {
                Ok(folder) => beneath::names(&folder).map_err(io("list", parent))?,
                Err(_) => Vec::new(),
            };
            listed.insert(parent.to_owned(), names);
        }
        let known = listed.get(parent).is_some_and(|names| {
            names.binary_search_by(|known| known.as_os_str().cmp(name)).is_ok()
        });
        if !known {
            change.unfit = Some(Unfit::Twin);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_inside_or_is_refused() {
        for (path, to, out) in [
            ("a", "b", false),
            ("a", "./b/c", false),
            ("d/a", "../b", false),
            ("d/e/a", "../../b/c", false),
            ("a", "..", true),
            ("d/a", "../../x", true),
            ("a", "/etc/passwd", true),
            ("a", "", true),
            // `b/c` may be a link to the workspace itself.
            ("a", "b/c/../..", true),
            ("a", "b/../c", true),
        ] {
            assert_eq!(leaves(Path::new(path), Path::new(to)), out, "{path} -> {to}");
        }
    }
}
