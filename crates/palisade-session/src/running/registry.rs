use std::{
    fs::{DirBuilder, File},
    io::{Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use palisade_core::SessionId;
use rustix::{
    fs::{
        AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, chmodat, flock, fstat, mkdirat, openat,
        unlinkat,
    },
    io::Errno,
    net::SocketAddrUnix,
    process::geteuid,
};

use super::Entry;
use crate::refusal::{Refusal, Refuse};

const FOLDER: &str = "running";
const ENTRY: &str = ".json";
const SOCKET: &str = ".sock";
const REMEDY: &str = "see that the state folder (PALISADE_STATE) can be written and is yours alone";
/// Longer than any entry.
const MOST_BYTES: u64 = 64 * 1024;
/// Times that making an entry is tried: somebody who looks for dead ones may take it for one.
const TRIES: usize = 100;

/// The folder of running sandboxes, held open.
#[derive(Debug)]
pub struct Registry {
    folder: OwnedFd,
    path: PathBuf,
}

/// An entry of our own. Dropping it takes it out.
#[derive(Debug)]
pub(crate) struct Held {
    registry: Registry,
    session: SessionId,
    _lock: OwnedFd,
}

impl Registry {
    /// The one under this state folder. `None` where no sandbox has ever run.
    ///
    /// # Errors
    /// A folder that is not the caller's, or that cannot be opened.
    pub fn open(state_dir: &Path) -> Result<Option<Self>, Refusal> {
        let path = state_dir.join(FOLDER);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let what = || format!("the folder of running sandboxes, {}", path.display());
        let folder = match openat(CWD, &path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened.refuse(what(), REMEDY)?,
        };
        let found = fstat(&folder).refuse(what(), REMEDY)?;
        if found.st_uid != geteuid().as_raw() || found.st_mode & 0o077 != 0 {
            let why = "it is another user's, or open to others";
            return Err(Refusal::new(format!("{}: {why}", what()), REMEDY));
        }
        Ok(Some(Self { folder, path }))
    }

    fn create(state_dir: &Path) -> Result<Self, Refusal> {
        let what = || format!("the folder of running sandboxes in {}", state_dir.display());
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir).refuse(what(), REMEDY)?;
        match mkdirat(CWD, state_dir.join(FOLDER), Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).refuse(what(), REMEDY),
        }
        Self::open(state_dir)?.ok_or(Errno::NOENT).refuse(what(), REMEDY)
    }

    /// Put an entry in, and remove those of supervisors that died.
    pub(crate) fn enter(state_dir: &Path, entry: &Entry) -> Result<Held, Refusal> {
        let registry = Self::create(state_dir)?;
        registry.running()?;
        let name = format!("{}{ENTRY}", entry.session);
        let what = || format!("the entry of this sandbox, {}", registry.path.join(&name).display());
        let text = serde_json::to_vec(entry).refuse(what(), "report this")?;
        let lock = registry.make(&name).refuse(what(), REMEDY)?;
        let written = lock.try_clone().map(File::from).and_then(|mut file| file.write_all(&text));
        let session = entry.session.clone();
        let held = Held { registry, session, _lock: lock };
        written.refuse(format!("write the entry of {}", entry.session), REMEDY)?;
        Ok(held)
    }

    /// A new file that is locked and still has its name.
    fn make(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..TRIES {
            let file = openat(&self.folder, name, flags, Mode::from_raw_mode(0o600))?;
            rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
            if fstat(&file)?.st_nlink > 0 {
                return Ok(file);
            }
        }
        Err(Errno::BUSY)
    }

    /// All that run, the oldest first. Others are removed.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn running(&self) -> Result<Vec<Entry>, Refusal> {
        let what = || format!("read {}", self.path.display());
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.folder).refuse(what(), REMEDY)? {
            let entry = entry.refuse(what(), REMEDY)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(session) = name.strip_suffix(ENTRY).and_then(|id| id.parse().ok()) else {
                continue;
            };
            found.extend(self.entry(&session));
        }
        found.sort_by(|a, b| (a.started, &a.session).cmp(&(b.started, &b.session)));
        Ok(found)
    }

    /// The entry of a sandbox that runs. One that is being written is not there yet.
    fn entry(&self, session: &SessionId) -> Option<Entry> {
        let file = self.live(session)?;
        let mut text = Vec::new();
        File::from(file).take(MOST_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok().filter(|entry: &Entry| entry.session == *session)
    }

    /// Whether its supervisor lives. If not, what it left is removed.
    pub(crate) fn is_live(&self, session: &SessionId) -> bool {
        self.live(session).is_some()
    }

    fn live(&self, session: &SessionId) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let name = format!("{session}{ENTRY}");
        let file = openat(&self.folder, &name, flags, Mode::empty()).ok()?;
        // Shared, so that two who look do not take each other for the supervisor.
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {
                self.remove(session);
                None
            }
            Err(_) => Some(file),
        }
    }

    /// The socket first: as long as it is there, so is the entry that leads to it.
    fn remove(&self, session: &SessionId) {
        for suffix in [SOCKET, ENTRY] {
            let name = format!("{session}{suffix}");
            // Another who looks may have been faster.
            unlinkat(&self.folder, name, AtFlags::empty()).unwrap_or_default();
        }
    }

    /// Where a sandbox's supervisor listens. By way of the open folder: the path of a state
    /// folder may be longer than an address can be.
    pub(crate) fn address(&self, session: &SessionId) -> Result<SocketAddrUnix, Errno> {
        let folder = self.folder.as_raw_fd();
        SocketAddrUnix::new(format!("/proc/self/fd/{folder}/{session}{SOCKET}"))
    }
}

impl Held {
    pub(crate) fn address(&self) -> Result<SocketAddrUnix, Errno> {
        self.registry.address(&self.session)
    }

    /// The folder keeps others out; this says it of the socket as well.
    pub(crate) fn make_socket_private(&self) -> Result<(), Errno> {
        let name = format!("{}{SOCKET}", self.session);
        chmodat(&self.registry.folder, name, Mode::from_raw_mode(0o600), AtFlags::empty())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.registry.remove(&self.session);
    }
}

/// The one sandbox that runs under this session id, its beginning, or this name.
///
/// # Errors
/// There is none, or there are several.
pub fn find(state_dir: &Path, which: &str) -> Result<(Registry, Entry), Refusal> {
    let none = || {
        Refusal::new(
            format!("no running sandbox is called {}", which.escape_debug()),
            "palisade ps lists those that run",
        )
    };
    let registry = Registry::open(state_dir)?.ok_or_else(none)?;
    let all = registry.running()?;
    let chosen = |takes: &dyn Fn(&Entry) -> bool| -> Vec<Entry> {
        all.iter().filter(|entry| takes(entry)).cloned().collect()
    };
    let mut found = chosen(&|entry| entry.session.as_str() == which);
    if found.is_empty() {
        found = chosen(&|entry| entry.name.as_deref() == Some(which));
    }
    // The prefix alone is that of every session.
    if found.is_empty() && which.len() > "s-".len() {
        found = chosen(&|entry| entry.session.as_str().starts_with(which));
    }
    match (found.pop(), found.len()) {
        (Some(entry), 0) => Ok((registry, entry)),
        (None, _) => Err(none()),
        (Some(entry), more) => Err(Refusal::new(
            format!("{} running sandboxes are called {}", more + 1, which.escape_debug()),
            format!("name one by its session, such as {}", entry.session),
        )),
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::PolicyDigest;
    use palisade_journal::Timestamp;

    use super::*;

    fn entry(id: &str, name: Option<&str>) -> Entry {
        Entry {
            session: id.parse().unwrap(),
            name: name.map(Into::into),
            supervisor: 1,
            init: 2,
            started: Timestamp::now(),
            command: vec!["sh".into()],
            workspace: None,
            policy: PolicyDigest::of(b""),
            degraded: Vec::new(),
        }
    }

    fn names(state: &Path) -> Vec<String> {
        let listed = state.join(FOLDER).read_dir().unwrap();
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_entry_is_there_while_it_is_held() {
        let state = tempfile::tempdir().unwrap();
        assert!(Registry::open(state.path()).unwrap().is_none());
        let one = Registry::enter(state.path(), &entry("s-one", None)).unwrap();
        let two = Registry::enter(state.path(), &entry("s-two", Some("b"))).unwrap();
        let registry = Registry::open(state.path()).unwrap().unwrap();
        let ids = |registry: &Registry| -> Vec<String> {
            registry.running().unwrap().iter().map(|entry| entry.session.to_string()).collect()
        };
        assert_eq!(ids(&registry), ["s-one", "s-two"]);
        drop(one);
        assert_eq!(ids(&registry), ["s-two"]);
        drop(two);
        assert!(names(state.path()).is_empty());
    }

    #[test]
    fn what_a_dead_supervisor_left_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let held = Registry::enter(state.path(), &entry("s-one", None)).unwrap();
        std::fs::write(state.path().join("running/s-one.sock"), "").unwrap();
        // The lock goes with the process, and nothing else does.
        let Held { registry, _lock: lock, .. } = &held;
        flock(lock, FlockOperation::Unlock).unwrap();
        assert!(registry.running().unwrap().is_empty());
        assert!(names(state.path()).is_empty());
        std::mem::forget(held);
        // A half written one, too.
        std::fs::write(state.path().join("running/s-two.json"), "{\"se").unwrap();
        Registry::enter(state.path(), &entry("s-three", None)).unwrap();
        assert!(names(state.path()).is_empty());
    }

    #[test]
    fn one_is_found_by_id_prefix_or_name() {
        let state = tempfile::tempdir().unwrap();
        assert!(find(state.path(), "a").is_err());
        let _held: Vec<Held> = [("s-aa1", Some("a")), ("s-aa2", Some("b")), ("s-b", Some("b"))]
            .iter()
            .map(|(id, name)| Registry::enter(state.path(), &entry(id, *name)).unwrap())
            .collect();
        let found = |which: &str| {
            find(state.path(), which)
                .map(|(_, entry)| entry.session.to_string())
                .map_err(|r| r.what)
        };
        assert_eq!(found("a").unwrap(), "s-aa1");
        assert_eq!(found("s-b").unwrap(), "s-b");
        assert_eq!(found("s-aa2").unwrap(), "s-aa2");
        assert_eq!(found("s-aa").unwrap_err(), "2 running sandboxes are called s-aa");
        assert_eq!(found("b").unwrap_err(), "2 running sandboxes are called b");
        assert!(found("s-").unwrap_err().starts_with("no running"));
        assert!(found("c\u{1b}").unwrap_err().contains("c\\u{1b}"));
    }

    #[test]
    fn a_folder_of_others_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        drop(Registry::enter(state.path(), &entry("s-one", None)).unwrap());
        let folder = state.path().join(FOLDER);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(Registry::open(state.path()).is_err());
        std::fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink("/tmp", &folder).unwrap();
        assert!(Registry::open(state.path()).is_err());
    }
}
