//! In the workspace: what the host would run or believe later, and what the policy denies.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use palisade_core::Layer;
use rustix::io::Errno;

use crate::attempt::{Act, Answers, Attempt, Place};

const PROTECTED: Answers = &[
    (Errno::ROFS, "it is mounted read-only"),
    (Errno::ACCESS, "no right to write it"),
    (Errno::BUSY, "a mount holds its name"),
    (Errno::PERM, "it cannot be changed"),
];
const DENIED: Answers =
    &[(Errno::ACCESS, "it is masked"), (Errno::NOENT, "it does not exist in the mount tree")];
const HELD: Answers = &[
    (Errno::BUSY, "a mount holds its name"),
    (Errno::ROFS, "it is mounted read-only"),
    (Errno::ACCESS, "no right to it"),
];

const fn attempt(name: &'static str, tries: &'static str, act: Act) -> Attempt {
    Attempt { name, tries, layer: Layer::Files, act }
}

macro_rules! work {
    ($path:literal) => {
        Place::Aimed(|targets| targets.work($path))
    };
}

macro_rules! writes {
    ($name:literal, $path:literal) => {
        attempt($name, concat!("write ", $path), Act::Write(work!($path), PROTECTED))
    };
}

macro_rules! moves {
    ($name:literal, $path:literal) => {
        attempt(
            $name,
            concat!("move ", $path, " away"),
            Act::Change(work!($path), move_away, PROTECTED),
        )
    };
}

const DENIED_NAME: Place = Place::Aimed(|targets| targets.work(targets.denied.as_deref()?));
const DENIED_LINK: Place = Place::Aimed(|targets| targets.work(targets.denied_link.as_deref()?));

const READ_ONLY_FOLDER: Place =
    Place::Aimed(|targets| targets.work("planted").filter(|_| !targets.writable));

pub(super) static ATTEMPTS: &[Attempt] = &[
    attempt(
        "writes_read_only_workspace",
        "write in a workspace that is read-only",
        Act::Change(
            READ_ONLY_FOLDER,
            |path| {
                fs::write(path, "")?;
                fs::remove_file(path)
            },
            PROTECTED,
        ),
    ),
    attempt(
        "plants_git_hook",
        "plant a git hook",
        Act::Change(
            work!(".git/hooks"),
            |folder| {
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(folder.join("post-checkout"))?;
                fs::remove_file(folder.join("post-checkout"))
            },
            PROTECTED,
        ),
    ),
    moves!("moves_git_hooks", ".git/hooks"),
    moves!("moves_repository", ".git"),
    writes!("writes_git_configuration", ".git/config"),
    moves!("moves_git_configuration", ".git/config"),
    writes!("writes_agent_settings", ".claude/settings.json"),
    moves!("moves_agent_settings", ".claude"),
    writes!("writes_tool_servers", ".mcp.json"),
    writes!("writes_editor_tasks", ".vscode/tasks.json"),
    writes!("writes_folder_environment", ".envrc"),
    writes!("writes_policy", "palisade.yaml"),
    moves!("moves_policy", "palisade.yaml"),
    attempt("reads_denied_file", "read a denied file", Act::Read(DENIED_NAME, DENIED)),
    attempt(
        "reads_denied_by_link",
        "read the denied file by its other name",
        Act::Read(DENIED_LINK, DENIED),
    ),
    attempt(
        "moves_denied_file",
        "move the denied file away",
        Act::Change(DENIED_NAME, move_away, HELD),
    ),
    attempt(
        "links_denied_file",
        "give the denied file a third name",
        Act::Change(
            DENIED_NAME,
            |path| {
                let link = path.with_file_name("palisade-selftest-link");
                fs::hard_link(path, &link)?;
                let read = fs::read(&link);
                fs::remove_file(link)?;
                read.map(drop)
            },
            &[
                (Errno::XDEV, "it is a mount of its own"),
                (Errno::ACCESS, "it is masked"),
                (Errno::ROFS, "it is mounted read-only"),
                (Errno::NOENT, "it does not exist in the mount tree"),
            ],
        ),
    ),
];

fn move_away(path: &Path) -> io::Result<()> {
    let away = path.with_extension("palisade-selftest-away");
    fs::rename(path, &away)?;
    fs::rename(away, path)
}
