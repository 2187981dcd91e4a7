//! Second names of files (hard links), and folders that may not be looked into.

use std::{
    collections::BTreeSet,
    fs::Metadata,
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{fs::FileType, io::Errno};

use crate::walk::walk;

/// A path that the kernel takes whole, with room for a name.
const LONGEST: usize = 3072;

/// Add to these paths every other name that their files have in the folders. Nothing is looked for unless a
/// file has more names than one.
///
/// # Errors
/// A folder that cannot be read, and why.
pub(super) fn add_names<'folder>(
    paths: &mut BTreeSet<PathBuf>,
    folders: impl Iterator<Item = &'folder Path>,
) -> Result<(), String> {
    let inodes: BTreeSet<(u64, u64)> = paths
        .iter()
        .filter_map(|path| path.symlink_metadata().ok())
        .filter(|found| found.is_file() && found.nlink() > 1)
        .map(|found| (found.dev(), found.ino()))
        .collect();
    if inodes.is_empty() {
        return Ok(());
    }
    // One in a folder that may be listed and not entered may be any.
    let may_be = |path: &Path| match path.symlink_metadata() {
        Ok(found) => found.is_file() && inodes.contains(&(found.dev(), found.ino())),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    };
    for folder in folders {
        if may_be(folder) {
            paths.insert(folder.to_owned());
        }
        let walked = walk(folder, |folder, found| {
            let files = folder.entries().filter(|(_, kind)| *kind == FileType::RegularFile);
            found.extend(files.map(|(name, _)| folder.path.join(name)).filter(|path| may_be(path)));
        });
        paths.extend(walked.found);
        paths.extend(closed(walked.unread)?);
    }
    Ok(())
}

/// Folders that may not be looked into: each counts whole, for if it is the agent's own too, that can open
/// it and look.
///
/// # Errors
/// One that cannot be read for another reason.
pub(super) fn closed(
    unread: impl IntoIterator<Item = (PathBuf, Errno)>,
) -> Result<Vec<PathBuf>, String> {
    let mut all = Vec::new();
    for (path, errno) in unread {
        match errno {
            Errno::ACCESS | Errno::PERM => all.push(path),
            // Deeper than anybody needs: from here on nothing of it is shown.
            Errno::NAMETOOLONG => {
                let short = |at: &&Path| at.as_os_str().len() < LONGEST;
                all.extend(path.ancestors().find(short).map(Path::to_owned));
            }
            // It is a file, or there is nothing.
            Errno::NOTDIR | Errno::NOENT => {}
            _ => return Err(format!("{}: {errno}", path.display())),
        }
    }
    Ok(all)
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
