//! What the host runs or believes later is read-only, although its folder is writable.
//!
//! A mount over each such path, and one over each folder above it as far as it is writable: the
//! name of a mount point cannot be renamed or removed, so the protection cannot be moved out of
//! the way. Where such a path is a link, what it leads to is protected.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use globset::GlobSet;
use palisade_policy::{Grant, Policy};
use palisade_sandbox::HostObject;

use super::{links::Names, repository::Repositories, tree::Tree};
use crate::{order::Operator, refusal::Refusal};

/// Read by programs of the host that run what they say.
pub(crate) const PROTECTED: [&str; 29] = [
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

/// Protect them in every writable folder, and the documents of the policy wherever they are, unless
/// the policy names them exactly.
pub(crate) fn add(
    policy: &Policy,
    operator: &Operator,
    names: &Names,
    globs: Option<&GlobSet>,
    tree: &mut Tree,
) -> Result<Vec<Repositories>, Refusal> {
    let named = named_exactly(&policy.filesystem.grants, names);
    let writable: Vec<(PathBuf, HostObject)> =
        tree.hosts().into_iter().filter(|(_, object)| object.writable && object.folder).collect();
    let mut repositories = Vec::new();
    for (at, _) in &writable {
        for name in PROTECTED {
            protect(&at.join(name), &named, names, tree)?;
        }
        if writable.iter().any(|(other, _)| other != at && at.starts_with(other)) {
            continue;
        }
        let found = Repositories::of(at, globs);
        for path in &found.settings {
            protect(path, &named, names, tree)?;
        }
        repositories.push(found);
    }
    // Who can exchange this program decides what the next session is held by.
    let own = std::env::current_exe().unwrap_or_default();
    protect(&own, &named, names, tree)?;
    for source in policy.sources.iter().filter(|source| source.layer != "profile") {
        let Some(real) = names.real(&operator.directory.join(&source.name)) else { continue };
        protect(&real, &named, names, tree)?;
    }
    Ok(repositories)
}

fn named_exactly(grants: &[Grant], names: &Names) -> BTreeSet<PathBuf> {
    grants
        .iter()
        .filter(|grant| grant.writable)
        .filter_map(|grant| names.real(&grant.path))
        .collect()
}

/// Make what is at `path` read-only, and fix the folders between it and the mount that it lies in.
fn protect(
    path: &Path,
    named: &BTreeSet<PathBuf>,
    names: &Names,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    let Some(real) = names.real_or_closed(path) else { return Ok(()) };
    if named.contains(&real) || !tree.is_writable(&real) {
        return Ok(());
    }
    let Some((mount, _)) = tree.host_above(&real) else { return Ok(()) };
    // A link may lead to the whole of what may be written.
    if mount == real {
        return Ok(());
    }
    let mount = mount.to_owned();
    let above: Vec<&Path> = real.ancestors().skip(1).take_while(|above| *above != mount).collect();
    for folder in above.into_iter().rev() {
        tree.pin(folder, false)?;
    }
    tree.pin(&real, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_names_a_protected_path_is_seen_to_widen() {
        for name in PROTECTED {
            assert!(palisade_policy::may_be_protected(Path::new(name)), "{name}");
        }
    }
}
