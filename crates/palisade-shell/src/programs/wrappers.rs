//! Programs that start the program, or run the text, that their arguments name.

use super::{
    Inner,
    each::{find, xargs},
    git::{git, under_own_name},
    languages::embedded,
    sed::may_run,
    shells::{shell, sourced, ssh, ssh_options},
};
use crate::Field;

/// How a program that starts another one reads its own options.
struct Wrapper {
    names: &'static [&'static str],
    /// Short options that take a value.
    valued: &'static str,
    /// Long options that take a value as an argument of its own.
    long: &'static [&'static str],
    /// Arguments of its own before the command.
    own: usize,
    /// Whether `name=value` may stand before the command.
    assigns: bool,
    transparent: bool,
}

const PLAIN: Wrapper =
    Wrapper { names: &[], valued: "", long: &[], own: 0, assigns: false, transparent: false };

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: &["timeout"],
        valued: "ks",
        long: &["--kill-after", "--signal"],
        own: 1,
        transparent: true,
        ..PLAIN
    },
    Wrapper { names: &["nice"], valued: "n", long: &["--adjustment"], transparent: true, ..PLAIN },
    Wrapper {
        names: &["nohup", "command", "builtin", "noglob", "nocorrect"],
        transparent: true,
        ..PLAIN
    },
    Wrapper {
        // The shell's own is a word of its grammar; this is the program, which may write a file.
        names: &["time"],
        valued: "fo",
        long: &["--format", "--output"],
        ..PLAIN
    },
    Wrapper {
        names: &["stdbuf"],
        valued: "ioe",
        long: &["--input", "--output", "--error"],
        transparent: true,
        ..PLAIN
    },
    Wrapper { names: &["exec"], valued: "a", ..PLAIN },
    Wrapper {
        names: &["env"],
        valued: "uC",
        long: &["--unset", "--chdir"],
        assigns: true,
        ..PLAIN
    },
    Wrapper {
        names: &["sudo", "doas", "pkexec", "run0", "sudoedit"],
        valued: "ugphCrtTUDRac",
        long: &[
            "--user",
            "--group",
            "--host",
            "--prompt",
            "--chdir",
            "--chroot",
            "--role",
            "--type",
            "--close-from",
            "--other-user",
            "--command-timeout",
        ],
        assigns: true,
        ..PLAIN
    },
    Wrapper {
        names: &[
            "setsid",
            "fakeroot",
            "torsocks",
            "proxychains",
            "proxychains4",
            "catatonit",
            "dumb-init",
            "tini",
            "linux32",
            "linux64",
            "unbuffer",
            "winpty",
            "caffeinate",
            "dbus-run-session",
            "rlwrap",
            "busybox",
            "toybox",
            "firejail",
            "-",
        ],
        ..PLAIN
    },
    Wrapper { names: &["watch"], valued: "nq", long: &["--interval", "--equexit"], ..PLAIN },
    Wrapper { names: &["ionice"], valued: "cnpP", long: &["--class", "--classdata"], ..PLAIN },
    Wrapper { names: &["chrt"], valued: "TPD", own: 1, ..PLAIN },
    Wrapper { names: &["taskset", "gosu", "su-exec", "chroot"], own: 1, ..PLAIN },
    Wrapper { names: &["numactl"], valued: "NmpiCl", ..PLAIN },
    Wrapper { names: &["strace", "ltrace"], valued: "oepuaESPIObX", ..PLAIN },
    Wrapper { names: &["setarch"], own: 1, ..PLAIN },
    Wrapper { names: &["prlimit"], valued: "po", ..PLAIN },
    Wrapper {
        names: &[
            "catchsegv",
            "choom",
            "cpulimit",
            "chpst",
            "setpriv",
            "unshare",
            "nsenter",
            "bwrap",
            "systemd-run",
            "systemd-inhibit",
            "xvfb-run",
            "perf",
            "valgrind",
            "gdb",
            "lldb",
            "rr",
            "heaptrack",
            "proot",
            "faketime",
            "daemonize",
            "start-stop-daemon",
            "capsh",
            "flatpak-spawn",
            "distrobox-enter",
            "toolbox",
            "mise",
            "direnv",
            "asdf",
            "rbenv",
            "pyenv",
            "nvm",
            "bundle",
            "poetry",
            "pipenv",
            "uv",
            "rye",
            "hatch",
            "pdm",
            "conda",
            "micromamba",
            "npx",
            "bunx",
            "pnpm",
            "yarn",
            "npm",
            "doppler",
            "op",
            "aws-vault",
            "dotenv",
            "dotenvx",
            "with-contenv",
            "entr",
            "watchexec",
            "nodemon",
            "reflex",
            "git-absorb",
            "retry",
            "sem",
            "ts-node-dev",
            "cross-env",
            "concurrently",
            "foreman",
            "honcho",
            "overmind",
        ],
        ..PLAIN
    },
];

/// Those among them whose options are not followed: the command may begin at any of their arguments.
const SOMEWHERE: usize = 17;

const SHELLS: [&str; 14] = [
    "sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "rbash", "fish", "csh", "tcsh",
    "yash", "oksh",
];

/// Whether what this program runs of its arguments is all told by [`started`].
pub(super) fn is_looked_through(program: &str) -> bool {
    const OTHERS: [&str; 24] = [
        "eval", "trap", "source", ".", "xargs", "find", "fd", "fdfind", "parallel", "ssh", "mosh",
        "autossh", "flock", "su", "runuser", "git", "tar", "bsdtar", "gtar", "rsync", "rg", "man",
        "scp", "sed",
    ];
    SHELLS.contains(&program)
        || OTHERS.contains(&program)
        || WRAPPERS.iter().take(SOMEWHERE).any(|wrapper| wrapper.names.contains(&program))
}

/// What this command starts.
pub(super) fn started(program: &str, words: &[Field]) -> Vec<Inner> {
    let mut out = by_arguments(program, words);
    let arguments = words.get(1..).unwrap_or_default();
    // The same without what stands before the word that says what to do.
    if let Some(rest) = super::without_globals(program, arguments) {
        let mut plain = vec![Field::text(program)];
        plain.extend_from_slice(rest);
        out.push(Inner::Words { words: plain, transparent: false, certain: true });
    }
    out.extend(under_own_name(program, arguments));
    out
}

fn by_arguments(program: &str, words: &[Field]) -> Vec<Inner> {
    let arguments = words.get(1..).unwrap_or_default();
    if SHELLS.contains(&program) {
        return shell(arguments);
    }
    if program.starts_with("ld-") || program.starts_with("ld.so") {
        return somewhere(arguments);
    }
    match program {
        "eval" => {
            let rest = match arguments.first().and_then(Field::known) {
                Some("--") => arguments.get(1..).unwrap_or_default(),
                _ => arguments,
            };
            return vec![script(Field::joined(rest), true)];
        }
        "trap" => {
            return first_plain(arguments).map(|text| script(text, true)).into_iter().collect();
        }
        "source" | "." => return sourced(arguments),
        "xargs" => return xargs(arguments),
        "find" => return find(arguments),
        "fd" | "fdfind" => return find(&with_runs_apart(arguments)),
        "parallel" | "sem" => return parallel(arguments),
        "ssh" | "autossh" => return ssh(arguments),
        "mosh" => {
            let mut out = option_texts(arguments, &["--ssh", "--server", "--client"], &[]);
            out.extend(ssh(arguments));
            return out;
        }
        "flock" => return flock(arguments),
        "su" | "runuser" | "script" | "scriptreplay" | "newgrp" | "sg" => {
            let mut out = valued_option(arguments, 'c', &["--command", "--session-command"]);
            out.extend(after_dashes(arguments));
            // The shell that it starts may be any program.
            if matches!(program, "su" | "runuser") {
                let shells = valued_option(arguments, 's', &["--shell"]);
                out.extend(shells.into_iter().map(doubted));
            }
            if out.is_empty() {
                out.push(Inner::Input);
            }
            // `runuser -u name command`, and `script file command` where it is BSD's.
            let apart = arguments.iter().any(|argument| argument.start().starts_with("-u"));
            if program == "script" || (program == "runuser" && apart) {
                out.extend(
                    somewhere(arguments.get(1..).unwrap_or_default()).into_iter().map(doubted),
                );
            }
            if program == "sg"
                && let Some(text) = arguments.get(1)
            {
                out.push(script(text.clone(), true));
            }
            return out;
        }
        "git" => return git(arguments),
        "tar" | "bsdtar" | "gtar" => {
            let mut out = option_texts(
                arguments,
                &[
                    "--to-command",
                    "--checkpoint-action",
                    "--use-compress-program",
                    "--info-script",
                    "--new-volume-script",
                    "--rsh-command",
                    "--rmt-command",
                ],
                &["exec="],
            );
            out.extend(valued_option(arguments, 'I', &[]));
            out.extend(valued_option(arguments, 'F', &[]));
            // `tar cIf program archive`
            let letters = arguments.first().map(Field::start).unwrap_or_default();
            if !letters.starts_with('-') && letters.contains(['I', 'F']) {
                out.extend(arguments.iter().skip(1).map(|text| script(text.clone(), false)));
            }
            return out;
        }
        "rsync" => {
            return valued_option(arguments, 'e', &["--rsh", "--rsync-path", "--password-command"]);
        }
        "gh" | "glab" => return cloned_by(arguments),
        "sed" | "gsed" => {
            let mut out = embedded(arguments);
            if may_run(arguments) {
                out.push(Inner::Unclear("`sed` runs what becomes of a text"));
            }
            return out;
        }
        "sort" => return option_texts(arguments, &["--compress-program"], &[]),
        "rg" => return option_texts(arguments, &["--pre", "--hostname-bin"], &[]),
        "man" => {
            let mut out = valued_option(arguments, 'P', &["--pager", "--html"]);
            out.extend(valued_option(arguments, 'H', &[]));
            return out;
        }
        "scp" | "sftp" => {
            let mut out = valued_option(arguments, 'S', &[]);
            // A server of files that it starts here. Source: scp(1), sftp(1).
            out.extend(valued_option(arguments, 'D', &[]).into_iter().map(doubted));
            out.extend(ssh_options(arguments));
            return out;
        }
        // Commands of the shell that run a text, or a program.
        "mapfile" | "readarray" => return valued_option(arguments, 'C', &[]),
        "compgen" | "complete" => {
            let mut out = valued_option(arguments, 'C', &[]);
            // A list of words is expanded.
            out.extend(valued_option(arguments, 'W', &[]));
            return out;
        }
        "jobs" => return somewhere(arguments),
        "tcpdump" => return valued_option(arguments, 'z', &[]),
        "zip" => return option_texts(arguments, &["-TT", "--unzip-command"], &[]),
        "hyperfine" | "entr" => {
            return arguments.iter().map(|text| script(text.clone(), false)).collect();
        }
        "tmux" | "screen" | "expect" | "socat" | "nc" | "ncat" | "vim" | "vi" | "nvim" | "ex"
        | "awk" | "gawk" | "mawk" | "psql" | "sqlite3" | "gdb" => {
            return embedded(arguments);
        }
        "at" | "batch" => return vec![Inner::Input],
        "command" if queries(arguments) => return Vec::new(),
        "busybox" | "toybox"
            if arguments.first().and_then(Field::known).is_some_and(|a| a.starts_with('-')) =>
        {
            return Vec::new();
        }
        _ => {}
    }
    let found = WRAPPERS.iter().position(|wrapper| wrapper.names.contains(&program));
    match found.and_then(|index| Some((index, WRAPPERS.get(index)?))) {
        Some((SOMEWHERE.., _)) => {
            let mut out = somewhere(arguments);
            if out.is_empty() && matches!(program, "unshare" | "nsenter") {
                out.push(Inner::Input);
            }
            out
        }
        Some((_, wrapper)) => {
            // Only the plain name is the wrapper that is known to do nothing by itself.
            let plain = words.first().and_then(Field::known) == Some(program);
            let mut out = through(wrapper, program, arguments, plain);
            match program {
                // The machine's name may be left out.
                "setarch" => out.extend(somewhere(arguments).into_iter().map(doubted)),
                "strace" | "ltrace" => out.extend(piped_output(arguments)),
                _ => {}
            }
            out
        }
        None => Vec::new(),
    }
}

pub(super) fn script(text: Field, certain: bool) -> Inner {
    Inner::Script { text, certain }
}

pub(super) fn words(words: &[Field], transparent: bool, certain: bool) -> Option<Inner> {
    (!words.is_empty()).then(|| Inner::Words { words: words.to_vec(), transparent, certain })
}

/// What is behind `--` is for the `git clone` that these run.
fn cloned_by(arguments: &[Field]) -> Vec<Inner> {
    let behind = arguments.iter().skip_while(|field| field.known() != Some("--")).skip(1);
    let mut given = ["git", "clone"].map(Field::text).to_vec();
    given.extend(behind.cloned());
    if given.len() > 2 { words(&given, false, false).into_iter().collect() } else { Vec::new() }
}

/// `fd -Hx program` as `fd -x program`: letters that take no value may stand before the one that runs something.
fn with_runs_apart(arguments: &[Field]) -> Vec<Field> {
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|c| "HIsiFgapLlquUh01".contains(c));
    let apart = |field: &Field| {
        let letters = field.known().and_then(|text| text.strip_prefix('-')).unwrap_or_default();
        let runs = ['x', 'X'].into_iter().find(|run| letters.strip_suffix(*run).is_some_and(plain));
        runs.map_or_else(|| field.clone(), |run| Field::text(format!("-{run}")))
    };
    arguments.iter().map(apart).collect()
}

/// A program that is given what another one writes of its trace: `-o '|program'`. Source: strace(1).
fn piped_output(arguments: &[Field]) -> Vec<Inner> {
    let named = valued_option(arguments, 'o', &["--output"]).into_iter().filter_map(|inner| {
        let Inner::Script { text, .. } = inner else { return None };
        text.after("|").or_else(|| text.after("!"))
    });
    named.map(|text| script(text, true)).collect()
}

/// `command -v name` only asks.
fn queries(arguments: &[Field]) -> bool {
    arguments
        .first()
        .and_then(Field::known)
        .is_some_and(|first| first.starts_with('-') && first.contains(['v', 'V']))
}

fn through(wrapper: &Wrapper, program: &str, arguments: &[Field], plain: bool) -> Vec<Inner> {
    let mut at = 0;
    let mut own = wrapper.own;
    let mut out = Vec::new();
    // An option that is not known to take no value may take what looks like the command.
    let mut strange = false;
    // After `--` its own arguments and assignments come all the same.
    let mut options = true;
    while let Some(argument) = arguments.get(at) {
        let Some(text) = argument.known() else {
            if !options {
                break;
            }
            // It may be an option with a value, or the command: both are looked at.
            out.extend(somewhere(arguments.get(at..).unwrap_or_default()));
            return out;
        };
        if options
            && program == "env"
            && text != "--"
            && let Some(split) = split_string(arguments, at)
        {
            return split;
        }
        if options && text == "--" {
            options = false;
            at += 1;
        } else if options && text.starts_with("--") {
            // `--kill 5` is `--kill-after 5`.
            let valued = wrapper.long.iter().any(|option| option.starts_with(text));
            strange |= !valued && !text.contains('=');
            // `--shell=program`, of an option that is not known.
            out.extend(text.split_once('=').and_then(|(name, value)| {
                let known = wrapper.long.iter().any(|option| option.starts_with(name));
                let readable = !known && crate::parse::script(value).is_ok();
                readable.then(|| script(Field::text(value), false))
            }));
            at += if valued { 2 } else { 1 };
        } else if options && text.len() > 1 && text.starts_with('-') {
            // `-k 5`, `-k5`, `-vk 5`.
            let valued = text.chars().skip(1).position(|c| wrapper.valued.contains(c));
            let apart = valued.is_some_and(|index| index + 2 == text.chars().count());
            strange |= valued.is_none() && !text.chars().skip(1).all(|c| c.is_ascii_digit());
            at += if apart { 2 } else { 1 };
        } else if wrapper.assigns && is_assignment(text) {
            out.extend(assigned(text));
            at += 1;
        } else if own > 0 {
            own -= 1;
            at += 1;
        } else {
            break;
        }
    }
    let rest = arguments.get(at..).unwrap_or_default();
    out.extend(words(rest, wrapper.transparent && plain && !strange, true));
    // The value of an option that is not known may be a command.
    if strange
        && let Some(text) = rest.first().and_then(Field::known)
        && text.contains(' ')
    {
        out.push(script(Field::text(text), false));
    }
    if strange && let Some(behind) = rest.get(1..) {
        out.extend(somewhere(behind).into_iter().map(doubted));
    }
    if rest.is_empty() && RUNS_A_SHELL.contains(&program) {
        out.push(Inner::Input);
    }
    if program == "watch" {
        // It hands its arguments to a shell, joined.
        out.push(script(Field::joined(rest), true));
    }
    out
}

/// Programs that run a shell if they are given no command.
const RUNS_A_SHELL: [&str; 8] =
    ["sudo", "doas", "run0", "chroot", "setarch", "linux32", "linux64", "toolbox"];

/// The same as something that may not be meant at all.
fn doubted(inner: Inner) -> Inner {
    match inner {
        Inner::Words { words, transparent, .. } => {
            Inner::Words { words, transparent, certain: false }
        }
        Inner::Script { text, .. } => script(text, false),
        other => other,
    }
}

/// What a program may run because of a variable that it is given, such as a pager's or a function of bash's.
fn assigned(text: &str) -> Option<Inner> {
    let (name, value) = text.split_once('=')?;
    if !super::changes_meaning(name) || value.is_empty() {
        return None;
    }
    let function = value.trim_start().starts_with("()");
    let text = if function { format!("f {value}") } else { value.to_owned() };
    // `LESSOPEN='|program %s'`
    let text = text.trim_start_matches(['|', '!', '-']).to_owned();
    let readable = crate::parse::script(&text).is_ok();
    (readable || function).then(|| script(Field::text(text), false))
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'))
}

/// `env -S 'a b'`, in all its forms.
fn split_string(arguments: &[Field], at: usize) -> Option<Vec<Inner>> {
    let text = arguments.get(at)?.known()?;
    let rest = |index: usize| arguments.get(index..).unwrap_or_default().to_vec();
    let joined = |first: Field, index: usize| {
        let mut all = vec![first];
        all.extend(rest(index));
        // Close enough to a shell's way of splitting, and a shell's substitutions are only more.
        let text = Field::joined(&all);
        let mut out = vec![script(text.clone(), true)];
        // Assignments and options may stand in it as well, and escapes that a shell does not have.
        if let Some(text) = text.known() {
            if text.trim_start().starts_with('-') || text.contains(['\\', '$']) {
                out.push(Inner::Unclear("what `env -S` makes of its text is not followed"));
            }
            let fields: Vec<Field> = text.split_whitespace().map(Field::text).collect();
            out.extend(somewhere(&fields));
        }
        out
    };
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    if name.len() > 2 && "--split-string".starts_with(name) {
        return Some(match value {
            Some(value) => joined(Field::text(value), at + 1),
            None => joined(arguments.get(at + 1)?.clone(), at + 2),
        });
    }
    let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let (_, value) = letters.split_once('S')?;
    if value.is_empty() {
        Some(joined(arguments.get(at + 1)?.clone(), at + 2))
    } else {
        Some(joined(Field::text(value), at + 1))
    }
}

/// The command may begin at any of these arguments. The first one that is no option is the likeliest.
pub(super) fn somewhere(arguments: &[Field]) -> Vec<Inner> {
    const MOST: usize = 16;
    let mut out = Vec::new();
    let mut left = MOST;
    for (index, argument) in arguments.iter().enumerate() {
        let option = argument.start().starts_with('-');
        if option && argument.known().is_none() {
            out.push(Inner::Unclear("an option of a program that starts others is not known"));
        }
        if option || argument.known().is_some_and(is_assignment) {
            continue;
        }
        let Some(fewer) = left.checked_sub(1) else {
            out.push(Inner::Unclear("a command may begin at any of many arguments"));
            break;
        };
        left = fewer;
        let rest = arguments.get(index..).unwrap_or_default();
        out.extend(words(rest, false, out.is_empty()));
    }
    out
}

fn first_plain(arguments: &[Field]) -> Option<Field> {
    arguments.iter().find(|field| !field.known().is_some_and(|text| text.starts_with('-'))).cloned()
}

fn parallel(arguments: &[Field]) -> Vec<Inner> {
    let end = arguments
        .iter()
        .position(|field| field.known().is_some_and(|text| text.starts_with(":::")))
        .unwrap_or(arguments.len());
    let given = arguments.get(..end).unwrap_or_default();
    let mut out = somewhere(given);
    let rest: Vec<Field> = given
        .iter()
        .skip_while(|field| field.start().starts_with('-'))
        .cloned()
        .chain([Field::unknown()])
        .collect();
    out.push(script(Field::joined(&rest), true));
    // Without a command, each argument is one.
    if let Some(texts) = arguments.get(end + 1..) {
        out.extend(texts.iter().map(|text| script(text.clone(), false)));
    }
    out
}

fn flock(arguments: &[Field]) -> Vec<Inner> {
    let wrapper = Wrapper {
        valued: "wE",
        long: &["--timeout", "--wait", "--conflict-exit-code"],
        own: 1,
        ..PLAIN
    };
    let mut out = valued_option(arguments, 'c', &["--command"]);
    out.extend(through(&wrapper, "flock", arguments, false));
    out
}

/// What stands behind `--`.
fn after_dashes(arguments: &[Field]) -> Vec<Inner> {
    let Some(at) = arguments.iter().position(|field| field.known() == Some("--")) else {
        return Vec::new();
    };
    words(arguments.get(at + 1..).unwrap_or_default(), false, true).into_iter().collect()
}

/// The values of an option, as scripts.
pub(super) fn valued_option(arguments: &[Field], short: char, long: &[&str]) -> Vec<Inner> {
    let mut out = option_texts(arguments, long, &[]);
    for (index, argument) in arguments.iter().enumerate() {
        let text = argument.start();
        let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'))
        else {
            continue;
        };
        let Some((before, value)) = letters.split_once(short) else { continue };
        if !before.chars().all(|c| c.is_ascii_alphanumeric()) {
            continue;
        }
        if value.is_empty() {
            out.extend(arguments.get(index + 1).map(|value| script(value.clone(), true)));
        } else if let Some(value) = argument.after(&format!("-{before}{short}")) {
            out.push(script(value, true));
        }
    }
    out
}

/// The values of long options, also shortened, as scripts. What of `prefixes` they begin with is taken off.
pub(super) fn option_texts(arguments: &[Field], options: &[&str], prefixes: &[&str]) -> Vec<Inner> {
    let mut out = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let text = argument.start();
        let name = text.split('=').next().unwrap_or(text);
        let named = options.iter().any(|option| {
            name == *option
                || (name.len() > 2 && name.starts_with("--") && option.starts_with(name))
        });
        if !named {
            continue;
        }
        let value = match argument.after(&format!("{name}=")) {
            Some(value) => Some(value),
            None => arguments.get(index + 1).cloned(),
        };
        let Some(value) = value else { continue };
        let bare = prefixes.iter().find_map(|prefix| value.after(prefix));
        out.push(script(bare.unwrap_or(value), true));
    }
    out
}
