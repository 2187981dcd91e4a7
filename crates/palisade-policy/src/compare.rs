//! What is different between two policies, for whoever has to agree to a change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::{
    explain::{Explained, ONLY_REFUSES, explain},
    policy::Policy,
};

/// What of a policy gives something: one more is more, one less is less.
const GIVES: [&str; 13] = [
    "commands",
    "credentials",
    "filesystem.read",
    "filesystem.write",
    "inference.providers",
    "inference.routes",
    "network.expose",
    "network.hosts",
    "network.rules",
    "permissions.allow",
    "process.environment.pass",
    "process.syscalls.allow",
    "skills.policies",
];

/// What takes something away, or asks for it first.
const TAKES: [&str; 8] = [
    "alarms.rules",
    "filesystem.deny",
    "inference.limits",
    "permissions.ask",
    "permissions.deny",
    "process.limits",
    "process.syscalls.deny",
    "taint.ask",
];

const ROUTES: &str = "inference.routes";

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Direction {
    /// The new one permits what the old one does not.
    Wider,
    /// The new one permits less.
    Narrower,
    /// It has to be read: a value is another one, or the order of rules.
    Other,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The rule, as [`explain()`] names it, or the part of the document.
    pub rule: String,
    /// Which way it goes.
    pub direction: Direction,
    /// What the old policy says; nothing if it has no such rule.
    pub old: Option<String>,
    /// What the new policy says; nothing if it has no such rule.
    pub new: Option<String>,
}

/// Each rule that one of two policies has and the other has not, or has otherwise. Empty exactly if both
/// mean the same: a part in which no rule tells the difference is named as a whole.
pub fn compare(old: &Policy, new: &Policy) -> Vec<Change> {
    let (before, after) = (explain(old), explain(new));
    let mut gone = without(&before, &after);
    let mut found = Vec::new();
    for rule in without(&after, &before) {
        let same = |other: &&Explained| other.rule == rule.rule && !is_numbered(&rule.rule);
        let old = gone.iter().position(same).map(|at| gone.remove(at).says.clone());
        let direction = if old.is_some() { Direction::Other } else { adds(rule) };
        let new = Some(rule.says.clone());
        found.push(Change { rule: rule.rule.clone(), direction, old, new });
    }
    found.extend(gone.into_iter().map(|rule| Change {
        rule: rule.rule.clone(),
        direction: match adds(rule) {
            Direction::Wider => Direction::Narrower,
            Direction::Narrower => Direction::Wider,
            Direction::Other => Direction::Other,
        },
        old: Some(rule.says.clone()),
        new: None,
    }));
    found.extend(reordered(&before, &after));
    let (before, after) = (parts(old), parts(new));
    let mut others: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    others.retain(|part| before.get(*part) != after.get(*part));
    // Where a limit stands in the document is told with it, and is no difference.
    found.retain(|change| others.iter().any(|part| belongs(&change.rule, part)));
    others.retain(|part| !found.iter().any(|change| belongs(&change.rule, part)));
    found.extend(others.into_iter().map(|part| as_a_whole(part)));
    found.sort_by(|a, b| (a.direction, &a.rule).cmp(&(b.direction, &b.rule)));
    found
}

/// Those that the others do not have, by what they say and in which list they are.
fn without<'a>(rules: &'a [Explained], others: &'a [Explained]) -> Vec<&'a Explained> {
    let mut left: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for other in others {
        *left.entry((list(&other.rule), &other.says)).or_default() += 1;
    }
    let mut own = Vec::new();
    for rule in rules {
        match left.get_mut(&(list(&rule.rule), rule.says.as_str())) {
            Some(count) if *count > 0 => *count -= 1,
            _ => own.push(rule),
        }
    }
    own
}

/// Lists of which the first that matches counts, and in which what is in both stands in another order.
fn reordered(before: &[Explained], after: &[Explained]) -> Vec<Change> {
    let lists: BTreeSet<&str> = after.iter().map(|rule| list(&rule.rule)).collect();
    let ordered = lists.into_iter().filter(|list| list.ends_with(".http") || *list == ROUTES);
    let shared = |rules: &[Explained], others: &[Explained], of: &str| -> Vec<String> {
        let has = |rule: &&Explained| list(&rule.rule) == of;
        let known: BTreeSet<&str> = others.iter().filter(has).map(|rule| &*rule.says).collect();
        let both = rules.iter().filter(has).filter(|rule| known.contains(&*rule.says));
        both.map(|rule| rule.says.clone()).collect()
    };
    let mut found = Vec::new();
    for of in ordered {
        let (old, new) = (shared(before, after, of), shared(after, before, of));
        if old != new {
            let (old, new) = (Some(old.join("; ")), Some(new.join("; ")));
            found.push(Change { rule: of.to_owned(), direction: Direction::Other, old, new });
        }
    }
    found
}

/// The list that a rule is in: a number at the end is no name.
fn list(rule: &str) -> &str {
    match rule.rsplit_once('[') {
        Some((list, _)) if is_numbered(rule) => list,
        _ => rule,
    }
}

fn is_numbered(rule: &str) -> bool {
    let number = rule.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// What one more such rule does.
fn adds(rule: &Explained) -> Direction {
    let is_of = |list: &str| {
        let rest = rule.rule.strip_prefix(list);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    // Rules for requests refuse as well, and limits of a rule are a part of it.
    let refuses = rule.says.starts_with("deny ") || rule.says.starts_with(ONLY_REFUSES);
    let takes = TAKES.iter().any(|list| is_of(list))
        || rule.rule.starts_with("network.rules[") && (refuses || rule.rule.ends_with(".limits"));
    match (takes, GIVES.iter().any(|list| is_of(list))) {
        (true, _) => Direction::Narrower,
        (_, true) => Direction::Wider,
        _ => Direction::Other,
    }
}

/// A part in which no rule tells what is different.
fn as_a_whole(part: &str) -> Change {
    Change { rule: part.to_owned(), direction: Direction::Other, old: None, new: None }
}

/// What the digest is of, by the parts of the document.
fn parts(policy: &Policy) -> BTreeMap<String, Value> {
    serde_json::from_str(&policy.meaning()).unwrap_or_default()
}

/// Whether a rule is of a part as the digest has it.
fn belongs(rule: &str, part: &str) -> bool {
    let lists: &[&str] = match part {
        "workspace" => &["filesystem.workspace"],
        "grants" => &["filesystem.read", "filesystem.write"],
        "deny" => &["filesystem.deny"],
        "hosts" => &["network.hosts"],
        "expose" => &["network.expose"],
        "rules" => &["network.rules", "commands"],
        "ask" => &["network.unknown"],
        "credentials" | "ssh" => &["credentials"],
        "upstream" => &["network.upstream"],
        "later" => &[],
        other => &[other],
    };
    lists.iter().any(|list| rule.starts_with(list))
}
