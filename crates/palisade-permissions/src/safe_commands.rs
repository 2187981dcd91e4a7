//! Commands that need no rule: those that only read, and those that a mode permits in the workspace.

use palisade_shell::{Command, Field, Piece};

/// What must be true of the paths of a command for it to need no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Safe {
    /// It reads these paths.
    Reads(Vec<String>),
    /// It changes these paths, as `acceptEdits` permits in the workspace.
    Edits(Vec<String>),
}

/// Programs that only show something, whatever they are given.
const SPEAKS: &[&str] = &[
    "echo", "printf", "pwd", "true", "false", ":", "sleep", "date", "whoami", "id", "uname",
    "hostname", "seq", "basename", "dirname", "which", "type", "test", "[", "nproc", "arch",
    "expr", "cal",
];
/// Programs that read the files that they are given, and do nothing else.
const READS: &[&str] = &[
    "ls",
    "cat",
    "head",
    "tail",
    "wc",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "find",
    "sort",
    "uniq",
    "cut",
    "tr",
    "diff",
    "cmp",
    "comm",
    "stat",
    "file",
    "du",
    "df",
    "tree",
    "nl",
    "rev",
    "column",
    "realpath",
    "readlink",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "cksum",
    "strings",
    "od",
    "hexdump",
    "tac",
    "fold",
    "fmt",
    "paste",
    "join",
    "jq",
    "base64",
    "cd",
];
/// Commands that are only known as a whole.
const WHOLE: &[&[&str]] = &[
    &["node", "-v"],
    &["node", "--version"],
    &["python3", "--version"],
    &["python3", "-V"],
    &["git", "branch"],
    &["git", "remote"],
    &["git", "remote", "-v"],
    &["ps"],
];
const GIT_READS: &[&str] = &[
    "status",
    "log",
    "diff",
    "show",
    "blame",
    "rev-parse",
    "ls-files",
    "ls-tree",
    "describe",
    "shortlog",
    "cat-file",
    "merge-base",
    "rev-list",
    "name-rev",
    "show-ref",
    "for-each-ref",
    "whatchanged",
    "grep",
];
const EDITS: &[&str] = &["mkdir", "touch", "mv", "cp", "rm", "rmdir", "sed"];

/// Whether this command needs no rule, and for which paths that is to be checked.
pub(crate) fn safe(command: &Command) -> Option<Safe> {
    let program = command.words.first()?.known()?;
    let arguments = command.words.get(1..).unwrap_or_default();
    if SPEAKS.contains(&program) {
        return only_speaks(program, command, arguments).then(|| Safe::Reads(Vec::new()));
    }
    let whole = |known: &&&[&str]| {
        known.len() == command.words.len()
            && known.iter().zip(&command.words).all(|(known, word)| word.known() == Some(known))
    };
    if WHOLE.iter().any(|known| whole(&known)) {
        return Some(Safe::Reads(Vec::new()));
    }
    if program == "sed" {
        return sed(arguments).or_else(|| sed_in_place(arguments));
    }
    if EDITS.contains(&program) {
        return Some(Safe::Edits(all_plain(arguments)?));
    }
    if !command.hidden_powers().is_empty() || does_more(program, arguments) {
        return None;
    }
    if program == "git" {
        let subcommand = arguments.first()?.known()?;
        if !GIT_READS.contains(&subcommand) {
            return None;
        }
        return Some(Safe::Reads(outward(arguments.get(1..).unwrap_or_default())?));
    }
    if READS.contains(&program) {
        return Some(Safe::Reads(outward(arguments)?));
    }
    None
}

/// Whether a program that only shows something does only that with these arguments.
fn only_speaks(program: &str, command: &Command, arguments: &[Field]) -> bool {
    // `printf -v` and `test -v` set or evaluate.
    let odd = arguments.iter().any(|argument| {
        let text = argument.start();
        text.starts_with("-v") || (text.is_empty() && argument.known().is_none())
    });
    match program {
        "echo" | "true" | "false" | ":" | "basename" | "dirname" | "seq" | "sleep" | "expr" => true,
        // Another argument sets the clock.
        "date" => {
            command.hidden_powers().is_empty()
                && arguments.iter().all(|argument| argument.start().starts_with(['+', '-']))
        }
        "hostname" | "arch" => arguments.is_empty(),
        _ => !odd,
    }
}

/// Whether a program that reads what it is given may do something else with these arguments.
fn does_more(program: &str, arguments: &[Field]) -> bool {
    match program {
        // A second name is a file that it writes; Claude Code permits no first one either.
        "uniq" => operands(arguments, &["-f", "-s", "-w"]).is_none_or(|count| count > 0),
        // A program of its own language, which may read modules from anywhere.
        "jq" => arguments.iter().any(|argument| {
            let text = argument.start();
            text.contains("import") || text.contains("include") || text.starts_with("-L")
        }),
        // `@file` has more arguments.
        "strings" => arguments.iter().any(|argument| argument.start().starts_with('@')),
        "git" => arguments.iter().any(|argument| argument.start().starts_with("--filters")),
        _ => false,
    }
}

/// How many arguments are no options, and no numbers behind an option of `valued`. Behind the first that counts none
/// is an option: not every program looks for them there. `None` if it is not known: an argument may become several.
fn operands(arguments: &[Field], valued: &[&str]) -> Option<usize> {
    let mut count = 0;
    let (mut options, mut is_value) = (true, false);
    for argument in arguments {
        if argument.may_split() {
            return None;
        }
        let number = argument.known().is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let text = argument.start();
        if options && text == "--" {
            options = false;
        } else if options && text.len() > 1 && text.starts_with('-') {
            is_value = argument.known().is_some_and(|text| valued.contains(&text));
            continue;
        } else if !(is_value && number) {
            options = false;
            count += 1;
        }
        is_value = false;
    }
    Some(count)
}

/// `sed -n 's/…/p' file` and the like: scripts of which each command is known to print only.
fn sed(arguments: &[Field]) -> Option<Safe> {
    let known: Vec<&str> =
        arguments.iter().map(|argument| argument.known()).collect::<Option<_>>()?;
    let quiet = known.first() == Some(&"-n");
    let rest = known.get(usize::from(quiet)..)?;
    let (script, files) = rest.split_first()?;
    let prints = |c: char| c.is_ascii_digit() || matches!(c, ',' | '$' | 'p' | ';' | ' ');
    let plain = quiet && !script.is_empty() && script.chars().all(prints);
    let none_is_option = !files.iter().any(|file| file.starts_with('-'));
    (plain && none_is_option).then(|| Safe::Reads(files.iter().map(|f| (*f).to_owned()).collect()))
}

/// `sed -i 's/…/…/g' file`: one substitution, which neither runs nor writes anything else.
fn sed_in_place(arguments: &[Field]) -> Option<Safe> {
    let known: Vec<&str> =
        arguments.iter().map(|argument| argument.known()).collect::<Option<_>>()?;
    let (first, mut rest) = known.split_first()?;
    if *first != "-i" {
        return None;
    }
    if let Some(("-E" | "-r", more)) = rest.split_first().map(|(first, more)| (*first, more)) {
        rest = more;
    }
    let (script, files) = rest.split_first()?;
    let named = !files.is_empty() && !files.iter().any(|file| file.starts_with('-'));
    (named && substitutes(script))
        .then(|| Safe::Edits(files.iter().map(|file| (*file).to_owned()).collect()))
}

/// `s/…/…/` with flags that only say which of what is found. A border that stands in a bracket is not counted by all
/// kinds of sed: then there are more than three, and it is not one that is known.
fn substitutes(script: &str) -> bool {
    let mut letters = script.chars();
    let (Some('s'), Some(border)) = (letters.next(), letters.next()) else { return false };
    if !matches!(border, '/' | '|' | '#' | ',' | '@' | ':' | '%' | '!') {
        return false;
    }
    let (mut borders, mut flags, mut escaped) = (0, String::new(), false);
    for c in letters {
        if c == '\n' {
            return false;
        }
        if !escaped && c == border {
            borders += 1;
        } else if borders == 2 {
            flags.push(c);
        }
        escaped = !escaped && c == '\\';
    }
    borders == 2 && flags.chars().all(|c| matches!(c, 'g' | 'i' | 'I' | '0'..='9'))
}

/// All arguments that are no options; `None` if one is not known.
fn all_plain(arguments: &[Field]) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut options = true;
    for argument in arguments {
        let text = argument.known()?;
        if options && text == "--" {
            options = false;
        } else if options && text.starts_with('-') {
            // An option with a path as its value would pass unseen.
            let letters = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            if text.contains(['=', '/', '~', '.'])
                || letters.is_some_and(|letters| letters.contains(['t', 'S']))
                || text.starts_with("--t")
                || text.starts_with("--su")
            {
                return None;
            }
        } else {
            out.push(text.to_owned());
        }
    }
    Some(out)
}

/// Arguments that may be paths, with what options have behind `=`. One of which some is not known counts for its
/// folder, and one that could be any path is not safe.
fn outward(arguments: &[Field]) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for argument in arguments {
        let text = match argument.known() {
            Some(text) => text.to_owned(),
            None => names_in_folder(argument)?,
        };
        match text.split_once('=') {
            Some((name, value)) if name.starts_with('-') => out.push(value.to_owned()),
            _ if text.starts_with('-') && text != "-" => {
                // `-f/etc/x`
                if let Some(at) = text.find(['/', '~']) {
                    out.extend(text.get(at..).map(str::to_owned));
                }
            }
            _ => out.push(text),
        }
    }
    Some(out)
}

/// The folder of the files that a pattern stands for, if it stands for nothing else: what a variable holds may lead
/// anywhere, and so may a pattern for folders, by a link or by `..`.
fn names_in_folder(argument: &Field) -> Option<String> {
    let (first, rest) = argument.pieces().split_first()?;
    let Piece::Text(start) = first else { return None };
    let only_names = rest.iter().all(|piece| match piece {
        Piece::Names => true,
        Piece::Text(text) => !text.contains('/') && !text.contains(".."),
        Piece::Any | Piece::AnyWords => false,
    });
    let (folder, name) = start.rsplit_once('/').unwrap_or((".", start));
    (only_names && !start.starts_with('-') && !name.ends_with('.'))
        .then(|| if folder.is_empty() { "/".into() } else { folder.to_owned() })
}
