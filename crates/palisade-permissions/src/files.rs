//! Which files a command's arguments name.

mod containers;
mod folders;
mod git;

use palisade_shell::{Command, Field, Piece};

pub(crate) use folders::within;

/// A file that a command may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) file: Field,
    pub(crate) writes: Writes,
    /// What is changed with it, if it is a folder.
    pub(crate) below: Below,
    /// Of that, files of these names alone; all if there are none.
    pub(crate) names: Vec<String>,
    /// Whether it is all of the repository that this folder is of which is changed so.
    pub(crate) of_repository: bool,
}

/// What of a folder's content a command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Below {
    /// Nothing.
    None,
    /// What is there: it is removed, moved, or written over.
    Present,
    /// What is there and what is not: it is told elsewhere which files are written.
    Anything,
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
    fn new(file: Field, writes: Writes) -> Self {
        Self { file, writes, below: Below::None, names: Vec::new(), of_repository: false }
    }

    /// A folder that is changed with all that is in it.
    pub(crate) fn whole(path: &str) -> Self {
        Self { below: Below::Present, ..Self::new(Field::text(path), Writes::Yes) }
    }

    /// Whether nothing is known of the name, which is no pattern of the shell's either: that can be looked up.
    pub(crate) fn may_be_any(&self) -> bool {
        self.is_unknown()
            && self.file.pieces().iter().any(|piece| matches!(piece, Piece::Any | Piece::AnyWords))
    }

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
    "config",
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
        out.push(Used::new(redirect.file.clone(), writes));
        if redirect.reads && redirect.writes {
            out.push(Used::new(redirect.file.clone(), Writes::No));
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
    let deep = folders::deep(program, arguments);
    for (index, word) in arguments.iter().enumerate() {
        let option = word.start().starts_with('-');
        let here = match writes {
            Writes::Yes if !option && only_read(program, arguments, index) => Writes::No,
            Writes::Perhaps if !option && first && RUNS_FIRST.contains(&program) => Writes::No,
            writes => writes,
        };
        first &= option;
        let before = out.len();
        if here == Writes::Yes {
            push(&mut out, word, Writes::Yes);
        }
        // Those that write may read as well: `cp`, `dd`, `mv`.
        push(&mut out, word, if here == Writes::Perhaps { here } else { Writes::No });
        if !folders::only_gets(program, arguments, index) {
            let added = out.iter_mut().skip(before);
            added.filter(|used| used.writes > Writes::No).for_each(|used| used.below = deep);
        }
    }
    folders::named_elsewhere(program, arguments, &mut out);
    containers::mounted(program, arguments, &mut out);
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
        "gh" | "glab" => {
            !command.words.iter().any(|word| matches!(word.known(), Some("download" | "clone")))
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

/// Whether a command opens nothing that it is given as an argument.
pub(crate) fn opens_none(command: &Command) -> bool {
    command.program().is_some_and(|program| {
        OPENS_NONE.contains(&program) && writes(program, command) != Writes::Yes
    })
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
    let mut at = 0;
    let parts = text.split(border).map(move |part| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        at += part.len()
            + text
                .get(at + part.len()..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8);
        (before, part)
    });
    // A name without a dot is one where a text of that language begins with it.
    let is_name = |before: Option<char>, part: &str| {
        part.contains(['.', '/', '~'])
            || (!part.is_empty() && before.is_some_and(|before| "\"'`".contains(before)))
    };
    parts.filter(move |(before, part)| code && is_name(*before, part)).map(|(_, part)| part)
}

/// What may be a file that a script of sed reads or writes: what stands behind each `r` and `w`.
pub(crate) fn parts_of_sed(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.char_indices().filter(|(_, c)| matches!(c, 'r' | 'R' | 'w' | 'W'));
    let names = behind.filter_map(|(at, _)| text.get(at + 1..)?.split(['\n', ';', '}']).next());
    names.map(str::trim).filter(|name| !name.is_empty())
}

/// What `find` changes: where it begins, if it removes, and files that it writes what it finds to.
fn found(out: &mut Vec<Used>, arguments: &[Field]) {
    let removes = arguments.iter().any(|argument| argument.known() == Some("-delete"));
    let begins = |field: &&Field| !field.start().starts_with(['-', '(', '!']);
    let of_all = |field: &&Field| matches!(field.known(), Some("-H" | "-L" | "-P"));
    let given = arguments.iter().skip_while(of_all);
    for start in given.clone().take_while(begins).filter(|_| removes) {
        push(out, start, Writes::Yes);
    }
    if removes {
        if given.clone().next().is_none_or(|first| !begins(&first)) {
            push(out, &Field::text("."), Writes::Yes);
        }
        let names = folders::looked_for(arguments);
        for used in out.iter_mut().filter(|used| used.writes == Writes::Yes) {
            used.below = Below::Present;
            used.names.clone_from(&names);
        }
        out.push(Used::new(Field::unknown(), Writes::Yes));
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
            out.push(Used::new(file, writes));
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
        if matches!(c, '=' | '@' | ':' | ',' | '<')
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
        if palisade_core::AGENT_FOLDERS.contains(name) && !next.is_some_and(|it| is_work(name, it))
        {
            return true;
        }
    }
    names.last().is_some_and(|name| FILES.contains(name))
}

/// Whether a folder in an agent's own is one that it works in: Claude Code's worktrees, OpenClaw's workspaces.
fn is_work(agent: &str, folder: &str) -> bool {
    let of_openclaw = folder == "workspace" || folder.starts_with("workspace-");
    folder == "worktrees" || (agent == ".openclaw" && of_openclaw)
}
