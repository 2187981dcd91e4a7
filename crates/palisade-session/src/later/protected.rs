//! Protected names that were missing at the launch: what appears at one is moved aside at once.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    ops::Bound::{Included, Unbounded},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use palisade_sandbox::linux::execs::View;
use rustix::{
    fs::{AtFlags, CWD, StatxFlags, statx},
    io::Errno,
};

use super::watches::Watches;
use crate::{
    plan::PROTECTED,
    sweep::{Found, Turns, Was, Watched, moved_from, opened, sweep},
};

/// The names of a session that no mount covers.
#[derive(Debug, Default)]
pub(super) struct Protected {
    /// By their whole paths.
    names: BTreeMap<PathBuf, Vec<Watched>>,
    /// Folders that lead to them, there or not.
    ways: BTreeMap<PathBuf, Way>,
    /// When something may be moved. `None`: at any time.
    turns: Option<Turns>,
}

#[derive(Debug)]
struct Way {
    /// The writable folder that it is in, or is.
    top: PathBuf,
    /// The number of the watch, if it was there when last looked at.
    number: Option<i32>,
}

impl Protected {
    pub(super) fn new(names: Vec<Watched>, turns: Option<Turns>) -> Self {
        let mut all = Self { turns, ..Self::default() };
        names.into_iter().for_each(|name| all.insert(name));
        all
    }

    fn insert(&mut self, name: Watched) {
        let top = PathBuf::from(&name.folder);
        let whole = top.join(&name.name);
        let mut way = |path: &Path| {
            let way = Way { top: top.clone(), number: None };
            self.ways.entry(path.to_owned()).or_insert(way);
        };
        for above in whole.ancestors().skip(1).take_while(|above| above.starts_with(&top)) {
            way(above);
        }
        // What is in it says whether it may stay.
        if name.git {
            way(&whole);
        }
        self.names.entry(whole).or_default().push(name);
    }

    /// Watch every folder that is there, and look at every name. `view` is what the sandbox sees.
    ///
    /// # Errors
    /// What could not be watched is looked at now, and then only at the end.
    pub(super) fn look_at_all(
        &mut self,
        view: Option<&View>,
        watches: &mut Watches,
    ) -> (Vec<Found>, Result<(), Errno>) {
        let mut watched = Ok(());
        let folders: Vec<_> = self.ways.keys().filter_map(|path| path.read_dir().ok()).collect();
        for moved in folders.into_iter().flatten().flatten() {
            self.learn(&moved.path(), view);
        }
        for (path, way) in &mut self.ways {
            watched = watched.and(way.watch(path, watches));
        }
        (self.swept(self.names.values()), watched)
    }

    /// Something appeared at this path.
    ///
    /// # Errors
    /// As of [`Protected::look_at_all`].
    pub(super) fn see(
        &mut self,
        path: &Path,
        view: Option<&View>,
        watches: &mut Watches,
    ) -> (Vec<Found>, Result<(), Errno>) {
        let learnt = self.learn(path, view);
        let mut watched = Ok(());
        // Watched before it is looked into, so that nothing appears in between.
        let below = self.ways.range_mut::<Path, _>((Included(path), Unbounded));
        for (path, way) in below.take_while(|(at, _)| at.starts_with(path)) {
            watched = watched.and(way.watch(path, watches));
        }
        let moved = learnt.and_then(|from| self.names.get(&from));
        let above = path.parent().and_then(|folder| self.names.get(folder));
        let below = self.names.range::<Path, _>((Included(path), Unbounded));
        let below = below.take_while(|(at, _)| at.starts_with(path)).map(|(_, names)| names);
        (self.swept(moved.into_iter().chain(above).chain(below)), watched)
    }

    fn swept<'a>(&self, names: impl Iterator<Item = &'a Vec<Watched>>) -> Vec<Found> {
        // Of the names of one folder most are missing. To wait for a turn costs a look at every session.
        let there: Vec<_> = names.filter(|one| one.iter().any(Watched::may_be_there)).collect();
        let all = || there.iter().flat_map(|names| sweep(names)).collect();
        match &self.turns {
            Some(turns) if !there.is_empty() => turns.between_launches(all),
            _ => all(),
        }
    }

    /// Another session has moved aside what was there at our launch, and its mount went along: the name is
    /// one that is missing from now on. What has its name again by now was made since. Returns that name, if it is new.
    fn learn(&mut self, path: &Path, view: Option<&View>) -> Option<PathBuf> {
        let from = moved_from(path)?;
        let went_along = || view.is_some_and(|view| is_mount(view, path) && !is_mount(view, &from));
        if self.names.contains_key(&from) || from.symlink_metadata().is_ok() && !went_along() {
            return None;
        }
        let tops = self.ways.iter().filter(|(path, way)| **path == way.top);
        let name = tops.filter_map(|(top, _)| Some((top, from.strip_prefix(top).ok()?)));
        let protected = |name: &Path| PROTECTED.iter().any(|known| OsStr::new(known) == name);
        let (top, name) = name.into_iter().find(|(_, name)| protected(name))?;
        let name = Watched {
            folder: top.into(),
            name: name.into(),
            was: Was::Absent,
            git: name == Path::new(".gitmodules"),
        };
        if name.git {
            return None;
        }
        self.insert(name);
        Some(from)
    }
}

/// Whether the sandbox has a mount of its own at this path.
fn is_mount(view: &View, path: &Path) -> bool {
    let mount = |path: &Path| {
        let object = view.object(path).ok()?;
        let found = statx(object, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
        Some(found.stx_mnt_id)
    };
    let Some(folder) = path.parent() else { return false };
    mount(path).zip(mount(folder)).is_some_and(|(own, above)| own != above)
}

impl Way {
    /// See that the folder which is there now is the one that is watched.
    fn watch(&mut self, path: &Path, watches: &mut Watches) -> Result<(), Errno> {
        let number = match self.open(path) {
            Ok(opened) => match watches.add(path, &opened) {
                Ok(number) => Some(number),
                Err(errno) => return Err(errno),
            },
            // It is not there, or is none: what is there is looked at by its name.
            Err(_) => None,
        };
        // One that was moved away leads nowhere any more. Else who makes many would use up all watches.
        if let Some(before) = self.number.filter(|before| number != Some(*before)) {
            watches.remove(before, path);
        }
        self.number = number;
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let mut folder = opened(CWD, self.top.as_os_str(), false)?;
        for name in path.strip_prefix(&self.top).unwrap_or(Path::new("")) {
            folder = opened(&folder, name, true)?;
        }
        Ok(folder)
    }
}
