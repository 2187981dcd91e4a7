//! What the host runs or believes later is read-only, although its folder is writable.
//!
//! A mount over each such path, and one over each folder above it as far as it is writable: the
//! name of a mount point cannot be renamed or removed, so the protection cannot be moved out of
//! the way. Where such a path is a link, what it leads to is protected, and the link cannot be replaced. A file is
//! protected by all its names.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use palisade_policy::{Grant, Policy};
use palisade_sandbox::HostObject;
use rustix::io::Errno;

use super::{
    configured::Configured, denied::Globs, links::Names, repository::Repositories, second,
    tree::Tree,
};
use crate::{
    hooks,
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// Read by programs of the host that run what they say.
pub(crate) const PROTECTED: [&str; 81] = [
    // version control
    ".gitmodules",
    ".gitconfig",
    ".config/git",
    ".hg/hgrc",
    ".hg/hgrc-not-shared",
    ".hg/sharedpath",
    ".jj/repo/config.toml",
    ".husky",
    // agents, and Palisade
    ".agents",
    ".claude",
    ".mcp.json",
    ".codex",
    ".openclaw",
    ".gemini",
    ".opencode",
    "opencode.json",
    "opencode.jsonc",
    ".cursor",
    ".aider.conf.yml",
    ".amazonq",
    ".continue",
    ".copilot",
    ".crush.json",
    "crush.json",
    ".factory",
    ".junie",
    ".kilocode",
    ".kiro",
    ".qwen",
    ".roo",
    ".trae",
    ".augment",
    ".windsurf",
    "palisade.yaml",
    ".config/palisade",
    // editors
    ".vscode",
    ".vs",
    ".idea",
    ".fleet",
    ".zed",
    ".helix",
    ".devcontainer",
    ".devcontainer.json",
    ".exrc",
    ".vimrc",
    ".gvimrc",
    ".nvimrc",
    ".nvim.lua",
    // debuggers
    ".gdbinit",
    ".lldbinit",
    // on changing into a folder
    ".envrc",
    ".mise.toml",
    "mise.toml",
    // shells and log-ins
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".kshrc",
    ".inputrc",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".xsessionrc",
    ".pam_environment",
    ".config/fish",
    ".config/autostart",
    ".config/environment.d",
    ".config/systemd",
    ".config/nvim",
    ".ssh",
    ".netrc",
];

/// Entries of protected folders that are looked at for links and second names.
const MOST_ENTRIES: usize = 4096;
/// Links that are followed.
const MOST_LINKS: usize = 1024;
/// Folders in a protected folder that are looked into.
const DEEPEST: usize = 2;

/// Protect them in every writable folder, and the documents of the policy wherever they are, unless
/// the policy names them exactly.
pub(crate) fn add(
    policy: &Policy,
    operator: &Operator,
    names: &Names,
    globs: Option<&Globs<'_>>,
    tree: &mut Tree,
) -> Result<Vec<Repositories>, Refusal> {
    let named = named_exactly(&policy.filesystem.grants, names);
    let mut held = BTreeSet::new();
    let writable: Vec<(PathBuf, HostObject)> =
        tree.hosts().into_iter().filter(|(_, object)| object.writable && object.folder).collect();
    let mut repositories = Vec::new();
    let git = Configured::of(operator);
    for (at, _) in &writable {
        let mut all: Vec<PathBuf> = PROTECTED.iter().map(|name| at.join(name)).collect();
        if !writable.iter().any(|(other, _)| other != at && at.starts_with(other)) {
            let found = Repositories::of(at, globs, &git);
            all.extend(found.settings.iter().cloned());
            for path in &found.configured {
                protect(path, &named, names, tree, &mut held)?;
                if let Some(folder) = path.parent().filter(|folder| folder != at) {
                    tree.fix_way(folder, names)?;
                }
            }
            // One that may not be looked into counts whole: the agent may open its own.
            let closed = found.unread.iter().filter(|(_, errno)| *errno == Errno::ACCESS);
            all.extend(closed.map(|(path, _)| path.clone()));
            repositories.push(found);
        }
        for path in all {
            protect(&path, &named, names, tree, &mut held)?;
            // Also where the last name is missing yet, the folder that would hold it stays.
            if let Some(folder) = path.parent().filter(|folder| folder != at) {
                tree.fix_way(folder, names)?;
            }
        }
    }
    // Who can exchange this program decides what the next session is held by.
    let own = std::env::current_exe().unwrap_or_default();
    protect(&own, &named, names, tree, &mut held)?;
    for source in policy.sources.iter().filter(|source| source.layer != "profile") {
        let Some(real) = names.real(&operator.directory.join(&source.name)) else { continue };
        protect(&real, &named, names, tree, &mut held)?;
    }
    hooks_of(policy, operator, &named, names, tree, &mut held)?;
    // A hook may be a link to a file or folder elsewhere, which may have links in its turn.
    let (mut due, mut followed): (Vec<PathBuf>, usize) = (held.iter().cloned().collect(), 0);
    while let Some(folder) = due.pop() {
        let inside = Inside::of(&folder);
        held.extend(inside.named_again);
        for (link, to_folder) in inside.links {
            followed = followed.saturating_add(1);
            // One that leads above this folder holds the project as well, which is the agent's to work on.
            let around = to_folder && names.real(&link).is_some_and(|to| folder.starts_with(to));
            if around || followed > MOST_LINKS {
                tree.fix_way(&link, names)?;
                continue;
            }
            let before = held.len();
            protect(&link, &named, names, tree, &mut held)?;
            if to_folder && held.len() > before {
                due.extend(names.real(&link));
            }
        }
    }
    // An agent can give a file of its own a second name, and that name a protected one.
    let folders = writable.iter().map(|(at, _)| &**at);
    second::add_names(&mut held, folders)
        .refuse("look for protected files", "see that the folders that are granted can be read")?;
    for path in &held {
        if !tree.is_writable(path) {
            continue;
        }
        let Some((path, _)) = second::reachable(path) else { continue };
        if tree.host_above(path).is_some_and(|(mount, _)| mount != path) {
            tree.pin(path, true)?;
        }
    }
    Ok(repositories)
}

/// What in a protected folder, and in the folders of it, can be changed elsewhere.
#[derive(Debug, Default)]
struct Inside {
    /// Links that lead to something, and whether that is a folder.
    links: Vec<(PathBuf, bool)>,
    /// Files that have another name, in this folder or elsewhere.
    named_again: Vec<PathBuf>,
}

impl Inside {
    fn of(folder: &Path) -> Self {
        let (mut inside, mut looked) = (Self::default(), 0_usize);
        let mut folders = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                looked = looked.saturating_add(1);
                if looked > MOST_ENTRIES {
                    return inside;
                }
                let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
                if kind.is_symlink()
                    && let Ok(to) = path.metadata()
                {
                    inside.links.push((path, to.is_dir()));
                } else if kind.is_file() && entry.metadata().is_ok_and(|file| file.nlink() > 1) {
                    inside.named_again.push(path);
                } else if kind.is_dir() && depth < DEEPEST {
                    folders.push((path, depth + 1));
                }
            }
        }
        inside
    }
}

/// The folders of hook scripts: who can write there decides what runs outside at the next session.
fn hooks_of(
    policy: &Policy,
    operator: &Operator,
    named: &BTreeSet<PathBuf>,
    names: &Names,
    tree: &mut Tree,
    held: &mut BTreeSet<PathBuf>,
) -> Result<(), Refusal> {
    for script in hooks::scripts(policy, operator) {
        let Some(real) = names.real_or_closed(&script) else { continue };
        let Some(folder) = real.parent() else { continue };
        if !tree.is_writable(&real) {
            continue;
        }
        let whole = tree.host_above(folder).is_some_and(|(mount, _)| mount == folder);
        if whole || named.contains(&real) || named.contains(folder) {
            return Err(Refusal::new(
                format!(
                    "the hook {} runs outside, and lies in a folder that the agent may write as a whole",
                    script.display()
                ),
                "put hooks in a folder of their own, which is read-only inside then",
            ));
        }
        protect(folder, named, names, tree, held)?;
        if let Some(folder) = script.parent() {
            tree.fix_way(folder, names)?;
        }
    }
    Ok(())
}

fn named_exactly(grants: &[Grant], names: &Names) -> BTreeSet<PathBuf> {
    grants
        .iter()
        .filter(|grant| grant.writable)
        .filter_map(|grant| names.real(&grant.path))
        .collect()
}

/// Make what is at `path` read-only, and fix all that leads there.
fn protect(
    path: &Path,
    named: &BTreeSet<PathBuf>,
    names: &Names,
    tree: &mut Tree,
    held: &mut BTreeSet<PathBuf>,
) -> Result<(), Refusal> {
    let Some(real) = names.real_or_closed(path) else { return Ok(()) };
    if named.contains(&real) {
        return Ok(());
    }
    // A link may lead to the whole of what may be written.
    let whole = tree.host_above(&real).is_some_and(|(mount, _)| mount == real);
    if tree.is_writable(&real) && !whole {
        tree.pin(&real, true)?;
        held.insert(real);
    }
    tree.fix_way(path, names)
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
