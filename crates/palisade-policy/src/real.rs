use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{draft::covers, policy::Grant};

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

/// Whether naming a path for writing can do more than a grant of a folder above it: in a writable
/// folder some names stay read-only (`.git/hooks` and its like) unless a policy names them exactly.
/// All of those begin with a dot somewhere, but the project's policy itself and a few others.
pub fn may_be_protected(path: &Path) -> bool {
    const OTHERS: [&str; 5] =
        [crate::PROJECT_FILE, "opencode.json", "opencode.jsonc", "crush.json", "mise.toml"];
    path.iter().any(|part| {
        part.as_encoded_bytes().starts_with(b".") || OTHERS.iter().any(|it| part == OsStr::new(it))
    })
}

/// Whether a grant gives all that another asks for.
pub(crate) fn grants(given: &Grant, asked: &Grant) -> bool {
    if !asked.writable {
        return holds(&given.path, &asked.path);
    }
    let below = asked.path.strip_prefix(&given.path).unwrap_or(Path::new(""));
    given.writable && !may_be_protected(below) && holds(&given.path, &asked.path)
}
