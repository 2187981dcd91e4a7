//! Symbolic links on the way to a granted path.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

use rustix::io::Errno;

/// Links that one path may lead through, as in the kernel.
const MOST: usize = 40;

/// A symbolic link of the host, to be made inside as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Where it is, without links on the way.
    pub(crate) at: PathBuf,
    /// What it says.
    pub(crate) to: PathBuf,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The path without links. It exists.
    pub(crate) real: PathBuf,
    /// Every link that is followed, in order.
    pub(crate) links: Vec<Link>,
    /// Whether the path is itself a link, and not only leads through some.
    pub(crate) is_link: bool,
}

/// What each name on the way was when it was first looked at: paths have their beginnings in
/// common, and a launch looks once at each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// What a link says; `None` for what is none.
    known: RefCell<HashMap<PathBuf, Result<Option<PathBuf>, Errno>>>,
}

impl Names {
    /// Follow every link on the way to `path`, and at its end.
    ///
    /// # Errors
    /// As `realpath(3)`.
    pub(crate) fn follow(&self, path: &Path) -> Result<Way, Errno> {
        let (mut links, mut is_link) = (Vec::new(), false);
        let real = self.walk(path, |at, to, last| {
            if let Some(to) = to {
                is_link |= last;
                links.push(Link { at: at.to_owned(), to: to.to_owned() });
            }
        })?;
        Ok(Way { real, links, is_link })
    }

    /// Every folder and link that is passed on the way to `path`, and its end; as far as it exists and may
    /// be looked into.
    pub(crate) fn steps(&self, path: &Path) -> Vec<PathBuf> {
        let mut all = Vec::new();
        // That it leads nowhere says nothing against the part before.
        drop(self.walk(path, |at, _, _| all.push(at.to_owned())));
        all
    }

    /// Go along `path`. At each name, where it is without links, `pass` hears what it says if it is a link,
    /// and whether it is the path's last.
    fn walk(
        &self,
        path: &Path,
        mut pass: impl FnMut(&Path, Option<&Path>, bool),
    ) -> Result<PathBuf, Errno> {
        let mut followed = 0_usize;
        let mut rest: Vec<PathBuf> = reversed(path);
        let mut at = PathBuf::from("/");
        while let Some(part) = rest.pop() {
            match part.components().next() {
                Some(Component::Normal(name)) => at.push(name),
                Some(Component::ParentDir) => {
                    at.pop();
                    continue;
                }
                Some(Component::RootDir) => {
                    at = PathBuf::from("/");
                    continue;
                }
                _ => continue,
            }
            let to = self.look(&at)?;
            if to.is_some() && followed == MOST {
                return Err(Errno::LOOP);
            }
            pass(&at, to.as_deref(), rest.is_empty());
            if let Some(to) = to {
                followed = followed.saturating_add(1);
                rest.extend(reversed(&to));
                at.pop();
            }
        }
        Ok(at)
    }

    /// The path without links, if it exists.
    pub(crate) fn real(&self, path: &Path) -> Option<PathBuf> {
        self.follow(path).ok().map(|way| way.real)
    }

    /// The path without links; or, where a folder on the way may not be looked into, that folder. `None` if
    /// it does not exist.
    ///
    /// A folder without rights may belong to the agent as well, and then it gets them back.
    pub(crate) fn real_or_closed(&self, path: &Path) -> Option<PathBuf> {
        for at in path.ancestors() {
            match self.follow(at) {
                Ok(way) => return Some(way.real),
                Err(Errno::ACCESS) => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn look(&self, at: &Path) -> Result<Option<PathBuf>, Errno> {
        if let Some(known) = self.known.borrow().get(at) {
            return known.clone();
        }
        let found = match rustix::fs::readlink(at, Vec::new()) {
            Ok(to) => Ok(Some(OsString::from_vec(to.into_bytes()).into())),
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(errno),
        };
        self.known.borrow_mut().insert(at.to_owned(), found.clone());
        found
    }
}

/// The path without links, if it exists.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Whether a path is itself a link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_symlink())
}

/// The path without links as far as it exists.
pub(crate) fn real_or_same(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Some(real) = real(at) {
            return rest.iter().rev().fold(real, |whole, name| whole.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                at = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

fn reversed(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_link_on_the_way_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("real/inner")).unwrap();
        symlink("real", base.join("one")).unwrap();
        symlink("../one/inner", base.join("real/two")).unwrap();
        let Way { real, links, is_link } = Names::default().follow(&base.join("one/two")).unwrap();
        assert_eq!((real, is_link), (base.join("real/inner"), true));
        let at: Vec<_> = links.iter().map(|link| link.at.strip_prefix(&base).unwrap()).collect();
        assert_eq!(at, [Path::new("one"), Path::new("real/two"), Path::new("one")]);
    }

    #[test]
    fn a_loop_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert_eq!(Names::default().follow(&folder.path().join("a")), Err(Errno::LOOP));
    }

    #[test]
    fn leads_where_the_kernel_would() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("there")).unwrap();
        std::fs::write(base.join("file"), "").unwrap();
        symlink("gone", base.join("dangling")).unwrap();
        symlink(base.join("there"), base.join("link")).unwrap();
        let names = Names::default();
        for name in ["there", "link/../link", "file", "dangling", "gone", "file/x", "there/../.."] {
            let path = base.join(name);
            let expected =
                path.canonicalize().map_err(|error| Errno::from_io_error(&error).unwrap());
            assert_eq!(names.follow(&path).map(|way| way.real), expected, "{name}");
            let link = names.follow(&path).is_ok_and(|way| way.is_link);
            assert_eq!(link, expected.is_ok() && is_link(&path), "{name}");
            // The second time from memory.
            assert_eq!(names.follow(&path).map(|way| way.real), expected, "{name}");
        }
    }
}
