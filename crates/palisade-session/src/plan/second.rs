//! Second names of files (hard links), and folders that may not be looked into.

use std::{
    collections::BTreeSet,
    fs::Metadata,
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// Add to these paths every other name that their files have in the folders, each of which is on this
/// device. Nothing is looked for unless a file has more names than one.
pub(super) fn add_names<'folder>(
    paths: &mut BTreeSet<PathBuf>,
    folders: impl Iterator<Item = (&'folder Path, u64)>,
) -> Result<(), walkdir::Error> {
    let inodes: BTreeSet<(u64, u64)> = paths
        .iter()
        .filter_map(|path| path.symlink_metadata().ok())
        .filter(|found| found.is_file() && found.nlink() > 1)
        .map(|found| (found.dev(), found.ino()))
        .collect();
    if inodes.is_empty() {
        return Ok(());
    }
    for (folder, device) in folders {
        if !inodes.iter().any(|(known, _)| *known == device) {
            continue;
        }
        for entry in WalkDir::new(folder) {
            match entry.and_then(|entry| Ok((entry.metadata()?, entry))) {
                Ok((found, entry)) => {
                    if found.is_file() && inodes.contains(&(found.dev(), found.ino())) {
                        paths.insert(entry.into_path());
                    }
                }
                Err(error) => paths.extend(closed_folder(error)?),
            }
        }
    }
    Ok(())
}

/// A folder that may not be looked into: it counts whole, for if it is the agent's own too, that can
/// open it and look.
pub(super) fn closed_folder(error: walkdir::Error) -> Result<Option<PathBuf>, walkdir::Error> {
    match (error.io_error().map(std::io::Error::kind), error.path()) {
        (Some(ErrorKind::NotFound), _) => Ok(None),
        (Some(ErrorKind::PermissionDenied), Some(path)) => Ok(Some(path.to_owned())),
        _ => Err(error),
    }
}

/// What is at this path; or, where a folder above may be listed but not entered, that folder: the agent may
/// give itself the right.
pub(super) fn reachable(path: &Path) -> Option<(&Path, Metadata)> {
    for at in path.ancestors() {
        match at.symlink_metadata() {
            Ok(found) => return Some((at, found)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            Err(_) => return None,
        }
    }
    None
}
