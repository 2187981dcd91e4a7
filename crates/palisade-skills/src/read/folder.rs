//! A folder or a file, read by descriptors that no link can divert.

use std::{
    ffi::{CString, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{
    CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat,
};
use thiserror::Error;

use super::{Limits, Reader, roots::Root, rules};

/// Why a path cannot be scanned at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It cannot be opened.
    #[error("{path}: {error}")]
    Open {
        /// What was asked for.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// It is neither a folder nor a regular file.
    #[error("{0}: neither a folder nor a file")]
    Special(String),
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File,
    Link,
    Special,
    /// It could not be looked at, or is beyond a limit.
    Unread,
}

/// One entry, by its path from the top.
#[derive(Debug)]
pub(super) struct Entry {
    /// As text; what is not UTF-8 is replaced.
    pub(super) path: String,
    /// As it is.
    pub(super) raw: OsString,
    pub(super) what: What,
}

/// What one file held.
struct Content {
    bytes: Vec<u8>,
    executable: bool,
    changed: bool,
}

/// A folder or a file that was opened, and nothing of it read.
#[derive(Debug, Clone)]
pub struct Opened {
    top: PathBuf,
    name: String,
    descriptor: Arc<OwnedFd>,
    single: bool,
}

impl Opened {
    /// Opens it. The operator named this path: a link here is the operator's.
    ///
    /// # Errors
    /// It is not there, may not be read, or is neither a folder nor a regular file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let shown = || path.display().to_string();
        let failed =
            |error: rustix::io::Errno| ReadError::Open { path: shown(), error: error.into() };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let descriptor = openat(CWD, path, flags, Mode::empty()).map_err(failed)?;
        let kind = FileType::from_raw_mode(fstat(&descriptor).map_err(failed)?.st_mode);
        let single = match kind {
            FileType::Directory => false,
            FileType::RegularFile => true,
            _ => return Err(ReadError::Special(shown())),
        };
        // A file is known by the name that it has, a folder by the one that was asked for.
        let asked = path.file_name().filter(|_| !single).map(ToOwned::to_owned);
        let name = asked.or_else(|| Some(path.canonicalize().ok()?.file_name()?.to_owned()));
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { top: path.to_owned(), name, descriptor: Arc::new(descriptor), single })
    }

    /// The path that was asked for.
    pub fn path(&self) -> &Path {
        &self.top
    }

    /// The name of what lies there.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    top: PathBuf,
    /// The name of the top.
    name: String,
    /// The folder, or the one file.
    pub(super) descriptor: Arc<OwnedFd>,
    /// Sorted by path.
    pub(super) entries: Vec<Entry>,
    /// Is it one file?
    pub(super) single: bool,
    /// Are there more entries than the limit?
    pub(super) cut: bool,
}

impl Tree {
    pub(super) fn walk_of(opened: Opened, limits: &Limits) -> Self {
        let Opened { top, name, descriptor, single } = opened;
        let mut tree = Self { top, name, descriptor, entries: Vec::new(), single, cut: false };
        if single {
            let (path, raw) = (tree.name.clone(), OsString::from(&tree.name));
            tree.entries.push(Entry { path, raw, what: What::File });
        } else {
            tree.walk(limits);
        }
        tree
    }

    /// Lists everything below the top, without following a link.
    fn walk(&mut self, limits: &Limits) {
        let mut waiting: Vec<(OsString, usize)> = vec![(OsString::new(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let listed = self.list(&folder);
            let Ok(listed) = listed else {
                self.push(folder, What::Unread);
                continue;
            };
            for (name, what) in listed {
                if self.entries.len() >= limits.entries {
                    self.cut = true;
                    break;
                }
                let path = joined(&folder, &name);
                match what {
                    What::Folder if depth >= limits.depth => self.push(path, What::Unread),
                    What::Folder => {
                        waiting.push((path.clone(), depth + 1));
                        self.push(path, What::Folder);
                    }
                    what => self.push(path, what),
                }
            }
        }
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
    }

    fn push(&mut self, raw: OsString, what: What) {
        self.entries.push(Entry { path: raw.to_string_lossy().into_owned(), raw, what });
    }

    fn list(&self, folder: &OsString) -> rustix::io::Result<Vec<(OsString, What)>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let descriptor = if folder.is_empty() {
            openat(&self.descriptor, c".", flags, Mode::empty())?
        } else {
            beneath(&self.descriptor, folder, flags)?
        };
        let mut found = Vec::new();
        for entry in Dir::read_from(&descriptor)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let what = match entry.file_type() {
                FileType::Directory => What::Folder,
                FileType::RegularFile => What::File,
                FileType::Symlink => What::Link,
                FileType::Unknown => look(&descriptor, entry.file_name()),
                _ => What::Special,
            };
            found.push((OsString::from_vec(name.to_vec()), what));
        }
        Ok(found)
    }

    /// What the package is called: the path to print, and the last part of it.
    pub(super) fn named(&self, root: &Root) -> (String, String) {
        if self.single || root.at.is_empty() {
            return (self.top.to_string_lossy().into_owned(), self.name.clone());
        }
        let path = self.top.join(&root.at);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (path.to_string_lossy().into_owned(), name)
    }

    pub(super) fn read(&self, root: &Root, reader: &mut Reader) {
        if self.cut && root.at.is_empty() {
            reader.note(
                &rules::TOO_LARGE,
                "",
                "the tree has more entries than are searched".into(),
            );
        }
        let mut git = false;
        for &at in &root.entries {
            let Some(entry) = self.entries.get(at) else { continue };
            let inside =
                entry.path.get(root.at.len()..).unwrap_or_default().trim_start_matches('/');
            if entry.what == What::File && self.is_history(entry, inside) {
                git = true;
                continue;
            }
            self.one(entry, inside, reader);
        }
        if git {
            reader.note(&rules::GIT, ".git", "a repository's history lies in the package".into());
        }
    }

    /// Whether it is a part of a repository that holds no orders and nothing that runs: by its place and by its bytes. What else
    /// lies there is read as what lies elsewhere.
    pub(super) fn is_history(&self, entry: &Entry, inside: &str) -> bool {
        let Some(begins) = history_begins(inside) else { return false };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let Ok(file) = beneath(&self.descriptor, &entry.raw, flags) else { return false };
        let regular = |file| fstat(file).map(|it| FileType::from_raw_mode(it.st_mode));
        let mut head = [0; 4];
        regular(&file) == Ok(FileType::RegularFile)
            && rustix::io::pread(&file, &mut head, 0).is_ok()
            && head.starts_with(begins)
    }

    fn one(&self, entry: &Entry, inside: &str, reader: &mut Reader) {
        if odd_name(inside) || entry.raw.to_str().is_none() {
            let message = "the name holds characters that are not shown, or is no UTF-8".to_owned();
            reader.note(&rules::NAME, inside, message);
        }
        match entry.what {
            What::Folder => {}
            What::File => self.file(entry, inside, reader),
            What::Link => self.link(entry, inside, reader),
            What::Special => {
                reader.note(&rules::SPECIAL, inside, "it is a device, a pipe or a socket".into());
            }
            What::Unread => {
                reader.note(&rules::UNREADABLE, inside, "the folder cannot be listed".into());
            }
        }
    }

    fn file(&self, entry: &Entry, inside: &str, reader: &mut Reader) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let read = || -> io::Result<Result<Content, u64>> {
            let opened;
            let descriptor = if self.single {
                self.descriptor.as_fd()
            } else {
                opened = beneath(&self.descriptor, &entry.raw, flags)?;
                opened.as_fd()
            };
            let before = fstat(descriptor)?;
            if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
                return Err(io::Error::other("it is no regular file any more"));
            }
            let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
            if size > reader.limits.file {
                return Ok(Err(size));
            }
            let bytes = all_of(descriptor, size)?;
            let after = fstat(descriptor)?;
            let changed = bytes.len() as u64 != size
                || (before.st_mtime, before.st_mtime_nsec, before.st_ctime, before.st_ctime_nsec)
                    != (after.st_mtime, after.st_mtime_nsec, after.st_ctime, after.st_ctime_nsec);
            Ok(Ok(Content { bytes, executable: before.st_mode & 0o111 != 0, changed }))
        };
        match read() {
            Ok(Ok(Content { bytes, executable, changed })) => {
                if changed {
                    reader.note(
                        &rules::CHANGED,
                        inside,
                        "it was written to while it was read".into(),
                    );
                }
                reader.add(inside.to_owned(), bytes, executable, 0);
            }
            Ok(Err(size)) => {
                reader.room(inside, size);
            }
            Err(error) => reader.note(&rules::UNREADABLE, inside, error.to_string()),
        }
    }

    /// Where a link leads.
    pub(super) fn target(&self, entry: &Entry) -> rustix::io::Result<CString> {
        let (folder, name) = split(&entry.raw);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        match folder {
            None => readlinkat(&self.descriptor, &*name, Vec::new()),
            Some(folder) => beneath(&self.descriptor, &folder, flags)
                .and_then(|folder| readlinkat(folder, &*name, Vec::new())),
        }
    }

    fn link(&self, entry: &Entry, inside: &str, reader: &mut Reader) {
        let Ok(target) = self.target(entry) else {
            reader.note(&rules::UNREADABLE, inside, "the link cannot be read".into());
            return;
        };
        let target = String::from_utf8_lossy(target.as_bytes()).into_owned();
        let (rule, where_to) = if leads_out(inside, &target) {
            (&rules::LINK_OUT, "out of the package")
        } else {
            (&rules::LINK, "to another file of the package")
        };
        reader.note(
            rule,
            inside,
            format!("a link {where_to}: {}", palisade_core::shown(&target, 80)),
        );
    }
}

/// The bytes of a file, one more at most than it had.
pub(super) fn all_of(file: BorrowedFd<'_>, size: u64) -> io::Result<Vec<u8>> {
    let most = usize::try_from(size.saturating_add(1)).map_err(io::Error::other)?;
    let mut bytes = vec![0; most];
    let mut at = 0;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
        let offset = u64::try_from(at).map_err(io::Error::other)?;
        match rustix::io::pread(file, rest, offset) {
            Ok(0) => break,
            Ok(read) => at = at.saturating_add(read),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    bytes.truncate(at);
    Ok(bytes)
}

/// Would following the link from there leave the package?
pub(crate) fn leads_out(link: &str, target: &str) -> bool {
    if target.starts_with('/') {
        return true;
    }
    let mut depth = link.matches('/').count();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}

/// A name that a terminal or a person would read as another.
pub(super) fn odd_name(path: &str) -> bool {
    path.chars().any(|c| c.is_control() || crate::hidden::is_hidden(c))
}

/// How the files begin in which Git keeps a history, packed: `None` where it keeps none.
fn history_begins(path: &str) -> Option<&'static [u8]> {
    let inside = path.strip_prefix(".git/").or_else(|| Some(path.split_once("/.git/")?.1))?;
    // Of submodules and work trees.
    let own = |folder: &str| Some(inside.strip_prefix(folder)?.split_once('/')?.1);
    let inside = own("modules/").or_else(|| own("worktrees/")).unwrap_or(inside);
    if inside == "index" {
        return Some(b"DIRC");
    }
    let (folder, name) = inside.strip_prefix("objects/")?.rsplit_once('/')?;
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (folder, name.rsplit_once('.').map(|(_, suffix)| suffix)) {
        ("pack", Some("pack")) => Some(b"PACK"),
        ("pack", Some("idx")) => Some(b"\xfftOc"),
        ("pack", Some("rev")) => Some(b"RIDX"),
        ("pack", Some("bitmap")) => Some(b"BITM"),
        ("pack", None) if name == "multi-pack-index" => Some(b"MIDX"),
        ("info", None) if name == "commit-graph" => Some(b"CGPH"),
        ("info/commit-graphs", Some("graph")) => Some(b"CGPH"),
        // What zlib has packed.
        (two, None) if two.len() == 2 && hex(two) && name.len() >= 38 && hex(name) => Some(b"x"),
        _ => None,
    }
}

fn look(folder: &OwnedFd, name: &std::ffi::CStr) -> What {
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    match rustix::fs::statat(folder, name, flags).map(|stat| FileType::from_raw_mode(stat.st_mode))
    {
        Ok(FileType::Directory) => What::Folder,
        Ok(FileType::RegularFile) => What::File,
        Ok(FileType::Symlink) => What::Link,
        Ok(_) => What::Special,
        Err(_) => What::Unread,
    }
}

pub(super) fn beneath(
    top: &OwnedFd,
    path: &OsString,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(top.as_fd(), path, flags, Mode::empty(), resolve)
}

fn joined(folder: &OsString, name: &OsString) -> OsString {
    if folder.is_empty() {
        return name.clone();
    }
    let mut path = folder.clone();
    path.push("/");
    path.push(name);
    path
}

fn split(path: &OsString) -> (Option<OsString>, OsString) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|&b| b == b'/') {
        None => (None, path.clone()),
        Some(at) => {
            let (folder, name) = bytes.split_at(at);
            let name = name.get(1..).unwrap_or_default();
            (Some(OsString::from_vec(folder.to_vec())), OsString::from_vec(name.to_vec()))
        }
    }
}
