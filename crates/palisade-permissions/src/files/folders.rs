//! Folders of which a command changes what is in them: who removes a folder removes all that is below it.

use palisade_shell::{Command, Field};

use super::{Below, Used, Writes, git};

/// Programs that put what they are given into a folder, under the name that it has.
const INTO: &[&str] = &["cp", "curl", "install", "ln", "mv", "rsync", "scp", "wget"];
/// Programs that change all that is below a folder which they are given, or give it another name.
const WHOLE: &[&str] = &[
    "black",
    "bwrap",
    "isort",
    "ln",
    "mount",
    "mv",
    "proot",
    "rimraf",
    "rm",
    "rsync",
    "trash",
    "trash-put",
];
/// Options by which programs go through folders, or write what they only showed.
const GOES_DEEP: &[&str] = &[
    "--recursive",
    "--archive",
    "--write",
    "--fix",
    "--in-place",
    "--inplace",
    "--delete",
    "--remove-files",
];

/// What of a folder's content this program changes, if it changes a folder.
pub(super) fn deep(program: &str, arguments: &[Field]) -> Below {
    let deep = match program {
        "git" => git::is_deep(arguments),
        // It only reads, unless it is told to take away what it has read.
        "zip" => has_letter(arguments, &['m']),
        _ if WHOLE.contains(&program) => true,
        _ => {
            has_letter(arguments, &['r', 'R', 'w', 'i'])
                || (program == "cp" && has_letter(arguments, &['a']))
                || arguments.iter().any(|argument| {
                    let text = argument.start();
                    let name = text.split('=').next().unwrap_or(text);
                    let shortened = name.len() > 3 && name.starts_with("--");
                    shortened && GOES_DEEP.iter().any(|option| option.starts_with(name))
                })
        }
    };
    match program {
        _ if !deep => Below::None,
        // What is in one folder comes into another.
        "cp" | "rsync" | "scp" => Below::Anything,
        _ => Below::Present,
    }
}

/// Whether this argument is the folder, or the new name, that something comes to: what is in it stays.
pub(super) fn only_gets(program: &str, arguments: &[Field], index: usize) -> bool {
    let otherwise = has_letter(arguments, &['t', 'T'])
        || has_long(arguments, &["--target-directory", "--no-target-directory", "--exchange"], 4);
    let last = arguments.iter().rposition(|argument| !argument.start().starts_with('-'));
    let first = arguments.iter().position(|argument| !argument.start().starts_with('-'));
    matches!(program, "mv" | "ln") && !otherwise && last == Some(index) && first != last
}

/// Files that are changed without being named: by what an archive or a patch names, or in the whole folder where nothing
/// is named.
pub(super) fn named_elsewhere(program: &str, arguments: &[Field], out: &mut Vec<Used>) {
    if program == "git" {
        git::unnamed(arguments, out);
    }
    for folder in unpacked_into(program, arguments) {
        let below = Below::Anything;
        out.push(Used { below, ..Used::new(folder, Writes::Perhaps) });
    }
}

/// Files that may be meant where an argument is a folder: other arguments, looked up from there (`git -C folder`), and
/// what is put into it under its own name. `is_folder` tells which are.
pub(crate) fn within(command: &Command, is_folder: impl Fn(&str) -> bool) -> Vec<String> {
    /// More than a command of sense has.
    const MOST: usize = 16;
    let Some(program) = command.program().filter(|program| *program != "find") else {
        return Vec::new();
    };
    let (into, fetches) = (INTO.contains(&program), matches!(program, "curl" | "wget"));
    let mut values = Vec::new();
    let arguments = command.words.get(1..).unwrap_or_default();
    for word in arguments.iter().take(4 * MOST) {
        super::push(&mut values, word, Writes::No);
    }
    let known: Vec<&str> = values.iter().filter_map(|used| used.file.known()).collect();
    let mut folders: Vec<&str> =
        known.iter().copied().filter(|value| is_folder(value)).take(MOST).collect();
    // Where it is not said, it is here.
    let operands = arguments.iter().filter(|argument| !argument.start().starts_with('-')).count();
    if fetches || (program == "ln" && operands < 2) {
        folders.push(".");
    }
    let mut out = Vec::new();
    for folder in folders {
        let folder = folder.trim_end_matches('/');
        for name in known.iter().take(4 * MOST) {
            let whole = name.trim_end_matches('/');
            let end = whole.find(['?', '#']).unwrap_or(whole.len());
            let own = whole.get(..end).and_then(|whole| whole.rsplit(['/', ':']).next());
            let from_there =
                Some(whole).filter(|whole| fetches || !into && !whole.starts_with(['/', '~']));
            for name in from_there.into_iter().chain(own.filter(|_| into)) {
                if !matches!(name, "" | "." | "..") && name != folder {
                    out.push(format!("{folder}/{name}"));
                }
            }
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// The names of the files that a `find` is about, if it is about no others: with `*` alone for what is not known.
pub(super) fn looked_for(arguments: &[Field]) -> Vec<String> {
    const OTHERWISE: [&str; 8] = ["-o", "-or", "!", "-not", ",", "(", ")", "-iname"];
    let odd = |argument: &Field| argument.known().is_none_or(|text| OTHERWISE.contains(&text));
    if arguments.iter().any(odd) {
        return Vec::new();
    }
    let pairs = arguments.windows(2);
    let mut names = pairs.filter_map(|pair| match pair {
        [option, name] if option.known() == Some("-name") => name.known().map(str::to_owned),
        _ => None,
    });
    // Each of several has to fit, so that one says enough.
    let name = names.next().filter(|name| !name.contains(['?', '[', '\\']));
    name.into_iter().collect()
}

/// The folders that a program writes files to which an archive or a patch names.
fn unpacked_into(program: &str, arguments: &[Field]) -> Vec<Field> {
    let first = arguments.first().map(Field::start).unwrap_or_default();
    let starts = |texts: &[&str]| texts.iter().any(|text| first.starts_with(text));
    let (unpacks, options): (bool, &[&str]) = match program {
        "tar" | "bsdtar" | "gtar" => {
            let old = !first.starts_with('-') && first.contains('x');
            let to_output =
                has_long(arguments, &["--to-stdout"], 6) || has_letter(arguments, &['O']);
            let unpacks = old
                || has_letter(arguments, &['x'])
                || has_long(arguments, &["--extract", "--get"], 5);
            (unpacks && !to_output, &["-C", "--directory", "--cd"])
        }
        "unzip" => (!has_letter(arguments, &['l', 't', 'p', 'Z', 'z', 'v']), &["-d"]),
        "7z" | "7za" | "7zr" | "unrar" | "rar" => (starts(&["x", "e"]), &["-o"]),
        "cpio" => (
            has_letter(arguments, &['i', 'p']) || has_long(arguments, &["--extract"], 4),
            &["-D", "--directory"],
        ),
        "pax" => (has_letter(arguments, &['r']), &[]),
        "jar" => (first.contains('x'), &["-C"]),
        "ar" => (starts(&["x", "-x"]), &["--output"]),
        "dpkg" | "dpkg-deb" => (has_letter(arguments, &['x', 'X', 'R']), &[]),
        "patch" => (!has_long(arguments, &["--dry-run"], 4), &["-d", "--directory"]),
        "python" | "python3" => {
            let module = arguments
                .iter()
                .any(|argument| matches!(argument.known(), Some("zipfile" | "tarfile")));
            (
                module && (has_letter(arguments, &['e']) || has_long(arguments, &["--extract"], 4)),
                &[],
            )
        }
        _ => (false, &[]),
    };
    if !unpacks {
        return Vec::new();
    }
    let mut out = Vec::new();
    for (at, argument) in arguments.iter().enumerate() {
        for option in options {
            if argument.known() == Some(option) {
                out.extend(arguments.get(at + 1).cloned());
            } else if let Some(value) = argument.after(option) {
                out.push(value.after("=").unwrap_or(value));
            }
        }
    }
    // Where the folder is no option's, any argument may be it.
    if options.is_empty() {
        let operands = arguments.iter().filter(|argument| !argument.start().starts_with('-'));
        out.extend(operands.cloned());
    }
    if out.is_empty() || options.is_empty() {
        out.push(Field::text("."));
    }
    out
}

/// Whether one of these letters stands among short options. Something that is not known may be any.
fn has_letter(arguments: &[Field], letters: &[char]) -> bool {
    arguments.iter().take_while(|argument| argument.known() != Some("--")).any(|argument| {
        let text = argument.start();
        let short = text.strip_prefix('-').filter(|short| !short.starts_with('-'));
        (text.is_empty() && argument.is_open())
            || short.is_some_and(|short| {
                let run = short.split(|c: char| !c.is_ascii_alphanumeric()).next();
                run.is_some_and(|run| run.contains(letters))
            })
    })
}

/// Whether one of these long options is there, also shortened to so many characters.
fn has_long(arguments: &[Field], options: &[&str], least: usize) -> bool {
    arguments.iter().any(|argument| {
        let text = argument.start();
        let name = text.split('=').next().unwrap_or(text);
        name.len() >= least && options.iter().any(|option| option.starts_with(name))
    })
}
