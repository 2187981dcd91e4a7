//! Commands that may be what a rule names although they do not begin like it: with options before the word that says
//! what to do, with options in another order, or as something that an unknown program may run of what it is given.
//!
//! What is found here is never sure, and so it is asked.

use std::collections::HashSet;

use palisade_shell::{Command, Field, Piece};

use crate::{
    bash::pattern_of,
    command_pattern::{CommandPattern, CommandText},
    decide::{Found, Rules, shown},
};

/// How many arguments are looked at for where a command begins behind options.
const MOST_OPTIONS: usize = 16;
/// How many words are looked at in what a program is given.
const MOST_WORDS: usize = 4_096;

/// The first rule that this command may fall under.
pub(crate) fn found(rules: &Rules, command: &Command) -> Found {
    if !rules.has_commands() {
        return Found::No;
    }
    let reordered = command.program().and_then(|program| {
        let behind = behind_options(command);
        let rules_here = rules.beginning_with(program).iter().copied();
        let mut patterns = rules_here.filter_map(|rule| Some((rule, pattern_of(rules, rule)?)));
        patterns.find(|(_, pattern)| {
            let moved =
                pattern.words().len() > 1 && behind.iter().any(|text| pattern.possibly(text));
            moved
                || in_any_order(pattern, command)
                || without_between(pattern, command).is_some_and(|text| pattern.possibly(&text))
        })
    });
    if let Some((rule, _)) = reordered {
        let why =
            format!("`{}` may be what it names in another order", shown(&command.to_string()));
        return Found::Perhaps { rule, why };
    }
    match mentioned(rules, command) {
        Some(rule) => {
            let why = format!("`{}` may run what it is given", shown(&command.to_string()));
            Found::Perhaps { rule, why }
        }
        None => Found::No,
    }
}

/// The command once options, and what may be their values, are taken from before its first operand.
fn behind_options(command: &Command) -> Vec<CommandText> {
    let mut out = Vec::new();
    let Some((program, arguments)) = command.words.split_first() else { return out };
    let program = Field::text(program.start().rsplit('/').next().unwrap_or_default());
    let mut may_be_value = false;
    for (index, argument) in arguments.iter().enumerate().take(MOST_OPTIONS) {
        // Names of files are no commands, though any may begin like an option.
        let names = argument.pieces().first() == Some(&Piece::Names);
        if index > 0 && !names {
            let mut words = vec![program.clone()];
            words.extend(arguments.iter().skip(index).cloned());
            out.push(CommandText::new(&words, false));
        }
        let option = is_option(argument);
        if argument.known() == Some("--") || (!option && !may_be_value) {
            break;
        }
        may_be_value = option;
    }
    out
}

/// The command without the options, and what may be their values, that stand between the words of the rule, each of
/// which may have another name: `aws s3 rm` of `aws s3 --profile x rm`, `npm publish` of `npm pub`.
fn without_between(pattern: &CommandPattern, command: &Command) -> Option<CommandText> {
    let (program, wanted) = pattern.words().split_first()?;
    let arguments = command.words.get(1..)?;
    if wanted.iter().any(|word| word.starts_with('-')) {
        return None;
    }
    let mut wanted = wanted.iter();
    let mut next = wanted.next()?;
    let mut words = vec![Field::text(program.as_str())];
    let mut may_be_value = false;
    for (index, argument) in arguments.iter().enumerate().take(MOST_OPTIONS) {
        let text = argument.known()?;
        if text == next || same_task(program, text, next) {
            words.push(Field::text(next.as_str()));
            may_be_value = false;
            let Some(following) = wanted.next() else {
                words.extend(arguments.iter().skip(index + 1).cloned());
                return Some(CommandText::new(&words, false));
            };
            next = following;
        } else if is_option(argument) {
            may_be_value = true;
        } else if may_be_value {
            may_be_value = false;
        } else {
            return None;
        }
    }
    None
}

/// Whether two words say the same to a program that has several for one thing. Npm takes each beginning of a word
/// that no other word has too. Sources: npm's `lib/utils/cmd-list.js`, cargo's built-in aliases.
fn same_task(program: &str, given: &str, wanted: &str) -> bool {
    const NPM: &[&[&str]] = &[
        &["install", "i", "in", "ins", "inst", "insta", "instal", "isnt", "isntall", "add"],
        &["ci", "ic", "clean-install", "install-clean", "isntall-clean"],
        &["uninstall", "un", "unlink", "remove", "rm", "r"],
        &["update", "up", "upgrade", "udpate"],
        &["run", "run-script", "rum", "urn"],
        &["exec", "x"],
        &["test", "t", "tst"],
        &["config", "c"],
        &["view", "v", "info", "show"],
        &["dist-tag", "dist-tags"],
        &["owner", "author"],
        &["link", "ln"],
        &["init", "create", "innit"],
    ];
    const CARGO: &[&[&str]] = &[
        &["build", "b"],
        &["check", "c"],
        &["doc", "d"],
        &["run", "r"],
        &["test", "t"],
        &["remove", "rm"],
    ];
    let groups = match program {
        "npm" => NPM,
        "cargo" => CARGO,
        _ => return false,
    };
    let shortened = program == "npm" && given.len() > 2 && wanted.starts_with(given);
    shortened || groups.iter().any(|group| group.contains(&given) && group.contains(&wanted))
}

fn is_option(field: &Field) -> bool {
    field.start().starts_with(['-', '+']) && field.start().len() > 1
}

/// Whether it has all words of the rule, the options among them anywhere and the letters of short ones in any order.
fn in_any_order(pattern: &CommandPattern, command: &Command) -> bool {
    let (options, mut operands): (Vec<&str>, Vec<&str>) =
        pattern.words().iter().skip(1).map(String::as_str).partition(|word| word.starts_with('-'));
    if options.is_empty() || pattern.is_exact() {
        return false;
    }
    let arguments = command.words.get(1..).unwrap_or_default();
    let given: Vec<&str> = arguments
        .iter()
        .filter_map(Field::known)
        .take_while(|text| *text != "--")
        .filter(|text| text.starts_with('-'))
        .collect();
    let has = |option: &str| match short_letters(option) {
        Some(letters) => letters.chars().all(|letter| {
            given.iter().any(|text| {
                let long = long_of(command.program(), letter);
                let same = |given: char| {
                    given == letter || (long.is_some() && long_of(command.program(), given) == long)
                };
                short_letters(text).is_some_and(|given| given.chars().any(same))
                    || long.is_some_and(|long| is_long(text, long))
            })
        }),
        None => given.iter().any(|text| {
            let letters = short_letters(text).unwrap_or_default();
            is_long(text, option)
                || letters.chars().any(|letter| long_of(command.program(), letter) == Some(option))
        }),
    };
    if !options.into_iter().all(has) {
        return false;
    }
    operands.reverse();
    for argument in arguments {
        if argument.known().is_some_and(|text| operands.last() == Some(&text)) {
            operands.pop();
        }
    }
    operands.is_empty()
}

fn short_letters(option: &str) -> Option<&str> {
    let letters = option.strip_prefix('-')?;
    let plain = !letters.is_empty() && letters.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then_some(letters)
}

/// Whether this is the long option, also shortened or with a value.
fn is_long(text: &str, option: &str) -> bool {
    let name = text.split('=').next().unwrap_or(text);
    name == option || (name.len() > 3 && name.starts_with("--") && option.starts_with(name))
}

/// The long form of a short option that rules are often about.
fn long_of(program: Option<&str>, letter: char) -> Option<&'static str> {
    match (program?, letter) {
        ("rm" | "chmod" | "chown" | "cp" | "grep", 'r' | 'R') => Some("--recursive"),
        ("rm" | "git" | "cp" | "mv" | "ln", 'f') => Some("--force"),
        ("git", 'd') => Some("--delete"),
        ("docker" | "podman", 'v') => Some("--volume"),
        ("sed" | "perl", 'i') => Some("--in-place"),
        _ => None,
    }
}

/// The rule whose words stand in what a program is given that may run it: in its arguments, in texts that it reads, in
/// variables that change what it does.
fn mentioned(rules: &Rules, command: &Command) -> Option<usize> {
    let mut words: Vec<&str> = Vec::new();
    if command.may_run_arguments() {
        for argument in command.words.iter().skip(1) {
            split(argument, &mut words);
        }
        for text in &command.texts {
            split(text, &mut words);
        }
    }
    for (name, value) in &command.assignments {
        if palisade_shell::changes_meaning(name) {
            split(value, &mut words);
        }
    }
    let mut seen = HashSet::new();
    for (index, word) in words.iter().enumerate() {
        // What does not follow the first of them follows no other.
        if !seen.insert(*word) {
            continue;
        }
        for rule in rules.beginning_with(word) {
            let Some(pattern) = pattern_of(rules, *rule) else { continue };
            let mut rest = words.iter().skip(index + 1);
            let all = pattern.words().iter().skip(1).all(|wanted| rest.any(|word| word == wanted));
            if all {
                return Some(*rule);
            }
        }
    }
    None
}

/// The words in what is known of an argument, paths by their last part.
fn split<'a>(field: &'a Field, out: &mut Vec<&'a str>) {
    let border = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/'));
    for piece in field.pieces() {
        let Piece::Text(text) = piece else { continue };
        for word in text.split(border) {
            if out.len() >= MOST_WORDS {
                return;
            }
            // `-xcurl`
            if let Some(value) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
                out.extend(value.char_indices().nth(1).and_then(|(at, _)| value.get(at..)));
            }
            let name = word.rsplit('/').next().unwrap_or(word);
            if !name.is_empty() {
                out.push(name);
            }
        }
    }
}
