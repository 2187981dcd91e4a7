//! After the end: what the agent made although the host would run it is moved aside.
//!
//! No mount can cover a name that does not exist. While the session runs, what appears at most of these names is
//! moved aside as soon as the kernel tells of it, see [`later`](crate::later). At the end all of them are looked at: each
//! protected name that was not there at the launch, or was a link that
//! says something else by now, is renamed to `NAME.palisade-moved` beside it, told to the
//! operator and recorded. A supervisor that was killed leaves a list in the state folder; the next
//! run of any sandbox does what is on it.
//!
//! # Trust
//! The folders are the agent's: they are walked by descriptor, without links.

mod git;
mod list;
mod nested;
mod skills;
mod watched;

use std::{
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use palisade_core::{Event, Layer, Verdict};
use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, chmodat, fstat, openat2,
        readlinkat, renameat, renameat_with, statat,
    },
    io::Errno,
    process::geteuid,
    rand::{GetRandomFlags, getrandom},
};

pub(crate) use self::{
    list::{List, Lists, Turns},
    nested::{Nested, find_nested},
    skills::{SkillPlaces, find_skill_places},
    watched::{Was, Watched, find},
};

/// What is put behind a name that is moved aside.
const SUFFIX: &str = ".palisade-moved";
/// Names that are tried, should some be taken. After the first they are random: no agent can take them all.
const MOST_NAMES: u32 = 16;

/// One thing that was found at a protected name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it was.
    pub(crate) path: PathBuf,
    /// Where it is now, or why it could not be moved.
    pub(crate) moved: Result<PathBuf, String>,
    /// What is the matter with it.
    pub(crate) how: How,
}

/// What is the matter with what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// A program of the host would run it, and it was not there.
    Appeared,
    /// It is a folder that nobody could look into.
    Unseen,
    /// It is looked at when the other sessions there have ended.
    Later,
    /// It was protected, until a program of the host put another file in its place.
    Exchanged,
}

impl Found {
    /// For the operator.
    pub(crate) fn told(&self) -> String {
        // The agent gave the names.
        let path = palisade_core::shown(&self.path.to_string_lossy(), 1000);
        match &self.moved {
            _ if self.how == How::Later => format!(
                "another session writes in {path} still: what appeared there is looked at when that has ended"
            ),
            _ if self.how == How::Exchanged => format!(
                "{path} is another file than before, put there from outside, and was not protected until that was seen: look at it"
            ),
            Ok(to) => {
                let to = palisade_core::shown(&name_of(to).to_string_lossy(), 300);
                format!("{path} appeared and is now {to}")
            }
            Err(why) if self.how == How::Unseen => format!(
                "{path} could not be looked into ({why}): a repository in it may run programs"
            ),
            Err(why) => format!(
                "{path} appeared, and could not be moved aside ({why}): look at it before you use the folder"
            ),
        }
    }

    /// For the journal.
    pub(crate) fn event(&self) -> Event {
        let mut event =
            Event::observed("sweep", Layer::Files, self.path.to_string_lossy().into_owned());
        if self.how == How::Appeared {
            event.decision = Verdict::Deny;
        }
        event.reason = match &self.moved {
            _ if self.how == How::Later => {
                "another session writes there; it is looked at when that has ended".into()
            }
            _ if self.how == How::Exchanged => {
                "a program of the host put another file there, and the agent could write to it"
                    .into()
            }
            Ok(to) => format!("a program of the host would run it; it is now {}", to.display()),
            Err(why) if self.how == How::Unseen => format!("it cannot be looked into: {why}"),
            Err(why) => format!("a program of the host would run it; it cannot be moved: {why}"),
        };
        event
    }
}

/// Move aside everything on the list that has appeared. What runs in these folders can make it anew.
pub(crate) fn sweep(watched: &[Watched]) -> Vec<Found> {
    let mut found = Vec::new();
    // The names of one folder follow each other.
    for names in watched.chunk_by(|one, next| one.folder == next.folder) {
        let Some(Watched { folder, .. }) = names.first() else { continue };
        let opened = opened(CWD, folder, false);
        for entry in names {
            match opened.as_ref().map_err(|errno| *errno).and_then(|top| look(entry, top)) {
                Ok(None) => {}
                Ok(Some(one)) => {
                    if !found.contains(&one) {
                        found.push(one);
                    }
                }
                // The folder itself is gone, or is no folder any more.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(errno) => found.push(Found {
                    path: Path::new(&entry.folder).join(&entry.name),
                    moved: Err(errno.to_string()),
                    how: How::Appeared,
                }),
            }
        }
    }
    found
}

fn look(entry: &Watched, top: &OwnedFd) -> Result<Option<Found>, Errno> {
    let mut path = PathBuf::from(&entry.folder);
    let mut below: Option<OwnedFd> = None;
    let mut names = Path::new(&entry.name).components().peekable();
    while let Some(Component::Normal(name)) = names.next() {
        let folder = below.as_ref().unwrap_or(top);
        path.push(name);
        let look = || statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        let status = match look() {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::ACCESS) if give_back(folder) => match look() {
                Err(Errno::NOENT) => return Ok(None),
                other => other?,
            },
            other => other?,
        };
        let kind = FileType::from_raw_mode(status.st_mode);
        let last = names.peek().is_none();
        if !last && kind == FileType::Directory {
            below = Some(opened(folder.as_fd(), name, true)?);
            continue;
        }
        // A link on the way stands for all that it leads to.
        let harmless = match (&entry.was, kind) {
            (Was::Link(to), FileType::Symlink) => {
                readlinkat(folder, name, Vec::new())?.as_bytes() == to.as_encoded_bytes()
            }
            (Was::Absent, _) if !last && kind != FileType::Symlink => true,
            (Was::Absent, kind) if last => git::is_harmless(entry, kind, folder, name),
            _ => false,
        };
        return Ok((!harmless).then(|| aside(folder, name, &path)).flatten());
    }
    Ok(None)
}

/// Open a folder to list it, never through a link; `beneath` holds the way in `at`.
///
/// # Errors
/// As of `openat2(2)`.
pub(crate) fn open_folder(at: impl AsFd, name: &OsStr, beneath: bool) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    if beneath {
        resolve |= ResolveFlags::BENEATH;
    }
    // Not O_PATH: what is in it may have to be listed.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat2(at, name, flags, Mode::empty(), resolve)
}

/// The same; of a folder of this user's that the agent has taken the rights from, they are given back.
///
/// # Errors
/// As of [`open_folder`].
pub(crate) fn opened(at: impl AsFd, name: &OsStr, beneath: bool) -> Result<OwnedFd, Errno> {
    match open_folder(&at, name, beneath) {
        Err(Errno::ACCESS) => {}
        opened => return opened,
    }
    let mut resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    if beneath {
        resolve |= ResolveFlags::BENEATH;
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let seen = openat2(&at, name, flags, Mode::empty(), resolve)?;
    if give_back(&seen) { open_folder(&at, name, beneath) } else { Err(Errno::ACCESS) }
}

/// Gives this user the rights of each of its folders on the way to one below `folder`, and of that, as far as it can.
fn open_up(folder: &Path, below: &Path) {
    let Ok(mut at) = opened(CWD, folder.as_os_str(), false) else { return };
    for name in below {
        give_back(&at);
        match opened(&at, name, true) {
            Ok(next) => at = next,
            Err(_) => return,
        }
    }
    give_back(&at);
}

/// Gives this user the rights of a folder of its own, which whoever runs inside as the same user can take. False: it has
/// them, or cannot have them.
fn give_back(folder: &OwnedFd) -> bool {
    let Ok(found) = fstat(folder) else { return false };
    let mode = Mode::from_raw_mode(found.st_mode);
    if found.st_uid != geteuid().as_raw() || mode.contains(Mode::RWXU) {
        return false;
    }
    // By the descriptor, which may be for its path alone.
    let by = format!("/proc/self/fd/{}", folder.as_raw_fd());
    chmodat(CWD, by, mode | Mode::RWXU, AtFlags::empty()).is_ok()
}

/// `None`: it is gone, perhaps since another session has moved it.
fn aside(folder: &OwnedFd, name: &OsStr, path: &Path) -> Option<Found> {
    let mut moved = Err("every name for it is taken".to_owned());
    // While the agent runs it may take them again.
    let mut tries = 0..MOST_NAMES;
    for number in 0..MOST_NAMES {
        let mut to: OsString = name.to_owned();
        to.push(SUFFIX);
        if number > 0 {
            match random() {
                Ok(number) => to.push(format!("-{number:016x}")),
                Err(errno) => {
                    moved = Err(errno.to_string());
                    break;
                }
            }
        }
        let mut renamed = rename_to_new(folder, name, &to);
        while renamed == Err(Errno::ACCESS) && tries.next().is_some() && give_back(folder) {
            renamed = rename_to_new(folder, name, &to);
        }
        match renamed {
            Err(Errno::EXIST) => {}
            Err(Errno::NOENT) => return None,
            Ok(()) => {
                moved = Ok(path.with_file_name(to));
                break;
            }
            Err(errno) => {
                moved = Err(errno.to_string());
                break;
            }
        }
    }
    Some(Found { path: path.to_owned(), moved, how: How::Appeared })
}

fn random() -> Result<u64, Errno> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(bytes))
}

/// Where something was whose name says that it was moved aside.
pub(crate) fn moved_from(path: &Path) -> Option<PathBuf> {
    let name = name_of(path).as_encoded_bytes();
    let suffix = SUFFIX.as_bytes();
    let at = name.windows(suffix.len()).rposition(|part| part == suffix)?;
    name.get(..at).map(|name| path.with_file_name(OsStr::from_bytes(name)))
}

/// Over nothing that is there already.
fn rename_to_new(folder: &OwnedFd, name: &OsStr, to: &OsStr) -> Result<(), Errno> {
    match renameat_with(folder, name, folder, to, RenameFlags::NOREPLACE) {
        // NFS and most of FUSE cannot promise that. Who makes the name in between loses what is there.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match statat(folder, to, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => renameat(folder, name, folder, to),
                Err(errno) => Err(errno),
            }
        }
        renamed => renamed,
    }
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(path.as_os_str())
}

#[cfg(test)]
mod tests;
