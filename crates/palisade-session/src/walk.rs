//! Every folder below one, each read once: by descriptor, without links, and by several threads if
//! there are many. What one entry is comes with its name, so that nothing is looked at by itself.
//!
//! The threads have ended when [`walk`] returns.

use std::{
    ffi::OsStr,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Scope, available_parallelism, scope},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags, openat2, statat},
    io::Errno,
};

/// So many folders are read before other threads help.
const ALONE: usize = 96;
/// More threads wait for each other in the kernel.
const MOST_THREADS: usize = 8;
/// A name that the kernel takes is shorter than 4096 bytes; from here on it starts anew.
const LONG: usize = 2048;
/// A path that is longer is not entered: whoever makes one wants to keep us busy.
const LONGEST: usize = 64 * 1024;
const BUFFER: usize = 32 * 1024;

/// A folder that was read.
#[derive(Debug)]
pub(crate) struct Folder<'a> {
    /// Its path.
    pub(crate) path: &'a Path,
    /// Itself.
    pub(crate) opened: &'a OwnedFd,
    names: &'a [u8],
    entries: &'a [(usize, FileType)],
}

impl Folder<'_> {
    /// The names in it, each with what it is.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&OsStr, FileType)> {
        let mut rest = self.names;
        self.entries.iter().filter_map(move |(length, kind)| {
            let (name, after) = rest.split_at_checked(*length)?;
            rest = after;
            Some((OsStr::from_bytes(name), *kind))
        })
    }
}

/// What a walk gave.
#[derive(Debug)]
pub(crate) struct Walked<T> {
    /// What was found, in no order.
    pub(crate) found: Vec<T>,
    /// Folders that could not be read, and why.
    pub(crate) unread: Vec<(PathBuf, Errno)>,
}

/// Read the folder and all below; `see` is called for each, and puts what it wants to keep at the end of
/// the list. `root` has no links.
pub(crate) fn walk<T: Send>(
    root: &Path,
    see: impl Fn(&Folder<'_>, &mut Vec<T>) + Sync,
) -> Walked<T> {
    let walked = Mutex::new(Walked { found: Vec::new(), unread: Vec::new() });
    let first = match open(CWD, root, ResolveFlags::empty()) {
        Ok(opened) => {
            Job { base: Arc::new(opened), skip: root.as_os_str().len(), path: root.into() }
        }
        Err(errno) => {
            return Walked { found: Vec::new(), unread: vec![(root.to_owned(), errno)] };
        }
    };
    let crew = Crew {
        jobs: Mutex::new(Jobs { waiting: vec![first], unfinished: 1, read: 0 }),
        more: Condvar::new(),
        see: &see,
        walked: &walked,
    };
    scope(|scope| crew.work(Some(scope)));
    walked.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A folder to read.
struct Job {
    /// A folder above it, or itself.
    base: Arc<OwnedFd>,
    path: PathBuf,
    /// Bytes of `path` that are `base`.
    skip: usize,
}

struct Jobs {
    waiting: Vec<Job>,
    /// Those that wait and those that somebody does.
    unfinished: usize,
    read: usize,
}

struct Crew<'a, T, F> {
    jobs: Mutex<Jobs>,
    more: Condvar,
    see: &'a F,
    walked: &'a Mutex<Walked<T>>,
}

impl<T: Send, F: Fn(&Folder<'_>, &mut Vec<T>) + Sync> Crew<'_, T, F> {
    /// Until there is no more. With a scope: call others when there is much.
    fn work<'scope>(&'scope self, mut scope: Option<&'scope Scope<'scope, '_>>) {
        let mut own = Walked { found: Vec::new(), unread: Vec::new() };
        let mut reader = Reader::default();
        let mut jobs = lock(&self.jobs);
        loop {
            let Some(job) = jobs.waiting.pop() else {
                if jobs.unfinished == 0 {
                    break;
                }
                jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            jobs.read += 1;
            let help = scope.filter(|_| jobs.read > ALONE && !jobs.waiting.is_empty());
            drop(jobs);
            if let Some(scope) = help {
                self.call_others(scope);
            }
            if help.is_some() {
                scope = None;
            }
            let below = reader.read(job, self.see, &mut own);
            jobs = lock(&self.jobs);
            jobs.unfinished = (jobs.unfinished + below.len()).saturating_sub(1);
            let wake = below.len() > 1 || jobs.unfinished == 0;
            jobs.waiting.extend(below);
            if wake {
                self.more.notify_all();
            }
        }
        drop(jobs);
        let mut walked = lock(self.walked);
        walked.found.append(&mut own.found);
        walked.unread.append(&mut own.unread);
    }

    /// As many as there are processors. Without them it takes longer, and that is all.
    fn call_others<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let processors = available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        for _ in 1..processors {
            let called =
                std::thread::Builder::new().spawn_scoped(scope, || self.work(None)).is_ok();
            if !called {
                break;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room that each folder uses again.
struct Reader {
    buffer: Vec<MaybeUninit<u8>>,
    names: Vec<u8>,
    entries: Vec<(usize, FileType)>,
}

impl Default for Reader {
    fn default() -> Self {
        let buffer = vec![MaybeUninit::uninit(); BUFFER];
        Self { buffer, names: Vec::new(), entries: Vec::new() }
    }
}

impl Reader {
    /// Read one folder, and say which are below it.
    fn read<T>(
        &mut self,
        job: Job,
        see: &impl Fn(&Folder<'_>, &mut Vec<T>),
        walked: &mut Walked<T>,
    ) -> Vec<Job> {
        let opened = match self.list(&job) {
            Ok(opened) => opened,
            // Removed since its name was read, or a file in its place.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Vec::new(),
            Err(errno) => {
                walked.unread.push((job.path, errno));
                return Vec::new();
            }
        };
        let (names, entries) = (&self.names, &self.entries);
        let folder = Folder { path: &job.path, opened: &opened, names, entries };
        see(&folder, &mut walked.found);
        let mut below: Vec<PathBuf> = Vec::new();
        for (name, kind) in folder.entries() {
            if kind != FileType::Directory {
                continue;
            }
            let path = job.path.join(name);
            if path.as_os_str().len() > LONGEST {
                walked.unread.push((path, Errno::NAMETOOLONG));
            } else {
                below.push(path);
            }
        }
        if below.is_empty() {
            return Vec::new();
        }
        let anew = job.path.as_os_str().len() - job.skip > LONG;
        let (base, skip) = if anew {
            (Arc::new(opened), job.path.as_os_str().len())
        } else {
            (job.base, job.skip)
        };
        below.into_iter().map(|path| Job { base: Arc::clone(&base), path, skip }).collect()
    }

    fn list(&mut self, job: &Job) -> Result<OwnedFd, Errno> {
        self.names.clear();
        self.entries.clear();
        let below = job.path.as_os_str().as_bytes().get(job.skip..).unwrap_or_default();
        let below = below.strip_prefix(b"/").unwrap_or(below);
        let below = if below.is_empty() { b"." } else { below };
        let opened = open(&*job.base, OsStr::from_bytes(below), ResolveFlags::BENEATH)?;
        let mut all = RawDir::new(&opened, &mut self.buffer);
        while let Some(entry) = all.next() {
            let entry = entry?;
            let name = entry.file_name();
            let bytes = name.to_bytes();
            if matches!(bytes, b"." | b"..") {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                // A file system that does not say.
                kind = statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(kind, |found| FileType::from_raw_mode(found.st_mode));
            }
            self.names.extend(bytes);
            self.entries.push((bytes.len(), kind));
        }
        Ok(opened)
    }
}

fn open(at: impl AsFd, path: impl rustix::path::Arg, how: ResolveFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let how = how | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(at, path, flags, Mode::empty(), how)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, os::unix::fs::symlink};

    use super::*;

    fn names(root: &Path) -> BTreeSet<PathBuf> {
        let walked = walk(root, |folder, found| {
            found.extend(folder.entries().map(|(name, _)| folder.path.join(name)));
        });
        assert!(walked.unread.is_empty(), "{:?}", walked.unread);
        let all: BTreeSet<PathBuf> = walked.found.iter().cloned().collect();
        assert_eq!(all.len(), walked.found.len(), "each once");
        all
    }

    #[test]
    fn finds_what_another_walk_finds() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for number in 0..400 {
            let below = root.join(format!("{}/{}/{number}", number % 7, number % 30));
            fs::create_dir_all(&below).unwrap();
            fs::write(below.join(OsStr::from_bytes(b"a\n\xff")), "").unwrap();
        }
        symlink("/usr", root.join("usr")).unwrap();
        let other = walkdir::WalkDir::new(&root).min_depth(1).into_iter();
        assert_eq!(names(&root), other.map(|entry| entry.unwrap().into_path()).collect());
    }

    #[test]
    fn a_path_may_be_longer_than_the_kernel_takes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let name = "n".repeat(250);
        let mut at: OwnedFd = open(CWD, &root, ResolveFlags::empty()).unwrap();
        for _ in 0..40 {
            rustix::fs::mkdirat(&at, &name, Mode::RWXU).unwrap();
            at = open(&at, &name, ResolveFlags::BENEATH).unwrap();
        }
        rustix::fs::mkdirat(&at, "last", Mode::RWXU).unwrap();
        let all = names(&root);
        assert_eq!(all.len(), 41);
        assert!(all.iter().any(|path| path.ends_with("last")));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let gone = walk::<()>(Path::new("/nonexistent/folder"), |_, _| {});
        assert_eq!(gone.unread, [(PathBuf::from("/nonexistent/folder"), Errno::NOENT)]);
    }
}
