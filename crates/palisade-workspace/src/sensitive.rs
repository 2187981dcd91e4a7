//! What the host runs, or believes, without being told to: opening a folder in an editor, changing
//! into it or asking git for the state is enough.
//!
//! A list of names can only be a help to the eye. What one builds or runs after `apply` is the
//! agent's code in any case.

use std::path::{Component, Path, PathBuf};

use palisade_core::AGENT_FOLDERS;

/// Folders besides those of agents: all that is in one is sensitive.
const FOLDERS: [&str; 27] = [
    ".vscode",
    ".vs",
    ".idea",
    ".fleet",
    ".zed",
    ".helix",
    ".amazonq",
    ".continue",
    ".copilot",
    ".augment",
    ".factory",
    ".junie",
    ".kilocode",
    ".kiro",
    ".qwen",
    ".roo",
    ".trae",
    ".windsurf",
    ".devcontainer",
    ".husky",
    ".ssh",
    ".gnupg",
    ".circleci",
    ".buildkite",
    ".semaphore",
    ".woodpecker",
    ".direnv",
];

/// Folders in a folder.
const PAIRS: [(&str, &str); 17] = [
    (".hg", "hgrc"),
    (".hg", "hgrc-not-shared"),
    (".hg", "sharedpath"),
    (".config", "environment"),
    (".config", "git"),
    (".config", "palisade"),
    (".config", "systemd"),
    (".config", "autostart"),
    (".config", "fish"),
    (".config", "nvim"),
    (".cargo", "config"),
    (".config", "mise"),
    (".mise", "config"),
    (".github", "workflows"),
    (".github", "actions"),
    (".forgejo", "workflows"),
    (".gitea", "workflows"),
];

/// Files, by name.
const FILES: [&str; 83] = [
    // git
    ".gitmodules",
    ".gitconfig",
    // agents and Palisade
    ".mcp.json",
    ".aider.conf.yml",
    ".cursorrules",
    ".crush.json",
    "crush.json",
    "opencode.json",
    "opencode.jsonc",
    ".devcontainer.json",
    "palisade.yaml",
    // shells
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
    ".inputrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".kshrc",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".xsessionrc",
    ".pam_environment",
    // on changing into a folder
    ".envrc",
    ".tool-versions",
    ".mise.toml",
    "mise.toml",
    ".autoenv",
    ".env.zsh",
    // editors and debuggers
    ".exrc",
    ".vimrc",
    ".gvimrc",
    ".nvimrc",
    ".nvim.lua",
    ".lvimrc",
    ".dir-locals.el",
    ".gdbinit",
    ".lldbinit",
    ".pythonrc",
    // package managers and tool chains, whatever they are asked to do
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".netrc",
    ".pypirc",
    "pip.conf",
    "rust-toolchain",
    "rust-toolchain.toml",
    ".wgetrc",
    ".curlrc",
    // Python reads them before any program
    "sitecustomize.py",
    "usercustomize.py",
    "pyvenv.cfg",
    // on commit, on push
    ".pre-commit-config.yaml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".drone.yml",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".cirrus.yml",
    ".appveyor.yml",
    "appveyor.yml",
    "bitbucket-pipelines.yml",
    "jenkinsfile",
    "azure-pipelines.yml",
    // make
    "makefile",
    "gnumakefile",
    "bsdmakefile",
    "justfile",
    ".justfile",
];

/// Ends of file names: what makefiles include, and what Python runs from its folders of packages.
const ENDS: [&str; 3] = [".mk", ".mak", ".pth"];

/// What git runs or obeys, in a repository.
const OF_GIT: [&str; 9] = [
    "hooks",
    "config",
    "config.worktree",
    "info",
    "commondir",
    "gitdir",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];

/// Whether the host runs or believes the file at this path of a workspace, at whatever depth. Names are
/// compared as a file system that folds them would.
pub fn is_sensitive(path: &Path) -> bool {
    let names: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(folded(&name.to_string_lossy())),
            _ => None,
        })
        .collect();
    let Some(last) = names.last() else { return false };
    let pair = |names: &[String]| match names {
        [above, name, ..] => PAIRS.iter().any(|(folder, inner)| {
            above == folder
                && name
                    .strip_prefix(inner)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }),
        _ => false,
    };
    let in_bin =
        names.iter().rev().nth(1).is_some_and(|above| above == "bin" || above == "scripts");
    let sensitive = |name: &str| FOLDERS.contains(&name) || AGENT_FOLDERS.contains(&name);
    names.iter().any(|name| sensitive(name))
        || FILES.contains(&last.as_str())
        || ENDS.iter().any(|end| last.ends_with(end))
        || names.windows(2).any(pair)
        || names.ends_with(&[".jj", "repo", "config.toml"].map(str::to_owned))
        || (in_bin && (last.starts_with("activate") || last.starts_with("python")))
        || names.iter().enumerate().any(|(index, name)| {
            (name == ".git" || name == "git~1")
                && is_of_git(names.get(index.saturating_add(1)..).unwrap_or_default())
        })
}

/// Of what is in `.git`, and `.git` itself.
fn is_of_git(inside: &[String]) -> bool {
    match inside {
        [] => true,
        [first, rest @ ..] if first == "modules" || first == "worktrees" => {
            rest.iter().any(|name| OF_GIT.contains(&name.as_str()))
        }
        [first, ..] => OF_GIT.contains(&first.as_str()),
    }
}

/// Whether it belongs to a repository without `.git`: git takes any folder for one that has `HEAD`,
/// `objects` and `refs`, and then obeys its `config`.
pub(crate) fn is_of_bare_repository(path: &Path, exists: &dyn Fn(&Path) -> bool) -> bool {
    path.ancestors().any(|at| {
        let name = at.file_name().map(|name| folded(&name.to_string_lossy()));
        let Some(above) = at.parent() else { return false };
        name.is_some_and(|name| OF_GIT.contains(&name.as_str()))
            && ["HEAD", "objects", "refs"].iter().all(|name| exists(&above.join(name)))
    })
}

/// Whether a link makes a sensitive file reachable by another name.
pub(crate) fn is_link_to_sensitive(path: &Path, to: &Path) -> bool {
    let mut at: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    for part in to.components() {
        match part {
            Component::Normal(name) => at.push(name),
            Component::ParentDir => {
                at.pop();
            }
            _ => {}
        }
    }
    is_sensitive(&at)
}

/// As file systems that do not tell case apart see a name: in lower case, without what is invisible,
/// without dots and spaces at the end.
fn folded(name: &str) -> String {
    let visible = |c: &char| {
        !matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
    };
    let lower: String = name.chars().filter(visible).flat_map(char::to_lowercase).collect();
    lower.replace('\u{17f}', "s").trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_runs_is_sensitive_at_any_depth() {
        for path in [
            ".git/hooks/pre-commit",
            ".git/config",
            ".git/info/attributes",
            ".git/modules/a/b/hooks/post-checkout",
            ".git/rebase-merge/git-rebase-todo",
            "vendor/x/.git",
            "vendor/x/.git/config",
            "a/.envrc",
            ".vscode/tasks.json",
            "sub/.claude/settings.json",
            "sub/.agents/skills/x/SKILL.md",
            ".opencode/plugins/x.ts",
            "Makefile",
            "build/rules.mk",
            ".venv/bin/activate",
            ".venv/bin/python3",
            ".cargo/config.toml",
            ".github/workflows/ci.yml",
            "sub/.hg/hgrc",
            ".jj/repo/config.toml",
            ".forgejo/workflows/ci.yml",
            ".gitea/workflows/ci.yml",
            ".github/actions/x/action.yml",
            ".woodpecker/ci.yml",
            ".buildkite/pipeline.yml",
            ".travis.yml",
            ".lefthook.yml",
            ".justfile",
            ".mise/config.toml",
        ] {
            assert!(is_sensitive(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn names_are_compared_as_a_folding_file_system_does() {
        for path in [
            ".GIT/hooks/x",
            ".g\u{200c}it/config",
            ".Envrc",
            "GIT~1/config",
            ".envrc.",
            ".ba\u{17f}hrc",
        ] {
            assert!(is_sensitive(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn ordinary_work_is_not() {
        for path in [
            "src/main.rs",
            "package.json",
            ".git/index",
            ".git/HEAD",
            ".git/objects/ab/cdef",
            ".git/objects/info/packs",
            ".git/refs/heads/config",
            ".git/logs/HEAD",
            ".gitignore",
            "config/settings.toml",
            "hooks/use-state.ts",
            "bin/tool",
        ] {
            assert!(!is_sensitive(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_repository_needs_no_folder_of_its_own_name() {
        let there = |path: &Path| {
            ["sub/HEAD", "sub/objects", "sub/refs"].iter().any(|known| path == Path::new(known))
        };
        assert!(is_of_bare_repository(Path::new("sub/config"), &there));
        assert!(is_of_bare_repository(Path::new("sub/hooks/post-checkout"), &there));
        assert!(!is_of_bare_repository(Path::new("other/config"), &there));
        assert!(!is_of_bare_repository(Path::new("sub/HEAD"), &there));
    }

    #[test]
    fn a_link_does_not_hide_what_it_leads_to() {
        assert!(is_link_to_sensitive(Path::new("src"), Path::new(".git/hooks")));
        assert!(is_link_to_sensitive(Path::new("a/b"), Path::new("../.git/./hooks/x")));
        assert!(!is_link_to_sensitive(Path::new("a/b"), Path::new("../src")));
    }
}
