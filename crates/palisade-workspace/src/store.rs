//! The folder of all overlays.

use std::{
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, renameat},
    io::Errno,
    process::geteuid,
};

use crate::{
    beneath::{Root, names},
    error::{WorkspaceError, io},
    overlay::Overlay,
    record::Record,
    remove::remove,
    weight::Weight,
};

pub(crate) const LOCK: &str = "lock";
/// In front of the id of one that is being made, and of one that is being removed.
pub(crate) const NEW: &str = ".new-";
const GONE: &str = ".gone-";
/// How long a command waits for another that only looks.
const PATIENCE: Duration = Duration::from_secs(2);

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Where overlays are kept: `workspaces` in the state folder.
#[derive(Debug)]
pub struct Store {
    pub(crate) folder: OwnedFd,
    pub(crate) path: PathBuf,
}

/// Whether the sandbox of an overlay lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does, or a command works on the overlay.
    Running,
    /// It ended.
    Ended,
}

/// An overlay as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it is of.
    pub record: Record,
    /// Whether its sandbox lives.
    pub state: State,
}

impl Store {
    /// The overlays of this state folder, which is made if there is none.
    ///
    /// # Errors
    /// A folder that cannot be made, or that others may write to.
    pub fn create(state_dir: &Path) -> Result<Self, WorkspaceError> {
        let path = state_dir.join("workspaces");
        if !path.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(
                |error| io("make", &path)(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            )?;
        }
        Self::at(path)
    }

    /// The overlays of this state folder; `None` if there never was one.
    ///
    /// # Errors
    /// A folder that others may write to.
    pub fn find(state_dir: &Path) -> Result<Option<Self>, WorkspaceError> {
        let path = state_dir.join("workspaces");
        match Self::at(path) {
            Ok(store) => Ok(Some(store)),
            Err(WorkspaceError::Io { errno: Errno::NOENT, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn at(path: PathBuf) -> Result<Self, WorkspaceError> {
        let folder = openat(CWD, &path, FOLDER, Mode::empty()).map_err(io("open", &path))?;
        private(&folder, &path)?;
        Ok(Self { folder, path })
    }

    /// All overlays, the oldest first.
    ///
    /// # Errors
    /// A store that cannot be read. An overlay whose record is damaged is an error of its own.
    pub fn list(&self) -> Result<Vec<Result<Listed, WorkspaceError>>, WorkspaceError> {
        self.sweep();
        let mut all = Vec::new();
        for session in self.sessions()? {
            all.push(self.listed(&session));
        }
        let started = |one: &Result<Listed, WorkspaceError>| {
            one.as_ref().ok().map(|listed| listed.record.started.clone())
        };
        all.sort_by_key(started);
        Ok(all)
    }

    fn listed(&self, session: &SessionId) -> Result<Listed, WorkspaceError> {
        let (folder, path) = self.session_folder(session)?;
        let record = Record::read(&folder, &path)?;
        let lock = open_lock(&folder, &path)?;
        let state = match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => State::Ended,
            Err(_) => State::Running,
        };
        Ok(Listed { record, state })
    }

    /// How much an overlay holds.
    ///
    /// # Errors
    /// Something that cannot be read.
    pub fn weight(&self, session: &SessionId) -> Result<Weight, WorkspaceError> {
        let (folder, path) = self.session_folder(session)?;
        match Root::of(folder).folder(Path::new("layers/upper")) {
            Ok(upper) => Weight::of(&Root::of(upper)),
            Err(Errno::ACCESS) => Ok(Weight::default()),
            Err(errno) => Err(io("open", &path.join("layers/upper"))(errno)),
        }
    }

    /// Take hold of one overlay, so that nobody else works on it. By session, by a beginning of its id
    /// that no other has, or by name; without any, the only one of `workspace` or of all.
    ///
    /// # Errors
    /// There is none of this name, there are several, or its sandbox lives.
    pub fn open(
        &self,
        name: Option<&str>,
        workspace: Option<&Path>,
    ) -> Result<Overlay, WorkspaceError> {
        let session = self.resolve(name, workspace)?;
        let (folder, path) = self.session_folder(&session)?;
        let lock = open_lock(&folder, &path)?;
        let until = Instant::now() + PATIENCE;
        while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            if Instant::now() > until {
                return Err(WorkspaceError::InUse(session.to_string()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        let store =
            rustix::io::fcntl_dupfd_cloexec(&self.folder, 3).map_err(io("open", &self.path))?;
        match Overlay::open(store, folder, path, lock) {
            // Another command has taken or discarded it since it was found.
            Err(WorkspaceError::Io { errno: Errno::NOENT, .. }) if !self.has(&session) => {
                Err(WorkspaceError::Unknown(session.to_string()))
            }
            other => other,
        }
    }

    fn has(&self, session: &SessionId) -> bool {
        openat(&self.folder, session.as_str(), FOLDER, Mode::empty()).is_ok()
    }

    fn resolve(
        &self,
        name: Option<&str>,
        workspace: Option<&Path>,
    ) -> Result<SessionId, WorkspaceError> {
        let all: Vec<Record> =
            self.list()?.into_iter().flatten().map(|listed| listed.record).collect();
        let sessions = |of: &dyn Fn(&Record) -> bool| -> Vec<SessionId> {
            all.iter().filter(|record| of(record)).map(|record| record.session.clone()).collect()
        };
        let (shown, found) = match name {
            Some(name) => {
                let exact = sessions(&|record| record.session.as_str() == name);
                let named = sessions(&|record| record.name.as_deref() == Some(name));
                let begun =
                    sessions(&|record| name.len() > 2 && record.session.as_str().starts_with(name));
                let found = [exact, named, begun].into_iter().find(|found| !found.is_empty());
                (name.to_owned(), found.unwrap_or_default())
            }
            None => {
                let here = sessions(&|record| {
                    workspace.is_some_and(|here| here.starts_with(&record.workspace))
                });
                let found = if here.is_empty() { sessions(&|_| true) } else { here };
                ("of this folder".to_owned(), found)
            }
        };
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(WorkspaceError::Unknown(shown)),
            _ => Err(WorkspaceError::Ambiguous {
                name: shown,
                sessions: found.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    fn sessions(&self) -> Result<Vec<SessionId>, WorkspaceError> {
        let names = names(&self.folder).map_err(io("list", &self.path))?;
        Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    fn session_folder(&self, session: &SessionId) -> Result<(OwnedFd, PathBuf), WorkspaceError> {
        let path = self.path.join(session.as_str());
        let folder = openat(&self.folder, session.as_str(), FOLDER, Mode::empty())
            .map_err(io("open", &path))?;
        private(&folder, &path)?;
        Ok((folder, path))
    }

    /// Remove what was left of overlays whose making or removal was broken off. Not while one is being made: it
    /// may not have its lock yet.
    pub(crate) fn sweep(&self) {
        let Ok(_alone) = hold(&self.folder, FlockOperation::NonBlockingLockExclusive) else {
            return;
        };
        for name in names(&self.folder).unwrap_or_default() {
            let Some(text) = name.to_str() else { continue };
            if text.starts_with(GONE) || text.starts_with(NEW) {
                // The next one tries again.
                remove(&self.folder, &name).unwrap_or_default();
            }
        }
    }
}

/// Hold the store itself until the descriptor is dropped: shared by those who make or remove an overlay, as long as
/// its name says so, and alone by who removes what is left of such.
pub(crate) fn hold(store: &OwnedFd, how: FlockOperation) -> Result<OwnedFd, Errno> {
    // Opened anew, as a lock belongs to what `open` made.
    let folder = openat(store, ".", FOLDER, Mode::empty())?;
    flock(&folder, how)?;
    Ok(folder)
}

/// Remove the overlay `session` of the store in `above`. At once it is no overlay any more.
pub(crate) fn remove_session(
    above: &OwnedFd,
    path: &Path,
    session: &OsStr,
) -> Result<(), WorkspaceError> {
    // So that no other removes the same tree meanwhile.
    let removing = hold(above, FlockOperation::LockShared).map_err(io("lock", path))?;
    let mut gone = OsString::from(GONE);
    gone.push(session);
    renameat(above, session, above, &gone).map_err(io("remove", path))?;
    remove(above, &gone).map_err(io("remove", path))?;
    drop(removing);
    Ok(())
}

/// Make a folder that is ours alone.
pub(crate) fn make_folder(
    above: &OwnedFd,
    name: &OsStr,
    path: &Path,
) -> Result<OwnedFd, WorkspaceError> {
    mkdirat(above, name, Mode::RWXU).map_err(io("make", path))?;
    openat(above, name, FOLDER, Mode::empty()).map_err(io("open", path))
}

pub(crate) fn open_lock(folder: &OwnedFd, path: &Path) -> Result<OwnedFd, WorkspaceError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(io("open", &path.join(LOCK)))
}

fn private(folder: &OwnedFd, path: &Path) -> Result<(), WorkspaceError> {
    let stat = fstat(folder).map_err(io("look at", path))?;
    let why = if stat.st_uid != geteuid().as_raw() {
        "another user owns it"
    } else if stat.st_mode & 0o077 != 0 {
        "others may enter it (its mode has to be 0700)"
    } else {
        return Ok(());
    };
    Err(WorkspaceError::Untrusted { path: path.into(), why })
}
