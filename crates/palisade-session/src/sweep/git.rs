//! What `git init` and `git clone` make is no attack: a repository is left where it is unless
//! it has hooks, or settings that could name a program.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, openat2};

use super::Watched;

/// No usual configuration is longer.
const MOST_BYTES: u64 = 64 * 1024;
/// Sections with all of their keys that name no program, path or other file.
const HARMLESS: [(&str, &[&str]); 8] = [
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
            "worktree",
        ],
    ),
    ("submodule", &["url", "active"]),
    ("remote", &["url", "fetch"]),
    ("branch", &["remote", "merge", "rebase"]),
    ("user", &["name", "email"]),
    ("init", &["defaultbranch"]),
    ("pull", &["rebase", "ff"]),
    ("extensions", &["objectformat", "refstorage"]),
];

/// Whether what has appeared at this protected name could make a program of the host run.
pub(super) fn is_harmless(entry: &Watched, kind: FileType, folder: &OwnedFd, name: &OsStr) -> bool {
    let whole = Path::new(&entry.name);
    if !whole.iter().any(|part| part == ".git") {
        return false;
    }
    match (name.to_str(), kind) {
        (Some(".git"), FileType::Directory) => true,
        (Some(".git"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| leads_to_harmless(entry, &text))
        }
        (Some("hooks"), FileType::Directory) => only_samples(folder, name),
        (Some("config"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| names_no_program(&text))
        }
        (Some("commondir"), FileType::RegularFile) => {
            read(folder, name).is_some_and(|text| is_worktree(whole) && text.trim() == "../..")
        }
        _ => false,
    }
}

/// A git directory `.git/worktrees/NAME`, which says so itself.
fn is_worktree(path: &Path) -> bool {
    let mut up = path.iter().rev().skip(2);
    up.next() == Some(OsStr::new("worktrees")) && up.next() == Some(OsStr::new(".git"))
}

/// A submodule's or worktree's `.git` says where the git directory is. It must be in the repository
/// of the same folder, where it is looked at by itself.
fn leads_to_harmless(entry: &Watched, text: &str) -> bool {
    let Some(to) = text.strip_prefix("gitdir: ") else { return false };
    let top = Path::new(&entry.folder);
    let here = top.join(&entry.name);
    let Some(parent) = here.parent() else { return false };
    let Ok(real) = parent.join(to.trim_end_matches('\n')).canonicalize() else { return false };
    let inside = ["modules", "worktrees"].map(|kind| top.join(".git").join(kind));
    inside.iter().any(|inside| real.starts_with(inside))
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

/// Lines of the plainest form only, see `git-config(1)`: whatever is not understood is not
/// harmless.
fn names_no_program(text: &str) -> bool {
    let mut keys: &[&str] = &[];
    text.lines().map(str::trim).all(|line| {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return true;
        }
        // A backslash could go on to the next line.
        if line.contains('\\') {
            return false;
        }
        if let Some(header) = line.strip_prefix('[') {
            let Some(header) = header.strip_suffix(']') else { return false };
            let (section, sub) = header.split_once(' ').unwrap_or((header, ""));
            let section = section.to_ascii_lowercase();
            let plain = sub.is_empty()
                || sub
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .is_some_and(|name| !name.contains(['"', ']']));
            let known = HARMLESS.iter().find(|(name, _)| *name == section);
            let Some((_, known)) = known.filter(|_| plain) else { return false };
            keys = known;
            return true;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let key = key.trim().to_ascii_lowercase();
        // `ext::` and the like start a remote helper; `-` could be taken for an option.
        let program = key == "url" && (value.contains("::") || value.trim().starts_with('-'));
        // A submodule's says that its files are above, and nothing else does.
        let elsewhere = key == "worktree" && !value.trim().starts_with("../");
        keys.contains(&key.as_str()) && !program && !elsewhere
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_itself_writes_is_harmless() {
        assert!(names_no_program(
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
            "[remote \"a\"]\n\tuploadpack = x\n",
            "[filter \"a\"]\n\tclean = x\n",
            "pager = x\n",
        ] {
            assert!(!names_no_program(text), "{text}");
        }
    }
}
