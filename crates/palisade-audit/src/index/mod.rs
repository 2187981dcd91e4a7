//! Where events stand in the journal, by what is often asked for.
//!
//! A file beside the journal, made from it and followed as it grows, that can be removed at any time. It
//! holds places and no events: what is shown is read from the journal again, where its hash is checked and
//! the question is put to it once more. So a wrong index can hide an event, and never show a false one;
//! who must be sure that nothing is hidden asks without it.
//!
//! Kinds, layers, decisions and rules that come together are one *shape*, of which there are few. Of
//! some facts ([`FACTS`]) and the subject there is a hash each.

mod facts;
mod find;
mod schema;
mod update;

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_journal::Places;
use rusqlite::Connection;

pub use self::{facts::FACTS, find::Found, update::Updated};
use crate::AuditError;

/// How long another process may be writing the index.
const PATIENCE: Duration = Duration::from_secs(60);

/// The index of one journal.
#[derive(Debug)]
pub struct Index {
    database: Connection,
    places: Places,
    path: PathBuf,
}

/// Where the index of a journal is, whose state folder this is.
pub fn index_path(state: &Path) -> PathBuf {
    state.join("index").join("events.db")
}

impl Index {
    /// Open the index of the journal under `state`, made if it is missing or of another version.
    ///
    /// # Errors
    /// The journal cannot be read, or the index cannot be written.
    pub fn open(state: &Path) -> Result<Self, AuditError> {
        let path = index_path(state);
        let places = Places::open(state)?;
        let failed = |error: &dyn std::fmt::Display| AuditError::Index {
            path: path.clone(),
            why: error.to_string(),
        };
        private(&path).map_err(|error| failed(&error))?;
        let database = match schema::open(&path, PATIENCE) {
            Ok(database) => database,
            Err(error) if schema::is_broken(&error) => {
                remove(&path).map_err(|error| failed(&error))?;
                private(&path).map_err(|error| failed(&error))?;
                schema::open(&path, PATIENCE).map_err(|error| failed(&error))?
            }
            Err(error) => return Err(failed(&error)),
        };
        Ok(Self { database, places, path })
    }

    /// Make it anew from the journal.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn rebuild(state: &Path) -> Result<Self, AuditError> {
        let path = index_path(state);
        remove(&path).map_err(|error| AuditError::Index { path, why: error.to_string() })?;
        Self::open(state)
    }

    fn failed(&self, error: &rusqlite::Error) -> AuditError {
        AuditError::Index { path: self.path.clone(), why: error.to_string() }
    }
}

/// For nobody else to read: it holds hashes of what the journal has, and its rules.
fn private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.map(drop)
}

/// Remove an index; it is made anew when it is asked for.
///
/// # Errors
/// A file of it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
