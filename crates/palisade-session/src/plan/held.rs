//! Objects of the host that are kept open until they are mounted.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{fs::fstat, io::Errno};

use crate::refusal::{Refusal, Refuse};

/// What is open does not give its inode number to another file, and tells whether it still exists.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(super) _objects: Vec<OwnedFd>,
    /// What is to be covered, by the number of the mount.
    pub(super) covered: BTreeMap<usize, (PathBuf, OwnedFd)>,
}

impl Held {
    /// Let the launch go on although these, which were to be covered, were not where the plan saw them: if they exist
    /// no longer.
    ///
    /// # Errors
    /// One has another name, by which it would be shown, or it cannot be told.
    pub(crate) fn refuse_moved(&self, changed: &[usize]) -> Result<(), Refusal> {
        for number in changed {
            let held = self.covered.get(number);
            if !held.is_some_and(|(_, object)| is_gone(object).unwrap_or_default()) {
                return Err(moved(held.map(|(path, _)| path.as_path())));
            }
        }
        Ok(())
    }
}

/// Whether this has no name any more, and so cannot be opened by anybody who has not. Where a file system does not tell
/// it has one.
///
/// # Errors
/// As of `fstat(2)`.
fn is_gone(object: impl AsFd) -> Result<bool, Errno> {
    fstat(object).map(|found| found.st_nlink == 0)
}

/// What is hidden was renamed, or exchanged for another.
pub(super) fn moved(path: Option<&Path>) -> Refusal {
    let shown = path.map_or_else(|| "something".into(), |path| path.display().to_string());
    Refusal::new(
        format!(
            "the sandbox cannot be put up: hide {shown}: it was exchanged for another file since it was checked, or moved"
        ),
        "another program renames files there at this moment: let it end, and start again",
    )
}

/// Whether what was seen at this path exists no longer.
///
/// # Errors
/// It cannot be told.
pub(super) fn look_again(object: impl AsFd, path: &Path) -> Result<bool, Refusal> {
    is_gone(object).refuse(format!("look at {}", path.display()), "report this")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn held(path: &Path) -> Held {
        let object = fs::File::open(path).unwrap().into();
        Held { _objects: Vec::new(), covered: [(7, (path.to_owned(), object))].into() }
    }

    #[test]
    fn what_is_gone_needs_no_cover_and_what_was_moved_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "").unwrap();
        let held = held(&path);
        held.refuse_moved(&[]).unwrap();
        let other = folder.path().join("other");
        fs::rename(&path, &other).unwrap();
        assert!(held.refuse_moved(&[7]).unwrap_err().what.contains("secret"));
        fs::hard_link(&other, &path).unwrap();
        fs::remove_file(&other).unwrap();
        assert!(held.refuse_moved(&[7]).is_err(), "it is back");
        fs::remove_file(&path).unwrap();
        held.refuse_moved(&[7]).unwrap();
        fs::write(&path, "another").unwrap();
        held.refuse_moved(&[7]).unwrap();
        assert!(held.refuse_moved(&[7, 8]).is_err(), "nobody knows of it");
    }
}
