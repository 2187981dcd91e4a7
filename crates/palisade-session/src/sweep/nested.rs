//! Repositories below the top of a writable folder: Git of the host believes what they say as soon
//! as somebody stands in them, and `git status` above looks into those that its index names.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::ErrorKind,
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
    let known = |folder: &Path| scan(folder).map(|found| found.into_path().into()).collect();
    let each = folders.iter().copied().filter(outermost);
    each.map(|folder| Nested { folder: folder.into(), known: known(folder) }).collect()
}

impl Nested {
    /// The names to look at for what has come since.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let folder = Path::new(&self.folder);
        let mut all = Vec::new();
        for found in scan(folder) {
            let closed = matches!(found, Seen::Closed(_));
            let path = found.into_path();
            if self.known.contains(path.as_os_str()) {
                continue;
            }
            let mut watch = |name: PathBuf| {
                let folder = self.folder.clone();
                all.push(Watched { folder, name: name.into(), was: Was::Absent });
            };
            if closed {
                watch(path);
                continue;
            }
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

/// Something that a scan sees, as a path below its folder.
enum Seen {
    /// A `.git` entry or a git directory.
    Git(PathBuf),
    /// What may not be looked into: there may be anything, for whoever opens it.
    Closed(PathBuf),
}

impl Seen {
    fn into_path(self) -> PathBuf {
        let (Seen::Git(path) | Seen::Closed(path)) = self;
        path
    }
}

/// All `.git` entries but the folder's own, all git directories in `.git/modules`, and what cannot be
/// read. No link is followed.
fn scan(folder: &Path) -> impl Iterator<Item = Seen> {
    let enter =
        move |entry: &DirEntry| entry.file_name() != "objects" || !in_git(entry.path(), folder);
    let below = move |path: &Path| path.strip_prefix(folder).ok().map(Path::to_owned);
    let entries = WalkDir::new(folder).min_depth(1).into_iter().filter_entry(enter);
    entries.filter_map(move |entry| match entry {
        Ok(entry) => {
            let named = entry.file_name() == ".git" && entry.depth() > 1;
            let git = named || (is_git_directory(&entry) && in_git(entry.path(), folder));
            git.then(|| below(entry.path())).flatten().map(Seen::Git)
        }
        Err(error) => {
            let closed =
                error.io_error().is_some_and(|it| it.kind() == ErrorKind::PermissionDenied);
            error.path().filter(|_| closed).and_then(below).map(Seen::Closed)
        }
    })
}

fn in_git(path: &Path, folder: &Path) -> bool {
    path.strip_prefix(folder)
        .is_ok_and(|below| below.iter().rev().skip(1).any(|part| part == ".git"))
}

fn is_git_directory(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.path().join("HEAD").symlink_metadata().is_ok()
}
