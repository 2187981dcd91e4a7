//! Removing a tree of an agent's making, however deep, by descriptor.

use std::{
    ffi::OsStr,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags, chmod, openat, renameat_with, unlinkat},
    io::Errno,
};

use crate::{
    beneath::{look, names},
    seen::Kind,
};

/// Remove the folder `name` and all that is in it.
///
/// A folder in a folder is moved up before its own content is looked at, so the depth never grows
/// and neither do the descriptors that are held.
pub(crate) fn remove(above: impl AsFd, name: &OsStr) -> Result<(), Errno> {
    let above = above.as_fd();
    let top = open_for_writing(above, name)?;
    let mut moved = 0_u64;
    loop {
        let entries = names(&top)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            if look(&top, &entry)?.is_none_or(|seen| seen.kind != Kind::Folder) {
                gone(unlinkat(&top, &entry, AtFlags::empty()))?;
                continue;
            }
            let folder = open_for_writing(&top, &entry)?;
            for inner in names(&folder)? {
                if look(&folder, &inner)?.is_some_and(|seen| seen.kind == Kind::Folder) {
                    // Moving a folder changes its `..`, for which it has to be writable.
                    drop(open_for_writing(&folder, &inner)?);
                    move_up(&folder, &inner, &top, &mut moved)?;
                } else {
                    gone(unlinkat(&folder, &inner, AtFlags::empty()))?;
                }
            }
            gone(unlinkat(&top, &entry, AtFlags::REMOVEDIR))?;
        }
    }
    gone(unlinkat(above, name, AtFlags::REMOVEDIR))
}

fn move_up(from: &OwnedFd, name: &OsStr, top: &OwnedFd, moved: &mut u64) -> Result<(), Errno> {
    loop {
        let free = format!(".removed-{moved}");
        *moved = moved.saturating_add(1);
        match renameat_with(from, name, top, free.as_str(), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return gone(other),
        }
    }
}

/// Open a folder, and let its owner do everything with it first: the agent may have forbidden it.
pub(crate) fn open_for_writing(above: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = openat(&above, name, flags | OFlags::PATH, Mode::empty())?;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&held)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        // fchmod(2) does not take a descriptor that only stands for a path.
        chmod(format!("/proc/self/fd/{}", held.as_raw_fd()), mode | Mode::RWXU)?;
    }
    openat(&held, ".", flags | OFlags::RDONLY, Mode::empty())
}

/// Somebody else may be removing the same.
fn gone(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use rustix::fs::{CWD, mkdirat};

    use super::*;

    #[test]
    fn a_tree_deeper_than_any_path_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut at = openat(CWD, folder.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        let deep = "d".repeat(200);
        for _ in 0..300 {
            mkdirat(&at, &deep, Mode::RWXU).unwrap();
            openat(&at, "file", OFlags::CREATE, Mode::RUSR).unwrap();
            at = openat(&at, &deep, OFlags::DIRECTORY, Mode::empty()).unwrap();
        }
        let above = openat(CWD, folder.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        remove(&above, OsStr::new(&deep)).unwrap();
        fs::remove_file(folder.path().join("file")).unwrap();
        fs::remove_dir(folder.path()).unwrap();
    }

    #[test]
    fn folders_that_forbid_everything_go() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b/.removed-0/c");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", inner.join("link")).unwrap();
        for path in ["a/b/.removed-0/c", "a/b/.removed-0", "a/b", "a"] {
            fs::set_permissions(folder.path().join(path), PermissionsExt::from_mode(0o0)).unwrap();
        }
        let above = openat(CWD, folder.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
        remove(&above, OsStr::new("a")).unwrap();
        assert!(!folder.path().join("a").exists());
        assert!(std::path::Path::new("/etc").exists());
    }
}
