use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use palisade_policy::Grant;
use palisade_sandbox::{Content, Plan};
use serde::{Deserialize, Serialize};

use crate::plan::{PROTECTED, Repositories};

/// Links that lead from one to the next.
const MOST_LINKS: usize = 8;

/// A protected name that no mount covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The writable folder that it is in.
    pub(crate) folder: OsString,
    /// Its path in there.
    pub(crate) name: OsString,
    /// What was there at the launch.
    pub(crate) was: Was,
    /// Whether it belongs to a repository: one that holds nothing to run may stay.
    pub(crate) git: bool,
}

/// What was at a name at the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Was {
    /// Nothing.
    Absent,
    /// A link that said this.
    Link(OsString),
}

impl Watched {
    /// Whether there is something to look at. By its name, so no more than a hint.
    pub(crate) fn may_be_there(&self) -> bool {
        let mut path = PathBuf::from(&self.folder);
        for name in Path::new(&self.name) {
            path.push(name);
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return true,
                Err(error) => return error.kind() != ErrorKind::NotFound,
            }
        }
        true
    }
}

/// Every protected name in what the plan makes writable, unless the policy names it exactly; and what settings of Git
/// name there.
pub(crate) fn find(plan: &Plan, grants: &[Grant], repositories: &[Repositories]) -> Vec<Watched> {
    let named: BTreeSet<&PathBuf> =
        grants.iter().filter(|grant| grant.writable).map(|grant| &grant.path).collect();
    let folders: BTreeSet<&Path> = plan
        .mounts
        .iter()
        .filter_map(|mount| match &mount.content {
            Content::Host(object) if object.writable && object.folder => {
                Some(object.path.as_path())
            }
            // A repository below has programs of its own that read its folder.
            Content::Pin { .. } if mount.at.ends_with(".git") => mount.at.parent(),
            _ => None,
        })
        .collect();
    let mut all = Vec::new();
    for folder in folders {
        // What is in a repository's own folder is no project.
        if folder.components().any(|part| part.as_os_str() == ".git") {
            continue;
        }
        for name in PROTECTED {
            let path = folder.join(name);
            if named.contains(&path) {
                continue;
            }
            // A link on the way stands for what it leads to.
            let link = Path::new(name)
                .ancestors()
                .skip(1)
                .find(|above| !above.as_os_str().is_empty() && folder.join(above).is_symlink());
            let most = if link.is_some() { 1 } else { MOST_LINKS };
            let name = link.unwrap_or(Path::new(name));
            all.extend(missing(folder, name, most, name == Path::new(".gitmodules")));
        }
    }
    for found in repositories {
        let configured = found.configured.iter().filter(|path| !named.contains(path));
        let names = configured.filter_map(|path| path.strip_prefix(&found.folder).ok());
        all.extend(names.flat_map(|name| missing(&found.folder, name, MOST_LINKS, false)));
    }
    let mut seen = BTreeSet::new();
    all.retain(|one| seen.insert((one.folder.clone(), one.name.clone())));
    all
}

/// What no mount covers at this name: that nothing is there, or a link; and what the link leads to in the folder, if
/// nothing is there. At most so many links are followed.
fn missing(folder: &Path, name: &Path, most: usize, git: bool) -> Vec<Watched> {
    let mut all = Vec::new();
    let mut name = name.to_owned();
    for _ in 0..most {
        let path = folder.join(&name);
        let watched = |was| Watched { folder: folder.into(), name: name.clone().into(), was, git };
        let to = match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => fs::read_link(&path).ok(),
            Err(_) => None,
            // Covered by a mount of its own.
            Ok(_) => return all,
        };
        let Some(to) = to else {
            all.push(watched(Was::Absent));
            return all;
        };
        all.push(watched(Was::Link(to.clone().into())));
        let next = lexical(&path.parent().unwrap_or(folder).join(to));
        match next.strip_prefix(folder) {
            Ok(below) if !below.as_os_str().is_empty() => name = below.to_owned(),
            _ => return all,
        }
    }
    all
}

/// Without `..`; where a link is on the way, what is found there is looked at by the link.
fn lexical(path: &Path) -> PathBuf {
    let mut all = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                all.pop();
            }
            part => all.push(part),
        }
    }
    all
}
