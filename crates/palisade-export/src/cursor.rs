//! How far one destination has one session: kept on the disk, so that an outage, a crash or a restart
//! loses nothing and repeats nothing unknowingly.
//!
//! ```text
//! $STATE/export/<destination>/<session>.json        not complete yet
//! $STATE/export/<destination>/<session>.lock        held by whoever sends
//! $STATE/export/<destination>/done/<session>.json   complete
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use palisade_journal::{Record, Timestamp, follow::Position};
use serde::{Deserialize, Serialize};

/// Why a cursor cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step} {}: {error}", .path.display())]
pub struct CursorError {
    step: &'static str,
    path: PathBuf,
    error: io::Error,
}

/// What is known of one destination and one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// The format's version, 1.
    pub v: u8,
    /// The destination, for people.
    pub destination: String,
    /// The session.
    pub session: SessionId,
    /// Where reading goes on.
    pub position: Position,
    /// The number of the last record that was taken, or that will never be.
    pub through: u64,
    /// The number of the last record that was begun to be sent. What lies between is sent again, and
    /// says so.
    pub begun: u64,
    /// Whether the last record is the session's end. One that was killed has no end before
    /// `palisade audit recover` gives it one, which is then sent as well.
    pub ended: bool,
    /// Records that were taken.
    pub sent: u64,
    /// Those of them that may be there twice.
    pub resent: u64,
    /// Records that the receiver would not have. Each is in the journal all the same.
    pub dropped: u64,
    /// Lines of the journal that were no record, and numbers that were missing.
    pub unreadable: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Since when nothing could be sent, if that is so.
    pub failing_since: Option<Timestamp>,
    /// Why the last attempt that failed did.
    pub error: Option<String>,
}

/// A session at a destination, for whoever sends it.
#[derive(Debug)]
pub(crate) struct Cursor {
    folder: PathBuf,
    name: String,
    pub(crate) progress: Progress,
    /// Held as long as this is there.
    _lock: File,
}

impl Cursor {
    /// Take the session's cursor, or make it. `None`: it is complete, or another process sends it.
    pub(crate) fn take(
        state_dir: &Path,
        (id, destination): (&str, &str),
        session: &SessionId,
    ) -> Result<Option<Self>, CursorError> {
        let folder = folder(state_dir).join(id);
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder.join("done")).map_err(failed("make", &folder))?;
        let name = format!("{session}.json");
        if folder.join("done").join(&name).exists() {
            return Ok(None);
        }
        let path = folder.join(format!("{session}.lock"));
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&path).map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        // Completed between the two.
        if folder.join("done").join(&name).exists() {
            return Ok(None);
        }
        let progress = match read(&folder.join(&name))? {
            Some(progress) => progress,
            None => Progress {
                v: 1,
                destination: destination.to_owned(),
                session: session.clone(),
                position: Position::default(),
                through: 0,
                begun: 0,
                ended: false,
                sent: 0,
                resent: 0,
                dropped: 0,
                unreadable: 0,
                failures: 0,
                failing_since: None,
                error: None,
            },
        };
        let cursor = Self { folder, name, progress, _lock: lock };
        cursor.keep(false)?;
        Ok(Some(cursor))
    }

    /// Before records up to this one are sent. Whether some of them may be there already.
    pub(crate) fn begin(&mut self, first: u64, last: u64) -> Result<bool, CursorError> {
        let again = first <= self.progress.begun;
        if last > self.progress.begun {
            self.progress.begun = last;
            // What is on its way must be known after a power failure.
            self.keep(true)?;
        }
        Ok(again)
    }

    /// Records up to this one are done with.
    pub(crate) fn pass(&mut self, part: &[Record]) {
        if let Some(last) = part.last() {
            self.progress.through = last.seq;
            self.progress.ended = matches!(last.kind.as_str(), "end" | "refusal");
        }
    }

    /// They never left.
    pub(crate) fn not_begun(&mut self, before: u64) {
        self.progress.begun = before;
    }

    /// Keep what is known.
    pub(crate) fn keep(&self, durable: bool) -> Result<(), CursorError> {
        let path = self.folder.join(&self.name);
        let new = self.folder.join(format!("{}.new", self.name));
        let text = serde_json::to_vec(&self.progress).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        let mut file = options.open(&new).map_err(failed("open", &new))?;
        file.write_all(&text).map_err(failed("write", &new))?;
        if durable {
            file.sync_data().map_err(failed("sync", &new))?;
        }
        fs::rename(&new, &path).map_err(failed("replace", &path))
    }

    /// All of the session was sent, and no more of it comes.
    pub(crate) fn complete(self) -> Result<(), CursorError> {
        self.keep(false)?;
        let from = self.folder.join(&self.name);
        let to = self.folder.join("done").join(&self.name);
        fs::rename(&from, &to).map_err(failed("move", &from))?;
        let lock = self.folder.join(format!("{}.lock", self.progress.session));
        // Whoever waits for it finds that it is complete.
        fs::remove_file(&lock).map_err(failed("remove", &lock))
    }
}

/// Whether a destination has all of a session.
pub(crate) fn is_complete(state_dir: &Path, id: &str, session: &SessionId) -> bool {
    folder(state_dir).join(id).join("done").join(format!("{session}.json")).exists()
}

/// The sessions that a destination has not all of.
pub(crate) fn pending(state_dir: &Path, id: &str) -> Vec<SessionId> {
    let Ok(entries) = fs::read_dir(folder(state_dir).join(id)) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<SessionId> =
        names.filter_map(|name| name.strip_suffix(".json")?.parse().ok()).collect();
    ids.sort();
    ids
}

/// Every destination's progress, by its folder's name.
pub type States = Vec<(String, Vec<Progress>)>;

/// What is known of every destination: sessions that are complete as well, if `all`.
///
/// # Errors
/// The folder cannot be read.
pub fn states(state_dir: &Path, all: bool) -> Result<States, CursorError> {
    let mut found = Vec::new();
    for entry in destinations(state_dir)? {
        let Ok(id) = entry.file_name().into_string() else { continue };
        let mut folders = vec![entry.path()];
        if all {
            folders.push(entry.path().join("done"));
        }
        let mut list = Vec::new();
        for file in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten() {
            let Ok(file) = file else { continue };
            if file.path().extension().is_some_and(|extension| extension == "json") {
                // One that has just been completed is read where it is now, or not at all.
                list.extend(read(&file.path()).unwrap_or_default());
            }
        }
        if !list.is_empty() {
            list.sort_by(|one: &Progress, other| one.session.cmp(&other.session));
            found.push((id, list));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// The files of which nobody can tell how far their destination has come. What they are of is not sent until they are mended or
/// removed.
///
/// # Errors
/// The folder cannot be read.
pub fn unreadable(state_dir: &Path) -> Result<Vec<CursorError>, CursorError> {
    let mut found = Vec::new();
    for entry in destinations(state_dir)? {
        for folder in [entry.path(), entry.path().join("done")] {
            let files = match fs::read_dir(&folder) {
                Ok(files) => files,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    found.push(failed("list", &folder)(error));
                    continue;
                }
                Err(_) => continue,
            };
            let json = |path: &PathBuf| path.extension().is_some_and(|it| it == "json");
            let paths = files.flatten().map(|file| file.path()).filter(json);
            found.extend(paths.filter_map(|path| read(&path).err()));
        }
    }
    Ok(found)
}

/// The folder of each destination.
fn destinations(state_dir: &Path) -> Result<Vec<fs::DirEntry>, CursorError> {
    let folder = folder(state_dir);
    match fs::read_dir(&folder) {
        Ok(entries) => Ok(entries.flatten().collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("list", &folder)(error)),
    }
}

pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("export")
}

fn read(path: &Path) -> Result<Option<Progress>, CursorError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let bad = |why: String| failed("read", path)(io::Error::new(io::ErrorKind::InvalidData, why));
    let progress: Progress = serde_json::from_slice(&text).map_err(|why| bad(why.to_string()))?;
    match progress.v {
        1 => Ok(Some(progress)),
        other => Err(bad(format!("version {other} is not known here"))),
    }
}

pub(crate) fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CursorError {
    move |error| CursorError { step, path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: (&str, &str) = ("otlp-1", "otlp to x");

    #[test]
    fn one_sends_at_a_time_and_what_was_begun_is_known() {
        let state = tempfile::tempdir().unwrap();
        let session = SessionId::from_random([1; 16]);
        let mut cursor = Cursor::take(state.path(), ID, &session).unwrap().unwrap();
        assert!(Cursor::take(state.path(), ID, &session).unwrap().is_none());
        assert!(!cursor.begin(1, 4).unwrap());
        cursor.progress.through = 4;
        cursor.keep(false).unwrap();
        assert!(!cursor.begin(5, 9).unwrap());
        drop(cursor);
        assert_eq!(pending(state.path(), ID.0), std::slice::from_ref(&session));
        let mut again = Cursor::take(state.path(), ID, &session).unwrap().unwrap();
        assert_eq!((again.progress.through, again.progress.begun), (4, 9));
        assert!(again.begin(5, 7).unwrap());
        assert!(!again.begin(10, 11).unwrap());
        again.complete().unwrap();
        assert!(pending(state.path(), ID.0).is_empty());
        assert!(Cursor::take(state.path(), ID, &session).unwrap().is_none());
        assert!(states(state.path(), false).unwrap().is_empty());
        assert_eq!(states(state.path(), true).unwrap()[0].1[0].session, session);
    }

    #[test]
    fn a_damaged_cursor_is_told_and_not_begun_anew() {
        let state = tempfile::tempdir().unwrap();
        let session = SessionId::from_random([1; 16]);
        drop(Cursor::take(state.path(), ID, &session).unwrap());
        let path = folder(state.path()).join(ID.0).join(format!("{session}.json"));
        fs::write(&path, "{").unwrap();
        assert!(Cursor::take(state.path(), ID, &session).is_err());
    }
}
