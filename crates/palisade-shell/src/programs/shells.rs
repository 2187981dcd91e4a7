//! What shells run, here and on other machines.

use super::{
    Inner,
    wrappers::{script, words},
};
use crate::Field;

pub(super) fn shell(arguments: &[Field]) -> Vec<Inner> {
    /// Long options that take a value; bash takes them with one dash as well.
    const VALUED: [&str; 4] = ["rcfile", "init-file", "init-command", "features"];
    /// Long options that take none.
    const FLAGS: [&str; 9] = [
        "norc",
        "noprofile",
        "login",
        "posix",
        "verbose",
        "noediting",
        "restricted",
        "no-config",
        "private",
    ];
    let mut at = 0;
    let mut command = false;
    let mut input = false;
    // Lines that it reads may stand for lines before them.
    let mut recalls = false;
    let mut out = Vec::new();
    while let Some(argument) = arguments.get(at) {
        let Some(text) = argument.known() else { break };
        let long = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or_default();
        match text {
            "--" | "-" => {
                at += 1;
                break;
            }
            _ if text.starts_with('-') && VALUED.contains(&long) => {
                if long == "init-command" {
                    out.extend(arguments.get(at + 1).map(|text| script(text.clone(), true)));
                } else if arguments.get(at + 1).is_some_and(|file| file.known().is_none()) {
                    out.push(Inner::Unclear("what a shell reads when it starts is not known"));
                }
                at += 2;
            }
            _ if text.starts_with('-') && FLAGS.contains(&long) => at += 1,
            "--command" => {
                command = true;
                at += 1;
            }
            _ if text.starts_with("--") => {
                if let Some((_, value)) = long.split_once('=') {
                    out.push(script(Field::text(value), true));
                }
                at += 1;
            }
            _ if text.len() > 1 && text.starts_with(['-', '+']) => {
                command |= text.starts_with('-') && text.contains('c');
                input |= text.contains('s');
                // Each of these takes an argument of its own, wherever it stands among the letters.
                let own = text.matches(['o', 'O']).count();
                recalls |= text.starts_with('-') && text.contains(['i', 'H']);
                let values = arguments.iter().skip(at + 1).take(own);
                recalls |= values.filter_map(Field::known).any(|value| value.starts_with("hist"));
                let takes_text = text.contains('C');
                if takes_text {
                    out.extend(arguments.get(at + 1).map(|text| script(text.clone(), false)));
                }
                at += 1 + own;
            }
            _ => break,
        }
    }
    match arguments.get(at) {
        Some(text) if command => out.push(script(text.clone(), true)),
        None if !command => out.push(Inner::Input),
        _ if input => out.push(Inner::Input),
        Some(field) if field.known().is_none() => {
            out.push(Inner::Unclear("what a shell is to run is not known"));
        }
        Some(field) if super::is_of_the_kernel(field.start()) => out.push(Inner::Input),
        // A script: it is named, and what is in it is not read here.
        Some(_) => out.extend(words(arguments.get(at..).unwrap_or_default(), false, true)),
        None => out.push(Inner::Unclear("what a shell is to run is not known")),
    }
    if recalls && out.iter().any(|what| matches!(what, Inner::Input)) {
        out.push(Inner::Unclear("a line that a shell reads may stand for one before it"));
    }
    out
}

pub(super) fn sourced(arguments: &[Field]) -> Vec<Inner> {
    let rest = match arguments.first().and_then(Field::known) {
        Some("--") => arguments.get(1..).unwrap_or_default(),
        _ => arguments,
    };
    match rest.first() {
        Some(file) if super::is_of_the_kernel(file.start()) => vec![Inner::Input],
        Some(_) => words(rest, false, true).into_iter().collect(),
        None => Vec::new(),
    }
}

pub(super) fn ssh(arguments: &[Field]) -> Vec<Inner> {
    const VALUED: &str = "BbcDEeFIiJLlmOopQRSWwP";
    let mut out = ssh_options(arguments);
    let mut at = 0;
    let mut host = false;
    // Options may stand behind the host as well.
    while let Some(argument) = arguments.get(at) {
        let text = argument.start();
        if !text.starts_with('-') {
            if host {
                break;
            }
            host = true;
            at += 1;
            continue;
        }
        let apart = text
            .chars()
            .skip(1)
            .position(|c| VALUED.contains(c))
            .is_some_and(|index| index + 2 == text.chars().count());
        at += if apart { 2 } else { 1 };
    }
    // What runs there: elsewhere, but it is what the rule names.
    let rest = arguments.get(at..).unwrap_or_default();
    out.push(if rest.is_empty() { Inner::Input } else { script(Field::joined(rest), true) });
    out
}

/// Commands in `-o ProxyCommand=…` and its like.
pub(super) fn ssh_options(arguments: &[Field]) -> Vec<Inner> {
    let mut out = Vec::new();
    for argument in arguments {
        // What follows may not be known.
        let text = argument.start();
        let Some((name, command)) = text.split_once(['=', ' ', '\t']) else { continue };
        let name = name.to_ascii_lowercase();
        let command = command.trim_start_matches(['=', ' ', '\t']);
        let before = text.len() - command.len();
        let value = || argument.after(text.get(..before).unwrap_or_default());
        if name.ends_with("command") {
            out.extend(value().map(|command| script(command, true)));
        } else if name.ends_with("xauthlocation") {
            out.extend(value().map(|program| script(program, false)));
        }
    }
    out
}
