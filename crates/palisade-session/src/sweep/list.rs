use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Found, Nested, Watched, sweep};
use crate::refusal::{Refusal, Refuse};

const FOLDER: &str = "sweeps";
/// No list is longer.
const MOST_BYTES: u64 = 16 << 20;
const REMEDY: &str = "see that the state folder (PALISADE_STATE) can be written and has room";

/// A session's list, in the state folder while the session lives. Its lock says that it does.
#[derive(Debug)]
pub(crate) struct List {
    path: PathBuf,
    lists: Lists,
    _lock: File,
}

/// What to look at when the session has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lists {
    /// Names.
    pub(crate) watched: Vec<Watched>,
    /// Folders in which there may be new repositories.
    pub(crate) nested: Vec<Nested>,
}

impl Lists {
    fn sweep(&self) -> Vec<Found> {
        let mut found = Vec::new();
        // The deeper ones first: a folder that is moved takes its content along.
        for nested in &self.nested {
            let (watched, unread) = nested.watched();
            found.extend(sweep(&watched));
            found.extend(unread);
        }
        found.extend(sweep(&self.watched));
        found
    }
}

impl List {
    /// Write the list, before anything runs. `None` if there is nothing to watch.
    pub(crate) fn keep(
        state: &Path,
        session: &SessionId,
        lists: Lists,
    ) -> Result<Option<Self>, Refusal> {
        if lists.watched.is_empty() && lists.nested.is_empty() {
            return Ok(None);
        }
        let folder = state.join(FOLDER);
        let what = format!("the state folder {}", state.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).refuse(&what, REMEDY)?;
        let path = folder.join(session.as_str());
        let mut file = create_locked(&path).refuse(&what, REMEDY)?;
        let text = serde_json::to_vec(&lists).refuse(&what, REMEDY)?;
        if let Err(error) = file.write_all(&text) {
            fs::remove_file(&path).unwrap_or_default();
            return Err(error).refuse(&what, REMEDY);
        }
        Ok(Some(Self { path, lists, _lock: file }))
    }

    /// Do what is on it, then forget it. The sandbox must have ended.
    pub(crate) fn done(self) -> Vec<Found> {
        let found = self.lists.sweep();
        fs::remove_file(&self.path).unwrap_or_default();
        found
    }

    /// Forget it: nothing ran.
    pub(crate) fn forget(self) {
        fs::remove_file(&self.path).unwrap_or_default();
    }
}

/// A new file with our lock. Another launch that looks for leftovers may find it before it is
/// locked, take it for one (it is empty yet) and remove it: then it is made again.
fn create_locked(path: &Path) -> io::Result<File> {
    loop {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        flock(&made, FlockOperation::LockExclusive)?;
        if made.metadata()?.nlink() > 0 {
            return Ok(made);
        }
    }
}

/// Do what is on the lists of supervisors that were killed.
pub(crate) fn leftover(state: &Path) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(state.join(FOLDER)) else { return Vec::new() };
    entries.flatten().filter_map(|entry| of_dead(&entry.path())).flatten().collect()
}

fn of_dead(path: &Path) -> Option<Vec<Found>> {
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    // Somebody else did it meanwhile, and the name may be another list's by now.
    if file.metadata().ok()?.nlink() == 0 {
        return None;
    }
    let mut text = Vec::new();
    (&file).take(MOST_BYTES).read_to_end(&mut text).ok()?;
    // Half a list is of a launch that had not come so far that anything ran.
    let lists: Lists = serde_json::from_slice(&text).unwrap_or_default();
    let found = lists.sweep();
    fs::remove_file(path).ok()?;
    Some(found)
}
