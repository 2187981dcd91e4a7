//! Repositories wherever they are in a writable folder: Git of the host believes what they say as soon as
//! somebody stands in them, and `git status` above looks into those that its index names.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use palisade_policy::Grant;
use palisade_sandbox::{Content, Plan};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Found, How, Was, Watched, open_up};
use crate::{
    plan::{Git, Repositories, find_repositories},
    walk::Walked,
};

/// What Git runs or believes, in a git directory. See `gitrepository-layout(5)`.
const OF_DIRECTORY: [&str; 5] =
    ["hooks", "config", "config.worktree", "commondir", "info/attributes"];
/// Folders within each other that are opened again.
const MOST_CLOSED: usize = 16;

/// A writable folder, and what in it the agent cannot have changed. Paths are below the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nested {
    folder: OsString,
    /// In their order: mounts, and whether the agent may write in them; names that the policy lets it write.
    mounts: Vec<(OsString, bool)>,
    /// Links to what Git believes, and what they said.
    links: Vec<(OsString, OsString)>,
    /// Folders that could not be looked into.
    unread: BTreeSet<OsString>,
    /// Single files with a mount over them, which goes when the host exchanges the file.
    files: Vec<Single>,
}

/// Which file was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Single {
    name: OsString,
    inode: u64,
    /// Another file may get the same number later.
    made: Option<SystemTime>,
}

/// Every folder that the plan makes writable, and what is in `repositories` of it.
pub(crate) fn find_nested(
    plan: &Plan,
    grants: &[Grant],
    repositories: &[Repositories],
) -> Vec<Nested> {
    repositories.iter().map(|found| Nested::of(found, plan, grants)).collect()
}

impl Nested {
    fn of(found: &Repositories, plan: &Plan, grants: &[Grant]) -> Self {
        let folder = &found.folder;
        let below = |path: &Path| path.strip_prefix(folder).ok().map(OsString::from);
        let mounts = plan.mounts.iter().filter_map(|mount| {
            let writable = match &mount.content {
                Content::Host(object) => object.writable,
                Content::Overlay(_) | Content::Scratch { .. } => false,
                Content::Text(_)
                | Content::Folder(_)
                | Content::Link(_)
                | Content::EmptyFolder
                | Content::Socket
                | Content::Cover(_) => false,
                Content::Pin { read_only, .. } => !read_only,
            };
            Some((below(&mount.at)?, writable))
        });
        let named = grants.iter().filter(|grant| grant.writable);
        let named = named.filter_map(|grant| Some((below(&grant.path)?, true)));
        let files = plan.mounts.iter().filter_map(|mount| match &mount.content {
            Content::Pin { there, read_only: true } if !there.folder => {
                let made = mount.at.symlink_metadata().ok()?.created().ok();
                Some(Single { name: below(&mount.at)?, inode: there.inode, made })
            }
            _ => None,
        });
        let said = |path: &PathBuf| Some((below(path)?, path.read_link().ok()?.into()));
        let mounts: BTreeMap<_, _> =
            named.chain(mounts).filter(|(path, _)| !path.is_empty()).collect();
        Self {
            folder: folder.into(),
            mounts: mounts.into_iter().collect(),
            links: found
                .settings
                .iter()
                .filter_map(said)
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect(),
            unread: found.unread.iter().filter_map(|(path, _)| below(path)).collect(),
            files: files.collect(),
        }
    }

    /// The names to look at for what has come since, and what cannot be looked into since.
    pub(super) fn watched(&self) -> (Vec<Watched>, Vec<Found>) {
        let folder = Path::new(&self.folder);
        let Walked { found, unread } = self.walked();
        let mut names = BTreeSet::new();
        for git in &found {
            match git {
                Git::Named(path) | Git::Directory(path) => {
                    names.extend(OF_DIRECTORY.iter().map(|name| path.join(name)));
                }
                Git::Pointer(path) => {
                    names.insert(path.clone());
                }
            }
        }
        let below = |path: &Path| path.strip_prefix(folder).ok().map(Path::to_owned);
        let mut names: Vec<PathBuf> = names
            .iter()
            .filter_map(|path| below(path))
            .filter(|name| self.can_be_the_agents(name))
            .collect();
        // What is in a folder is moved before it is.
        names.sort_by_key(|name| Reverse(name.components().count()));
        let watched = names.into_iter().map(|name| Watched {
            folder: self.folder.clone(),
            was: match at(&self.links, &name) {
                Some(to) => Was::Link(to.clone()),
                None => Was::Absent,
            },
            name: name.into(),
            git: true,
        });
        let closed = unread.into_iter().filter(|(path, _)| {
            below(path).is_some_and(|name| !self.unread.contains(name.as_os_str()))
        });
        let closed = closed.map(|(path, errno)| Found {
            path,
            moved: Err(errno.to_string()),
            how: How::Unseen,
        });
        (watched.collect(), closed.chain(self.exchanged()).collect())
    }

    /// What is in the folder, with what the agent has closed opened again.
    fn walked(&self) -> Walked<Git> {
        let folder = Path::new(&self.folder);
        let mut walked = find_repositories(folder);
        // One may hide the next.
        for _ in 0..MOST_CLOSED {
            let closed = walked.unread.iter().filter(|(_, errno)| *errno == Errno::ACCESS);
            let closed = closed.filter_map(|(path, _)| path.strip_prefix(folder).ok());
            let new = closed.filter(|below| !self.unread.contains(below.as_os_str()));
            let mut any = false;
            for below in new {
                any = true;
                open_up(folder, below);
            }
            if !any {
                break;
            }
            let before = std::mem::replace(&mut walked, find_repositories(folder));
            if before.unread == walked.unread {
                break;
            }
        }
        walked
    }

    /// Of the repositories that there are at the launch, names that are missing and that would run something, or do
    /// as soon as something is in them. `settings` are those of [`Repositories`].
    ///
    /// A configuration is not among them: Git may just be writing it.
    pub(crate) fn missing<'a>(
        &'a self,
        settings: impl IntoIterator<Item = &'a PathBuf>,
    ) -> impl Iterator<Item = Watched> {
        let folder = Path::new(&self.folder);
        let names = settings.into_iter().filter_map(|path| match path.file_name()?.to_str()? {
            "hooks" | "commondir" => Some(path.clone()),
            "info" => Some(path.join("attributes")),
            _ => None,
        });
        // A repository that is itself missing is one in the making.
        let there = |path: &PathBuf| {
            let git = path.ancestors().skip(1).find(|above| !above.ends_with("info"));
            git.is_some_and(Path::is_dir) && path.symlink_metadata().is_err()
        };
        let below = move |path: PathBuf| path.strip_prefix(folder).ok().map(Path::to_owned);
        names.filter(there).filter_map(below).filter(|name| self.can_be_the_agents(name)).map(
            |name| Watched {
                folder: self.folder.clone(),
                name: name.into(),
                was: Was::Absent,
                git: true,
            },
        )
    }

    /// Protected files that are others now. Who wrote what is in them cannot be told.
    fn exchanged(&self) -> impl Iterator<Item = Found> {
        self.files.iter().filter_map(|file| {
            let path = Path::new(&self.folder).join(&file.name);
            let now = path.symlink_metadata().ok()?;
            let same = now.ino() == file.inode && now.created().ok() == file.made;
            let why = "it may be the host's own".to_owned();
            (!same).then_some(Found { path, moved: Err(why), how: How::Exchanged })
        })
    }

    /// Whether no mount was over it, and none that is read-only over a folder above it.
    fn can_be_the_agents(&self, name: &Path) -> bool {
        let mut above = name.ancestors().map(|path| (path, at(&self.mounts, path)));
        let nearest = above.find_map(|(path, writable)| Some((path, *writable?)));
        nearest.is_none_or(|(path, writable)| writable && path != name)
    }
}

/// What a list in order has for this name.
fn at<'a, T>(list: &'a [(OsString, T)], name: &Path) -> Option<&'a T> {
    let index = list.binary_search_by(|(known, _)| known.as_os_str().cmp(name.as_os_str())).ok()?;
    list.get(index).map(|(_, value)| value)
}
