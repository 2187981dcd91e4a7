//! Which files a command's arguments name.

use palisade_shell::{Command, Field};

/// A file that a command may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) file: Field,
    pub(crate) writes: bool,
}

/// Programs whose arguments are names, texts or folders, and no files that are opened.
const OPENS_NONE: &[&str] = &[
    "echo", "printf", "test", "[", "[[", "ls", "cd", "pushd", "mkdir", "rmdir", "which", "type",
    "command", "basename", "dirname", "true", "false", ":", "pwd", "sleep", "kill", "export",
    "alias", "stat", "du", "df", "find", "tree", "man", "realpath", "readlink", "read", "seq",
    "exit", "return", "set", "unset", "declare", "local", "typeset",
];
/// Programs that change the files that they are given.
const WRITES: &[&str] = &[
    "tee", "touch", "rm", "mv", "cp", "install", "ln", "truncate", "shred", "unlink", "chmod",
    "chown", "chgrp", "dd", "sponge", "patch", "rsync", "scp", "mkfifo", "mknod", "rmdir", "mkdir",
    "split", "csplit", "setfacl", "chattr",
];

/// The files that a command opens by its redirections and may open by its arguments: once too often rather than once
/// too little.
pub(crate) fn used(command: &Command) -> Vec<Used> {
    let mut out: Vec<Used> = Vec::new();
    for redirect in &command.redirects {
        out.push(Used { file: redirect.file.clone(), writes: redirect.writes });
        if redirect.reads && redirect.writes {
            out.push(Used { file: redirect.file.clone(), writes: false });
        }
    }
    let Some(program) = command.program() else {
        // Whatever it is, these are its arguments.
        for word in command.words.iter().skip(1) {
            push(&mut out, word, false);
        }
        return out;
    };
    let writes = WRITES.contains(&program)
        || (matches!(program, "sed" | "perl" | "ruby") && has_option(command, 'i', "--in-place"))
        || (matches!(program, "sort" | "curl" | "wget" | "gcc" | "cc" | "clang")
            && has_option(command, 'o', "--output"));
    if OPENS_NONE.contains(&program) && !writes {
        return out;
    }
    for word in command.words.iter().skip(1) {
        if writes {
            push(&mut out, word, true);
        }
        // Those that write may read as well: `cp`, `dd`, `mv`.
        push(&mut out, word, false);
    }
    out
}

fn has_option(command: &Command, short: char, long: &str) -> bool {
    command.words.iter().skip(1).any(|word| {
        let text = word.start();
        text.starts_with(long)
            || (text.starts_with('-') && !text.starts_with("--") && text.contains(short))
    })
}

/// An argument, and what of it may be a path: behind `=`, `@` or `:`, or right behind a short option.
fn push(out: &mut Vec<Used>, word: &Field, writes: bool) {
    let mut add = |file: Field| {
        if file != Field::default() {
            out.push(Used { file, writes });
        }
    };
    let text = word.start();
    if text.starts_with('-') && text.len() > 1 {
        if let Some(rest) = text.chars().nth(1).and_then(|c| word.after(&format!("-{c}")))
            && !text.starts_with("--")
        {
            add(rest);
        }
    } else {
        add(word.clone());
    }
    for (at, c) in text.char_indices() {
        if matches!(c, '=' | '@' | ':' | ',')
            && let Some(rest) = text.get(..=at).and_then(|before| word.after(before))
        {
            add(rest);
        }
    }
}

/// Whether writing there changes no file.
pub(crate) fn is_sink(path: &str) -> bool {
    matches!(
        path,
        "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "/dev/zero" | "/dev/full"
    ) || path.strip_prefix("/dev/fd/").is_some_and(|fd| fd.chars().all(|c| c.is_ascii_digit()))
}

/// Whether a path is one that an agent's own settings, a tool's hooks or a shell's start is read from: edits
/// there are asked in each mode that would permit them by itself.
pub(crate) fn is_protected(path: &std::path::Path) -> bool {
    const FOLDERS: [&str; 9] = [
        ".git",
        ".vscode",
        ".idea",
        ".husky",
        ".cargo",
        ".devcontainer",
        ".yarn",
        ".mvn",
        ".palisade",
    ];
    const FILES: [&str; 16] = [
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
        ".kshrc",
        ".mcp.json",
        ".gitconfig",
        ".gitmodules",
        "palisade.yaml",
        ".envrc",
    ];
    let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
    for (index, name) in names.iter().enumerate() {
        let next = names.get(index + 1).copied();
        if FOLDERS.contains(name) || (*name == ".config" && next == Some("git")) {
            return true;
        }
        if palisade_core::AGENT_FOLDERS.contains(name) && next != Some("worktrees") {
            return true;
        }
    }
    names.last().is_some_and(|name| FILES.contains(name))
}
