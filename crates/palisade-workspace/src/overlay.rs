use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, fstat, openat},
    io::Errno,
};

use crate::{
    baseline::{self, Baseline},
    beneath::Root,
    change::Change,
    changes::{self, Sides},
    error::{WorkspaceError, io},
    kept::open_upper,
    record::Record,
    seen::Seen,
    store::remove_session,
};

/// The overlay of a session that ended. Nobody else works on it as long as this lives.
#[derive(Debug)]
pub struct Overlay {
    store: OwnedFd,
    pub(crate) folder: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) upper: Root,
    record: Record,
    _lock: OwnedFd,
}

impl Overlay {
    pub(crate) fn open(
        store: OwnedFd,
        folder: OwnedFd,
        path: PathBuf,
        lock: OwnedFd,
    ) -> Result<Self, WorkspaceError> {
        let record = Record::read(&folder, &path)?;
        let upper = Root::of(open_upper(&folder).map_err(io("open", &path.join("layers/upper")))?);
        let overlay = Self { store, folder, path, upper, record, _lock: lock };
        // A temporary file that a broken-off apply left is no change of the host's.
        if let Ok(host) = overlay.host() {
            overlay.sweep_pending(&host)?;
        }
        Ok(overlay)
    }

    /// What it is of.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The host's folder, if it still is the one that the sandbox was started on.
    pub(crate) fn host(&self) -> Result<Root, WorkspaceError> {
        let path = &self.record.workspace;
        let root = match Root::open(path) {
            Ok(root) => root,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                return Err(WorkspaceError::Moved(path.clone()));
            }
            Err(errno) => return Err(io("open", path)(errno)),
        };
        let seen = Seen::of(&fstat(&root).map_err(io("look at", path))?);
        if seen.inode != self.record.inode {
            return Err(WorkspaceError::Moved(path.clone()));
        }
        Ok(root)
    }

    /// Where it differs from the host's folder as it is now, sorted by path.
    ///
    /// # Errors
    /// A workspace that is not there any more, something that cannot be read, too many changes.
    pub fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        let host = self.host()?;
        let (baseline, unclosed) = (self.baseline()?, self.unclosed()?);
        let baseline = baseline.as_ref();
        changes::find(&Sides { upper: &self.upper, host: &host, baseline, unclosed: &unclosed })
    }

    fn baseline(&self) -> Result<Option<Baseline>, WorkspaceError> {
        let Some(bytes) = self.read(baseline::NAME)? else { return Ok(None) };
        let damaged = || WorkspaceError::Damaged {
            path: self.path.join(baseline::NAME),
            what: "it is not a record".to_owned(),
        };
        Baseline::parse(&bytes).map(Some).ok_or_else(damaged)
    }

    /// A file of ours, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(io("open", &path)(errno)),
        };
        let mut bytes = Vec::new();
        File::from(file).read_to_end(&mut bytes).map_err(|error| {
            io("read", &path)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
        })?;
        Ok(Some(bytes))
    }

    /// Remove it, and what a broken-off apply left on the host.
    ///
    /// # Errors
    /// Something that cannot be removed; it is tried again later.
    pub fn discard(self) -> Result<(), WorkspaceError> {
        if let Ok(host) = self.host() {
            self.sweep_pending(&host)?;
        }
        let session = self.record.session.as_str();
        remove_session(&self.store, &self.path, OsStr::new(session))
    }
}

/// A path as it stands in a file of ours.
pub(crate) fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
