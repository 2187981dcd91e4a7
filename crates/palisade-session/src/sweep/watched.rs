use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use palisade_policy::Grant;
use palisade_sandbox::{Content, Plan};
use serde::{Deserialize, Serialize};

use crate::plan::PROTECTED;

/// Of a repository that the agent may have made itself.
const OF_GIT: [&str; 6] = [
    ".git",
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",
    ".git/info/attributes",
];

/// A protected name that no mount covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The writable folder that it is in.
    pub(crate) folder: OsString,
    /// Its path in there.
    pub(crate) name: OsString,
    /// What was there at the launch.
    pub(crate) was: Was,
}

/// What was at a name at the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Was {
    /// Nothing.
    Absent,
    /// A link that said this.
    Link(OsString),
}

/// Every protected name in what the plan makes writable, unless the policy names it exactly.
pub(crate) fn find(plan: &Plan, grants: &[Grant]) -> Vec<Watched> {
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
        for name in PROTECTED.iter().chain(&OF_GIT) {
            let path = folder.join(name);
            if named.contains(&path) {
                continue;
            }
            let was = match path.symlink_metadata() {
                Err(_) => Was::Absent,
                Ok(found) if found.is_symlink() => match fs::read_link(&path) {
                    Ok(to) => Was::Link(to.into()),
                    Err(_) => Was::Absent,
                },
                // Covered by a mount of its own.
                Ok(_) => continue,
            };
            let (folder, name) = (folder.into(), name.into());
            let entry = Watched { folder, name, was };
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
    }
    all
}
