//! What `git` starts.

use super::{
    Inner,
    languages::embedded,
    wrappers::{option_texts, script, somewhere, valued_option, words},
};
use crate::Field;

pub(super) fn git(arguments: &[Field]) -> Vec<Inner> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(text) = arguments.get(at).map(Field::start) {
        if !text.starts_with('-') {
            break;
        }
        if matches!(
            text,
            "-c" | "-C"
                | "--git-dir"
                | "--work-tree"
                | "--namespace"
                | "--super-prefix"
                | "--config-env"
                | "--attr-source"
                | "--shallow-file"
        ) {
            if text == "-c"
                && let Some((name, value)) =
                    arguments.get(at + 1).and_then(|v| v.known()?.split_once('='))
            {
                // Of an alias, a pager, an editor, a helper: some values are commands.
                out.push(script(Field::text(value.trim_start_matches('!')), false));
                out.extend(alias(name, value));
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    let rest = arguments.get(at + 1..).unwrap_or_default();
    for field in rest {
        // `ext::command`, of whatever subcommand.
        if let Some(command) = field.after("ext::") {
            // `% ` is a blank, and `%%` a percent sign. Source: git-remote-ext(1).
            let plain = command.known().map(|text| text.replace("% ", " ").replace("%%", "%"));
            out.push(script(plain.map_or(command, Field::text), true));
        }
    }
    let command = arguments.get(at).and_then(Field::known);
    if matches!(command, Some("send-pack" | "http-push")) {
        // What `push` itself starts.
        out.extend(own("push", rest));
    }
    match command {
        Some("grep") => {
            out.extend(valued_option(rest, 'O', &["--open-files-in-pager"]));
        }
        // What is set may be an alias, a pager, a helper.
        Some("config") => {
            let values = rest.iter().filter_map(|field| {
                let text = field.known()?.trim_start_matches('!');
                crate::parse::script(text).is_ok().then(|| script(Field::text(text), false))
            });
            out.extend(values);
            let names = rest.windows(2);
            out.extend(names.filter_map(|pair| match pair {
                [name, value] => alias(name.known()?, value.known()?),
                _ => None,
            }));
        }
        Some("subtree") if rest.first().and_then(Field::known) == Some("push") => {
            out.extend(own("push", rest.get(1..).unwrap_or_default()));
        }
        Some("send-email") => {
            let options =
                ["--sendmail-cmd", "--smtp-server", "--to-cmd", "--cc-cmd", "--header-cmd"];
            out.extend(option_texts(rest, &options, &[]));
        }
        Some("hook") => out.extend(somewhere(rest)),
        Some("for-each-repo") => {
            let given = rest.iter().position(|field| !field.start().starts_with('-'));
            let (command, rest) = rest.split_at(given.map_or(rest.len(), |at| at + 1));
            out.extend(command.last().and_then(|command| own(command.start(), rest)));
        }
        Some("merge-index") => out.extend(somewhere(rest)),
        Some("daemon") => out.extend(option_texts(rest, &["--access-hook"], &[])),
        Some("instaweb") => {
            out.extend(valued_option(rest, 'd', &["--httpd"]));
            out.extend(valued_option(rest, 'b', &["--browser"]));
        }
        // Programs of another language.
        Some("filter-repo") => out.extend(embedded(rest)),
        Some("bisect") if rest.first().and_then(Field::known) == Some("run") => {
            out.extend(words(rest.get(1..).unwrap_or_default(), false, true));
        }
        Some("submodule") => {
            if let Some(index) = rest.iter().position(|field| field.known() == Some("foreach")) {
                let rest: Vec<Field> = rest
                    .iter()
                    .skip(index + 1)
                    .skip_while(|field| field.start().starts_with('-'))
                    .cloned()
                    .collect();
                out.push(script(Field::joined(&rest), true));
            }
        }
        Some("rebase") => out.extend(valued_option(rest, 'x', &["--exec"])),
        Some("filter-branch") => {
            out.extend(option_texts(
                rest,
                &[
                    "--env-filter",
                    "--tree-filter",
                    "--index-filter",
                    "--parent-filter",
                    "--msg-filter",
                    "--commit-filter",
                    "--tag-name-filter",
                    "--setup",
                ],
                &[],
            ));
        }
        Some("difftool" | "mergetool") => out.extend(valued_option(rest, 'x', &["--extcmd"])),
        Some(
            "fetch" | "pull" | "clone" | "push" | "ls-remote" | "archive" | "fetch-pack"
            | "send-pack",
        ) => {
            out.extend(option_texts(rest, &["--upload-pack", "--receive-pack", "--exec"], &[]));
            out.extend(valued_option(rest, 'u', &[]).into_iter().map(|inner| match inner {
                Inner::Script { text, .. } => script(text, false),
                other => other,
            }));
            for field in rest {
                // `clone -c core.sshCommand=…`, `clone --config=core.fsmonitor=…`
                let text = field.known().unwrap_or_default();
                let setting = match text.split_once('=') {
                    Some((option, setting)) if option.starts_with("--c") => setting,
                    _ => text,
                };
                if let Some((name, value)) = setting.split_once('=') {
                    let value = value.trim_start_matches('!');
                    if name.contains('.') && crate::parse::script(value).is_ok() {
                        out.push(script(Field::text(value), false));
                    }
                }
            }
        }
        Some(command) if !COMMANDS.contains(&command) => {
            // An alias may stand for any of them.
            out.extend(words(&[Field::text("git"), Field::unknown()], false, false));
        }
        _ => {}
    }
    out
}

/// The commands that git has, which no alias can stand for. Source: `git help -a` of 2.47, and extensions that are
/// widely used.
const COMMANDS: &[&str] = &[
    "absorb",
    "add",
    "am",
    "annex",
    "annotate",
    "apply",
    "archimport",
    "archive",
    "bisect",
    "blame",
    "branch",
    "bugreport",
    "bundle",
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "checkout",
    "checkout-index",
    "cherry",
    "cherry-pick",
    "citool",
    "clean",
    "clone",
    "column",
    "commit",
    "commit-graph",
    "commit-tree",
    "config",
    "count-objects",
    "credential",
    "credential-cache",
    "credential-store",
    "cvsexportcommit",
    "cvsimport",
    "cvsserver",
    "daemon",
    "describe",
    "diagnose",
    "diff",
    "diff-files",
    "diff-index",
    "diff-pairs",
    "diff-tree",
    "difftool",
    "fast-export",
    "fast-import",
    "fetch",
    "fetch-pack",
    "filter-branch",
    "filter-repo",
    "fmt-merge-msg",
    "for-each-ref",
    "for-each-repo",
    "format-patch",
    "fsck",
    "fsmonitor--daemon",
    "gc",
    "get-tar-commit-id",
    "grep",
    "gui",
    "hash-object",
    "help",
    "hook",
    "http-backend",
    "http-fetch",
    "http-push",
    "imap-send",
    "index-pack",
    "init",
    "init-db",
    "instaweb",
    "interpret-trailers",
    "lfs",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "mailinfo",
    "mailsplit",
    "maintenance",
    "merge",
    "merge-base",
    "merge-file",
    "merge-index",
    "merge-one-file",
    "merge-tree",
    "mergetool",
    "mktag",
    "mktree",
    "multi-pack-index",
    "mv",
    "name-rev",
    "notes",
    "p4",
    "pack-objects",
    "pack-redundant",
    "pack-refs",
    "patch-id",
    "prune",
    "prune-packed",
    "pull",
    "push",
    "quiltimport",
    "range-diff",
    "read-tree",
    "rebase",
    "receive-pack",
    "reflog",
    "refs",
    "remote",
    "repack",
    "replace",
    "replay",
    "request-pull",
    "rerere",
    "reset",
    "restore",
    "rev-list",
    "rev-parse",
    "revert",
    "rm",
    "send-email",
    "send-pack",
    "sh-i18n",
    "sh-setup",
    "shell",
    "shortlog",
    "show",
    "show-branch",
    "show-index",
    "show-ref",
    "sparse-checkout",
    "stage",
    "stash",
    "status",
    "stripspace",
    "submodule",
    "subtree",
    "svn",
    "switch",
    "symbolic-ref",
    "tag",
    "unpack-file",
    "unpack-objects",
    "update-index",
    "update-ref",
    "update-server-info",
    "upload-archive",
    "upload-pack",
    "var",
    "verify-commit",
    "verify-pack",
    "verify-tag",
    "version",
    "whatchanged",
    "worktree",
    "write-tree",
];

/// What an alias of git that is set stands for, if it is a command of git's own.
fn alias(name: &str, value: &str) -> Option<Inner> {
    let plain = name.to_ascii_lowercase().starts_with("alias.") && !value.starts_with('!');
    let given: Vec<Field> = value.split_whitespace().map(Field::text).collect();
    let (command, rest) = given.split_first().filter(|_| plain)?;
    own(command.start(), rest)
}

/// Another command of git's own, which this one may be.
fn own(command: &str, rest: &[Field]) -> Option<Inner> {
    let mut all = vec![Field::text("git"), Field::text(command)];
    all.extend_from_slice(rest);
    words(&all, false, false)
}

/// What a program is that has the name of one command of git, such as `git-push`.
pub(super) fn under_own_name(program: &str, arguments: &[Field]) -> Option<Inner> {
    let command = match program {
        "hub" => None,
        _ => Some(program.strip_prefix("git-").filter(|command| COMMANDS.contains(command))?),
    };
    let mut all = vec![Field::text("git")];
    all.extend(command.map(Field::text));
    all.extend_from_slice(arguments);
    words(&all, false, true)
}
