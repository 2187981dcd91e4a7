//! Where a Git repository keeps what Git of the host runs.

use std::{
    ffi::OsStr,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use super::second;

/// How deep a submodule's name may be.
const DEEPEST: usize = 8;
/// Settings that name programs, and files that say where others are.
const OF_REPOSITORY: [&str; 5] = ["config", "config.worktree", "hooks", "info", "commondir"];
const OF_WORKTREE: [&str; 3] = ["config.worktree", "commondir", "gitdir"];

/// All of the repository in this folder, of its submodules and worktrees. See
/// `gitrepository-layout(5)`.
pub(super) fn settings(folder: &Path) -> Vec<PathBuf> {
    let git = folder.join(".git");
    let found = match git.symlink_metadata() {
        Ok(found) => found,
        // Its folder can be listed and not entered, until the agent opens it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return vec![git],
        Err(_) => return Vec::new(),
    };
    if found.is_file() {
        // Says where the repository is.
        return vec![git];
    }
    let mut all: Vec<PathBuf> = OF_REPOSITORY.iter().map(|name| git.join(name)).collect();
    submodules(&git.join("modules"), DEEPEST, &mut all);
    for tree in folders(&git.join("worktrees")) {
        all.extend(OF_WORKTREE.iter().map(|name| tree.join(name)));
    }
    all
}

/// Git of the host looks into repositories below this folder as well, and into the folder if it is a git
/// directory itself. Links are not followed. A folder that may not be looked into counts whole.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
        all.extend(OF_REPOSITORY.iter().map(|name| folder.join(name)));
    }
    let outside = |entry: &DirEntry| entry.depth() < 2 || !is_git(entry.path().parent());
    let found = WalkDir::new(folder).min_depth(2).into_iter().filter_entry(outside);
    for entry in found {
        match entry.map_err(second::closed_folder) {
            Ok(entry) if is_git(Some(entry.path())) => {
                all.extend(entry.path().parent().map(settings).unwrap_or_default());
            }
            Ok(_) => {}
            Err(closed) => all.extend(closed.ok().flatten()),
        }
    }
    all
}

fn is_git(path: Option<&Path>) -> bool {
    path.and_then(Path::file_name) == Some(OsStr::new(".git"))
}

/// Repositories at any depth: the name of a submodule may have slashes.
fn submodules(folder: &Path, depth: usize, all: &mut Vec<PathBuf>) {
    for found in folders(folder) {
        if found.join("HEAD").is_file() {
            all.extend(OF_REPOSITORY.iter().map(|name| found.join(name)));
            submodules(&found.join("modules"), depth.saturating_sub(1), all);
        } else if depth > 0 {
            submodules(&found, depth - 1, all);
        }
    }
}

fn folders(of: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.file_name() != OsStr::new("objects"))
        .map(|entry| entry.path())
}
