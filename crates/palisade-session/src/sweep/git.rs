//! What `git init` and `git clone` make is no attack: a repository is left where it is unless
//! it has hooks, or settings that could name a program.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path},
};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, openat2};

use super::Watched;

/// No usual configuration is longer.
const MOST_BYTES: u64 = 64 * 1024;
/// Sections with all of their keys that name no program, path or other file.
type Known = &'static [(&'static str, &'static [&'static str])];

const OF_CONFIG: Known = &[
    (
        "core",
        &[
            "repositoryformatversion",
            "filemode",
            "bare",
            "logallrefupdates",
            "ignorecase",
            "precomposeunicode",
            "symlinks",
            "autocrlf",
            "eol",
            "sparsecheckout",
            "sparsecheckoutcone",
            "worktree",
        ],
    ),
    ("submodule", &["url", "active"]),
    ("remote", &["url", "fetch", "promisor", "partialclonefilter", "tagopt", "mirror"]),
    ("branch", &["remote", "merge", "rebase"]),
    ("user", &["name", "email"]),
    ("init", &["defaultbranch"]),
    ("pull", &["rebase", "ff"]),
    ("index", &["sparse"]),
    ("extensions", &["objectformat", "refstorage", "partialclone", "worktreeconfig"]),
];
const OF_GITMODULES: Known = &[(
    "submodule",
    &["path", "url", "branch", "update", "ignore", "shallow", "fetchrecursesubmodules"],
)];

/// Whether what has appeared at this protected name could make a program of the host run.
pub(super) fn is_harmless(entry: &Watched, kind: FileType, folder: &OwnedFd, name: &OsStr) -> bool {
    if !entry.git {
        return false;
    }
    let whole = Path::new(&entry.folder).join(&entry.name);
    match (name.to_str(), kind) {
        (Some(".gitmodules"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| Harmless::in_gitmodules().allows(&text))
        }
        // What is in it is looked at by itself.
        (Some(".git"), FileType::Directory) => true,
        (Some(".git"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| leads_to_harmless(entry, &whole, &text))
        }
        (Some("hooks"), FileType::Directory) => only_samples(folder, name),
        (Some("config" | "config.worktree"), FileType::RegularFile) => read(folder, name)
            .is_some_and(|text| {
                Harmless::in_config(Path::new(&entry.folder), &whole).allows(&text)
            }),
        (Some("commondir"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| is_worktree(&whole) && text.trim() == "../..")
        }
        _ => false,
    }
}

/// A git directory `.git/worktrees/NAME`, which says so itself.
fn is_worktree(path: &Path) -> bool {
    let mut up = path.iter().rev().skip(2);
    up.next() == Some(OsStr::new("worktrees")) && up.next() == Some(OsStr::new(".git"))
}

/// A submodule's or worktree's `.git` says where the git directory is. It must be in a repository of
/// the same writable folder, where it is looked at by itself.
fn leads_to_harmless(entry: &Watched, whole: &Path, text: &str) -> bool {
    let Some(to) = text.strip_prefix("gitdir: ") else { return false };
    let Some(parent) = whole.parent() else { return false };
    let Ok(real) = parent.join(to.trim_end_matches('\n')).canonicalize() else { return false };
    real.strip_prefix(&entry.folder).is_ok_and(|below| {
        let mut kinds = below.iter().skip_while(|part| *part != ".git").skip(1);
        kinds.next().is_some_and(|kind| kind == "modules" || kind == "worktrees")
    })
}

fn open(folder: &OwnedFd, name: &OsStr, flags: OFlags) -> Option<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::BENEATH;
    openat2(folder.as_fd(), name, flags, Mode::empty(), resolve).ok()
}

/// Hooks run when they are executable and have a hook's name; a template's end in `.sample`.
fn only_samples(folder: &OwnedFd, name: &OsStr) -> bool {
    let Some(hooks) = open(folder, name, OFlags::DIRECTORY) else { return false };
    let Ok(entries) = Dir::new(hooks) else { return false };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name().to_bytes();
            matches!(name, b"." | b"..") || name.ends_with(b".sample")
        })
    })
}

fn read(folder: &OwnedFd, name: &OsStr) -> Option<String> {
    let file = File::from(open(folder, name, OFlags::empty())?);
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= MOST_BYTES).then_some(text)
}

/// What may stand in a file of settings.
struct Harmless<'a> {
    known: Known,
    /// The writable folder, and the git directory of a submodule in it.
    submodule: Option<(&'a Path, &'a Path)>,
}

impl<'a> Harmless<'a> {
    fn in_gitmodules() -> Self {
        Self { known: OF_GITMODULES, submodule: None }
    }

    /// `file` is in the writable folder `top`.
    fn in_config(top: &'a Path, file: &'a Path) -> Self {
        let of_submodule = |git: &&Path| {
            let mut below = git.iter().skip_while(|part| *part != ".git").skip(1);
            below.next().is_some_and(|kind| kind == "modules")
        };
        let submodule = file.parent().filter(of_submodule).map(|git| (top, git));
        Self { known: OF_CONFIG, submodule }
    }

    /// Lines of the plainest form only, see `git-config(1)`: whatever is not understood is not
    /// harmless.
    fn allows(&self, text: &str) -> bool {
        let mut keys: &[&str] = &[];
        // Git takes `\r` for the end of a line only before `\n`, and no other character.
        if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return false;
        }
        text.split('\n').map(str::trim).all(|line| {
            if line.is_empty() || line.starts_with(['#', ';']) {
                return true;
            }
            // A backslash could go on to the next line.
            if line.contains('\\') {
                return false;
            }
            if let Some(header) = line.strip_prefix('[') {
                let found = header.strip_suffix(']').and_then(|header| self.section(header));
                keys = found.unwrap_or_default();
                return found.is_some();
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            keys.contains(&key.as_str()) && self.is_plain(&key, value)
        })
    }

    fn section(&self, header: &str) -> Option<&'static [&'static str]> {
        let (section, sub) = header.split_once(' ').unwrap_or((header, ""));
        let section = section.to_ascii_lowercase();
        let plain = sub.is_empty()
            || sub
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .is_some_and(|name| !name.contains(['"', ']']));
        self.known.iter().find(|(name, _)| *name == section && plain).map(|(_, keys)| *keys)
    }

    fn is_plain(&self, key: &str, value: &str) -> bool {
        match key {
            // `ext::` and the like start a remote helper; `-` could be taken for an option.
            "url" => {
                let value = value.trim_matches('"');
                // What is in quotes belongs to the rest: `ext:":"sh` is `ext::sh`.
                !value.contains("::") && !value.contains('"') && !value.trim().starts_with('-')
            }
            // A path that is an option, or leads out.
            "path" => {
                let value = value.trim_matches('"');
                let mut parts = Path::new(value).components();
                !value.starts_with('-')
                    && !value.contains('"')
                    && parts.all(|part| matches!(part, Component::Normal(name) if name != ".git"))
            }
            // `!` begins a command.
            "update" => matches!(value, "checkout" | "rebase" | "merge" | "none"),
            // A submodule's says where its files are. Anywhere else, `git clean` would be about other files
            // than those that it is started in.
            "worktree" => self.submodule.is_some_and(|(top, git)| {
                let real = git.join(value).canonicalize();
                real.ok()
                    .and_then(|real| real.strip_prefix(top).map(Path::to_owned).ok())
                    .is_some_and(|below| {
                        !below.as_os_str().is_empty() && !below.iter().any(|part| part == ".git")
                    })
            }),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmless(text: &str) -> bool {
        Harmless::in_config(Path::new("/w"), Path::new("/w/.git/config")).allows(text)
    }

    #[test]
    fn settings_of_submodules_that_run_nothing() {
        let allows = |text: &str| Harmless::in_gitmodules().allows(text);
        assert!(allows("[submodule \"libs/one\"]\n\tpath = libs/one\n\turl = ../library\n"));
        for text in [
            "[submodule \"a\"]\n\tupdate = !touch x\n",
            "[submodule \"a\"]\n\turl = ext::sh -c x\n",
            "[submodule \"a\"]\n\turl = \"-oProxyCommand=x\"\n",
            "[submodule \"a\"]\n\tpath = -x\n",
            "[submodule \"a\"]\n\tpath = ../x\n",
            "[submodule \"a\"]\n\tpath = .git/hooks\n",
            "[submodule \"a\"]\n\tpath = \".g\"it/hooks\n",
            "[core]\n\tbare = false\n",
        ] {
            assert!(!allows(text), "{text}");
        }
    }

    #[test]
    fn what_git_itself_writes_is_harmless() {
        assert!(harmless(
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
             [remote \"origin\"]\n\turl = https://example.com/a.git\n\
             \tfetch = +refs/heads/*:refs/remotes/origin/*\n\
             [branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n"
        ));
    }

    #[test]
    fn whatever_can_name_a_program_is_not() {
        for text in [
            "[core]\n\tpager = ./x\n",
            "[core]\n\tfsmonitor = ./x\n",
            "[core] pager = ./x\n",
            "[core]\n\tbare = false\\\n\tpager = x\n",
            "[CORE]\n\thooksPath = x\n",
            "[include]\n\tpath = x\n",
            "[alias]\n\tst = !x\n",
            "[remote \"a\"]\n\turl = ext::sh -c x\n",
            "[remote \"a\"]\n\turl = ext:\":\"sh -c x\n",
            "[remote \"a\"]\n\tuploadpack = x\n",
            "[filter \"a\"]\n\tclean = x\n",
            "pager = x\n",
            "[core]\n\tworktree = ../..\n",
            "[core]\n\tbare = false\r\tpager = x\n",
        ] {
            assert!(!harmless(text), "{text}");
        }
    }
}
