//! Programs that are known not to run what they are given as arguments.

use super::{powers::hidden_powers, wrappers};
use crate::Field;

/// Those that never do.
const PROGRAMS: &[&str] = &[
    ":",
    "[",
    "[[",
    "ack",
    "ag",
    "alias",
    "arp",
    "b2sum",
    "base32",
    "base64",
    "basename",
    "basenc",
    "bat",
    "batcat",
    "bc",
    "bg",
    "break",
    "cal",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cmp",
    "column",
    "comm",
    "continue",
    "cp",
    "csplit",
    "curl",
    "cut",
    "date",
    "dd",
    "declare",
    "df",
    "diff",
    "diff3",
    "dig",
    "dirname",
    "dirs",
    "disown",
    "du",
    "echo",
    "egrep",
    "env-file",
    "exit",
    "expand",
    "export",
    "expr",
    "false",
    "fg",
    "fgrep",
    "file",
    "fmt",
    "fold",
    "free",
    "getent",
    "gh",
    "glab",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "help",
    "hexdump",
    "host",
    "hostname",
    "iconv",
    "id",
    "install",
    "join",
    "jobs",
    "jq",
    "kill",
    "killall",
    "let",
    "ln",
    "local",
    "locate",
    "logger",
    "look",
    "ls",
    "lsof",
    "md5",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nl",
    "nproc",
    "nslookup",
    "numfmt",
    "od",
    "paste",
    "pathchk",
    "pgrep",
    "ping",
    "pkill",
    "popd",
    "pr",
    "printenv",
    "printf",
    "ps",
    "pushd",
    "pwd",
    "read",
    "readlink",
    "readonly",
    "realpath",
    "return",
    "rev",
    "rm",
    "rmdir",
    "seq",
    "set",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shift",
    "shopt",
    "shred",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "strings",
    "sum",
    "tac",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "traceroute",
    "tree",
    "true",
    "truncate",
    "tsort",
    "tty",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "uname",
    "unexpand",
    "uniq",
    "unlink",
    "unset",
    "unxz",
    "unzip",
    "uptime",
    "users",
    "wait",
    "wc",
    "wget",
    "whatis",
    "whereis",
    "which",
    "who",
    "whoami",
    "xxd",
    "xz",
    "yes",
    "yq",
    "zcat",
    "zgrep",
    "zstd",
];

/// Those that do not when they are told to do one of these things.
const TASKS: &[(&[&str], &[&str])] = &[
    (
        &[
            "apt", "apt-get", "aptitude", "apk", "brew", "dnf", "yum", "pacman", "zypper", "snap",
            "port",
        ],
        &[
            "install",
            "remove",
            "purge",
            "update",
            "upgrade",
            "search",
            "show",
            "list",
            "info",
            "add",
            "del",
            "reinstall",
            "autoremove",
            "uninstall",
            "outdated",
            "-S",
            "-R",
            "-Q",
            "-Ss",
            "-Qi",
        ],
    ),
    (&["apt-cache", "dpkg", "dpkg-query", "rpm", "apt-mark"], &[]),
    (
        &["npm", "pnpm", "yarn", "bun"],
        &[
            "install",
            "i",
            "ci",
            "add",
            "remove",
            "rm",
            "uninstall",
            "un",
            "update",
            "up",
            "upgrade",
            "view",
            "info",
            "show",
            "search",
            "ls",
            "list",
            "outdated",
            "audit",
            "why",
            "explain",
        ],
    ),
    (
        &["pip", "pip3", "pipx", "uv", "poetry", "pdm", "conda", "gem", "composer"],
        &[
            "install",
            "uninstall",
            "add",
            "remove",
            "show",
            "search",
            "list",
            "freeze",
            "update",
            "lock",
            "sync",
            "download",
            "pip",
        ],
    ),
    (
        &["cargo"],
        &[
            "add", "build", "b", "check", "c", "test", "t", "clippy", "fmt", "doc", "remove", "rm",
            "install", "search", "info", "tree", "update", "bench", "metadata", "new", "init",
            "publish", "clean", "fetch", "fix", "package",
        ],
    ),
    (
        &["go"],
        &["build", "test", "get", "install", "mod", "vet", "fmt", "list", "doc", "env", "version"],
    ),
    (
        &["docker", "podman"],
        &[
            "pull", "push", "build", "images", "ps", "logs", "inspect", "tag", "rm", "rmi", "stop",
            "start", "restart", "kill", "network", "volume", "info", "version", "login", "stats",
        ],
    ),
    (
        &["kubectl", "oc"],
        &[
            "get", "describe", "logs", "apply", "delete", "rollout", "scale", "config", "version",
            "top", "label", "annotate", "wait", "explain",
        ],
    ),
    (
        &["systemctl", "service"],
        &["status", "start", "stop", "restart", "enable", "disable", "show"],
    ),
];

/// Whether this program does not run what it is given, or what of it is run is told by what it
/// [starts](super::started).
pub(crate) fn keeps(program: &str, arguments: &[Field]) -> bool {
    if wrappers::is_looked_through(program) {
        return !reads_orders(program, arguments);
    }
    let first = arguments.iter().find(|argument| !argument.start().starts_with('-'));
    let first = first.map(Field::start).unwrap_or_default();
    let harmless = match program {
        "gh" | "glab" => {
            !matches!(first, "alias" | "config" | "extension" | "ext" | "codespace" | "cs")
        }
        "split" | "install" => !arguments.iter().any(|argument| {
            let text = argument.start();
            text.starts_with("--f") || text.starts_with("--st") || text.is_empty()
        }),
        _ => PROGRAMS.contains(&program) || is_task(program, first),
    };
    harmless && hidden_powers(program, arguments).is_empty() && !has_settings(program, arguments)
}

fn is_task(program: &str, task: &str) -> bool {
    let found = TASKS.iter().find(|(programs, _)| programs.contains(&program));
    found.is_some_and(|(_, tasks)| tasks.is_empty() || tasks.contains(&task))
}

/// Whether a program that is looked through is told to read from a file what it is to do: that may be a text of the
/// same line.
fn reads_orders(program: &str, arguments: &[Field]) -> bool {
    let options: &[&str] = match program {
        "ssh" | "scp" | "autossh" => &["-F"],
        "sed" => &["-f", "--file"],
        "man" => &["-C", "--config-file"],
        "git" => &["-cinclude", "include."],
        _ => return false,
    };
    arguments.iter().map(Field::start).any(|text| options.iter().any(|it| text.starts_with(it)))
}

/// Whether a program is given settings, of which some are commands, or a text in which commands stand.
fn has_settings(program: &str, arguments: &[Field]) -> bool {
    let any = |of: fn(&str) -> bool| arguments.iter().any(|argument| of(argument.start()));
    match program {
        "apt" | "apt-get" | "aptitude" => {
            any(|text| text.contains("::") || text.starts_with("-o") || text.starts_with("-c"))
        }
        "dpkg" => {
            any(|text| ["--pre-", "--post-", "--status-l"].iter().any(|it| text.starts_with(it)))
        }
        "rpm" => any(|text| {
            text.contains("%(")
                || text.contains("%{")
                || ["--pipe", "--load", "--macros"].iter().any(|it| text.starts_with(it))
        }),
        "go" => any(|text| text.contains("-extld") || text == "-w" || text.contains("-toolexec")),
        "docker" | "podman" => {
            any(|text| matches!(text, "-" | "-f-" | "--file=-") || text.starts_with("--runtime"))
        }
        "kubectl" | "oc" => any(|text| matches!(text, "-" | "-f-" | "set-credentials" | "set")),
        "yq" => any(|text| text.contains("system")),
        _ => false,
    }
}
