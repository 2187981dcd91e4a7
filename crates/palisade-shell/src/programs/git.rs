//! What `git` starts.

use super::{
    Inner,
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
                | "--exec-path"
                | "--config-env"
                | "--attr-source"
                | "--shallow-file"
        ) {
            if text == "-c"
                && let Some((_, value)) =
                    arguments.get(at + 1).and_then(|v| v.known()?.split_once('='))
            {
                // Of an alias, a pager, an editor, a helper: some values are commands.
                out.push(script(Field::text(value.trim_start_matches('!')), false));
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
            out.push(script(command, true));
        }
    }
    match arguments.get(at).and_then(Field::known) {
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
        }
        Some("send-email") => {
            let options =
                ["--sendmail-cmd", "--smtp-server", "--to-cmd", "--cc-cmd", "--header-cmd"];
            out.extend(option_texts(rest, &options, &[]));
        }
        Some("hook" | "for-each-repo") => out.extend(somewhere(rest)),
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
                // `clone -c core.sshCommand=…`
                if let Some((name, value)) = field.known().and_then(|text| text.split_once('='))
                    && name.contains('.')
                {
                    let value = value.trim_start_matches('!');
                    let name = name.trim_start_matches("--config=");
                    if name.contains('.') && crate::parse::script(value).is_ok() {
                        out.push(script(Field::text(value), false));
                    }
                }
            }
        }
        _ => {}
    }
    out
}
