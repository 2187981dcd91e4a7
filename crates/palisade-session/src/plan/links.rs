//! Symbolic links on the way to a granted path.

use std::path::{Component, Path, PathBuf};

use crate::refusal::{Refusal, Refuse};

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

/// The path without links, if it exists.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Whether a path is itself a link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_symlink())
}

/// The path without links; or, where a folder on the way may not be looked into, that folder. `None` if
/// it does not exist.
///
/// A folder without rights may belong to the agent as well, and then it gets them back.
pub(crate) fn real_or_closed(path: &Path) -> Option<PathBuf> {
    for at in path.ancestors() {
        match at.canonicalize() {
            Ok(real) => return Some(real),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            Err(_) => return None,
        }
    }
    None
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

/// Every link that is followed on the way to `path`, in order.
pub(crate) fn on(path: &Path) -> Result<Vec<Link>, Refusal> {
    let mut links = Vec::new();
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
        let Ok(to) = std::fs::read_link(&at) else { continue };
        if links.len() == MOST {
            return Err(std::io::Error::from_raw_os_error(libc_eloop()))
                .refuse(path.display(), "name a path with fewer links");
        }
        rest.extend(reversed(&to));
        links.push(Link { at: at.clone(), to });
        at.pop();
    }
    Ok(links)
}

fn reversed(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

fn libc_eloop() -> i32 {
    rustix::io::Errno::LOOP.raw_os_error()
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
        let links = on(&base.join("one/two")).unwrap();
        let at: Vec<_> = links.iter().map(|link| link.at.strip_prefix(&base).unwrap()).collect();
        assert_eq!(at, [Path::new("one"), Path::new("real/two"), Path::new("one")]);
    }

    #[test]
    fn a_loop_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert!(on(&folder.path().join("a")).is_err());
    }
}
