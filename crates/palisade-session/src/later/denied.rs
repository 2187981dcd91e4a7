//! Denied names that appear while the session runs: what is there is covered inside at once. So is it with protected
//! files that the host replaces: the new one is made read-only.
//!
//! And so it is with sockets that programs of the host bind, or bring there: whoever can connect to one can have its
//! program act for it. The kernel tells which they are; those of the agent's stay.
//!
//! What is covered is the very object that was found by its name in the sandbox's own tree. A file that is replaced by a
//! rename, as editors do it, loses its cover, and the new one gets another.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsStr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::FileTypeExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_sandbox::{Running, linux::execs::View};
use rustix::{
    fs::{CWD, Dir, FileType, fstat},
    io::Errno,
};
use tokio::sync::mpsc::UnboundedSender;

use super::{Note, PAUSE, What, send, watches::Watches};
use crate::{plan::Appearing, sweep::open_folder};

/// Folders that are watched at most. Each costs the kernel about a kilobyte.
const MOST_FOLDERS: usize = 16 * 1024;
/// Covers at one time, and one more for each second of the session. The kernel has room for 100 000 mounts in a
/// namespace (`fs.mount-max`), and whoever makes so many names wants to use that up.
const MOST_COVERED: u64 = 4096;
/// Folders that wait to be looked through. Beyond that everything is looked at anew.
const MOST_WAITING: usize = 64 * 1024;
/// Covers that init is asked for at one time. More could fill the socket both ways, and whoever speaks to init then waits
/// for ever.
const MOST_ASKED: usize = 16;
/// When it is asked whose a socket is, from when it was seen: its name is there a moment before its owner is told, and
/// under load that moment may be long.
const ASKED: [Duration; 3] = [Duration::ZERO, Duration::from_millis(20), Duration::from_secs(1)];
/// Folders that are looked through before events are taken again.
const AT_ONCE: usize = 32;

/// What a session's policy denies, and where it may appear.
#[derive(Debug)]
pub(super) struct Denied {
    appearing: Appearing,
    view: Arc<View>,
    running: Arc<Running>,
    notes: UnboundedSender<Note>,
    waiting: VecDeque<PathBuf>,
    /// To be covered.
    due: VecDeque<PathBuf>,
    /// One more for each cover that init was asked for.
    asked: Arc<()>,
    /// Seen outside, and not inside yet: below an overlay the kernel may take a while.
    unseen: BTreeSet<PathBuf>,
    /// Sockets, of whose owner the kernel is to be asked, and how often it was.
    sockets: VecDeque<Socket>,
    began: Instant,
    covered: u64,
    most_folders: usize,
    told_full: bool,
}

impl Denied {
    pub(super) fn new(
        appearing: Appearing,
        view: Arc<View>,
        running: Arc<Running>,
        notes: UnboundedSender<Note>,
    ) -> Self {
        let mut denied = Self {
            appearing,
            view,
            running,
            notes,
            waiting: VecDeque::new(),
            due: VecDeque::new(),
            asked: Arc::new(()),
            unseen: BTreeSet::new(),
            sockets: VecDeque::new(),
            began: Instant::now(),
            covered: 0,
            most_folders: most_folders(),
            told_full: false,
        };
        denied.look_at_all();
        denied
    }

    /// Look through everything, the folders above first.
    pub(super) fn look_at_all(&mut self) {
        self.waiting = self.appearing.starts.iter().cloned().collect();
    }

    /// When there is something to do, unless something appears before. `None`: then only.
    pub(super) fn rest(&self) -> Option<Duration> {
        if !self.waiting.is_empty() || (!self.due.is_empty() && !self.is_full()) {
            Some(Duration::ZERO)
        } else if !self.due.is_empty() {
            // Init answers the supervisor's own thread.
            Some(Duration::from_millis(1))
        } else {
            let asked = self.sockets.iter().map(Socket::rest).min();
            self.is_waiting().then_some(PAUSE).into_iter().chain(asked).min()
        }
    }

    /// Whether something is to be tried once more after a while.
    pub(super) fn is_waiting(&self) -> bool {
        !self.unseen.is_empty()
    }

    fn is_full(&self) -> bool {
        Arc::strong_count(&self.asked) > MOST_ASKED
    }

    /// Something appeared at this path.
    pub(super) fn see(&mut self, path: PathBuf, folder: bool) {
        if self.is_wanted(&path) {
            self.put_down(path);
        } else if folder && self.appearing.may_hold(&path) {
            if self.waiting.len() >= MOST_WAITING {
                self.look_at_all();
            } else {
                // Before what was there at the launch, most of which is covered.
                self.waiting.push_front(path);
            }
        } else if !folder && self.appearing.sockets.is_some() {
            // A hint. What is covered is looked at by descriptor.
            if path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
                self.put_down_socket(path);
            }
        }
    }

    fn put_down_socket(&mut self, path: PathBuf) {
        if self.sockets.len() >= MOST_WAITING {
            let why = format!("{MOST_WAITING} sockets appeared at one time");
            return send(&self.notes, Note::End(why));
        }
        self.sockets.push_back(Socket { path, seen: Instant::now(), asked: 0 });
    }

    fn is_wanted(&self, path: &Path) -> bool {
        self.appearing.is_held(path) || self.appearing.rule(path).is_some()
    }

    fn put_down(&mut self, path: PathBuf) {
        if self.due.len() >= MOST_WAITING {
            let why = format!("{MOST_WAITING} names that the policy denies appeared at one time");
            return send(&self.notes, Note::End(why));
        }
        self.due.push_back(path);
    }

    /// Have covered what is to be, and look through some of the folders that wait.
    pub(super) fn look(&mut self, watches: &mut Watches) {
        while !self.is_full()
            && let Some(path) = self.due.pop_front()
        {
            self.cover(path);
        }
        self.ask_of_sockets();
        for _ in 0..AT_ONCE {
            let Some(path) = self.waiting.pop_front() else { return };
            self.look_into(&path, watches);
        }
    }

    /// Try once more what was not there inside.
    pub(super) fn look_again(&mut self) {
        for path in std::mem::take(&mut self.unseen) {
            self.put_down(path);
        }
    }

    fn look_into(&mut self, path: &Path, watches: &mut Watches) {
        let mut opened = vec![self.view.folder(path)];
        if self.appearing.overlays.iter().any(|overlay| path.starts_with(overlay)) {
            opened.push(open_folder(CWD, path.as_os_str(), false));
        }
        for folder in opened {
            match folder {
                Ok(folder) => {
                    // Watched before it is listed, so that nothing appears in between.
                    self.watch(path, &folder, watches);
                    self.list(path, &folder);
                }
                // It went away, or is a link, or may not be looked into by the agent either.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => self.tell_full(path, errno),
            }
        }
    }

    fn watch(&mut self, path: &Path, folder: &OwnedFd, watches: &mut Watches) {
        let added = if watches.len() < self.most_folders {
            watches.add(path, folder).map(drop)
        } else {
            Err(Errno::NOSPC)
        };
        if let Err(errno) = added {
            self.tell_full(path, errno);
        }
    }

    fn list(&mut self, path: &Path, folder: &OwnedFd) {
        let Ok(entries) = Dir::read_from(folder) else { return };
        for entry in entries {
            let Ok(entry) = entry else { return };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let path = path.join(OsStr::from_bytes(name));
            if self.is_wanted(&path) {
                self.put_down(path);
            } else if entry.file_type() == FileType::Socket {
                if self.appearing.sockets.is_some() {
                    self.put_down_socket(path);
                }
            } else if matches!(entry.file_type(), FileType::Directory | FileType::Unknown)
                && self.appearing.may_hold(&path)
                && self.waiting.len() < MOST_WAITING
            {
                self.waiting.push_back(path);
            }
        }
    }

    /// Have those covered that are of the host's programs.
    fn ask_of_sockets(&mut self) {
        if self.is_full() || !self.sockets.iter().any(|socket| socket.rest().is_zero()) {
            return;
        }
        let Some(hosts) = &self.appearing.sockets else { return };
        let Ok(bound) = hosts.all() else {
            let why = "the kernel does not tell any more which sockets are of the host's programs: those that are bound from now on can be connected to";
            send(&self.notes, Note::Weaker(why.into()));
            self.appearing.sockets = None;
            return self.sockets.clear();
        };
        for _ in 0..self.sockets.len() {
            let Some(mut socket) = self.sockets.pop_front() else { return };
            if self.is_full() || !socket.rest().is_zero() {
                self.sockets.push_back(socket);
                continue;
            }
            // Inside it is not to be seen, or is covered.
            let Ok(object) = self.view.object(&socket.path) else { continue };
            let Ok(found) = fstat(&object) else { continue };
            if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
                continue;
            }
            if bound.have(found.st_dev, found.st_ino) {
                self.ask_for_cover(&object, socket.path, What::Socket);
            } else {
                socket.asked = socket.asked.saturating_add(1);
                if socket.asked < ASKED.len() {
                    self.sockets.push_back(socket);
                }
            }
        }
    }

    fn cover(&mut self, path: PathBuf) {
        let object = match self.view.object(&path) {
            Ok(object) => object,
            Err(Errno::NOENT) if path.symlink_metadata().is_ok() => {
                if self.unseen.len() < MOST_WAITING {
                    self.unseen.insert(path);
                }
                return;
            }
            // It is gone, or its folder is another one by now, which is told of too.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return,
            Err(errno) => return self.end(&path, errno),
        };
        let what = match self.appearing.rule(&path) {
            Some(rule) => What::Denied(rule.to_owned()),
            None => What::Held,
        };
        self.ask_for_cover(&object, path, what);
    }

    fn ask_for_cover(&mut self, object: &OwnedFd, path: PathBuf, what: What) {
        let hide = !matches!(what, What::Held);
        let (notes, told) = (self.notes.clone(), path.clone());
        let asked = Arc::clone(&self.asked);
        let hear = move |covered| {
            drop(asked);
            match covered {
                Ok(()) => send(&notes, Note::Covered { path: told, what }),
                // A cover is there, it is gone, or it is a link, which shows no more than what it leads to.
                Err(Errno::EXIST | Errno::NOENT | Errno::LOOP) => {}
                Err(errno) => send(&notes, Note::End(cannot(&told, errno))),
            }
        };
        self.covered = self.covered.saturating_add(1);
        if self.covered > MOST_COVERED.saturating_add(self.began.elapsed().as_secs()) {
            let why = format!("more than {MOST_COVERED} names that the policy denies appeared");
            return send(&self.notes, Note::End(why));
        }
        // An init that is gone has ended everything.
        self.running.cover(object.as_fd(), hide, hear).unwrap_or_default();
    }

    fn end(&self, path: &Path, errno: Errno) {
        send(&self.notes, Note::End(cannot(path, errno)));
    }

    /// Not again: whoever makes many folders would fill the journal.
    fn tell_full(&mut self, path: &Path, errno: Errno) {
        if std::mem::replace(&mut self.told_full, true) {
            return;
        }
        let path = palisade_core::shown(&path.to_string_lossy(), 1000);
        let why = match errno {
            Errno::NOSPC => format!(
                "more folders than can be watched: what the policy denies and appears in {path}, or in others beyond it, is seen inside until the next session; raise fs.inotify.max_user_watches, or grant less"
            ),
            errno => format!(
                "{path} cannot be watched ({errno}): what the policy denies and appears there is seen inside until the next session"
            ),
        };
        send(&self.notes, Note::Weaker(why));
    }
}

fn cannot(path: &Path, errno: Errno) -> String {
    let path = palisade_core::shown(&path.to_string_lossy(), 1000);
    format!("{path}, which is not to be seen inside, appeared and cannot be hidden: {errno}")
}

#[derive(Debug)]
struct Socket {
    path: PathBuf,
    seen: Instant,
    asked: usize,
}

impl Socket {
    /// Until the kernel is to be asked.
    fn rest(&self) -> Duration {
        let due = ASKED.get(self.asked).copied().unwrap_or_default();
        due.saturating_sub(self.seen.elapsed())
    }
}

/// At most a quarter of what this user may watch: others have watches too.
fn most_folders() -> usize {
    let all = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let all = all.ok().and_then(|text| text.trim().parse::<usize>().ok());
    all.map_or(MOST_FOLDERS, |all| (all / 4).min(MOST_FOLDERS))
}
