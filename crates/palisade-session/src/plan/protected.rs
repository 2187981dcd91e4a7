//! What the host runs or believes later is read-only, although its folder is writable.
//!
//! A mount over each such path, and one over `.git` as a whole: the name of a mount point cannot
//! be renamed or removed, so the protection cannot be moved out of the way.

use std::{collections::BTreeSet, path::PathBuf};

use palisade_policy::Grant;
use palisade_sandbox::HostObject;

use super::tree::Tree;
use crate::refusal::Refusal;

/// Mount points of their own that stay writable.
const PINNED: [&str; 1] = [".git"];

/// Read by programs of the host that run what they say.
pub(crate) const PROTECTED: [&str; 33] = [
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/info",
    ".gitmodules",
    ".claude",
    ".mcp.json",
    ".codex",
    ".openclaw",
    ".gemini",
    ".cursor",
    ".aider.conf.yml",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".envrc",
    ".husky",
    "palisade.yaml",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".inputrc",
    ".gitconfig",
    ".ssh",
    ".netrc",
    ".config/git",
    ".config/palisade",
];

/// Protect them in every writable folder, unless the policy names them exactly.
pub(crate) fn add(grants: &[Grant], tree: &mut Tree) -> Result<(), Refusal> {
    let named: BTreeSet<PathBuf> = grants
        .iter()
        .filter(|grant| grant.writable)
        .filter_map(|grant| grant.path.canonicalize().ok())
        .collect();
    let writable: Vec<(PathBuf, HostObject)> =
        tree.hosts().into_iter().filter(|(_, object)| object.writable && object.folder).collect();
    for (at, _) in writable {
        for name in PINNED {
            let path = at.join(name);
            if path.symlink_metadata().is_ok_and(|found| found.is_dir()) && !named.contains(&path) {
                tree.pin(&path, false)?;
            }
        }
        for name in PROTECTED {
            let path = at.join(name);
            let real = path.canonicalize().is_ok_and(|real| real == path);
            if real && !named.contains(&path) {
                tree.pin(&path, true)?;
            }
        }
    }
    Ok(())
}
