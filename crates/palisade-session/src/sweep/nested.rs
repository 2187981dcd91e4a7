//! Repositories below the top of a writable folder: Git of the host believes what they say as soon
//! as somebody stands in them, and `git status` above looks into those that its index names.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use palisade_sandbox::{Content, Plan};
use serde::{Deserialize, Serialize};
use walkdir::{DirEntry, WalkDir};

use super::{Was, Watched};

/// What Git runs or believes, in a git directory. See `gitrepository-layout(5)`.
const OF_DIRECTORY: [&str; 5] =
    ["hooks", "config", "config.worktree", "commondir", "info/attributes"];

/// A writable folder, and what Git found in it at the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nested {
    folder: OsString,
    /// Paths of `.git` entries and of git directories, below the folder.
    known: BTreeSet<OsString>,
}

/// Every folder that the plan makes writable, with what is there now.
pub(crate) fn find_nested(plan: &Plan) -> Vec<Nested> {
    let folders: BTreeSet<&Path> = plan
        .mounts
        .iter()
        .filter_map(|mount| match &mount.content {
            Content::Host(object) if object.writable && object.folder => Some(&*object.path),
            _ => None,
        })
        .collect();
    let outermost = |folder: &&Path| !folder.ancestors().skip(1).any(|up| folders.contains(up));
    let known = |folder: &Path| scan(folder).into_iter().map(OsString::from).collect();
    let each = folders.iter().copied().filter(outermost);
    each.map(|folder| Nested { folder: folder.into(), known: known(folder) }).collect()
}

impl Nested {
    /// The names to look at for what has come since.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let folder = Path::new(&self.folder);
        let mut all = Vec::new();
        for path in scan(folder) {
            if self.known.contains(path.as_os_str()) {
                continue;
            }
            let mut watch = |name: PathBuf| {
                let folder = self.folder.clone();
                all.push(Watched { folder, name: name.into(), was: Was::Absent });
            };
            if folder.join(&path).is_dir() {
                OF_DIRECTORY.iter().for_each(|name| watch(path.join(name)));
            }
            // Last: what is in it is moved first.
            if path.ends_with(".git") {
                watch(path);
            }
        }
        all
    }
}

/// All `.git` entries but the folder's own, and all git directories in `.git/modules`, as paths below the
/// folder. No link is followed; what cannot be read is passed over.
fn scan(folder: &Path) -> Vec<PathBuf> {
    let enter = |entry: &DirEntry| entry.file_name() != "objects" || !in_git(entry.path(), folder);
    WalkDir::new(folder)
        .min_depth(1)
        .into_iter()
        .filter_entry(enter)
        .flatten()
        .filter(|entry| {
            let own = entry.depth() == 1;
            let named = entry.file_name() == ".git" && !own;
            named || (is_git_directory(entry) && in_git(entry.path(), folder))
        })
        .filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned))
        .collect()
}

fn in_git(path: &Path, folder: &Path) -> bool {
    path.strip_prefix(folder)
        .is_ok_and(|below| below.iter().rev().skip(1).any(|part| part == ".git"))
}

fn is_git_directory(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.path().join("HEAD").symlink_metadata().is_ok()
}
