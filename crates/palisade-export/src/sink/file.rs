use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use palisade_journal::Record;

use super::{Failure, Taken};
use crate::{Host, ocsf};

/// A file of OCSF events, a line each. Opened for each batch, so that whoever rotates logs may move it.
#[derive(Debug)]
pub(crate) struct OcsfFile {
    path: PathBuf,
}

impl OcsfFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// All of them, or none.
    pub(crate) fn write(&mut self, records: &[Record], again: bool) -> Result<Taken, Failure> {
        let mut text = Vec::new();
        for record in records {
            let event = ocsf::event(record, Host::this(), again);
            text.extend_from_slice(ocsf::line(&event).as_bytes());
        }
        self.append(&text).map(|()| Taken::default())
    }

    fn append(&self, text: &[u8]) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::before(error.to_string());
        let mut file = self.open().map_err(failed)?;
        // Lines of several sessions are not mixed.
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Failure::before("another process writes it"));
            }
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        let before = file.metadata().map_err(failed)?;
        if !before.is_file() {
            return Err(Failure::before("it is no regular file"));
        }
        match file.write_all(text).and_then(|()| file.sync_data()) {
            Ok(()) => Ok(()),
            Err(error) => match file.set_len(before.len()) {
                Ok(()) => Err(failed(error)),
                Err(_) => Err(Failure::after(error.to_string())),
            },
        }
    }

    fn open(&self) -> io::Result<File> {
        // O_NOFOLLOW and O_NONBLOCK: neither a link nor a pipe is a log.
        const PLAIN: i32 = 0o400_000 | 0o4_000;
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(PLAIN);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = self.path.parent() {
                    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                }
                options.open(&self.path)
            }
            other => other,
        }
    }
}
