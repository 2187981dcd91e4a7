//! Which files a command's arguments name.

use palisade_shell::{Command, Field, Piece};

/// A file that a command may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) file: Field,
    pub(crate) writes: Writes,
}

/// Whether a command changes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writes {
    No,
    /// It is not known what the program does with it.
    Perhaps,
    Yes,
}

impl Used {
    /// Whether nothing of the name is known, or what of it is may be followed by anything.
    pub(crate) fn is_unknown(&self) -> bool {
        let pieces = self.file.pieces();
        !pieces.is_empty()
            && (pieces.contains(&Piece::AnyWords)
                || !pieces.iter().any(|piece| matches!(piece, Piece::Text(_))))
    }
}

/// Programs whose arguments are names, texts or folders, and no files that are opened.
const OPENS_NONE: &[&str] = &[
    "echo", "printf", "test", "[", "[[", "ls", "cd", "pushd", "mkdir", "rmdir", "which", "type",
    "command", "basename", "dirname", "true", "false", ":", "pwd", "sleep", "kill", "export",
    "alias", "stat", "du", "df", "find", "tree", "man", "realpath", "readlink", "read", "seq",
    "exit", "return", "set", "unset", "declare", "local", "typeset",
];
/// Programs that only read the files that they are given, but for what an option says that [`Command::hidden_powers`] has.
const READS: &[&str] = &[
    ".",
    "[",
    "[[",
    "ack",
    "actionlint",
    "ag",
    "awk",
    "b2sum",
    "base32",
    "base64",
    "basenc",
    "bat",
    "batcat",
    "cat",
    "cd",
    "cksum",
    "cmp",
    "column",
    "comm",
    "curl",
    "cut",
    "diff",
    "diff3",
    "du",
    "egrep",
    "expand",
    "fgrep",
    "file",
    "flake8",
    "fmt",
    "fold",
    "gawk",
    "gh",
    "glab",
    "grep",
    "hadolint",
    "head",
    "hexdump",
    "iconv",
    "join",
    "jq",
    "less",
    "look",
    "ls",
    "mawk",
    "md5sum",
    "more",
    "mypy",
    "nl",
    "od",
    "paste",
    "pr",
    "pyright",
    "rev",
    "rg",
    "sdiff",
    "sed",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shellcheck",
    "shuf",
    "sort",
    "source",
    "stat",
    "strings",
    "tac",
    "tail",
    "tr",
    "tree",
    "tsort",
    "unexpand",
    "wc",
    "yamllint",
    "zcat",
    "zgrep",
    "zizmor",
];
/// Programs that run the first file that they are given.
const RUNS_FIRST: &[&str] = &[
    "bash", "sh", "zsh", "dash", "ksh", "node", "python", "python3", "ruby", "perl", "php", "lua",
    "deno", "bun", "tsx", "Rscript",
];
/// Commands of git that change files of the workspace, or write one that they are given.
const GIT_WRITES: &[&str] = &[
    "am",
    "apply",
    "archive",
    "bundle",
    "checkout",
    "checkout-index",
    "clean",
    "clone",
    "difftool",
    "format-patch",
    "init",
    "mergetool",
    "mv",
    "read-tree",
    "restore",
    "rm",
    "sparse-checkout",
    "stash",
    "submodule",
    "switch",
    "worktree",
];
/// Programs that change the last of the files that they are given, and read those before.
const COPIES: &[&str] = &["cp", "install", "rsync", "scp"];
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
        let writes = if redirect.writes { Writes::Yes } else { Writes::No };
        out.push(Used { file: redirect.file.clone(), writes });
        if redirect.reads && redirect.writes {
            out.push(Used { file: redirect.file.clone(), writes: Writes::No });
        }
    }
    let arguments = command.words.get(1..).unwrap_or_default();
    let Some(program) = command.program() else {
        // Whatever it is, these are its arguments.
        for word in arguments {
            push(&mut out, word, Writes::Perhaps);
        }
        return out;
    };
    if program == "find" {
        found(&mut out, arguments);
        return out;
    }
    let writes = writes(program, command);
    if OPENS_NONE.contains(&program) && writes != Writes::Yes {
        return out;
    }
    let mut first = true;
    for (index, word) in arguments.iter().enumerate() {
        let option = word.start().starts_with('-');
        let here = match writes {
            Writes::Yes if !option && only_read(program, arguments, index) => Writes::No,
            Writes::Perhaps if !option && first && RUNS_FIRST.contains(&program) => Writes::No,
            writes => writes,
        };
        first &= option;
        if here == Writes::Yes {
            push(&mut out, word, Writes::Yes);
        }
        // Those that write may read as well: `cp`, `dd`, `mv`.
        push(&mut out, word, if here == Writes::Perhaps { here } else { Writes::No });
    }
    out
}

/// What a program does with the files that its arguments name.
fn writes(program: &str, command: &Command) -> Writes {
    let surely = WRITES.contains(&program)
        || (matches!(program, "sed" | "perl" | "ruby") && has_option(command, 'i', "--in-place"))
        || (matches!(program, "sort" | "curl" | "wget" | "gcc" | "cc" | "clang")
            && has_option(command, 'o', "--output"));
    if surely {
        return Writes::Yes;
    }
    let reads = match program {
        "git" => {
            let task = command.words.iter().skip(1).find(|word| !word.start().starts_with('-'));
            task.and_then(Field::known).is_some_and(|task| !GIT_WRITES.contains(&task))
        }
        _ => READS.contains(&program) || OPENS_NONE.contains(&program),
    };
    if reads && command.hidden_powers().is_empty() { Writes::No } else { Writes::Perhaps }
}

/// Whether a program that copies only reads the file that is this argument.
fn only_read(program: &str, arguments: &[Field], index: usize) -> bool {
    // The target may stand before, and links lead to what they are made of.
    let odd = arguments.iter().any(|argument| {
        let text = argument.start();
        let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        argument.may_split()
            || letters.is_some_and(|letters| letters.contains(['t', 'l', 's', 'd']))
            || ["--t", "--l", "--s", "--rem", "--d"].iter().any(|start| text.starts_with(start))
    });
    let last = arguments.iter().rposition(|argument| !argument.start().starts_with('-'));
    COPIES.contains(&program) && !odd && last != Some(index)
}

/// Whether texts that this program is given may be of a language in which it opens files.
pub(crate) fn is_code(command: &Command) -> bool {
    matches!(command.program(), Some("awk" | "gawk" | "mawk" | "sed"))
        || command.may_run_arguments()
}

/// What may be a file's name in a text of another language: what stands between quotes, brackets and blanks. Nothing
/// of an argument that is a name as it stands: that is looked at as one.
pub(crate) fn parts_of_code(text: &str) -> impl Iterator<Item = &str> {
    let border = |c: char| c.is_whitespace() || "\"'`()<>[]{},;=|".contains(c);
    let code = text.contains(border);
    text.split(border).filter(move |part| code && part.contains(['.', '/', '~']))
}

/// What `find` changes: where it begins, if it removes, and files that it writes what it finds to.
fn found(out: &mut Vec<Used>, arguments: &[Field]) {
    let removes = arguments.iter().any(|argument| argument.known() == Some("-delete"));
    let begins = |field: &&Field| !field.start().starts_with(['-', '(', '!']);
    for start in arguments.iter().take_while(begins).filter(|_| removes) {
        push(out, start, Writes::Yes);
    }
    if removes {
        out.push(Used { file: Field::unknown(), writes: Writes::Yes });
    }
    for pair in arguments.windows(2) {
        if let [option, file] = pair
            && (option.start().starts_with("-fprint") || option.known() == Some("-fls"))
        {
            push(out, file, Writes::Yes);
        }
    }
}

fn has_option(command: &Command, short: char, long: &str) -> bool {
    command.words.iter().skip(1).any(|word| {
        let text = word.start();
        text.starts_with(long)
            || (text.starts_with('-') && !text.starts_with("--") && text.contains(short))
    })
}

/// An argument, and what of it may be a path: behind `=`, `@` or `:`, or right behind a short option.
fn push(out: &mut Vec<Used>, word: &Field, writes: Writes) {
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
        // `-rf.env`
        if !text.starts_with("--")
            && let Some(at) = text.find(['.', '/', '~']).filter(|at| *at > 2)
            && let Some(rest) = text.get(..at).and_then(|before| word.after(before))
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
