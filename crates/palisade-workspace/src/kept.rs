//! An overlay while its sandbox lives: the supervisor's side.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use palisade_core::{PolicyDigest, SessionId};
use rustix::{
    fs::{
        AtFlags, FlockOperation, Gid, Mode, OFlags, Uid, fchmod, flock, fstat, openat, renameat,
        unlinkat,
    },
    time::{ClockId, clock_gettime},
};

use crate::{
    baseline,
    beneath::{Root, names},
    error::{WorkspaceError, io},
    record::{Ids, Record},
    remove::open_for_writing,
    seen::Seen,
    store::{NEW, Store, hold, make_folder, open_lock, remove_session},
};

/// What an overlay is made for.
#[derive(Debug, Clone)]
pub struct Birth<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// The operator's name for it.
    pub name: Option<&'a str>,
    /// Its policy.
    pub policy: &'a PolicyDigest,
    /// The folder, without links.
    pub workspace: &'a Path,
    /// The agent's ids on the host.
    pub agent: Ids,
    /// The time, for the record.
    pub started: String,
}

/// An overlay that a sandbox uses. Dropping it leaves what was changed, and removes it if nothing was.
#[derive(Debug)]
pub struct Kept {
    store: OwnedFd,
    folder: OwnedFd,
    path: PathBuf,
    record: Record,
    host: Root,
    launched: (i64, i64),
    recording: Option<JoinHandle<std::io::Result<bool>>>,
    go_on: Arc<AtomicBool>,
    done: bool,
    /// Held until nobody in the sandbox can write any more: init has it too.
    _lock: OwnedFd,
}

/// What a session left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was changed, and nothing is kept.
    Unchanged,
    /// The changes are kept.
    Changed,
}

impl Store {
    /// Make the overlay of a session.
    ///
    /// # Errors
    /// A workspace that cannot be opened, or a state folder that cannot be written.
    pub fn begin(&self, birth: &Birth<'_>) -> Result<Kept, WorkspaceError> {
        self.sweep();
        let host = Root::open(birth.workspace).map_err(io("open", birth.workspace))?;
        let seen = Seen::of(&fstat(&host).map_err(io("look at", birth.workspace))?);
        let record = Record {
            v: 1,
            session: birth.session.clone(),
            name: birth.name.map(str::to_owned),
            policy: birth.policy.clone(),
            workspace: birth.workspace.to_owned(),
            inode: seen.inode,
            owner: Ids { uid: seen.uid, gid: seen.gid },
            started: birth.started.clone(),
            ended: None,
        };
        let path = self.path.join(birth.session.as_str());
        let new = OsString::from(format!("{NEW}{}", birth.session));
        let making =
            hold(&self.folder, FlockOperation::LockShared).map_err(io("lock", &self.path))?;
        let folder = make_folder(&self.folder, &new, &path)?;
        let lock = open_lock(&folder, &path)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(io("lock", &path))?;
        record.write(&folder, &path)?;
        make_layers(&folder, &path, &seen, birth.agent)?;
        renameat(&self.folder, &new, &self.folder, birth.session.as_str())
            .map_err(io("make", &path))?;
        drop(making);
        let store =
            rustix::io::fcntl_dupfd_cloexec(&self.folder, 3).map_err(io("open", &self.path))?;
        let now = clock_gettime(ClockId::Realtime);
        Ok(Kept {
            store,
            folder,
            path,
            record,
            host,
            launched: (now.tv_sec, now.tv_nsec),
            recording: None,
            go_on: Arc::new(AtomicBool::new(true)),
            done: false,
            _lock: lock,
        })
    }
}

fn make_layers(
    folder: &OwnedFd,
    path: &Path,
    workspace: &Seen,
    agent: Ids,
) -> Result<(), WorkspaceError> {
    let layers = make_folder(folder, OsStr::new("layers"), path)?;
    for (name, mode) in [("upper", workspace.mode & 0o3777 | 0o700), ("work", 0o700)] {
        let layer = make_folder(&layers, OsStr::new(name), path)?;
        own(&layer, agent, path)?;
        if name == "upper" && !is_root() {
            // The group of a shared folder, if we are in it; else ours.
            rustix::fs::fchown(&layer, None, Some(Gid::from_raw(workspace.gid)))
                .unwrap_or_default();
        }
        fchmod(&layer, Mode::from_raw_mode(mode)).map_err(io("set the mode of", path))?;
    }
    own(&layers, agent, path)
}

/// To root's sandboxes belongs what they write: they have a host user of their own.
fn own(layer: &OwnedFd, agent: Ids, path: &Path) -> Result<(), WorkspaceError> {
    if !is_root() {
        return Ok(());
    }
    rustix::fs::fchown(layer, Some(Uid::from_raw(agent.uid)), Some(Gid::from_raw(agent.gid)))
        .map_err(io("set the owner of", path))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Kept {
    /// The folder with the layers, for the sandbox's plan.
    pub fn layers(&self) -> PathBuf {
        self.path.join("layers")
    }

    /// Start to record what the host's files are, in a thread: not before the sandbox is forked.
    ///
    /// # Errors
    /// No file or no thread can be made.
    pub fn record_host(&mut self) -> Result<(), WorkspaceError> {
        let shown = self.path.join(baseline::PART);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let into = openat(&self.folder, baseline::PART, flags, Mode::RUSR | Mode::WUSR)
            .map_err(io("make", &shown))?;
        let host = self.host.try_clone().map_err(io("open", &self.record.workspace))?;
        let folder =
            rustix::io::fcntl_dupfd_cloexec(&self.folder, 3).map_err(io("open", &shown))?;
        let (launched, go_on) = (self.launched, Arc::clone(&self.go_on));
        let recording = thread::Builder::new()
            .name("baseline".into())
            .spawn(move || {
                let complete = baseline::record(&host, File::from(into), launched, &go_on)?;
                if complete {
                    renameat(&folder, baseline::PART, &folder, baseline::NAME)?;
                }
                Ok(complete)
            })
            .map_err(|_| io("start a thread for", &shown)(rustix::io::Errno::AGAIN))?;
        self.recording = Some(recording);
        Ok(())
    }

    /// The sandbox is gone: keep what was changed, or remove the overlay if nothing was.
    ///
    /// # Errors
    /// What the agent did is kept then, but the host's state may not be recorded.
    pub fn end(mut self, now: String) -> Result<Outcome, WorkspaceError> {
        self.finish(Some(now))
    }

    fn finish(&mut self, now: Option<String>) -> Result<Outcome, WorkspaceError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(Outcome::Unchanged);
        }
        let unchanged = self.is_unchanged()?;
        self.go_on.store(!unchanged, Ordering::Relaxed);
        let recorded = self.recording.take().map(JoinHandle::join);
        if unchanged {
            let session = self.record.session.as_str();
            remove_session(&self.store, &self.path, OsStr::new(session))?;
            return Ok(Outcome::Unchanged);
        }
        let shown = self.path.join(baseline::NAME);
        let recorded = match recorded {
            Some(Ok(Ok(true))) => Ok(Outcome::Changed),
            Some(Ok(Err(error))) => {
                let errno = rustix::io::Errno::from_io_error(&error);
                Err(io("write", &shown)(errno.unwrap_or(rustix::io::Errno::IO)))
            }
            Some(Ok(Ok(false)) | Err(_)) | None => Err(WorkspaceError::Damaged {
                path: shown,
                what: "what the host's files were was not recorded".to_owned(),
            }),
        };
        self.record.ended = now;
        self.record.write(&self.folder, &self.path)?;
        recorded
    }

    fn is_unchanged(&self) -> Result<bool, WorkspaceError> {
        let layers = self.path.join("layers");
        let errno = io("look at", &layers);
        open_upper(&self.folder)
            .and_then(|upper| names(&upper))
            .map(|all| all.is_empty())
            .map_err(errno)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // There is nobody left to tell; what an agent did is not lost by this.
        self.finish(None).map(drop).unwrap_or_default();
    }
}

/// The folder of changes. The agent may have taken every right from it, which says nothing.
pub(crate) fn open_upper(folder: impl AsFd) -> Result<OwnedFd, rustix::io::Errno> {
    let layers = open_for_writing(folder, OsStr::new("layers"))?;
    open_for_writing(&layers, OsStr::new("upper"))
}

/// Remove a file of ours, if it is there.
pub(crate) fn remove_file(folder: &OwnedFd, name: &str) -> Result<(), rustix::io::Errno> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        other => other,
    }
}
