use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Found, How, Nested, Watched, sweep};
use crate::refusal::{Refusal, Refuse};

const FOLDER: &str = "sweeps";
/// No list is longer.
const MOST_BYTES: u64 = 16 << 20;
const REMEDY: &str = "see that the state folder (PALISADE_STATE) can be written and has room";

/// A session's list, in the state folder while the session lives. Its lock says that it does.
///
/// It is there from before the plan is made: a session that ends in the same folder meanwhile must not
/// move what the plan has found. Its first line names the folders, its second is the list itself.
#[derive(Debug)]
pub(crate) struct List {
    path: PathBuf,
    folders: Vec<PathBuf>,
    lists: Option<Lists>,
    file: File,
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
    /// Do what sessions whose supervisor was killed have left, and say that this one is to write in these
    /// folders. `None` if it writes in none.
    pub(crate) fn begin(
        state: &Path,
        session: &SessionId,
        folders: Vec<PathBuf>,
    ) -> Result<(Option<Self>, Vec<Found>), Refusal> {
        let folder = state.join(FOLDER);
        if folders.is_empty() && !folder.exists() {
            return Ok((None, Vec::new()));
        }
        let what = format!("the state folder {}", state.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).refuse(&what, REMEDY)?;
        let _turn = turn(&folder).refuse(&what, REMEDY)?;
        let found = of_the_dead(&folder);
        if folders.is_empty() {
            return Ok((None, found));
        }
        let path = folder.join(session.as_str());
        let file = create_locked(&path).refuse(&what, REMEDY)?;
        let list = Self { path, folders, lists: None, file };
        list.write(&list.folders.iter().map(|path| path.as_os_str()).collect::<Vec<_>>())
            .refuse(&what, REMEDY)?;
        Ok((Some(list), found))
    }

    /// Write down what is to be looked at, before anything runs.
    pub(crate) fn fill(&mut self, lists: Lists) -> Result<(), Refusal> {
        let what = format!("the list of the session in {}", self.path.display());
        self.write(&lists).refuse(what, REMEDY)?;
        self.lists = Some(lists);
        Ok(())
    }

    fn write(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        (&self.file).write_all(&text)
    }

    /// Do what is on it, then forget it. The sandbox must have ended.
    ///
    /// While another session writes in one of the folders nothing is moved: what was there at its launch
    /// is held by mounts that would go along, and it could make the name anew. The last one looks.
    pub(crate) fn done(mut self) -> Vec<Found> {
        let Some(lists) = self.lists.take() else { return Vec::new() };
        let turn = self.path.parent().map(turn);
        let others = live(&self.path);
        if turn.is_none_or(|turn| turn.is_err()) || overlap(&self.folders, &others) {
            // It stays for whoever comes.
            let why = "another session writes there".to_owned();
            let later = |path: &PathBuf| Found {
                path: path.clone(),
                moved: Err(why.clone()),
                how: How::Later,
            };
            let first = self.folders.first().map(later);
            self.lists = Some(lists);
            return first.into_iter().collect();
        }
        let mut found = lists.sweep();
        fs::remove_file(&self.path).unwrap_or_default();
        found.extend(self.path.parent().map(of_the_dead).unwrap_or_default());
        found
    }

    /// Forget it: nothing ran.
    pub(crate) fn forget(mut self) {
        self.lists = None;
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.lists.is_none() {
            fs::remove_file(&self.path).unwrap_or_default();
        }
    }
}

/// Sessions begin, end and clean up one after another.
fn turn(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

/// Whether one of these folders is in one of those, or holds it.
fn overlap(these: &[PathBuf], those: &[PathBuf]) -> bool {
    these.iter().any(|one| those.iter().any(|two| one.starts_with(two) || two.starts_with(one)))
}

/// The folders of all sessions that live, but for this list's.
fn live(but: &Path) -> Vec<PathBuf> {
    let Some(entries) = but.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path != but);
    paths
        .filter_map(|path| {
            let file = File::open(&path).ok()?;
            let locked = flock(&file, FlockOperation::NonBlockingLockShared).is_err();
            locked.then(|| read(&file).map_or_else(everywhere, |(folders, _)| folders))
        })
        .flatten()
        .collect()
}

/// Of a list that does not say.
fn everywhere() -> Vec<PathBuf> {
    vec!["/".into()]
}

/// The two lines of a list. Without the second it is of a launch that had not come so far that anything ran.
fn read(file: &File) -> Option<(Vec<PathBuf>, Option<Lists>)> {
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let folders: Vec<OsString> = serde_json::from_slice(lines.next()?).ok()?;
    let folders = folders.into_iter().map(PathBuf::from).collect();
    Some((folders, lines.next().and_then(|line| serde_json::from_slice(line).ok())))
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

/// Do what is on the lists of sessions that are gone, unless one that lives writes there.
fn of_the_dead(folder: &Path) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let (mut lives, mut dead) = (Vec::new(), Vec::new());
    for path in paths {
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        let gone = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let text = read(&file);
        if gone {
            dead.push((path, text, file));
        } else {
            lives.extend(text.map_or_else(everywhere, |(folders, _)| folders));
        }
    }
    let mut found = Vec::new();
    for (path, text, _lock) in dead {
        if let Some((folders, Some(lists))) = text {
            if overlap(&folders, &lives) {
                continue;
            }
            found.extend(lists.sweep());
        }
        fs::remove_file(&path).unwrap_or_default();
    }
    found
}
