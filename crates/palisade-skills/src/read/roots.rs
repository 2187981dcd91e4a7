//! Which folders of a tree an agent loads as one thing.

use std::collections::BTreeSet;

use super::folder::{Tree, What};

/// One package of a tree.
#[derive(Debug)]
pub(super) struct Root {
    /// Its folder, from the top; empty for the top itself.
    pub(super) at: String,
    /// Its entries, by their place in the tree's list.
    pub(super) entries: Vec<usize>,
}

/// The packages of a tree. Every entry belongs to one: what lies beside the packages is one too.
pub(super) fn roots(tree: &Tree) -> Vec<Root> {
    let mut strong = BTreeSet::new();
    let mut weak = BTreeSet::new();
    for entry in tree.entries.iter().filter(|entry| entry.what != What::Folder) {
        match marked(&entry.path) {
            Some((folder, true)) => strong.insert(folder),
            Some((folder, false)) => weak.insert(folder),
            None => false,
        };
    }
    // Notes for agents at the top of a hub do not make one skill of the hub.
    let holds: BTreeSet<&str> =
        strong.iter().flat_map(|&top| ancestors(top)).chain(strong.iter().map(|_| "")).collect();
    let tops: BTreeSet<&str> =
        strong.iter().copied().chain(weak.difference(&holds).copied()).collect();
    // A plugin holds skills: the outermost counts.
    let inner = |top: &str| {
        !top.is_empty()
            && (tops.contains("") || ancestors(top).skip(1).any(|folder| tops.contains(folder)))
    };
    let outer: Vec<&str> = tops.iter().copied().filter(|top| !inner(top)).collect();
    if outer.is_empty() || outer.contains(&"") {
        return vec![Root { at: String::new(), entries: (0..tree.entries.len()).collect() }];
    }
    let mut roots: Vec<Root> =
        outer.iter().map(|&at| Root { at: at.to_owned(), entries: Vec::new() }).collect();
    let mut rest = Root { at: String::new(), entries: Vec::new() };
    for (at, entry) in tree.entries.iter().enumerate() {
        // Folders sort before what they hold, but `a-b` sorts between `a` and `a/`.
        let owner = ancestors(&entry.path)
            .find_map(|folder| roots.binary_search_by(|root| root.at.as_str().cmp(folder)).ok());
        match owner.and_then(|owner| roots.get_mut(owner)) {
            Some(root) => root.entries.push(at),
            None if entry.what == What::Folder => {}
            None => rest.entries.push(at),
        }
    }
    if !rest.entries.is_empty() {
        roots.push(rest);
    }
    roots
}

/// The path and every folder that it is in, innermost first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
}

/// The folder that this file makes a package, and whether it does so whatever lies below.
fn marked(path: &str) -> Option<(&str, bool)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let up = |parent: &str| {
        let before = folder.strip_suffix(parent)?;
        (before.is_empty() || before.ends_with('/')).then(|| before.trim_end_matches('/'))
    };
    match name.to_ascii_lowercase().as_str() {
        "skill.md" | "gemini-extension.json" | "openclaw.plugin.json" => Some((folder, true)),
        "plugin.json" => [".claude-plugin", ".codex-plugin", ".cursor-plugin"]
            .into_iter()
            .find_map(up)
            .map(|folder| (folder, true)),
        ".mcp.json" | "mcp.json" | "agents.md" | "claude.md" | "gemini.md" => Some((folder, false)),
        "hooks.json" => up("hooks").map(|folder| (folder, false)),
        "settings.json" | "settings.local.json" => {
            [".claude", ".gemini"].into_iter().find_map(up).map(|folder| (folder, false))
        }
        "config.toml" => up(".codex").map(|folder| (folder, false)),
        _ => None,
    }
}
