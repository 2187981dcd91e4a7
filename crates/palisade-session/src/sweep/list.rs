use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Found, How, Nested, SkillPlaces, Watched, sweep};
use crate::{
    plan::Repositories,
    refusal::{Refusal, Refuse},
};

const FOLDER: &str = "sweeps";
/// No list is longer.
const MOST_BYTES: u64 = 16 << 20;
const REMEDY: &str = "see that the state folder (PALISADE_STATE) can be written and has room";
/// The last line of a list, once the sandbox stands: from then on its mounts go along with what is moved.
const STANDING: &[u8] = b"\"standing\"\n";
/// Longer than a launch takes. One that takes longer is not waited for, and may be refused for what is gone.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long nobody begins a launch while somebody waits for those that have begun: where one is started after the other
/// they would never end. Most launches are much shorter.
const KEPT: Duration = Duration::from_millis(250);
/// Between two looks at who launches.
const PAUSE: Duration = Duration::from_millis(5);

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
    /// Folders in which there may be new skills, where only those of the lock may be.
    #[serde(default)]
    pub(crate) skills: Vec<SkillPlaces>,
}

impl Lists {
    /// What may not even be made while the session runs: every name, but for those of which only the end can tell
    /// whether what was made there may stay.
    pub(crate) fn absent(&self, repositories: &[Repositories]) -> Vec<Watched> {
        let named = self.watched.iter().filter(|name| !name.git).cloned();
        let nested = self.nested.iter().zip(repositories);
        named.chain(nested.flat_map(|(one, found)| one.missing(&found.settings))).collect()
    }

    fn sweep(&self) -> Vec<Found> {
        let mut found = Vec::new();
        // The deeper ones first: a folder that is moved takes its content along.
        for nested in &self.nested {
            let (watched, unread) = nested.watched();
            found.extend(sweep(&watched));
            found.extend(unread);
        }
        for places in &self.skills {
            found.extend(sweep(&places.watched()));
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

    /// All is mounted: what is moved from now on takes its mount along.
    pub(crate) fn stands(&self) -> Result<(), Refusal> {
        let what = format!("the list of the session in {}", self.path.display());
        (&self.file).write_all(STANDING).refuse(what, REMEDY)
    }

    /// What whoever moves something while the session runs has to wait for.
    pub(crate) fn turns(&self) -> Turns {
        Turns { own: self.path.clone(), folders: self.folders.clone() }
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
            // What is there may be harmless; where nothing is there is nothing to tell.
            let there =
                |it: &&Watched| Path::new(&it.folder).join(&it.name).symlink_metadata().is_ok();
            let told = lists.watched.iter().find(there).map(|it| later(&PathBuf::from(&it.folder)));
            self.lists = Some(lists);
            return told.into_iter().collect();
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

/// When a session that runs may move what is in its folders.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Its list.
    own: PathBuf,
    folders: Vec<PathBuf>,
}

impl Turns {
    /// Do this while no other session is being launched in these folders: its plan is of what is there now.
    pub(crate) fn between_launches<T>(&self, act: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        loop {
            // Who begins a launch waits for it.
            let turn = self.own.parent().map(turn);
            let is_ours = turn.as_ref().is_some_and(Result::is_ok);
            loop {
                let patient = is_ours && began.elapsed() < PATIENCE;
                if !patient || !overlap(&self.folders, &launching(&self.own)) {
                    return act();
                }
                std::thread::sleep(PAUSE);
                if began.elapsed() >= KEPT {
                    break;
                }
            }
            drop(turn);
            std::thread::sleep(PAUSE);
        }
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
    lists_of_the_living(but).iter().flat_map(folders_of).collect()
}

/// The folders of those whose sandbox does not stand yet.
fn launching(but: &Path) -> Vec<PathBuf> {
    lists_of_the_living(but).iter().filter(|list| !is_standing(list)).flat_map(folders_of).collect()
}

fn lists_of_the_living(but: &Path) -> Vec<File> {
    let Some(entries) = but.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path != but);
    let files = paths.filter_map(|path| File::open(&path).ok());
    files.filter(|file| flock(file, FlockOperation::NonBlockingLockShared).is_err()).collect()
}

fn is_standing(list: &File) -> bool {
    let Ok(found) = list.metadata() else { return false };
    let mut end = [0; STANDING.len()];
    let Some(at) = found.len().checked_sub(STANDING.len() as u64) else { return false };
    list.read_exact_at(&mut end, at).is_ok() && end == STANDING
}

/// The first line of a list. One that does not say may be of any folder.
fn folders_of(list: &File) -> Vec<PathBuf> {
    let mut line = Vec::new();
    let read = BufReader::new(list.take(MOST_BYTES)).read_until(b'\n', &mut line);
    let folders: Option<Vec<OsString>> = read.ok().and_then(|_| serde_json::from_slice(&line).ok());
    folders.map_or_else(
        || vec!["/".into()],
        |folders| folders.into_iter().map(PathBuf::from).collect(),
    )
}

/// The second line of a list. Without it, it is of a launch that had not come so far that anything ran.
fn lists_of(mut list: &File) -> Option<Lists> {
    let mut text = Vec::new();
    list.rewind().ok()?;
    list.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(text.split(|byte| *byte == b'\n').nth(1)?).ok()
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
    let (mut living, mut dead) = (Vec::new(), Vec::new());
    for path in paths {
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => dead.push((path, file)),
            Err(_) => living.push(file),
        }
    }
    let mut found = Vec::new();
    if dead.is_empty() {
        return found;
    }
    let living: Vec<PathBuf> = living.iter().flat_map(folders_of).collect();
    for (path, file) in dead {
        let folders = folders_of(&file);
        if let Some(lists) = lists_of(&file) {
            if overlap(&folders, &living) {
                continue;
            }
            found.extend(lists.sweep());
        }
        fs::remove_file(&path).unwrap_or_default();
    }
    found
}
