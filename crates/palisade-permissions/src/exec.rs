//! Programs that are really executed, against the rules for commands.
//!
//! What refuses is held wherever it is met: in the program itself by each of its names, in what it is told to start, in the script
//! that it is executed for. What asks is only held at the program that it names, which comes as an execution of its own, so
//! that nobody is asked twice. What no such rule names is permitted: the mode and `allow` are about tool calls.

use palisade_core::{Decision, Exec};
use palisade_shell::{Command, Field, Known, Line};

use crate::{
    List, Permissions,
    bash::pattern_found,
    command_pattern::CommandText,
    decide::{Found, Rules, shown},
    rule::What,
};

/// Words between a script's interpreter and its own path: the kernel goes through a few scripts, each with one argument.
const BETWEEN: usize = 16;
/// Readings of one execution. One with more is refused.
const MOST: usize = 512;

impl Permissions {
    /// Whether this may be executed. Permitted unless a rule for commands surely names it.
    pub fn decide_exec(&self, exec: &Exec) -> Decision {
        if !self.deny.has_commands() && !self.ask.has_commands() {
            return Decision::allow(RULE, "no rule is for commands");
        }
        let Some(readings) = readings(exec) else {
            let why = "there are more ways to read what it runs than are looked at";
            return Decision::deny_by(RULE, why);
        };
        for (list, rules) in [(List::Deny, &self.deny), (List::Ask, &self.ask)] {
            if !rules.has_commands() {
                continue;
            }
            for words in &readings {
                if let Some((rule, what)) = named(rules, words, list == List::Deny, exec.whole) {
                    let decision = rules.decision(list, rule, &what);
                    return match list {
                        List::Ask => self.or_refused(decision),
                        List::Deny | List::Allow => decision,
                    };
                }
            }
        }
        Decision::allow(RULE, "no rule for commands names it")
    }
}

impl Permissions {
    /// The programs that rules which refuse or ask name, as these name them. What they are is to be looked up where they
    /// would run.
    pub fn programs(&self) -> Vec<String> {
        let rules = self.deny.all.iter().chain(&self.ask.all);
        let mut programs: Vec<String> = rules.filter_map(|rule| rule.rule.program()).collect();
        programs.sort_unstable();
        programs.dedup();
        programs
    }
}

/// Programs that are many, by how their names begin.
const BOXES: [&str; 2] = ["busybox", "toybox"];

/// How decisions are named where no rule decided.
const RULE: &str = "permissions";

/// The ways in which an execution can be written as a command: by each name of its program, and of its script. `None`: more than
/// are looked at.
fn readings(exec: &Exec) -> Option<Vec<Vec<String>>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, arguments: &[String]| {
        if name.is_empty() || out.len() > MOST {
            return;
        }
        let words = words_of(name, arguments);
        let plain = palisade_shell::without_globals(&words);
        for words in [Some(words), plain].into_iter().flatten() {
            if !out.contains(&words) {
                out.push(words);
            }
        }
        // Git has each of its commands under a name of its own as well.
        let base = name.rsplit('/').next().unwrap_or(name);
        if let Some(command) = base.strip_prefix("git-") {
            let own = ["git", command].map(str::to_owned);
            out.push(own.into_iter().chain(arguments.iter().cloned()).collect());
        }
        // A box of programs runs the one that it is told, itself. It may be told itself again.
        let is_box = |name: &str| {
            let base = name.rsplit('/').next().unwrap_or(name);
            BOXES.iter().any(|one| base.starts_with(one))
        };
        if is_box(name)
            && let Some(at) = arguments.iter().position(|word| !is_box(word))
        {
            out.push(arguments.get(at..).unwrap_or_default().to_vec());
        }
    };
    let arguments = exec.argv.get(1..).unwrap_or_default();
    add(&exec.program, arguments);
    // A program of many names does what the one says by which it is called.
    if let Some(name) = exec.argv.first() {
        add(name, arguments);
    }
    for name in &exec.names {
        add(name, arguments);
    }
    if let Some(script) = &exec.script {
        add(&script.path, &script.arguments);
        for name in &script.names {
            add(name, &script.arguments);
        }
        // An interpreter that is a script itself: its command lies between.
        let end = arguments.len().saturating_sub(script.arguments.len() + 1).min(BETWEEN);
        for start in 0..end {
            if let Some((name, rest)) = arguments.get(start..).and_then(<[_]>::split_first) {
                add(name, rest);
            }
        }
    }
    for loaded in &exec.loads {
        for name in &loaded.names {
            add(name, &loaded.arguments);
        }
    }
    if exec.is_loader() {
        for start in Exec::loaded(arguments)? {
            if let Some((name, rest)) = arguments.get(start..).and_then(<[_]>::split_first) {
                add(name, rest);
            }
        }
    }
    (out.len() <= MOST).then_some(out)
}

fn words_of(name: &str, arguments: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(arguments.iter().cloned()).collect()
}

/// The rule that surely names this command, or (`through`) something that it starts.
fn named(rules: &Rules, words: &[String], through: bool, whole: bool) -> Option<(usize, String)> {
    let line = if through {
        palisade_shell::of_program(words, &Known::default())
    } else {
        let words = words.iter().map(Field::text).collect();
        let command = Command { words, certain: true, ..Command::default() };
        Line { commands: vec![command], ..Line::default() }
    };
    for command in line.all() {
        if let Found::Sure { rule, what } = pattern_found(rules, command) {
            return Some((rule, what));
        }
    }
    if whole { None } else { cut_off(rules, words) }
}

/// What is not read of the arguments may be what a rule looks for.
fn cut_off(rules: &Rules, words: &[String]) -> Option<(usize, String)> {
    let name = words.first()?;
    let base = name.rsplit('/').next().unwrap_or(name);
    for name in [name.as_str(), base] {
        let mut fields: Vec<Field> = vec![Field::text(name)];
        fields.extend(words.iter().skip(1).map(Field::text));
        fields.push(Field::unknown());
        let text = CommandText::new(&fields, false);
        for rule in rules.for_word(&[name]) {
            let Some(What::Command(pattern)) = rules.get(rule).map(|rule| &rule.rule.what) else {
                continue;
            };
            if pattern.possibly(&text) {
                let what = format!("`{}` has more arguments than are read", shown(name));
                return Some((rule, what));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
