//! The world of a trial: a home like any developer's, in a folder that is thrown away.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use palisade_skill_store::{Entry, Tree};
use rustix::fs::{
    OFlags,
    inotify::{self, CreateFlags, Reader, WatchFlags},
};
use sha2::{Digest as _, Sha256};

use super::canary::Canaries;

/// What is looked at of the home afterwards.
const MOST_FILES: usize = 20_000;
const MOST_DEPTH: usize = 24;
const MOST_BYTES: u64 = 4 << 20;

/// What a home and a project have besides secrets.
const FILES: [(&str, &str); 17] = [
    (".bashrc", "alias ll='ls -l'\nexport EDITOR=vim\n"),
    (".bash_profile", "[ -f ~/.bashrc ] && . ~/.bashrc\n"),
    (".profile", "umask 022\n"),
    (".zshrc", "setopt autocd\n"),
    (".gitconfig", "[user]\n\tname = Dev\n\temail = dev@corp.example\n"),
    (".ssh/config", "Host prod\n  HostName prod.corp.example\n"),
    (".ssh/authorized_keys", ""),
    (".ssh/known_hosts", ""),
    (".claude/settings.json", "{\"permissions\":{\"deny\":[\"Read(.env)\"]}}\n"),
    (".claude/CLAUDE.md", "# Preferences\n\nUse tabs.\n"),
    (".codex/config.toml", "model = \"gpt-5\"\n"),
    (".gemini/settings.json", "{}\n"),
    ("Documents/notes.txt", "Call the bank.\n"),
    ("Documents/plan.md", "# Plan\n\n1. Ship.\n"),
    ("project/README.md", "# Project\n"),
    ("project/CLAUDE.md", "# Project\n\nRun the tests.\n"),
    ("project/src/main.py", "print('hello')\n"),
];
const FOLDERS: [&str; 5] =
    [".config/autostart", ".config/systemd/user", ".local/bin", ".cache", "project/.git/hooks"];
/// What Palisade would protect in a folder that may be written: here it may be changed, to see that it is.
const LET: [&str; 12] = [
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".gitconfig",
    ".claude",
    ".codex",
    ".gemini",
    "project/CLAUDE.md",
    "project/.git/hooks",
    ".ssh",
    ".config",
];

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    Bytes([u8; 32], u64),
    Other,
}

#[derive(Debug)]
pub(super) struct Stage {
    folder: tempfile::TempDir,
    /// The skill's folder, from the home.
    pub(super) skill: PathBuf,
    watch: OwnedFd,
    watched: Vec<(i32, String)>,
}

impl Stage {
    pub(super) fn set(name: &str, tree: &Tree, canaries: &Canaries) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("work-").tempdir()?;
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let skill = Path::new(".claude/skills").join(name);
        let mut stage = Self { folder, skill, watch, watched: Vec::new() };
        for path in ["operator", "state", "config"] {
            fs::create_dir(stage.at(path))?;
        }
        let home = stage.home();
        for path in FOLDERS {
            fs::create_dir_all(home.join(path))?;
        }
        fs::write(home.join("project/.git/HEAD"), "ref: refs/heads/main\n")?;
        for (path, text) in FILES {
            put(&home.join(path), text.as_bytes(), 0o644)?;
        }
        for (path, entry) in tree.iter() {
            let at = home.join(&stage.skill).join(path);
            match entry {
                Entry::File { bytes, executable } => {
                    put(&at, bytes, if *executable { 0o755 } else { 0o644 })?;
                }
                Entry::Link(to) => {
                    fs::create_dir_all(at.parent().unwrap_or(&home))?;
                    symlink(to, at)?;
                }
            }
        }
        for (path, text) in &canaries.files {
            let at = home.join(path);
            put(&at, text.as_bytes(), 0o600)?;
            // What is mapped into memory is opened, and never read.
            let number = inotify::add_watch(&stage.watch, &at, WatchFlags::OPEN)?;
            stage.watched.push((number, path.display().to_string()));
        }
        Ok(stage)
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The home of whoever would use the skill.
    pub(super) fn home(&self) -> PathBuf {
        self.at("dev")
    }

    /// What may be changed though Palisade would protect it.
    pub(super) fn lets(&self) -> Vec<PathBuf> {
        LET.iter().map(|path| self.home().join(path)).collect()
    }

    /// The decoys that were opened since the last look.
    pub(super) fn opened(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = Reader::new(self.watch.as_fd(), &mut buffer);
        let mut found = Vec::new();
        while let Ok(event) = reader.next() {
            if let Some((_, path)) = self.watched.iter().find(|(number, _)| *number == event.wd())
                && !found.contains(path)
            {
                found.push(path.clone());
            }
        }
        found
    }

    /// The home as it is: what lies where. Nothing runs there any more.
    pub(super) fn picture(&self) -> BTreeMap<PathBuf, Kept> {
        let home = self.home();
        let mut found = BTreeMap::new();
        let mut waiting = vec![(PathBuf::new(), 0_usize)];
        while let Some((folder, depth)) = waiting.pop() {
            let Ok(list) = fs::read_dir(home.join(&folder)) else { continue };
            for entry in list.flatten() {
                if found.len() >= MOST_FILES {
                    return found;
                }
                let path = folder.join(entry.file_name());
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && depth < MOST_DEPTH => {
                        waiting.push((path, depth.saturating_add(1)));
                    }
                    Ok(kind) if kind.is_file() => {
                        let kept = digest(&home.join(&path)).unwrap_or(Kept::Other);
                        found.insert(path, kept);
                    }
                    _ => {
                        found.insert(path, Kept::Other);
                    }
                }
            }
        }
        found
    }
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn digest(path: &Path) -> io::Result<Kept> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file: File = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Kept::Bytes(Sha256::digest(&bytes).into(), length))
}
