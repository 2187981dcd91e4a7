//! How far one place has a journal: kept on the disk, so that an outage, a crash or a restart loses nothing and repeats nothing
//! unknowingly.
//!
//! ```text
//! $STATE/ship/<place>/_ledger.json          how much of the ledger is there
//! $STATE/ship/<place>/<session>.json        not all of it is there yet
//! $STATE/ship/<place>/done/<session>.json   all of it is
//! $STATE/ship/<place>/_upload.json          the upload in parts that was begun last
//! $STATE/ship/<place>/_lock                 held by whoever ships
//! ```

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use palisade_journal::{
    Hash, Timestamp,
    ship::{Lacking, Reached},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::cursor::{CursorError, failed};

/// No session has such names.
const LEDGER: &str = "_ledger.json";
const LOCK: &str = "_lock";
const DONE: &str = "done";

/// What went, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Object {
    /// Its name in its folder.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: Hash,
}

/// What is known of one place and one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shipment {
    /// The format's version, 1.
    pub v: u8,
    /// The place, for people.
    pub destination: String,
    /// The session.
    pub session: SessionId,
    /// The number of its last record that is there; 0 until all is.
    pub records: u64,
    /// What is there.
    pub objects: Vec<Object>,
    /// What is about to be sent. It may be there already, and is not sent anew then.
    pub begun: Option<Object>,
    /// Objects that were begun twice.
    pub again: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Since when it could not be sent, if that is so.
    pub failing_since: Option<Timestamp>,
    /// Why the last attempt that failed did.
    pub error: Option<String>,
    /// When all of it was there.
    pub shipped: Option<Timestamp>,
    /// What its records name and did not go with it.
    #[serde(default)]
    pub lacking: Vec<Lacking>,
    /// Whether what its records name was looked for: versions before this one shipped segments alone.
    #[serde(default)]
    pub with_named: bool,
}

/// What is known of one place and the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerAt {
    pub(crate) v: u8,
    pub(crate) destination: String,
    pub(crate) reached: Reached,
    /// The part that is about to be sent, and what it reaches.
    pub(crate) begun: Option<(Object, Reached)>,
    pub(crate) parts: u64,
    pub(crate) again: u64,
    /// The policies that are there, by their names: many sessions have the same.
    #[serde(default)]
    pub(crate) policies: BTreeSet<String>,
}

/// A place's folder, for whoever ships to it.
#[derive(Debug)]
pub(crate) struct Cursors {
    folder: PathBuf,
    destination: String,
    /// Held as long as this is there.
    _lock: File,
}

impl Cursors {
    /// `None`: another process ships to it.
    pub(crate) fn take(
        state_dir: &Path,
        (id, destination): (&str, &str),
    ) -> Result<Option<Self>, CursorError> {
        let folder = make(state_dir, id)?;
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&path).map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { folder, destination: destination.to_owned(), _lock: lock })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    /// Where what is known is kept.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn ledger(&self) -> Result<LedgerAt, CursorError> {
        let read = read(&self.folder.join(LEDGER), |at: &LedgerAt| at.v)?;
        let destination = self.destination.clone();
        Ok(read.unwrap_or(LedgerAt { v: 1, destination, ..LedgerAt::default() }))
    }

    pub(crate) fn keep_ledger(&self, at: &LedgerAt) -> Result<(), CursorError> {
        keep(&self.folder, LEDGER, at)
    }

    /// What is known of a session: that which is on its way, or that which is there.
    pub(crate) fn session(&self, session: &SessionId) -> Result<Shipment, CursorError> {
        let name = format!("{session}.json");
        let version = |one: &Shipment| one.v;
        let waiting = read(&self.folder.join(&name), version)?;
        let known = match waiting.filter(|one| !one.objects.is_empty() || one.begun.is_some()) {
            Some(known) => Some(known),
            None => read(&self.folder.join(DONE).join(&name), version)?,
        };
        Ok(known.unwrap_or_else(|| fresh(&self.destination, session)))
    }

    /// Keep what is on its way. It is on the disk when this returns.
    pub(crate) fn keep(&self, one: &Shipment) -> Result<(), CursorError> {
        keep(&self.folder, &format!("{}.json", one.session), one)
    }

    /// All of it is there.
    pub(crate) fn complete(&self, one: &Shipment) -> Result<(), CursorError> {
        self.keep(one)?;
        let name = format!("{}.json", one.session);
        let from = self.folder.join(&name);
        fs::rename(&from, self.folder.join(DONE).join(&name)).map_err(failed("move", &from))
    }

    /// The sessions that the place has not all of.
    pub(crate) fn pending(&self) -> Vec<SessionId> {
        waiting(&self.folder)
    }
}

/// Note that a place is to have a session.
pub(crate) fn owe(
    state_dir: &Path,
    (id, destination): (&str, &str),
    session: &SessionId,
) -> Result<(), CursorError> {
    let folder = make(state_dir, id)?;
    let name = format!("{session}.json");
    if folder.join(&name).exists() || folder.join(DONE).join(&name).exists() {
        return Ok(());
    }
    keep(&folder, &name, &fresh(destination, session))
}

/// The sessions that a place has not all of, whoever ships.
pub(crate) fn pending(state_dir: &Path, id: &str) -> Vec<SessionId> {
    waiting(&folder(state_dir).join(id))
}

/// What is known of every place, by its folder's name: sessions that are there as well, if `all`. What cannot be read is told
/// behind.
///
/// # Errors
/// The folder cannot be read.
pub fn states(state_dir: &Path, all: bool) -> Result<(Shipments, Vec<CursorError>), CursorError> {
    let base = folder(state_dir);
    let entries = match fs::read_dir(&base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(failed("list", &base)(error)),
    };
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let Ok(id) = entry.file_name().into_string() else { continue };
        let mut folders = vec![entry.path()];
        if all {
            folders.push(entry.path().join(DONE));
        }
        let mut list: Vec<Shipment> = Vec::new();
        for folder in folders {
            for session in waiting(&folder) {
                match read(&folder.join(format!("{session}.json")), |one: &Shipment| one.v) {
                    // One that has just been completed is read where it is now, or not at all.
                    Ok(one) => list.extend(one),
                    Err(error) => unreadable.push(error),
                }
            }
        }
        list.sort_by(|one, other| one.session.cmp(&other.session));
        found.push((id, list));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok((found, unreadable))
}

/// Every place's shipments, by its folder's name.
pub type Shipments = Vec<(String, Vec<Shipment>)>;

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("ship")
}

fn make(state_dir: &Path, id: &str) -> Result<PathBuf, CursorError> {
    let folder = folder(state_dir).join(id);
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder.join(DONE)).map_err(failed("make", &folder))?;
    Ok(folder)
}

fn fresh(destination: &str, session: &SessionId) -> Shipment {
    Shipment {
        v: 1,
        destination: destination.to_owned(),
        session: session.clone(),
        records: 0,
        objects: Vec::new(),
        begun: None,
        again: 0,
        failures: 0,
        failing_since: None,
        error: None,
        shipped: None,
        lacking: Vec::new(),
        with_named: false,
    }
}

fn waiting(folder: &Path) -> Vec<SessionId> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<SessionId> =
        names.filter_map(|name| name.strip_suffix(".json")?.parse().ok()).collect();
    ids.sort();
    ids
}

pub(super) fn keep(folder: &Path, name: &str, what: &impl Serialize) -> Result<(), CursorError> {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let text = serde_json::to_vec(what).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let mut file = options.open(&new).map_err(failed("open", &new))?;
    file.write_all(&text).map_err(failed("write", &new))?;
    file.sync_data().map_err(failed("sync", &new))?;
    fs::rename(&new, &path).map_err(failed("replace", &path))
}

pub(super) fn read<T: DeserializeOwned>(
    path: &Path,
    version: impl Fn(&T) -> u8,
) -> Result<Option<T>, CursorError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let bad = |why: String| failed("read", path)(io::Error::new(io::ErrorKind::InvalidData, why));
    let known: T = serde_json::from_slice(&text).map_err(|why| bad(why.to_string()))?;
    match version(&known) {
        1 => Ok(Some(known)),
        other => Err(bad(format!("version {other} is not known here"))),
    }
}
