use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    os::{
        fd::BorrowedFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::{
        FileType, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstat, fstatvfs, openat2,
        readlinkat,
    },
    io::Errno,
};

use crate::linux::callers::Executable;

/// Paths that are kept. Each file is held by a descriptor, and who supervises may have a thousand in all.
const MOST: usize = 128;
/// Folders and links on the way of one path.
const LONGEST_WAY: usize = 32;

/// Where paths lead of which nobody inside can change that: each folder and link on the way lies on a mount that is read-only.
///
/// What is done outside changes it all the same. Most of that is seen by the file, the rest is not: so this is what a thread
/// surely asks for as far as it can tell, and never what it has become.
#[derive(Debug, Default)]
pub(super) struct Fixed(Mutex<HashMap<Vec<u8>, Option<Executable>>>);

impl Fixed {
    /// The file of this path, if it is known and in the state in which it was.
    pub(super) fn get(&self, path: &[u8]) -> Option<Executable> {
        let mut kept = self.kept();
        let known = kept.get(path)?.as_ref()?;
        if known.is_unchanged() {
            return Some(known.clone());
        }
        kept.remove(path);
        None
    }

    /// Keep what an absolute path leads to, if nobody inside can change that.
    pub(super) fn keep(&self, root: BorrowedFd<'_>, path: &[u8], file: &Executable) {
        if file.changeable() || self.kept().contains_key(path) {
            return;
        }
        let is_fixed = is_fixed(root, Path::new(OsStr::from_bytes(path))).unwrap_or(false);
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(path.to_vec(), is_fixed.then(|| file.clone()));
    }

    /// It leads elsewhere.
    pub(super) fn forget(&self, path: &[u8]) {
        self.kept().remove(path);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Option<Executable>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether all that is gone through lies on mounts that are read-only.
fn is_fixed(root: BorrowedFd<'_>, path: &Path) -> Result<bool, Errno> {
    let open = |path: &Path, flags: OFlags| {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        openat2(root, path, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty(), resolve)
    };
    let mut folder = PathBuf::from("/");
    let mut left = names(path)?;
    for _ in 0..LONGEST_WAY {
        let Some(name) = left.pop() else { return Ok(true) };
        let place = open(&folder, OFlags::DIRECTORY)?;
        if !fstatvfs(&place)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Ok(false);
        }
        let next = folder.join(&name);
        let found = open(&next, OFlags::NOFOLLOW)?;
        match FileType::from_raw_mode(fstat(&found)?.st_mode) {
            FileType::Symlink => {
                let target = OsString::from_vec(readlinkat(&found, "", Vec::new())?.into_bytes());
                let target = Path::new(&target);
                if target.is_absolute() {
                    folder = PathBuf::from("/");
                }
                left.extend(names(target)?);
            }
            _ => folder = next,
        }
    }
    Ok(false)
}

/// The names of a path, the last one first.
fn names(path: &Path) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::RootDir | Component::CurDir => {}
            // What that is depends on the way to it.
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL),
        }
    }
    names.reverse();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::fd::AsFd, os::unix::fs::symlink};

    use super::{super::View, *};

    #[test]
    fn what_may_be_changed_inside_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tool"), "tool").unwrap();
        let view = View::at(folder.path()).unwrap();
        let file = view.file(b"/tool").unwrap();
        assert!(file.changeable());
        let fixed = Fixed::default();
        fixed.keep(view.root(), b"/tool", &file);
        assert!(fixed.get(b"/tool").is_none() && fixed.kept().is_empty());
        assert_eq!(is_fixed(view.root(), Path::new("/tool")), Ok(false));
        symlink("tool", folder.path().join("link")).unwrap();
        assert_eq!(is_fixed(view.root(), Path::new("/link")), Ok(false));
        for path in ["/../tool", "/nowhere", "/tool/x"] {
            assert!(!is_fixed(view.root(), Path::new(path)).unwrap_or(false), "{path}");
        }
    }

    /// `/proc/sys` and the like are read-only in many places; where nothing is, there is nothing to show.
    #[test]
    fn what_lies_on_mounts_that_are_read_only_is_fixed() {
        let root = fs::File::open("/").unwrap();
        let read_only = |path: &str| {
            let found = fstatvfs(fs::File::open(path).ok()?).ok()?;
            Some(found.f_flag.contains(StatVfsMountFlags::RDONLY))
        };
        let all = ["/", "/usr", "/usr/bin"].iter().all(|path| read_only(path) == Some(true));
        assert_eq!(is_fixed(root.as_fd(), Path::new("/usr/bin/env")), Ok(all));
    }

    #[test]
    fn what_was_changed_outside_is_looked_up_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        fs::write(&path, "tool").unwrap();
        let view = View::at(folder.path()).unwrap();
        let fixed = Fixed::default();
        let put = || {
            let file = view.file(b"/tool").unwrap();
            fixed.kept().insert(b"/tool".to_vec(), Some(file.clone()));
            file
        };
        let file = put();
        assert_eq!(fixed.get(b"/tool"), Some(file));
        fs::write(&path, "another").unwrap();
        assert!(fixed.get(b"/tool").is_none());
        put();
        fs::write(folder.path().join("new"), "another").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(fixed.get(b"/tool").is_none());
        put();
        fixed.forget(b"/tool");
        assert!(fixed.get(b"/tool").is_none());
    }
}
