use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat2, readlinkat, statat,
    },
    io::Errno,
};

use crate::{Entry, MOST_BYTES, MOST_DEPTH, StoreError, Tree};

/// Reads a folder as it is. A `.git` at its top is not part of a skill.
///
/// Works by descriptors and follows no link below `folder`: whoever can write there may exchange names
/// meanwhile.
///
/// # Errors
/// It cannot be read, or holds what no skill may have.
pub fn read_folder(folder: &Path) -> Result<Tree, StoreError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = openat2(CWD, folder, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    let top = top.map_err(io).map_err(StoreError::file("open", folder))?;
    let mut reader = Reader { top: folder, tree: Tree::default() };
    reader.folder(&top, "", 1)?;
    if reader.tree.is_empty() {
        return Err(StoreError::Empty);
    }
    Ok(reader.tree)
}

struct Reader<'a> {
    top: &'a Path,
    tree: Tree,
}

impl Reader<'_> {
    fn folder(&mut self, folder: &OwnedFd, at: &str, depth: usize) -> Result<(), StoreError> {
        if depth > MOST_DEPTH {
            return Err(StoreError::TooDeep(palisade_core::shown(at, 200)));
        }
        let mut list = Dir::read_from(folder).map_err(|errno| self.failed("list", at)(errno))?;
        while let Some(next) = list.read() {
            let next = next.map_err(|errno| self.failed("list", at)(errno))?;
            let name = OsStr::from_bytes(next.file_name().to_bytes());
            if matches!(name.as_bytes(), b"." | b"..") || (at.is_empty() && name == ".git") {
                continue;
            }
            let shown = format!("{at}{}", name.to_string_lossy());
            let Some(text) = name.to_str() else {
                let shown = palisade_core::shown(&shown, 200);
                return Err(StoreError::Path(shown, "it is not UTF-8"));
            };
            self.entry(folder, text, &format!("{at}{text}"), depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &str,
        depth: usize,
    ) -> Result<(), StoreError> {
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(self.failed("look at", path))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                let below =
                    open(folder, name, OFlags::DIRECTORY).map_err(self.failed("open", path))?;
                self.folder(&below, &format!("{path}/"), depth.saturating_add(1))
            }
            FileType::Symlink => {
                let to = readlinkat(folder, name, Vec::new()).map_err(self.failed("read", path))?;
                let shown = palisade_core::shown(&to.to_string_lossy(), 200);
                let to =
                    to.into_string().map_err(|_| StoreError::Leaves(path.to_owned(), shown))?;
                self.tree.add(path, Entry::Link(to))
            }
            FileType::RegularFile => {
                // Not for a terminal or a pipe that was put there since.
                let opened =
                    open(folder, name, OFlags::NONBLOCK).map_err(self.failed("open", path))?;
                let entry = self.file(opened, path)?;
                self.tree.add(path, entry)
            }
            _ => Err(StoreError::Special(palisade_core::shown(path, 200))),
        }
    }

    fn file(&self, opened: OwnedFd, path: &str) -> Result<Entry, StoreError> {
        let found = fstat(&opened).map_err(self.failed("look at", path))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(StoreError::Changed(palisade_core::shown(path, 200)));
        }
        let rest = MOST_BYTES.saturating_sub(self.tree.bytes());
        if u64::try_from(found.st_size).unwrap_or(u64::MAX) > rest {
            return Err(StoreError::TooLarge);
        }
        let mut bytes = Vec::new();
        let mut file = File::from(opened).take(rest.saturating_add(1));
        file.read_to_end(&mut bytes).map_err(StoreError::file("read", self.top.join(path)))?;
        Ok(Entry::File { bytes: bytes.into(), executable: found.st_mode & 0o111 != 0 })
    }

    fn failed(&self, doing: &'static str, path: &str) -> impl FnOnce(Errno) -> StoreError + use<> {
        let path = self.top.join(path);
        move |errno| StoreError::file(doing, path)(io(errno))
    }
}

fn open(folder: impl AsFd, name: &str, more: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY | more;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, name, flags, Mode::empty(), resolve)
}

fn io(errno: Errno) -> std::io::Error {
    errno.into()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::{fs::PermissionsExt, fs::symlink},
    };

    use super::*;

    #[test]
    fn a_folder_is_read_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("scripts")).unwrap();
        fs::create_dir_all(at.join(".git")).unwrap();
        fs::create_dir_all(at.join("empty")).unwrap();
        fs::write(at.join(".git/config"), "x").unwrap();
        fs::write(at.join("SKILL.md"), "text").unwrap();
        fs::write(at.join("scripts/run"), "#!").unwrap();
        fs::set_permissions(at.join("scripts/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("../SKILL.md", at.join("scripts/doc")).unwrap();
        let tree = read_folder(at).unwrap();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["SKILL.md", "scripts/doc", "scripts/run"]);
        let run = Entry::File { bytes: b"#!"[..].into(), executable: true };
        assert_eq!(tree.get("scripts/run"), Some(&run));
        // Neither times nor owners nor other modes count.
        let before = tree.digest();
        fs::set_permissions(at.join("SKILL.md"), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_folder(at).unwrap().digest(), before);
        fs::set_permissions(at.join("SKILL.md"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_ne!(read_folder(at).unwrap().digest(), before);
    }

    #[test]
    fn what_no_agent_needs_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        assert!(matches!(read_folder(at), Err(StoreError::Empty)));
        symlink("/etc/passwd", at.join("l")).unwrap();
        assert!(matches!(read_folder(at), Err(StoreError::Leaves(..))));
        fs::remove_file(at.join("l")).unwrap();
        let pipe = at.join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        assert!(matches!(read_folder(at), Err(StoreError::Special(_))));
        fs::remove_file(pipe).unwrap();
        fs::write(at.join(OsStr::from_bytes(b"\xff")), "").unwrap();
        assert!(matches!(read_folder(at), Err(StoreError::Path(..))));
        fs::remove_file(at.join(OsStr::from_bytes(b"\xff"))).unwrap();
        let file = File::create(at.join("sparse")).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert!(matches!(read_folder(at), Err(StoreError::TooLarge)));
        fs::remove_file(at.join("sparse")).unwrap();
        let deep = vec!["d"; MOST_DEPTH + 2].join("/");
        fs::create_dir_all(at.join(deep)).unwrap();
        assert!(matches!(read_folder(at), Err(StoreError::TooDeep(_))));
    }
}
