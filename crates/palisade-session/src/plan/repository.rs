//! Where Git repositories keep what Git of the host runs or believes.
//!
//! Not only by the name `.git`: Git takes the folder that somebody stands in for a repository if it looks
//! like one (`safe.bareRepository`), and its `config` may name a program and a work tree.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::atomic::AtomicUsize,
};

use rustix::{
    fs::{AtFlags, FileType, statat},
    io::Errno,
};

use super::{configured::Configured, denied::Globs, sockets};
use crate::walk::{Folder, Walked, walk};

/// Settings that name programs, and files that say where others are. See
/// `gitrepository-layout(5)`.
const OF_REPOSITORY: [&str; 6] =
    ["config", "config.worktree", "hooks", "info", "commondir", "gitdir"];

/// Something that makes a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Git {
    /// What has the name `.git`, and is a folder.
    Named(PathBuf),
    /// What has the name `.git`, and is a file or link that says where the repository is.
    Pointer(PathBuf),
    /// A folder that looks like a repository whatever its name is.
    Directory(PathBuf),
}

/// All repositories in a writable folder, and it itself if it is one; and what else is looked for there, so
/// that it is walked through once.
#[derive(Debug)]
pub(crate) struct Repositories {
    pub(crate) folder: PathBuf,
    /// What is to be protected of them, whether it is there or not.
    pub(crate) settings: BTreeSet<PathBuf>,
    /// What those settings name, there or not.
    pub(crate) configured: BTreeSet<PathBuf>,
    /// What the globs of the policy deny.
    pub(super) denied: Vec<PathBuf>,
    pub(super) sockets: Vec<sockets::Found>,
    /// Folders that could not be looked into.
    pub(crate) unread: Vec<(PathBuf, Errno)>,
}

/// What a launch looks for.
enum Hit {
    Git(Git),
    Denied(PathBuf),
    Socket(sockets::Found),
}

impl Repositories {
    pub(super) fn of(folder: &Path, globs: Option<&Globs<'_>>, git: &Configured) -> Self {
        let open = AtomicUsize::new(0);
        let Walked { found: hits, unread } = walk(folder, |folder, hits| {
            let mut found = Vec::new();
            see(folder, &mut found);
            hits.extend(found.into_iter().map(Hit::Git));
            if let Some(globs) = globs {
                hits.extend(globs.matches(folder).map(Hit::Denied));
            }
            hits.extend(sockets::Found::all_in(folder, &open).map(Hit::Socket));
        });
        let (mut found, mut denied, mut sockets) = (Vec::new(), Vec::new(), Vec::new());
        for hit in hits {
            match hit {
                Hit::Git(git) => found.push(git),
                Hit::Denied(path) => denied.push(path),
                Hit::Socket(found) => sockets.push(found),
            }
        }
        let configured = git.in_folder(folder, &found);
        let mut settings = BTreeSet::new();
        let mut all = |git: &Path| settings.extend(OF_REPOSITORY.iter().map(|name| git.join(name)));
        // It may be there although it cannot be listed.
        all(&folder.join(".git"));
        let mut pointers = Vec::new();
        for git in found {
            match git {
                Git::Named(path) | Git::Directory(path) => all(&path),
                Git::Pointer(path) => {
                    // Through a link.
                    all(&path);
                    pointers.push(path);
                }
            }
        }
        settings.extend(pointers);
        Self { folder: folder.to_owned(), settings, configured, denied, sockets, unread }
    }

    /// That which has walked through all of `root`.
    pub(super) fn with<'a>(all: &'a [Self], root: &Path) -> Option<&'a Self> {
        all.iter().find(|one| root.starts_with(&one.folder))
    }
}

/// Look for them, without following links.
pub(crate) fn find(folder: &Path) -> Walked<Git> {
    walk(folder, see)
}

fn see(folder: &Folder<'_>, found: &mut Vec<Git>) {
    let (mut head, mut content, mut believed) = (false, false, false);
    for (name, kind) in folder.entries() {
        let is = |known: &str| name.as_encoded_bytes().eq_ignore_ascii_case(known.as_bytes());
        head |= is("HEAD");
        // Of a worktree, the content is in another.
        content |= is("objects") || is("commondir");
        believed |= is("config") && kind == FileType::RegularFile
            || is("hooks") && kind == FileType::Directory && !holds_a_head(folder, name);
        if is_dot_git(name, folder) {
            let path = folder.path.join(name);
            found.push(match kind {
                FileType::Directory => Git::Named(path),
                _ => Git::Pointer(path),
            });
        }
    }
    if (head && content) || (believed && is_for_submodules(folder.path)) {
        found.push(Git::Directory(folder.path.to_owned()));
    }
}

/// Whether Git would take this folder for the git directory of a submodule, were it whole: what is in it then is believed
/// as soon as it is.
fn is_for_submodules(folder: &Path) -> bool {
    let mut names = folder.iter().skip_while(|name| *name != ".git").skip(1);
    names.next().is_some_and(|name| name == "modules") && names.next().is_some()
}

/// Whether this is a git directory itself, of a submodule with such a name.
fn holds_a_head(folder: &Folder<'_>, name: &OsStr) -> bool {
    let head = Path::new(name).join("HEAD");
    statat(folder.opened, &head, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Whether Git finds this name when it looks for `.git`. Some file systems take other letters for the same,
/// and some pass over those that nobody sees.
fn is_dot_git(name: &OsStr, folder: &Folder<'_>) -> bool {
    let bytes = name.as_encoded_bytes();
    if bytes == b".git" {
        return true;
    }
    if !matches!(bytes.len(), 4..=40) || (bytes.is_ascii() && !bytes.starts_with(b".")) {
        return false;
    }
    let shown = name.to_string_lossy();
    let folded = shown.chars().filter(char::is_ascii).collect::<String>().to_ascii_lowercase();
    let inode = |name: &OsStr| {
        statat(folder.opened, name, AtFlags::SYMLINK_NOFOLLOW).map(|found| found.st_ino)
    };
    folded == ".git" && inode(name).is_ok_and(|own| inode(OsStr::new(".git")) == Ok(own))
}
