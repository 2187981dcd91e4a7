use std::collections::HashMap;

use palisade_core::{Decision, ToolInput};

use super::{Found, has_value, likeness::Likeness, shown};
use crate::{
    List, Place, Rule, RuleError, Written,
    hosts::host_of,
    path_rule::{PathRules, patterns},
    rule::{ToolName, What},
    tools::{known_like, rule_as_clients_spell},
};

/// A rule with its text.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) written: Written,
    pub(crate) rule: Rule,
}

/// The rules of one list, by what they are about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Compiled>,
    /// Rules for whole tools of a plain name.
    tools: HashMap<String, usize>,
    /// Rules for whole tools by a pattern.
    tool_patterns: Vec<usize>,
    /// Of these, in a list that refuses, those of servers that clients spell otherwise.
    spelled_patterns: Vec<(String, usize)>,
    /// In a list that refuses: what tools may be called besides.
    likeness: Likeness,
    /// Patterns of commands by their first word.
    by_word: HashMap<String, Vec<usize>>,
    /// The first rule about single commands.
    first_command: Option<usize>,
    /// Commands that rules name as they are, by their text.
    exact: HashMap<String, usize>,
    /// Patterns of commands that may begin with any word.
    any_word: Vec<usize>,
    pub(crate) reads: PathRules,
    pub(crate) edits: PathRules,
    /// Rules for single values, hosts and names.
    others: Vec<usize>,
}

impl Rules {
    pub(crate) fn new(
        written: Vec<Written>,
        list: List,
        place: &Place,
        wrong: &mut Vec<(Written, RuleError)>,
    ) -> Self {
        let mut out = Self::default();
        let (mut reads, mut edits) = (Vec::new(), Vec::new());
        for written in written {
            let rule = match Rule::parse(&written.text, list) {
                Ok(rule) => rule,
                Err(why) => {
                    wrong.push((written, why));
                    continue;
                }
            };
            let index = out.all.len();
            if list != List::Allow {
                out.likeness.add(&rule, index);
                if let (What::All, ToolName::Exact(name) | ToolName::Pattern(name)) =
                    (&rule.what, &rule.tool)
                    && let Some(spelled) = rule_as_clients_spell(name)
                {
                    if name.contains('*') {
                        out.spelled_patterns.push((spelled, index));
                    } else {
                        out.tools.entry(spelled).or_insert(index);
                    }
                }
            }
            match (&rule.what, &rule.tool) {
                (What::All, ToolName::Exact(name)) => {
                    out.tools.entry(name.clone()).or_insert(index);
                }
                (What::All, ToolName::Pattern(_)) => out.tool_patterns.push(index),
                (What::Command(pattern), _) => {
                    out.first_command.get_or_insert(index);
                    if pattern.is_exact() {
                        out.exact.entry(pattern.text().to_owned()).or_insert(index);
                    }
                    match pattern.first_word() {
                        Some(word) => out.by_word.entry(word).or_default().push(index),
                        None => out.any_word.push(index),
                    }
                }
                (What::Path(text), tool) => match patterns(text, &written, list, place) {
                    Ok(globs) => {
                        let is_edit = *tool == ToolName::Exact("Edit".into());
                        if is_edit {
                            edits.push((index, globs))
                        } else {
                            reads.push((index, globs))
                        }
                    }
                    Err(why) => {
                        wrong.push((written, why));
                        continue;
                    }
                },
                (What::Host(_) | What::Parameter { .. } | What::Name(_), _) => {
                    out.others.push(index);
                }
            }
            out.all.push(Compiled { written, rule });
        }
        for (rules, into) in [(reads, &mut out.reads), (edits, &mut out.edits)] {
            match PathRules::new(rules) {
                Ok(rules) => *into = rules,
                Err(why) => {
                    let written = out.all.first().map(|rule| rule.written.clone());
                    let none = || Written { text: String::new(), at: None, base: "/".into() };
                    wrong.push((written.unwrap_or_else(none), why));
                }
            }
        }
        out
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Compiled> {
        self.all.get(index)
    }

    /// Rules for commands that may begin with one of these words; all of them, if it is not known with which.
    pub(crate) fn for_word(&self, words: &[&str]) -> Vec<usize> {
        let mut out: Vec<usize> = self.any_word.clone();
        if words.is_empty() {
            out.extend(self.by_word.values().flatten());
        } else {
            for word in words {
                out.extend(self.by_word.get(*word).into_iter().flatten());
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Rules for commands that begin with this word and no other.
    pub(crate) fn beginning_with(&self, word: &str) -> &[usize] {
        self.by_word.get(word).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a rule is about single commands.
    pub(crate) fn has_commands(&self) -> bool {
        self.first_command.is_some()
    }

    /// The rule that is this very command.
    pub(crate) fn exactly(&self, text: &str) -> Option<usize> {
        self.exact.get(text.trim()).copied()
    }

    /// A rule about single commands, if there is one.
    pub(crate) fn any_command_rule(&self) -> Option<usize> {
        self.first_command
    }

    /// A rule about paths, if there is one.
    pub(crate) fn first_of_paths(&self) -> Option<usize> {
        self.reads.first_rule().or_else(|| self.edits.first_rule())
    }

    /// A rule, if there is one.
    pub(super) fn any(&self) -> Option<usize> {
        (!self.all.is_empty()).then_some(0)
    }

    /// A rule that a command may fall under that cannot be read.
    pub(super) fn any_about_commands(&self) -> Option<usize> {
        let paths = self.all.iter().position(|rule| matches!(rule.rule.what, What::Path(_)));
        self.any_command_rule().or(paths)
    }

    /// A rule that a call of a tool may fall under whose input is not understood.
    pub(super) fn any_of(&self, names: &[String]) -> Option<usize> {
        self.all.iter().position(|rule| {
            names.iter().any(|name| rule.rule.tool.matches(name))
                || matches!(rule.rule.what, What::Path(_))
        })
    }

    pub(super) fn whole_tool(&self, names: &[String]) -> Option<usize> {
        let exact = names.iter().filter_map(|name| self.tools.get(name).copied()).min();
        exact
            .or_else(|| {
                self.tool_patterns.iter().copied().find(|index| {
                    let rule = self.get(*index);
                    rule.is_some_and(|rule| names.iter().any(|name| rule.rule.is_for_all_of(name)))
                })
            })
            .or_else(|| {
                let fits =
                    |pattern: &str| names.iter().any(|name| palisade_core::glob(pattern, name));
                self.spelled_patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, at)| *at)
            })
    }

    /// A rule that may be about this tool, which is none that is known, by another name.
    pub(super) fn like(&self, tool: &str, input: &ToolInput) -> Option<usize> {
        self.likeness.find(tool, known_like(tool), |at| {
            self.get(at).is_some_and(|rule| has_value(&rule.rule.what, input))
        })
    }

    fn others_of(&self, names: &[String]) -> impl Iterator<Item = (usize, &What)> {
        self.others.iter().filter_map(move |index| {
            let rule = &self.get(*index)?.rule;
            names.iter().any(|name| rule.tool.matches(name)).then_some((*index, &rule.what))
        })
    }

    pub(super) fn parameter(&self, names: &[String], input: &ToolInput) -> Option<usize> {
        self.others_of(names).find(|(_, what)| has_value(what, input)).map(|(index, _)| index)
    }

    pub(super) fn name(&self, names: &[String], name: Option<&str>) -> Found {
        for (rule, what) in self.others_of(names) {
            let What::Name(pattern) = what else { continue };
            let Some(name) = name else {
                return Found::Perhaps { rule, why: "the call does not say which it means".into() };
            };
            let fits = match pattern.strip_suffix(" *") {
                Some(start) => name == start || name.starts_with(&format!("{start} ")),
                None => palisade_core::glob(pattern, name),
            };
            if fits {
                return Found::Sure { rule, what: format!("it means `{}`", shown(name)) };
            }
        }
        Found::No
    }

    pub(super) fn hosts(&self, urls: &[String]) -> Found {
        let mut doubt = Found::No;
        let names = ["WebFetch".to_owned()];
        for (rule, what) in self.others_of(&names) {
            let What::Host(pattern) = what else { continue };
            for url in urls {
                match host_of(url) {
                    Some(host) if pattern.matches(&host) => {
                        return Found::Sure { rule, what: format!("it fetches from {host}") };
                    }
                    Some(_) => {}
                    None => {
                        let why = format!("the host of `{}` cannot be told", shown(url));
                        doubt = Found::Perhaps { rule, why };
                    }
                }
            }
        }
        doubt
    }

    /// Whether each of these URLs is of a host that a rule names.
    pub(super) fn permits_all(&self, urls: &[String]) -> bool {
        urls.iter().all(|url| matches!(self.hosts(std::slice::from_ref(url)), Found::Sure { .. }))
    }

    /// What a rule of this list decides.
    pub(crate) fn decision(&self, list: List, rule: usize, what: &str) -> Decision {
        let (name, shown) = self.named(list, rule);
        match list {
            List::Deny => Decision::deny_by(name, format!("{shown} refuses this: {what}")),
            List::Ask => Decision::ask(name, format!("{shown} has this asked: {what}")),
            List::Allow => Decision::allow(name, format!("{shown} permits this: {what}")),
        }
    }

    /// What a rule decides that may name a call.
    pub(super) fn doubt(&self, list: List, rule: usize, why: &str) -> Decision {
        let (name, shown) = self.named(list, rule);
        Decision::ask(name, format!("{why}, so {shown} may be about this"))
    }

    fn named(&self, list: List, rule: usize) -> (String, String) {
        let Some(rule) = self.get(rule) else {
            return (format!("permissions.{}", list.as_str()), "a rule".into());
        };
        let text = &rule.written.text;
        let shown = match &rule.written.at {
            Some(at) => format!("`{text}` ({at})"),
            None => format!("`{text}`"),
        };
        (format!("permissions.{}[{text}]", list.as_str()), shown)
    }
}
