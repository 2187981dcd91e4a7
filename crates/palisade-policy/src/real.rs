use std::path::{Path, PathBuf};

use crate::draft::covers;

/// The path without links, as far as it exists.
pub(crate) fn real(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(real) = at.canonicalize() {
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

/// Whether a path is what is named or lies in it, by its text and without links.
pub(crate) fn holds(named: &Path, path: &Path) -> bool {
    covers(named, path) && covers(&real(named), &real(path))
}
